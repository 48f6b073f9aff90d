"""Framing `sse`: server-sent events.

Source: WHATWG HTML, 9.2.6 "Interpreting an event stream", with tolerance: a last event
without its blank line is yielded with a warning, and `id` and `retry` are ignored, since nothing here reconnects.
A body that begins with `{`, `[` or `<` is no stream and is yielded whole at its end.

Text is decoded per field value, never per read. Counted against `max_event_bytes`, byte for byte as they come: the
values of the event's data lines with one for each join, the value of its event line, and any other line that is no
comment while it lasts. Comments are neither held nor counted. Owns no meaning of names or data.

Each read is brought to LF line ends and split at once, in slices so that the list of lines stays small. The beginning
of a line is put before the next read while it is short, which costs less than to look at it piece by piece.
Twin of `rust/core/src/sse.rs`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from zen_native.errors import LLMError, decode_error
from zen_native.runtimes.pure.document import Collector
from zen_native.runtimes.pure.field import LONGEST_FIELD, is_undecided, split_field
from zen_native.runtimes.pure.frame import Frame, Limits, too_large
from zen_native.runtimes.pure.lead import BLANK, DOCUMENT, Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["SseReader"]

_Mode = Literal["lead", "stream", "document"]
"""How far the body is understood; `lead` is white space only so far."""

_Rest = Literal["held", "comment", "counted"]
"""What the rest of the line in progress is good for: it is kept, it is nothing, or only its length counts."""

_SHORT: Final = 4 << 10
"""Longest beginning of a line that is split again with the next read."""

_SLICE: Final = 64 << 10
"""Bytes split into lines at once: a hostile read of line ends alone makes no list larger than this."""


class SseReader:
    """Reads the events of a body."""

    __slots__ = (
        "_after_cr",
        "_data",
        "_document",
        "_foreign",
        "_head",
        "_indented",
        "_limit",
        "_line",
        "_mode",
        "_name",
        "_rest",
        "_rest_bytes",
        "_short",
        "_used",
        "_warn",
        "_yielded",
    )

    def __init__(self, limits: Limits, warn: Callable[[str], None]) -> None:
        self._limit = limits.max_event_bytes
        self._warn = warn
        self._head = Head()
        self._mode: _Mode = "lead"
        self._indented = False
        self._document = Collector(limits)
        self._after_cr = False
        self._short = b""
        self._line = bytearray()
        self._used: int | None = None  # bytes that count besides the held line's own, once its field is known
        self._rest: _Rest = "held"
        self._rest_bytes = 0
        self._name = b""
        self._data: bytes | bytearray | None = None
        self._yielded = False
        self._foreign = False

    def read(self, data: bytes) -> Iterable[Frame]:
        """Takes the next bytes of the body."""
        if not self._yielded:
            self._head.note(data)
        if self._mode != "stream":
            if self._mode == "lead":
                data = self._read_lead(data)
            if self._mode == "document":
                return self._document.read(data)
            if self._mode == "lead":
                return ()
        if len(data) <= _SLICE:
            return self._read_lines(data)
        return chain.from_iterable(self._read_lines(data[at : at + _SLICE]) for at in range(0, len(data), _SLICE))

    def end(self) -> Iterable[Frame]:
        """Takes the end of the body."""
        if self._mode == "lead":
            return ()
        return self._document.end() if self._mode == "document" else self._flush()

    # Before the first byte that says what the body is

    def _read_lead(self, data: bytes) -> bytes:
        body = data.lstrip(BLANK)
        blank = data[: len(data) - len(body)]
        if b"\n" in blank or b"\r" in blank:
            self._indented = False
        last_line = blank.replace(b"\r", b"\n").rpartition(b"\n")[2]
        self._indented = self._indented or bool(last_line)
        if not body:
            return b""
        if body[0] in DOCUMENT:
            self._mode = "document"
            return body
        self._mode = "stream"
        if self._indented:
            # Its field name begins with white space: no field at all.
            self._foreign = True
            self._skip("counted", 0)
        return body

    # Lines

    def _read_lines(self, data: bytes) -> Iterable[Frame]:
        lines = self._cut_lines(data)
        rest = lines.pop()
        if lines:
            return self._frames(lines, rest)
        self._keep(rest, len(self._name) + len(self._data or b""))
        return ()

    def _frames(self, lines: list[bytes], rest: bytes) -> Iterator[Frame]:
        name, value, limit = self._name, self._data, self._limit
        used = len(name) + len(value or b"")
        for line in lines:
            if not line:
                if value is not None:
                    self._yielded = True
                    yield Frame("event", name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
                name, value, used = b"", None, 0
                continue
            if line.startswith(b"data: "):  # nearly every line of a stream
                kind, text = "data", line[6:]
            else:
                kind, text = split_field(line)
            more = len(text) if kind != "data" or value is None else len(text) + 1
            if used + more > limit:
                raise self._too_large()
            if kind == "data":
                used += more
                value = text if value is None else _join(value, text)
            elif kind == "event":
                used += more - len(name)
                name = text
            elif kind == "foreign":
                self._foreign = True
        self._name, self._data = name, value
        if rest:
            self._keep(rest, used)

    def _cut_lines(self, data: bytes) -> list[bytes]:
        """Whole lines without their ends, the first with what was held of it; and last what has no end yet."""
        if self._short:
            data = self._short + data
            self._short = b""
        elif self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        if len(lines) > 1 and (self._line or self._rest != "held"):
            self._hold(lines[0])
            lines[0] = self._take_held_line()
        return lines

    # What outlives the bytes being fed

    def _keep(self, rest: bytes, used: int) -> None:
        """Takes the beginning of a line, or more of one. No line counts for more than its bytes: where these are
        within the limit, it is enough to count when the line is whole."""
        if len(rest) <= _SHORT and used + len(rest) <= self._limit and not self._line and self._rest == "held":
            self._short = rest
        else:
            self._hold(rest)

    def _hold(self, piece: bytes) -> None:
        """Takes a piece of a line whose end is not there yet."""
        if not piece:
            return
        if self._rest == "held":
            if self._used is None:
                self._hold_field(piece)
            else:
                self._line += piece
                if self._used + len(self._line) > self._limit:
                    raise self._too_large()
        elif self._rest == "counted":
            self._rest_bytes += len(piece)
            self._count(self._rest_bytes)

    def _hold_field(self, piece: bytes) -> None:
        """The first bytes tell whether the line is worth keeping."""
        line = self._line
        size = len(line) + len(piece)
        cut = max(0, LONGEST_FIELD - len(line))
        line += piece[:cut]
        start = bytes(line[:LONGEST_FIELD])
        if len(line) == len(start) and is_undecided(start):
            return
        kind, value = split_field(start)
        if kind == "comment":
            self._skip("comment", 0)
        elif kind == "data" or kind == "event":
            joined = kind == "data" and self._data is not None
            self._count(size - len(start) + len(value) + joined)
            line += piece[cut:]
            if len(start) == LONGEST_FIELD:
                self._used = len(self._name) + len(self._data or b"") - len(start) + len(value) + joined
        else:
            self._foreign = self._foreign or kind == "foreign"
            self._skip("counted", size)
            self._count(size)

    def _skip(self, rest: _Rest, size: int) -> None:
        self._line = bytearray()
        self._used = None
        self._rest = rest
        self._rest_bytes = size

    def _take_held_line(self) -> bytes:
        line = bytes(self._line) if self._rest == "held" else b":"
        self._skip("held", 0)
        return line

    def _count(self, more: int) -> None:
        """Refuses `more` bytes on top of the event's own."""
        if len(self._name) + len(self._data or b"") + more > self._limit:
            raise self._too_large()

    def _too_large(self) -> LLMError:
        return too_large("event", "max_event_bytes", self._limit)

    # The end of the body

    def _flush(self) -> Iterator[Frame]:
        self._after_cr = False
        if self._short or self._line or self._rest != "held":
            yield from self._read_lines(b"\n")
        if self._data is not None:
            self._warn("last event was not terminated by a blank line")
            yield from self._read_lines(b"\n")
        if self._foreign and not self._yielded:
            message = "response is not an event stream"
            raise decode_error("invalid-output", message, body=self._head.text())


def _join(data: bytes | bytearray, text: bytes) -> bytearray:
    """Adds a line in place, so that many of them cost no more than their bytes."""
    joined = data if isinstance(data, bytearray) else bytearray(data)
    joined += b"\n"
    joined += text
    return joined
