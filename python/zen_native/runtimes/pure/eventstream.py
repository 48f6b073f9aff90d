"""Framing `eventstream`: `application/vnd.amazon.eventstream`.

Source: Smithy, "Amazon Event Stream Specification". A frame is a prelude of twelve bytes (total length, header
length, CRC of those eight), headers, payload, and the CRC of all before it. The prelude is checked as soon as it is
there, sizes before anything is buffered, the message CRC always. Nothing is resynchronised by guess.

Choices: a frame without `:message-type` is an event if it has an `:event-type`; a payload's text that is not UTF-8
is replaced. A body that begins as a document (see `lead`) is yielded whole at its end, and one
that begins with other printable text is refused: a frame with such a first byte would have over 512 MiB. Owns no
meaning of event names or payloads.

Streams repeat a handful of header blocks, so what a small block says is remembered.
Twin of `rust/core/src/eventstream.rs`.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from zlib import crc32

from zen_native.errors import LLMError, decode_error
from zen_native.runtimes.pure.document import Collector
from zen_native.runtimes.pure.frame import Frame, FrameKind, Limits, too_large
from zen_native.runtimes.pure.header import HeaderValue, invalid, parse_headers
from zen_native.runtimes.pure.lead import BLANK, DOCUMENT, Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["EventStreamReader", "parse_frame"]

_PRELUDE_BYTES: Final = 12
_CRC_BYTES: Final = 4
_SMALLEST_FRAME: Final = _PRELUDE_BYTES + _CRC_BYTES
"""A frame without headers and payload."""

_PRELUDE: Final = Struct(">III")
_CRC: Final = Struct(">I")

# Frames


def _parse_prelude(data: bytes | bytearray, at: int, limits: Limits) -> tuple[int, int]:
    """Total and header length of the frame that begins at `at`."""
    total, headers, crc = _PRELUDE.unpack_from(data, at)
    if crc32(data[at : at + 8]) != crc:
        raise decode_error("checksum", "prelude checksum mismatch")
    if total < _SMALLEST_FRAME:
        raise invalid(f"frame length {total} is too small")
    if headers > total - _SMALLEST_FRAME:
        raise invalid(f"header length {headers} does not fit a frame of {total} bytes")
    if total > limits.max_frame_bytes:
        raise too_large("frame", "max_frame_bytes", limits.max_frame_bytes)
    if headers > limits.max_header_bytes:
        raise too_large("header block", "max_header_bytes", limits.max_header_bytes)
    return total, headers


def _split(frame: bytes, headers: int) -> tuple[bytes, bytes]:
    """Splits a whole frame into header block and payload."""
    if crc32(memoryview(frame)[:-_CRC_BYTES]) != _CRC.unpack_from(frame, len(frame) - _CRC_BYTES)[0]:
        raise decode_error("checksum", "message checksum mismatch")
    return frame[_PRELUDE_BYTES : _PRELUDE_BYTES + headers], frame[_PRELUDE_BYTES + headers : -_CRC_BYTES]


def parse_frame(data: bytes, limits: Limits) -> tuple[dict[str, HeaderValue], bytes, bytes]:
    """Reads one whole frame: its headers, its payload, and what follows it."""
    if len(data) < _PRELUDE_BYTES:
        raise _cut_frame()
    total, headers = _parse_prelude(data, 0, limits)
    if len(data) < total:
        raise _cut_frame()
    block, payload = _split(data[:total], headers)
    return parse_headers(block), payload, data[total:]


def _cut_frame() -> LLMError:
    return decode_error("incomplete", "stream ended inside a frame")


# Routing


class _Route(NamedTuple):
    """What the headers say a frame is: its kind, its name, and its data where that is no payload."""

    kind: FrameKind
    name: str
    data: str | None


_REMEMBERED_BLOCKS: Final = 32
_REMEMBERED_BYTES: Final = 512
"""How many header blocks are remembered, and how long one may be."""


def _parse_route(block: bytes, payload: bytes) -> _Route:
    headers = parse_headers(block)
    texts: dict[str, str] = {}
    for name in (":message-type", ":event-type", ":exception-type", ":error-code", ":error-message"):
        header = headers.get(name)
        if header is None:
            continue
        if not isinstance(header.value, str):
            raise invalid(f"header {name} is not a string")
        texts[name] = header.value
    message_type = texts.get(":message-type")
    if message_type == "event" or (message_type is None and ":event-type" in texts):
        return _Route("event", texts.get(":event-type", ""), None)
    if message_type == "exception":
        return _Route("exception", texts.get(":exception-type", ""), None)
    if message_type == "error":
        return _Route("error", texts.get(":error-code", ""), texts.get(":error-message", ""))
    said = "frame has no message type" if message_type is None else f"message type {message_type} is unknown"
    raise invalid(said, payload.decode("utf-8", "replace"))


_Mode = Literal["lead", "frames", "document", "text"]
"""How far the body is understood: `lead` is white space only so far, `text` is refused once its head is there."""


class EventStreamReader:
    """Reads the frames of a body."""

    __slots__ = ("_blank", "_document", "_head", "_held", "_limits", "_mode", "_prelude", "_routes")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._head = Head()
        self._mode: _Mode = "lead"
        self._blank = False
        self._document = Collector(limits)
        self._held = bytearray()
        self._prelude: tuple[int, int] | None = None
        self._routes: dict[bytes, _Route] = {}

    def read(self, data: bytes) -> Iterable[Frame]:
        """Takes the next bytes of the body."""
        self._head.note(data)
        if self._mode == "lead":
            data = self._read_lead(data)
        if self._mode == "frames":
            return self._read_frames(data)
        if self._mode == "document":
            return self._document.read(data)
        if self._mode == "text" and self._head.is_full():
            raise self._foreign()
        return ()

    def end(self) -> Iterable[Frame]:
        """Takes the end of the body."""
        if self._mode == "document":
            return self._document.end()
        if self._mode == "text":
            raise self._foreign()
        if self._mode == "frames" and self._held:
            raise _cut_frame()
        return ()

    # Before the first byte that says what the body is

    def _read_lead(self, data: bytes) -> bytes:
        rest = data.lstrip(BLANK)
        self._blank = self._blank or len(rest) < len(data)
        if not rest:
            return rest
        if rest[0] in DOCUMENT:
            self._mode = "document"
        elif self._blank or 0x21 <= rest[0] <= 0x7E:
            self._mode = "text"
        else:
            self._mode = "frames"
        return rest

    def _foreign(self) -> LLMError:
        return invalid("response is not an event stream", self._head.text())

    # Frames

    def _read_frames(self, data: bytes) -> Iterator[Frame]:
        at = 0
        size = len(data)
        while at < size:
            if self._held:
                at = self._read_held(data, at)
                if self._prelude is None or len(self._held) < self._prelude[0]:
                    continue
                frame, headers = bytes(self._held), self._prelude[1]
                self._held = bytearray()
            else:
                total, headers = _parse_prelude(data, at, self._limits) if size - at >= _PRELUDE_BYTES else (0, 0)
                if not 0 < total <= size - at:
                    self._prelude = (total, headers) if total else None
                    self._held += data[at:]
                    return
                frame = data[at : at + total]
                at += total
            self._prelude = None
            yield self._on_frame(frame, headers)

    def _read_held(self, data: bytes, at: int) -> int:
        """Adds to the frame in progress what it still needs: its prelude first, then all of it."""
        wanted = _PRELUDE_BYTES if self._prelude is None else self._prelude[0]
        end = min(len(data), at + wanted - len(self._held))
        self._held += data[at:end]
        if self._prelude is None and len(self._held) == _PRELUDE_BYTES:
            self._prelude = _parse_prelude(self._held, 0, self._limits)
        return end

    def _on_frame(self, frame: bytes, headers: int) -> Frame:
        block, payload = _split(frame, headers)
        route = self._routes.get(block)
        if route is None:
            route = _parse_route(block, payload)
            if len(block) <= _REMEMBERED_BYTES and len(self._routes) < _REMEMBERED_BLOCKS:
                self._routes[block] = route
        kind, name, data = route
        return Frame(kind, name, payload.decode("utf-8", "replace") if data is None else data)
