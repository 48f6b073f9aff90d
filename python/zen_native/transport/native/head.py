"""A request as bytes: the first line and the fields, in front of its body.

Owns that a request is one request: nothing in a name or a value can begin another line, and the length is the body's.
RFC 9112 sections 3 to 6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zen_native.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zen_native.transport.base import HttpRequest

    from .origin import Origin

__all__ = ["Head", "head_of", "is_last"]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIXED = frozenset({"content-length", "transfer-encoding", "trailer", "upgrade"})
"""Fields that say where a message ends, or that it is none of HTTP/1.1: no caller's word counts there."""


class Head(bytes):
    """The bytes of a head. They hold a key, and who is interrupted has them in the frames of the traceback, whose
    variables are shown and sent by many a tool: so the repr has none of them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<head of {len(self)} bytes>"

    __str__ = __repr__


def head_of(request: HttpRequest, origin: Origin, target: str) -> Head:
    """All of the request but its body.

    Raises:
        InvalidRequestError: a field cannot be sent, or is not the caller's to set.
    """
    length = str(len(request.body))
    lines = [f"{request.method} {target} HTTP/1.1", f"host: {origin.authority}"]
    for name, value in request.headers.items():
        lower = name.lower()
        _check(name, value)
        if lower == "host":
            lines[1] = f"host: {value}"
        elif lower not in _FIXED:
            lines.append(f"{name}: {value}")
        elif (lower, value) != ("content-length", length):
            raise InvalidRequestError(f"the header {name!r} is the transport's to set")
    lines.append(f"content-length: {length}\r\n\r\n")
    return Head("\r\n".join(lines).encode("ascii"))


def is_last(headers: Mapping[str, str]) -> bool:
    """Whether the request says that no other will follow it on its connection."""
    said = next((value for name, value in headers.items() if name.lower() == "connection"), "")
    return any(option.strip().lower() == "close" for option in said.split(","))


def _check(name: str, value: str) -> None:
    # Letters and dashes, as nearly all names are, take a fifth of the time that way.
    if not (name.isascii() and name.replace("-", "").isalnum()) and not _NAME.fullmatch(name):
        raise InvalidRequestError(f"{name[:100]!r} is not the name of a header")
    if not value.isascii() or not (value.isprintable() or value.replace("\t", " ").isprintable()):
        raise InvalidRequestError(f"the value of the header {name!r} is not printable ASCII")
