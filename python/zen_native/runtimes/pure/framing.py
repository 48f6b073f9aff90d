"""Framings: bytes to frames, independent of how the bytes were cut.

Owns the registry, and what is the same for every framing: a byte order mark at offset 0 is dropped, and nothing is
read or kept after a stop, a failure or the end. How frames are found in the bytes is each framing's own file.
Twin of `rust/core/src/framing.rs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from zen_native.errors import LLMError
from zen_native.runtimes.pure.document import Collector
from zen_native.runtimes.pure.eventstream import EventStreamReader
from zen_native.runtimes.pure.frame import Frame, Limits
from zen_native.runtimes.pure.json_array import JsonArrayReader
from zen_native.runtimes.pure.lead import Mark
from zen_native.runtimes.pure.sse import SseReader

__all__ = ["FRAMINGS", "Framing", "new_framing"]


class Reader(Protocol):
    """How one framing finds frames in bytes."""

    def read(self, data: bytes) -> Iterable[Frame]:
        """Frames that the next bytes complete."""
        ...

    def end(self) -> Iterable[Frame]:
        """Frames that the end of the body completes."""
        ...


FRAMINGS: dict[str, Callable[[Limits, Callable[[str], None]], Reader]] = {
    "document": lambda limits, _: Collector(limits),
    "eventstream": lambda limits, _: EventStreamReader(limits),
    "json-array": JsonArrayReader,
    "sse": SseReader,
}


class Framing:
    """Cuts one body into frames. Who stops iterating is done with it."""

    __slots__ = ("_mark", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._mark = Mark()
        self._reader: Reader | None = reader  # gone once nothing more is to be read, and with it all that it held

    def feed(self, data: bytes) -> Iterable[Frame]:
        """Frames that the next bytes complete."""
        if not self._mark.over:
            data = self._mark.strip(data)
        reader = self._reader
        if reader is None or not data:
            return ()
        try:
            frames = reader.read(data)
        except LLMError:
            self._reader = None
            raise
        return self._guarded(frames) if frames else ()  # most small reads complete none

    def finish(self) -> Iterator[Frame]:
        """Frames that the end of the body completes."""
        yield from self.feed(self._mark.finish())
        reader, self._reader = self._reader, None
        if reader is not None:
            yield from reader.end()

    def _guarded(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        try:
            yield from frames
        except (LLMError, GeneratorExit):
            self._reader = None
            raise


def new_framing(name: str, limits: Limits, warn: Callable[[str], None]) -> Framing:
    """The framing of that name at offset 0; the caller has checked it."""
    return Framing(FRAMINGS[name](limits, warn))
