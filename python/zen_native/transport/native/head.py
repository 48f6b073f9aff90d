"""A request as bytes: the first line and the fields, in front of its body.

Owns that a request is one request: nothing in a name or a value can begin another line, and the length is the body's.
RFC 9112 sections 3 to 6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zen_native.errors import InvalidRequestError

from .origin import parted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zen_native.transport.base import HttpRequest

    from .origin import Origin

__all__ = ["Head", "Heads", "head_of", "is_last"]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIXED = frozenset({"content-length", "transfer-encoding", "trailer", "upgrade"})
"""Fields that say where a message ends, or that it is none of HTTP/1.1: no caller's word counts there."""
_MAX_KNOWN = 64


class Head(bytes):
    """The bytes of a head. They hold a key, and who is interrupted has them in the frames of the traceback, whose
    variables are shown and sent by many a tool: so the repr has none of them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<head of {len(self)} bytes>"

    __str__ = __repr__


class Heads:
    """Heads for one transport, which remembers those of requests that differ in their bodies alone. Usable from several
    threads."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        """By URL. They may hold keys, and end with the transport."""

    def of(self, request: HttpRequest) -> tuple[Origin, Head, bool]:
        """Whom the request goes to, all of it but its body, and whether no other will follow it on its connection.

        Raises:
            InvalidRequestError: a field cannot be sent, or is not the caller's to set.
            TransportError: the URL is none of http or https.
        """
        known = self._known.get(request.url)
        if known is not None and known.method == request.method and known.headers == request.headers:
            return known.origin, Head(b"%b%d\r\n\r\n" % (known.begin, len(request.body))), known.is_last
        origin, target = parted(request.url)
        head, last = head_of(request, origin, target), is_last(request.headers)
        if not any(name.lower() == "content-length" for name in request.headers):
            if len(self._known) >= _MAX_KNOWN:
                self._known = {}
            begin = Head(head[: head.rindex(b": ") + 2])
            self._known[request.url] = _Known(request.method, dict(request.headers), origin, begin, is_last=last)
        return origin, head, last


class _Known:
    """A head up to the length of the body, and what it was made of. It has no repr of its own."""

    __slots__ = ("begin", "headers", "is_last", "method", "origin")

    def __init__(self, method: str, headers: dict[str, str], origin: Origin, begin: Head, *, is_last: bool) -> None:
        self.method = method
        self.headers = headers
        self.origin = origin
        self.begin = begin
        self.is_last = is_last


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
