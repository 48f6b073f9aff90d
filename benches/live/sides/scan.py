"""Finding the times in a body, with nothing but `bytes.find`: the least that a client in Python can do."""

from __future__ import annotations

from typing import Any

from live.marks import MARK, STAMP

SKIP = len(MARK) - 1
WIDTH = SKIP + STAMP
TAIL = 64  # longer than a mark with its time


class Scan:
    """Gives every time in what is fed, once; they may be cut anywhere."""

    __slots__ = ("_tail", "rest", "seen")

    def __init__(self, seen: Any) -> None:
        self.seen = seen
        self.rest = b""
        """What came after the last time: the end of a body can be looked for in it."""
        self._tail = b""

    def feed(self, data: bytes | bytearray) -> None:
        """More of the body."""
        if self._tail:
            data = self._tail + data
        at, end = data.find(MARK), 0
        while at >= 0 and len(data) >= at + WIDTH:
            end = at + WIDTH
            self.seen(data[at + SKIP : end])
            at = data.find(MARK, end)
        self.rest = data[max(end, len(data) - TAIL) :]
        # What ends with a whole event needs not be kept.
        self._tail = b"" if self.rest.endswith((b"\n\n", b"\n\r\n")) else bytes(self.rest)
