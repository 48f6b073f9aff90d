"""Waiting and blocking for the two clients: the coroutines are one, what they wait on is not.

Owns `drive`, which runs a coroutine that never suspends. Everything of the synchronous client is such a coroutine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .transport.sleeping import Sleeper

if TYPE_CHECKING:
    from .transport.limits import Watch

__all__ = ["AsyncIo", "Io", "SyncIo", "drive", "other_event_loop"]

_T = TypeVar("_T")


class Io(Protocol):
    """What the logic needs besides a transport."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def pause(self, seconds: float, watch: Watch) -> None:
        """Wait. Who hangs up on that watch, from whatever thread or task, ends it."""
        ...

    async def blocking(self, call: Callable[[], _T], seconds: float | None = None) -> _T:
        """The result of something that may block for long.

        Raises:
            TimeoutError: it takes longer than that, and an event loop waits for it. Its thread goes on.
        """
        ...


class SyncIo:
    """Blocks the thread."""

    async def sleep(self, seconds: float) -> None:
        """See `Io`."""
        time.sleep(seconds)  # noqa: ASYNC251 - `drive` runs it, no event loop does

    async def pause(self, seconds: float, watch: Watch) -> None:
        """See `Io`."""
        sleeper = Sleeper()
        if _is_wanted(watch, sleeper.wake):
            sleeper.wait(seconds)

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

    async def pause(self, seconds: float, watch: Watch) -> None:
        """See `Io`."""
        if other_event_loop() is None:
            import asyncio

            told = asyncio.Event()
            if _is_wanted(watch, partial(_tell, asyncio.get_running_loop().call_soon_threadsafe, told.set)):
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await told.wait()
        else:
            import anyio

            event, token = anyio.Event(), sys.modules["trio"].lowlevel.current_trio_token()
            if _is_wanted(watch, partial(_tell, token.run_sync_soon, event.set)):
                with anyio.move_on_after(seconds):
                    await event.wait()

    async def blocking(self, call: Callable[[], _T], seconds: float | None = None) -> _T:
        """See `Io`."""
        if other_event_loop() is None:
            import asyncio

            async with asyncio.timeout(seconds):
                return await asyncio.to_thread(call)
        import anyio

        with anyio.fail_after(seconds):
            return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)


def _is_wanted(watch: Watch, wake: Callable[[], object]) -> bool:
    """Whether the wait that comes now is; `wake` ends it. Asked behind that: from then on nobody is missed."""
    watch.wake_by(wake)
    return watch.left() != 0


def _tell(call_soon: Callable[[Callable[[], object]], object], wake: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop is over, and nobody waits on it
        call_soon(wake)


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
