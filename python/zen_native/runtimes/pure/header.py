"""Headers of an `eventstream` frame: names with values of ten types.

Source: Smithy, "Amazon Event Stream Specification". A repeated header's last value wins, as a repeated JSON key's
does; text that is not UTF-8, a header without a name and an unknown type are refused. Owns no frame and no meaning
of names. The number of headers is bounded by the size of the block, which its caller limits.
Twin of `rust/core/src/header.rs`.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, Literal, NamedTuple

from zen_native.errors import LLMError, decode_error

__all__ = ["HeaderType", "HeaderValue", "invalid", "parse_headers"]

_SIZE: Final = Struct(">H")

HeaderType = Literal["bool", "byte", "short", "int", "long", "bytes", "string", "timestamp", "uuid"]


class HeaderValue(NamedTuple):
    """The value of a header; a timestamp is milliseconds since 1970, a uuid its sixteen bytes."""

    type: HeaderType
    value: bool | int | bytes | str


_NUMBERS: Final[dict[int, tuple[HeaderType, Struct]]] = {
    2: ("byte", Struct(">b")),
    3: ("short", Struct(">h")),
    4: ("int", Struct(">i")),
    5: ("long", Struct(">q")),
    8: ("timestamp", Struct(">q")),
    9: ("uuid", Struct(">16s")),
}


def parse_headers(block: bytes) -> dict[str, HeaderValue]:
    """Reads a header block; the last value of a repeated name wins."""
    headers: dict[str, HeaderValue] = {}
    at = 0
    while at < len(block):
        size = block[at]
        if size == 0:
            raise invalid("header name is empty")
        raw, at = _take(block, at + 1, size)
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            raise invalid("header name is not UTF-8") from None
        kind, at = _take(block, at, 1)
        headers[name], at = _parse_value(kind[0], block, at)
    return headers


def _parse_value(kind: int, block: bytes, at: int) -> tuple[HeaderValue, int]:
    if kind <= 1:
        return HeaderValue("bool", kind == 0), at
    if kind in _NUMBERS:
        name, form = _NUMBERS[kind]
        raw, at = _take(block, at, form.size)
        return HeaderValue(name, form.unpack(raw)[0]), at
    if kind not in (6, 7):
        raise invalid(f"header type {kind} is unknown")
    raw, at = _take(block, at, _SIZE.size)
    raw, at = _take(block, at, _SIZE.unpack(raw)[0])
    if kind == 6:
        return HeaderValue("bytes", raw), at
    try:
        return HeaderValue("string", raw.decode()), at
    except UnicodeDecodeError:
        raise invalid("header value is not UTF-8") from None


def _take(block: bytes, at: int, size: int) -> tuple[bytes, int]:
    end = at + size
    if end > len(block):
        raise invalid("header block ends inside a header")
    return block[at:end], end


def invalid(message: str, body: str | None = None) -> LLMError:
    """The bytes are not what the format allows."""
    return decode_error("invalid-output", message, body=body)
