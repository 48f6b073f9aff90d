"""Framing `json-array`: one JSON array whose elements are the events, as Google sends without `alt=sse`.

Source: RFC 8259 for the array itself; the inside of an element is only followed (strings, escapes, depth), its
reader judges it. An element is yielded with its last byte; that of a number, `true`, `false` or `null` shows by the
byte after it. Between elements exactly one comma and white space are allowed. Bytes after the closing bracket are
ignored with a warning. A body that does not begin with `[` is yielded whole at its end. Owns no meaning of elements.

Reads are scanned in slices, so that the work of one regular expression is bounded.
Twin of `rust/core/src/json_array.rs`.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from zen_native.errors import decode_error
from zen_native.runtimes.pure.document import Collector
from zen_native.runtimes.pure.frame import Frame, Limits, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["JsonArrayReader"]

_Mode = Literal["lead", "first", "element", "nested", "scalar", "separator", "closed", "document"]
"""What comes next, in this order: the first byte; an element or the end; an element; the rest of an object, an array
or a string; the rest of a number or a word; a comma or the end; white space; the rest of a body that is no array."""

_SLICE: Final = 64 << 10

_NOT_BLANK: Final = re.compile(rb"[^ \t\r\n]")
_STRING_STOP: Final = re.compile(rb'["\\]')
_NO_STRUCTURE: Final = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*"[^"{}\[\]]*+)*', re.DOTALL)
"""Whole strings and everything that neither opens nor closes."""
_SCALAR: Final = re.compile(rb"[0-9A-Za-z+.-]*")

_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
_OPENING: Final = frozenset(b"{[")
_NESTED_START: Final = frozenset(b'{["')
_SCALAR_START: Final = frozenset(b"-0123456789tfn")


class JsonArrayReader:
    """Reads the elements of a body that is an array."""

    __slots__ = (
        "_depth",
        "_document",
        "_escaped",
        "_held",
        "_in_string",
        "_limit",
        "_mode",
        "_warn",
        "_warned",
    )

    def __init__(self, limits: Limits, warn: Callable[[str], None]) -> None:
        self._limit = limits.max_event_bytes
        self._warn = warn
        self._warned = False
        self._mode: _Mode = "lead"
        self._document = Collector(limits)
        self._held = bytearray()
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def read(self, data: bytes) -> Iterable[Frame]:
        """Takes the next bytes of the body."""
        if len(data) <= _SLICE:
            return self._read_slice(data)
        return chain.from_iterable(self._read_slice(data[at : at + _SLICE]) for at in range(0, len(data), _SLICE))

    def end(self) -> Iterable[Frame]:
        """Takes the end of the body."""
        if self._mode == "document":
            return self._document.end()
        if self._mode in ("lead", "closed"):
            return ()
        raise decode_error("incomplete", "stream ended inside the JSON array")

    def _read_slice(self, data: bytes) -> Iterator[Frame]:
        at = 0
        while at < len(data):
            if self._mode == "nested" or self._mode == "scalar":
                end = self._scan_nested(data, at) if self._mode == "nested" else _scan_scalar(data, at)
                element = self._take_piece(data[at:] if end is None else data[at:end], whole=end is not None)
                if end is None:
                    return
                self._mode = "separator"
                yield Frame("event", "", element.decode("utf-8", "replace"))
                at = end
            elif self._mode == "document":
                yield from self._document.read(data[at:])
                return
            else:
                found = None if self._warned else _NOT_BLANK.search(data, at)
                if found is None:
                    return
                self._mode = self._next_mode(found[0][0])
                # An element and a document begin with this very byte.
                at = found.start() if self._mode in ("nested", "scalar", "document") else found.end()

    # Elements

    def _take_piece(self, piece: bytes, *, whole: bool) -> bytes | bytearray:
        """Adds to the element in progress, and gives it out when it is whole."""
        if len(self._held) + len(piece) > self._limit:
            raise too_large("array element", "max_event_bytes", self._limit)
        if whole and not self._held:
            return piece
        self._held += piece
        if not whole:
            return b""
        element, self._held = self._held, bytearray()
        return element

    def _scan_nested(self, data: bytes, at: int) -> int | None:
        """Where the element ends, if it does."""
        while at < len(data):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            if self._in_string:
                found = _STRING_STOP.search(data, at)
                if found is None:
                    return None
                at = found.start()
            elif self._depth:
                skipped = _NO_STRUCTURE.match(data, at)
                at = at if skipped is None else skipped.end()
                if at == len(data):
                    return None
            self._on_structure(data[at])
            at += 1
            if not self._depth and not self._in_string:
                return at
        return None

    def _on_structure(self, byte: int) -> None:
        if byte == _BACKSLASH:
            self._escaped = True
        elif byte == _QUOTE:
            self._in_string = not self._in_string
        else:
            self._depth += 1 if byte in _OPENING else -1

    # Between elements

    def _next_mode(self, byte: int) -> _Mode:
        """What a byte that is no white space leads to."""
        mode = self._mode
        if mode == "lead":
            return "first" if byte == ord("[") else "document"
        if mode == "closed":
            if not self._warned:
                self._warned = True
                self._warn("bytes after the end of the array were ignored")
            return "closed"
        if byte == ord("]") and mode in ("first", "separator"):
            return "closed"
        if byte == ord(",") and mode == "separator":
            return "element"
        if mode != "separator" and byte in _NESTED_START:
            return "nested"
        if mode != "separator" and byte in _SCALAR_START:
            return "scalar"
        raise decode_error("invalid-output", "response is not a JSON array")


def _scan_scalar(data: bytes, at: int) -> int | None:
    """Where the number or word ends; what may follow it is judged there."""
    found = _SCALAR.match(data, at)
    end = at if found is None else found.end()
    return None if end == len(data) else end
