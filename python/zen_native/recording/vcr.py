"""Cassettes of vcrpy: read as YAML or JSON, written on request.

Owns that form (https://vcrpy.readthedocs.io: `version: 1`, `interactions` with `request` and `response`), which has
whole bodies alone: no chunks, no times. Bodies that a serializer of the user has parsed (`parsed_body`) are read too.
YAML needs PyYAML, which vcrpy brings.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from .cassette import (
    MAX_INTERACTIONS,
    Body,
    Cassette,
    CassetteError,
    Interaction,
    RecordedRequest,
    RecordedResponse,
    body_of,
    object_of,
    whole,
)
from .redaction import clean_request
from .scan import check_no_secret

__all__ = ["parse_vcr", "read_yaml", "save_vcr"]


def read_yaml(data: bytes) -> Any:
    """A YAML document, with nothing but plain data in it."""
    yaml = _yaml()
    try:
        return yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise CassetteError(f"not YAML{where}") from None


def parse_vcr(data: Any) -> Cassette:
    """The cassette that a document of vcrpy holds.

    Raises:
        CassetteError: it holds none.
    """
    top = object_of(data, "the document")
    listed = top.get("interactions")
    if top.get("version") != 1 or not isinstance(listed, list):
        raise CassetteError("not a cassette of vcrpy: needs version 1 and a list of interactions")
    interactions = cast("list[object]", listed)
    if len(interactions) > MAX_INTERACTIONS:
        raise CassetteError(f"a cassette has at most {MAX_INTERACTIONS} interactions")
    read = tuple(_interaction(each, f"interactions[{index}]") for index, each in enumerate(interactions))
    return Cassette(interactions=read, foreign=True)


def save_vcr(cassette: Cassette, path: str | Path, secrets: Iterable[str] = ()) -> None:
    """Write the cassette as vcrpy would: YAML, or JSON where the file's name ends so. Chunks and times are lost.

    Raises:
        SecretFoundError: it holds a secret.
        CassetteError: the form cannot hold it: binary bodies in JSON.
    """
    from .files import write_text

    check_no_secret(cassette, secrets)
    known = Path(path)
    data = {"interactions": [_data(each) for each in cassette.interactions], "version": 1}
    if known.suffix.lower() != ".json":
        write_text(_yaml().safe_dump(data, allow_unicode=True, sort_keys=True), known)
        return
    try:
        write_text(json.dumps(data, indent=2) + "\n", known)
    except TypeError:
        raise CassetteError(f"{path}: JSON cassettes of vcrpy hold no binary bodies; name a .yaml file") from None


# --- reading


def _interaction(value: object, where: str) -> Interaction:
    both = object_of(value, where)
    request = object_of(both.get("request"), f"{where}.request")
    response = object_of(both.get("response"), f"{where}.response")
    return Interaction(_request(request, f"{where}.request"), _response(response, f"{where}.response"))


def _request(request: Mapping[str, Any], where: str) -> RecordedRequest:
    url = request.get("uri")
    if not isinstance(url, str) or not urlsplit(url).scheme:
        raise CassetteError(f"{where}.uri: must be an address")
    method, headers = str(request.get("method") or "GET"), _headers(request, where)
    if request.get("body") is None and "parsed_body" not in request:
        bare = clean_request(method, url, headers, b"", ())
        unknown = Body("none" if method.upper() in {"GET", "HEAD"} else "unknown")
        return RecordedRequest(method=bare.method, url=bare.url, headers=bare.headers, body=unknown)
    return clean_request(method, url, headers, _bytes(request, where), ())


def _response(response: Mapping[str, Any], where: str) -> RecordedResponse:
    status: object = response.get("status")
    code = response.get("status_code") if status is None else object_of(status, f"{where}.status").get("code")
    if not isinstance(code, int):
        raise CassetteError(f"{where}.status: must have a code")
    body = _bytes(response, where)
    headers = _headers(response, where)
    if "parsed_body" in response:
        headers.pop("content-encoding", None)
    return RecordedResponse(status=code, headers=headers, body=body, chunks=whole(body))


def _headers(side: Mapping[str, Any], where: str) -> dict[str, str]:
    headers = object_of(side.get("headers") or {}, f"{where}.headers")
    found: dict[str, str] = {}
    for name, value in headers.items():
        values = cast("list[object]", value) if isinstance(value, list) else [value]
        found[str(name).lower()] = ", ".join(each for each in values if isinstance(each, str))
    return found


def _bytes(side: Mapping[str, Any], where: str) -> bytes:
    if "parsed_body" in side:
        return json.dumps(side["parsed_body"], ensure_ascii=False).encode("utf-8", "surrogatepass")
    body: Any = side.get("body", side.get("content"))
    if isinstance(body, dict):
        inner = cast("dict[str, Any]", body)
        if isinstance(inner.get("base64_string"), str):
            return _decoded(inner["base64_string"], where)
        body = inner.get("string")
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    raise CassetteError(f"{where}.body: must be a text or bytes")


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise CassetteError(f"{where}.body: is not base64") from None


# --- writing


def _data(interaction: Interaction) -> dict[str, Any]:
    request, response = interaction.request, interaction.response
    return {
        "request": {
            "body": _body(request.body),
            "headers": {name: [value] for name, value in request.headers.items()},
            "method": request.method,
            "uri": request.url,
        },
        "response": {
            "body": {"string": _plain(response.body)},
            "headers": {name: [value] for name, value in response.headers.items()},
            "status": {"code": response.status, "message": ""},
        },
    }


def _body(body: Body) -> str | bytes | None:
    if body.kind == "json":
        return json.dumps(body.value, ensure_ascii=False)
    return cast("str | bytes | None", body.value)


def _plain(data: bytes) -> str | bytes:
    known = body_of(data, parse_json=False)
    return known.value if known.kind == "text" else data


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise CassetteError("cassettes in YAML need PyYAML") from None
    return yaml
