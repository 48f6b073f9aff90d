"""A recorded answer: from a file, or the bytes alone, and what its framing looks like.

Owns the form of an exchange file: a JSON object with `protocol`, `provider` and `response`, the latter with `status`,
`headers` and the body as `body_text` or `body_b64`. Owns no decoding.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from zen_native.runtimes.pure.names import DEFAULT_FRAMING

from .problem import UsageError

__all__ = ["Exchange", "parse_exchange", "sniff_framing"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded answer; request headers are never kept, they may hold a key."""

    id: str
    protocol: str | None
    provider: str | None
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    ask: Any = None
    """The request in our own form, where the file has it."""


def parse_exchange(data: bytes) -> Exchange | None:
    """The exchange that `data` is the file of; None where it is something else."""
    try:
        record: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    response: Any = _object(record).get("response")
    body = _body(_object(response))
    if body is None:
        return None
    said = cast("dict[str, Any]", record)
    request = _object(said.get("request"))
    status: Any = response.get("status")
    return Exchange(
        id=_text(said.get("id")) or "",
        protocol=_text(said.get("protocol")),
        provider=_text(said.get("provider")),
        url=_text(request.get("url")) or "",
        status=status if isinstance(status, int) else 200,
        headers={name: value for name, value in _object(response.get("headers")).items() if isinstance(value, str)},
        body=body,
        ask=said.get("ask"),
    )


def _body(response: Mapping[str, Any]) -> bytes | None:
    text, coded = response.get("body_text"), response.get("body_b64")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if not isinstance(coded, str):
        return None
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"body_b64 of the exchange is not base64: {error}") from None


def sniff_framing(head: bytes, protocol: str) -> str:
    """The framing that the first bytes of a body look like; content types are too often wrong."""
    if head[:1] == b"\0":  # the first byte of an EventStream's length
        return "eventstream"
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"[":
        return "json-array"
    if first == b"{":
        return "document"
    return "sse" if first else DEFAULT_FRAMING[protocol]


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
