"""Which thread may have a connection, where there is a limit: `Turns`, one after the other.

Owns the order, and that a turn reaches somebody who still waits. No locks but those that waiters sleep on: finalizers
give turns back, too, and may run while their own thread is in here. What two threads could both want to do is decided
by taking the only item of a deque.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Turns"]


class Turns:
    """As many at a time."""

    __slots__ = ("_free", "_queue")

    def __init__(self, most: int) -> None:
        self._free = deque[None]([None] * most)
        self._queue: deque[_Waiter] = deque()

    def left_over(self) -> int:
        """How many connections may be kept idle beside those in use, which count from their turn on."""
        return len(self._free)

    def take(self, seconds: Callable[[], float | None], wake_by: Callable[[Callable[[], object]], object]) -> bool:
        """Wait for a turn, for so many seconds; whether there was one. `wake_by` is told what ends the wait before:
        from then on somebody may, so that the seconds are asked for last."""
        waiter, served = _Waiter(), False
        wake_by(waiter.leave)
        try:
            self._queue.append(waiter)
            self._match()
            served = waiter.wait(seconds())
        except BaseException:  # Ctrl-C
            if waiter.leave():
                self.give()
            raise
        finally:
            if not served:
                with suppress(ValueError, RuntimeError):  # who gives a turn passes over it
                    self._queue.remove(waiter)
        return served

    def give(self) -> None:
        """The turn is over."""
        self._free.append(None)
        self._match()

    def _match(self) -> None:
        while self._free and self._queue:
            with suppress(IndexError):  # somebody else was quicker
                self._free.pop()
                if not self._serve():
                    self._free.append(None)

    def _serve(self) -> bool:
        while self._queue:
            with suppress(IndexError):
                if self._queue.popleft().settle(served=True):
                    return True
        return False


class _Waiter:
    __slots__ = ("_asleep", "_open", "_served")

    def __init__(self) -> None:
        self._open = deque[None]([None])
        self._served = False
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def settle(self, *, served: bool) -> bool:
        """End the wait. Whether nobody else had."""
        try:
            self._open.pop()
        except IndexError:
            return False
        self._served = served
        self._asleep.release()
        return True

    def leave(self) -> bool:
        """End the wait, without a turn. Whether it had come by then."""
        if self.settle(served=False):
            return False
        with self._asleep:  # until it is said who was quicker
            return self._served

    def wait(self, seconds: float | None) -> bool:
        """Whether there is a turn."""
        if self._asleep.acquire(timeout=-1 if seconds is None else seconds):
            self._asleep.release()
            return self._served
        return self.leave()
