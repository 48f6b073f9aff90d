"""Who runs the calls of one operation: tasks on the caller's asyncio loop, or on a loop of their own beside a caller
that has none, or one of trio.

Owns the bound on how many run at once, and that none outlives its operation. What one call does is `_tool_calls`'.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from threading import Thread, current_thread
from typing import Any, Protocol, TypeVar

from .errors import IncompleteStreamError
from .events import ToolResult

__all__ = ["AsyncCrew", "Crew", "Handle", "ThreadCrew", "Work"]

_CLEANUP_SECONDS = 1.0
"""How long closing waits for cancelled tools to clean up."""

_HUNG_UP = "the operation was closed while its tools ran"

_T = TypeVar("_T")

Work = Callable[[], Coroutine[Any, Any, ToolResult]]


class Handle(Protocol):
    """A call under way."""

    def done(self) -> bool:
        """Whether it is over."""
        ...

    def exception(self) -> BaseException | None:
        """What it failed with; only when it is over."""
        ...


class Crew(Protocol):
    """Runs calls. Those of a synchronous client never suspend the coroutine that waits for them."""

    def start(self, work: Work) -> Handle:
        """Begin as soon as there is room."""
        ...

    async def wait(self, handle: Any) -> ToolResult:
        """The result of a call, or what it raised."""
        ...

    async def settle(self, value: Awaitable[_T]) -> _T:
        """The value of what a hook returned."""
        ...

    async def close(self) -> None:
        """Cancel what runs, and wait a little for it to clean up. The crew can be used again."""
        ...

    def abandon(self) -> None:
        """Cancel, from a finalizer: at once, from any thread."""
        ...


class AsyncCrew:
    """Tasks where asyncio drives the operation, else a loop beside it."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._chosen: Crew | None = None

    def start(self, work: Work) -> Handle:
        """See `Crew`."""
        return self._crew().start(work)

    async def wait(self, handle: Any) -> ToolResult:
        """See `Crew`."""
        return await self._crew().wait(handle)

    async def settle(self, value: Awaitable[_T]) -> _T:
        """See `Crew`."""
        return await self._crew().settle(value)

    async def close(self) -> None:
        """See `Crew`."""
        if self._chosen is not None:
            await self._chosen.close()

    def abandon(self) -> None:
        """See `Crew`."""
        if self._chosen is not None:
            self._chosen.abandon()

    def _crew(self) -> Crew:
        if self._chosen is None:
            here = _TaskCrew if _is_asyncio() else _TrioCrew
            self._chosen = here(self._concurrency)
        return self._chosen


class _TaskCrew:
    def __init__(self, concurrency: int) -> None:
        self._room = asyncio.Semaphore(concurrency)
        self._tasks: set[asyncio.Task[ToolResult]] = set()

    def start(self, work: Work) -> asyncio.Task[ToolResult]:
        """See `Crew`."""
        task = asyncio.get_running_loop().create_task(_in_turn(self._room, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait(self, handle: asyncio.Task[ToolResult]) -> ToolResult:
        """See `Crew`."""
        try:
            return await handle
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if not handle.cancelled() or (waiting is not None and waiting.cancelling()):
                raise
            raise IncompleteStreamError(_HUNG_UP) from None

    async def settle(self, value: Awaitable[_T]) -> _T:
        """See `Crew`."""
        return await value

    async def close(self) -> None:
        """See `Crew`."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLEANUP_SECONDS)
            _seen(tasks)

    def abandon(self) -> None:
        """See `Crew`."""
        for task in list(self._tasks):
            with contextlib.suppress(RuntimeError):  # the loop is closed, and its tasks with it
                task.get_loop().call_soon_threadsafe(task.cancel)


class ThreadCrew:
    """An event loop in a thread, which is there from the first call until `close`."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._loop: _LoopThread | None = None
        self._room: asyncio.Semaphore | None = None

    def start(self, work: Work) -> Future[ToolResult]:
        """See `Crew`."""
        loop = self._running()
        if self._room is None:
            self._room = asyncio.Semaphore(self._concurrency)
        return loop.run(_in_turn(self._room, work))

    async def wait(self, handle: Future[ToolResult]) -> ToolResult:
        """See `Crew`."""
        try:
            return await self._blocking(handle.result)
        except CancelledError:
            raise IncompleteStreamError(_HUNG_UP) from None

    async def settle(self, value: Awaitable[_T]) -> _T:
        """See `Crew`."""
        return await self._blocking(self._running().run(_awaited(value)).result)

    async def close(self) -> None:
        """See `Crew`."""
        loop, self._loop, self._room = self._loop, None, None
        if loop is not None:
            loop.stop()
            if not loop.is_current:  # a tool may be what closes
                await self._joined(loop)

    def abandon(self) -> None:
        """See `Crew`."""
        if self._loop is not None:
            self._loop.stop()

    async def _blocking(self, call: Callable[[], _T]) -> _T:
        return call()

    async def _joined(self, loop: _LoopThread) -> None:
        loop.join(_CLEANUP_SECONDS)

    def _running(self) -> _LoopThread:
        if self._loop is None:
            self._loop = _LoopThread()
        return self._loop


class _TrioCrew(ThreadCrew):
    async def _blocking(self, call: Callable[[], _T]) -> _T:
        from anyio import to_thread

        return await to_thread.run_sync(call, abandon_on_cancel=True)

    async def _joined(self, loop: _LoopThread) -> None:
        from anyio import CancelScope, to_thread

        with CancelScope(shield=True):  # it may be that everything is being cancelled
            await to_thread.run_sync(loop.join, _CLEANUP_SECONDS)


class _LoopThread:
    def __init__(self) -> None:
        begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = Thread(target=asyncio.run, args=(_until_stopped(begun),), name="zen-native tools", daemon=True)
        self._thread.start()
        self._loop, self._end = begun.result()

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> Future[_T]:
        # The callback runs in a copy of the context of whoever calls this, and so does the task.
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is closed already
            self._loop.call_soon_threadsafe(self._end.set)

    @property
    def is_current(self) -> bool:
        return self._thread is current_thread()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)


def _is_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _until_stopped(begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    """Keep the loop until it is told to end; `asyncio.run` then cancels what is left."""
    end = asyncio.Event()
    begun.set_result((asyncio.get_running_loop(), end))
    await end.wait()


async def _in_turn(room: asyncio.Semaphore, work: Work) -> ToolResult:
    async with room:
        return await work()


async def _awaited(value: Awaitable[_T]) -> _T:
    return await value


def _seen(tasks: list[asyncio.Task[ToolResult]]) -> None:
    """Look at what failed, or asyncio reports that nobody did."""
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()
