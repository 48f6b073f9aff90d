"""Framing `document`: the whole body is one frame.

Owns the collecting of a body that is no stream, which the other framings use when they meet one. White space before
the first other byte is dropped. Knows nothing of JSON. Twin of `rust/core/src/document.rs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zen_native.runtimes.pure.frame import Frame, Limits, too_large
from zen_native.runtimes.pure.lead import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Collector"]


class Collector:
    """Holds a body until its end, up to a limit, and yields it as one frame; nothing for a body of white space."""

    __slots__ = ("_data", "_limit")

    def __init__(self, limits: Limits) -> None:
        self._data = bytearray()
        self._limit = limits.max_event_bytes

    def read(self, data: bytes) -> Iterable[Frame]:
        """Adds bytes; those before the first that is no white space are dropped. Yields nothing yet."""
        if not self._data:
            data = data.lstrip(BLANK)
        if len(self._data) + len(data) > self._limit:
            self._data = bytearray()
            raise too_large("document", "max_event_bytes", self._limit)
        self._data += data
        return ()

    def end(self) -> Iterator[Frame]:
        """Yields what was collected, if anything."""
        data, self._data = self._data, bytearray()
        if data:
            yield Frame("document", "", data.decode("utf-8", "replace"))
