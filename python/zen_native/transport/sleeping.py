"""How a thread waits so that another one may wake it, and Ctrl-C: `Sleeper`.

Owns what Ctrl-C cannot interrupt. Knows nothing of what is waited for.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HEARS_CTRL_C", "SLICE", "Sleeper", "slices"]

HEARS_CTRL_C = sys.platform != "win32"
"""Whether a thread that waits for the network or a lock does, however long it waits."""
SLICE = None if HEARS_CTRL_C else 0.1
"""Where it does not, no wait is longer."""


class Sleeper:
    """Of one thread, and one wait. Without a lock that who wakes it would have to wait for."""

    __slots__ = ("_asleep",)

    def __init__(self) -> None:
        self._asleep = Lock()
        self._asleep.acquire()

    def wake(self) -> None:
        """End the wait. May be called again, and before it."""
        with suppress(RuntimeError):
            self._asleep.release()

    def wait(self, seconds: float | None) -> None:
        """Until somebody ends that, so many seconds at most."""
        for piece in slices(seconds):
            if self._asleep.acquire(timeout=-1 if piece is None else piece):
                return


def slices(left: float | None) -> Iterator[float | None]:
    """Pieces of a wait of so many seconds."""
    if SLICE is None:
        yield left
        return
    until = float("inf") if left is None else time.monotonic() + left
    while (rest := until - time.monotonic()) > 0:
        yield min(rest, SLICE)
