"""Which task may have a connection, where there is a limit: `Turns`, one after the other.

Owns the order, and that a turn reaches somebody who still waits. Those of threads are in `blocking_turns`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from zen_native.transport.choice import CLOSED

from .waiting import end_now

if TYPE_CHECKING:
    from zen_native.transport.limits import Watch

__all__ = ["Turns"]


class Turns:
    """Who may have a connection, where there is a limit: one after the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int | None) -> None:
        self._loop = loop
        self._free = most
        self._queue: deque[asyncio.Future[None]] = deque()

    def left_over(self, idle: int) -> int:
        """How many connections may be kept idle, of so many, beside those in use."""
        return idle if self._free is None else self._free

    def take_now(self) -> bool:
        """Take a turn, where there is one."""
        if self._free is None:
            return True
        if self._free > 0:
            self._free -= 1
            return True
        return False

    async def take(self, until: float | None, watch: Watch) -> None:
        """Wait for a turn, until then by the clock of the loop.

        Raises:
            PoolTimeoutError: there was none.
            RuntimeError: the client was closed.
        """
        if self.take_now():
            return
        turn: asyncio.Future[None] = self._loop.create_future()
        self._queue.append(turn)
        limit = asyncio.timeout_at(until)
        watch.wake_by(partial(end_now, limit))
        try:
            async with limit:
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give()  # it came at the same time as the end
            with suppress(ValueError):  # it is long until the next turn where a stream lasts
                self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise (watch.expired() if watch.is_over() else watch.no_turn()) from None
            raise

    def give(self) -> None:
        """The turn is over."""
        if self._free is None:
            return
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def end(self) -> None:
        """Nobody is served any more. On a loop that is closed nobody waits, and nobody could be told."""
        if self._loop.is_closed():
            self._queue.clear()
        for turn in self._queue:
            if not turn.done():
                turn.set_exception(RuntimeError(CLOSED))
