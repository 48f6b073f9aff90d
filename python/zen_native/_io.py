"""Waiting and blocking for the two clients: the coroutines are one, what they wait on is not.

Owns `drive`, which runs a coroutine that never suspends. Everything of the synchronous client is such a coroutine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, Semaphore

__all__ = ["AsyncIo", "Io", "SyncIo", "drive", "in_own_thread", "other_event_loop"]

_T = TypeVar("_T")
_AT_A_TIME = 4


class Io(Protocol):
    """What the logic needs besides a transport."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def blocking(self, call: Callable[[], _T], seconds: float | None = None) -> _T:
        """The result of something that may block for long.

        Raises:
            TimeoutError: it takes longer than that, and an event loop waits for it. It goes on by itself.
        """
        ...


class SyncIo:
    """Blocks the thread."""

    async def sleep(self, seconds: float) -> None:
        """See `Io`."""
        time.sleep(seconds)  # noqa: ASYNC251 - `drive` runs it, no event loop does

    async def blocking(
        self,
        call: Callable[[], _T],
        seconds: float | None = None,  # noqa: ARG002 - a thread that blocks cannot be called away
    ) -> _T:
        """See `Io`."""
        return call()


class AsyncIo:
    """Lets asyncio or trio go on. On asyncio, where it is not needed, anyio is not imported."""

    async def sleep(self, seconds: float) -> None:
        """See `Io`."""
        if other_event_loop() is None:
            import asyncio

            await asyncio.sleep(seconds)
        else:
            import anyio

            await anyio.sleep(seconds)

    async def blocking(self, call: Callable[[], _T], seconds: float | None = None) -> _T:
        """See `Io`."""
        if other_event_loop() is None:
            import asyncio

            async with asyncio.timeout(seconds):
                return await in_own_thread(call)
        import anyio

        # As below: the limit on threads that all share may be used up.
        with anyio.fail_after(seconds):
            return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))


async def in_own_thread(call: Callable[[], _T]) -> _T:
    """The result, on asyncio. Not by the loop's executor: all of its threads may wait for this very client, as those do
    that block until a coroutine of the loop is done. These threads end with their calls, and no call waits for a loop;
    more than a few at a time would take the interpreter away from it."""
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        try:
            settle = partial(_settle, done.set_result, done, context.run(call))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            settle = partial(_settle, done.set_exception, done, error)
        with suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(settle)

    context = copy_context()
    turns = _TURNS.setdefault(loop, _Turns(asyncio.Semaphore(_AT_A_TIME)))
    turns.users += 1
    try:
        async with turns.semaphore:
            Thread(target=run, name="zen-native blocking").start()
            return await done
    finally:
        turns.users -= 1
        if not turns.users:
            del _TURNS[loop]


@dataclass(slots=True)
class _Turns:
    semaphore: Semaphore
    users: int = 0


_TURNS: dict[AbstractEventLoop, _Turns] = {}
"""Of loops that have such threads, and as long as they do."""


def _settle(end: Callable[[Any], None], done: Future[Any], value: object) -> None:
    if not done.done():  # else nobody waits any more
        end(value)


def other_event_loop() -> str | None:
    """What runs the calling task where that is not asyncio: trio. None where nothing does."""
    trio: Any = sys.modules.get("trio")
    if trio is None or not trio.lowlevel.in_trio_task():
        return None
    # Also in trio's guest mode, where asyncio's loop is running, too.
    return "trio"


def drive(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: _T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("an asynchronous transport in a synchronous client: it would have to wait for an event loop")
