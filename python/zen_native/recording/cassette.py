"""What a cassette holds: interactions of one request and one answer, the answer as the chunks it came in.

Owns the form of a cassette as JSON data (`zen-native-cassette/1`) and its checks. Owns no file (`files`), no redaction.

    {"form": "zen-native-cassette/1", "recorded_at": "...", "interactions": [
      {"request": {"method", "url", "headers", "body" | "body_text" | "body_b64"},
       "response": {"status", "headers", "head_ms", "body_text" | "body_b64", "chunks": [[bytes, ms], ...], "end"}}]}

`body` is a JSON value; `body_text` is UTF-8, as one text or as its lines; anything else is base64. Lengths of chunks
are in bytes, and `ms` is the time since what came before. Without `chunks` the body came in one; without `end` it is
complete.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

__all__ = [
    "ENDED",
    "FORM",
    "MAX_BODY",
    "MAX_INTERACTIONS",
    "Body",
    "Cassette",
    "CassetteError",
    "Chunk",
    "End",
    "Interaction",
    "RecordedRequest",
    "RecordedResponse",
    "body_of",
    "object_of",
    "parse",
    "to_data",
    "whole",
]

FORM = "zen-native-cassette/1"
MAX_BODY = 32 << 20
MAX_INTERACTIONS = 10_000

End = Literal["complete", "cut", "failed", "closed"]
"""How an answer ended: by itself, before its own framing said so, by a failing connection, or because the reader wanted
no more."""
ENDED: Mapping[str, str] = {
    "cut": "the recorded answer was cut here",
    "failed": "the recorded connection failed here",
    "closed": "the recording ends here, for its reader had closed the answer",
}
"""What is said at the end of an answer that is not complete."""

BodyKind = Literal["none", "json", "text", "binary", "unknown"]


class CassetteError(Exception):
    """A cassette cannot be read, written or used."""


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request. `unknown` is one that the recording does not have: it equals every other."""

    kind: BodyKind = "none"
    value: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request without its secrets; names of headers are in small letters, and only harmless ones are kept."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Body = Body()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the body as it was read: its length, and the milliseconds since the one before."""

    length: int
    ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedResponse:
    """An answer, its body as it came over the wire."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)
    chunks: tuple[Chunk, ...] = ()
    head_ms: int = 0
    """Time to the head of the answer."""
    end: End = "complete"

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """The chunks with the time before each."""
        start = 0
        for chunk in self.chunks:
            yield self.body[start : start + chunk.length], chunk.ms
            start += chunk.length


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and its answer."""

    request: RecordedRequest
    response: RecordedResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """Interactions in the order in which they were begun."""

    interactions: tuple[Interaction, ...] = ()
    recorded_at: str | None = None
    foreign: bool = False
    """Of another recorder, which kept other headers: those it has not are not compared."""


def whole(body: bytes) -> tuple[Chunk, ...]:
    """The chunks of a body of which nobody knows how it was cut."""
    return (Chunk(len(body)),) if body else ()


def body_of(data: bytes, *, parse_json: bool = True) -> Body:
    """The body that these bytes are."""
    if not data:
        return Body()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Body("binary", data)
    if parse_json:
        try:
            return Body("json", json.loads(text))
        except (ValueError, RecursionError):
            pass
    return Body("text", text)


# --- to JSON


def to_data(cassette: Cassette) -> dict[str, Any]:
    """The cassette as JSON data."""
    data: dict[str, Any] = {"form": FORM}
    if cassette.recorded_at is not None:
        data["recorded_at"] = cassette.recorded_at
    data["interactions"] = [
        {"request": _request_data(each.request), "response": _response_data(each.response)}
        for each in cassette.interactions
    ]
    return data


def _request_data(request: RecordedRequest) -> dict[str, Any]:
    data: dict[str, Any] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    match request.body.kind:
        case "json":
            data["body"] = request.body.value
        case "text":
            data["body_text"] = request.body.value
        case "binary":
            data["body_b64"] = base64.b64encode(request.body.value).decode()
        case "unknown":
            data["body_unknown"] = True
        case "none":
            pass
    return data


def _response_data(response: RecordedResponse) -> dict[str, Any]:
    data: dict[str, Any] = {"status": response.status, "headers": dict(response.headers), "head_ms": response.head_ms}
    try:
        # By lines, so that a difference between two recordings can be read.
        data["body_text"] = _lines(response.body.decode())
    except UnicodeDecodeError:
        data["body_b64"] = base64.b64encode(response.body).decode()
    data["chunks"] = [[chunk.length, chunk.ms] for chunk in response.chunks]
    data["end"] = response.end
    return data


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


# --- from JSON


