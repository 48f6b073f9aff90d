"""Which thread may have a connection, where there is a limit: `Turns`, one after the other.

Owns the order, and that a turn reaches somebody who still waits. Nothing is lost where Ctrl-C, or another signal whose
handler raises, comes between any two steps: a turn is an object that is waiting or taken, not a count, and every step
may be done once more. Finalizers give turns back, too, and may run while their own thread is in here: the lock lets
them.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from sys import maxsize
from typing import TYPE_CHECKING

from zen_native.transport.sleeping import Sleeper

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Turn", "Turns"]


class Turns:
    """As many at a time."""

    __slots__ = ("_lock", "_most", "_queue", "_taken")

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: set[Turn] = set()
        self._queue: deque[Turn] = deque()
        self._lock = threading.RLock()
        """Nobody waits for anything while he has it."""

    def left_over(self) -> int:
        """How many connections may be kept idle beside those in use, which count from their turn on."""
        return max(0, self._most - len(self._taken))

    def take(
        self, seconds: Callable[[], float | None], wake_by: Callable[[Callable[[], object]], object]
    ) -> Turn | None:
        """Wait for a turn, for so many seconds; None where there was none. `wake_by` is told what ends the wait before:
        from then on somebody may, so that the seconds are asked for last."""
        turn = Turn()
        try:
            wake_by(turn.wake)
            with self._lock:
                self._queue.append(turn)
                self._serve()
            turn.wait(seconds())
            self._leave(turn)
            return turn if turn in self._taken else None
        except BaseException:  # Ctrl-C
            self._leave(turn)
            self.give(turn)
            raise

    def give(self, turn: Turn) -> None:
        """The turn is over, if it is not yet."""
        try:
            self._end(turn)
        except BaseException:  # Ctrl-C
            self._end(turn)
            raise

    def end(self) -> None:
        """Everybody may have one from now on."""
        self._most = maxsize
        self._serve()

    def _leave(self, turn: Turn) -> None:
        with self._lock, suppress(ValueError):  # it was served
            self._queue.remove(turn)

    def _end(self, turn: Turn) -> None:
        with self._lock:
            self._taken.discard(turn)
            self._serve()

    def _serve(self) -> None:
        """Those who wait, as far as there are turns: also the one with whom somebody was interrupted."""
        with self._lock:
            while self._queue:
                turn = self._queue[0]
                if turn not in self._taken:
                    if len(self._taken) >= self._most:
                        return
                    self._taken.add(turn)
                turn.wake()
                with suppress(ValueError):  # a finalizer has served it meanwhile
                    self._queue.remove(turn)


class Turn(Sleeper):
    """Of one thread."""

    __slots__ = ()