def parse(data: Any) -> Cassette:
    """The cassette that JSON data in this form holds.

    Raises:
        CassetteError: it holds none; the message says where it is wrong, and quotes no body.
    """
    top = object_of(data, "the document")
    if top.get("form") != FORM:
        raise CassetteError(f"form must be {FORM!r}")
    listed = _list(top.get("interactions"), "interactions")
    if len(listed) > MAX_INTERACTIONS:
        raise CassetteError(f"a cassette has at most {MAX_INTERACTIONS} interactions")
    recorded_at = top.get("recorded_at")
    return Cassette(
        interactions=tuple(_interaction(each, f"interactions[{index}]") for index, each in enumerate(listed)),
        recorded_at=recorded_at if isinstance(recorded_at, str) else None,
    )


def _interaction(value: object, where: str) -> Interaction:
    both = object_of(value, where)
    request = object_of(both.get("request"), f"{where}.request")
    return Interaction(
        RecordedRequest(
            method=_text(request, "method", f"{where}.request"),
            url=_text(request, "url", f"{where}.request"),
            headers=_headers(request, f"{where}.request"),
            body=_request_body(request, f"{where}.request"),
        ),
        _response(object_of(both.get("response"), f"{where}.response"), f"{where}.response"),
    )


def _request_body(request: Mapping[str, Any], where: str) -> Body:
    if request.get("body_unknown") is True:
        return Body("unknown")
    if "body" in request:
        return Body("json", request["body"])
    if "body_text" in request:
        return Body("text", _joined(request["body_text"], f"{where}.body_text"))
    if "body_b64" in request:
        return Body("binary", _decoded(request["body_b64"], f"{where}.body_b64"))
    return Body()


def _response(response: Mapping[str, Any], where: str) -> RecordedResponse:
    if ("body_text" in response) == ("body_b64" in response):
        raise CassetteError(f"{where}: needs a body_text or a body_b64")
    if "body_text" in response:
        body = _encoded(_joined(response["body_text"], f"{where}.body_text"), f"{where}.body_text")
    else:
        body = _decoded(response["body_b64"], f"{where}.body_b64")
    chunks = _chunks(response, body, where)
    if sum(chunk.length for chunk in chunks) != len(body):
        raise CassetteError(f"{where}.chunks: their lengths do not add up to the {len(body)} bytes of the body")
    end = response.get("end", "complete")
    if end not in get_args(End):
        raise CassetteError(f"{where}.end: must be one of {', '.join(get_args(End))}")
    return RecordedResponse(
        status=_number(response.get("status"), f"{where}.status"),
        headers=_headers(response, where),
        body=body,
        chunks=chunks,
        head_ms=_number(response.get("head_ms", 0), f"{where}.head_ms"),
        end=cast("End", end),
    )


def _chunks(response: Mapping[str, Any], body: bytes, where: str) -> tuple[Chunk, ...]:
    if "chunks" not in response:
        return whole(body)
    return tuple(_chunk(each, f"{where}.chunks") for each in _list(response["chunks"], f"{where}.chunks"))


def _chunk(value: object, where: str) -> Chunk:
    pair = _list(value, where)
    if len(pair) != 2:
        raise CassetteError(f"{where}: a chunk is a pair of length and milliseconds")
    return Chunk(_number(pair[0], where), _number(pair[1], where))


def object_of(value: object, where: str) -> Mapping[str, Any]:
    """The value, if it is a JSON object."""
    if not isinstance(value, dict):
        raise CassetteError(f"{where}: must be an object")
    return cast("Mapping[str, Any]", value)


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise CassetteError(f"{where}: must be a list")
    return cast("list[object]", value)


def _text(data: Mapping[str, Any], name: str, where: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise CassetteError(f"{where}.{name}: must be a text that is not empty")
    return value


def _number(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise CassetteError(f"{where}: must be a number that is not negative")
    return value


def _headers(data: Mapping[str, Any], where: str) -> dict[str, str]:
    headers = object_of(data.get("headers", {}), f"{where}.headers")
    if not all(isinstance(value, str) for value in headers.values()):
        raise CassetteError(f"{where}.headers: values must be texts")
    return {name.lower(): value for name, value in headers.items()}


def _joined(value: object, where: str) -> str:
    pieces = cast("list[object]", value) if isinstance(value, list) else [value]
    if not all(isinstance(piece, str) for piece in pieces):
        raise CassetteError(f"{where}: must be a text or a list of texts")
    return "".join(cast("list[str]", pieces))


def _encoded(text: str, where: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise CassetteError(f"{where}: holds half of a surrogate pair") from None


def _decoded(value: object, where: str) -> bytes:
    try:
        return base64.b64decode(cast("str", value), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise CassetteError(f"{where}: is not base64") from None
