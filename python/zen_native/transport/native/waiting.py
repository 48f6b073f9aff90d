"""What a task waits on while an answer comes: `Waiter`, once for a connection, and `Alarm`, one timer for a stream.

Owns how a task is resumed, and when its time is over. A future and a timer for each read would cost as much as the
read: a waiter is used again, and resumes its task in the very turn of the loop that brought the bytes; a timer that
goes off too early is set anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context

    from zen_native.transport.limits import Watch

__all__ = ["Alarm", "Waiter"]


class Waiter:
    """Future-like, as `asyncio.isfuture` has it, for one task at a time. `await` it after `expect()`."""

    __slots__ = ("_asyncio_future_blocking", "_callback", "_cancelled", "_context", "_error", "_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asyncio_future_blocking = False
        self._waiting = False
        self._callback: Callable[[Any], object] | None = None
        self._context: Context | None = None
        self._error: BaseException | None = None
        self._cancelled: tuple[object, ...] | None = None

    def expect(self) -> None:
        """Something is waited for from now on.

        Raises:
            RuntimeError: another task does already.
        """
        if self._waiting:
            raise RuntimeError("another task is waiting for the same stream")
        self._waiting = True

    @property
    def waiting(self) -> bool:
        """Whether somebody does."""
        return self._waiting

    # What the wire calls

    def done(self) -> bool:
        """Whether there is nobody to wake."""
        return not self._waiting

    def set_result(self, _: None) -> None:
        """Resume the task, now where no other one is running."""
        self._waiting = False
        callback = self._callback
        if callback is None:
            return  # it is not suspended yet, and will not be
        if asyncio.current_task(self._loop) is not None:
            self._later()
            return
        context, self._callback, self._context = self._context, None, None
        if context is None:
            callback(self)
        else:
            context.run(callback, self)

    def set_exception(self, error: BaseException) -> None:
        """Resume the task with that, if it waits."""
        if self._waiting:
            self._error = error
            self.set_result(None)

    # What a task calls

    def __await__(self) -> Generator[Waiter, None, None]:
        if self._waiting:
            self._asyncio_future_blocking = True
            try:
                yield self
            finally:
                self._waiting = False
        error, self._error = self._error, None
        if error is not None:
            raise error

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """See `asyncio.Future`."""
        return self._loop

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """See `asyncio.Future`; a task adds its own, and nobody else does."""
        self._callback, self._context, self._cancelled = callback, context, None
        if not self._waiting:
            self._later()

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """See `asyncio.Future`."""
        removed = int(self._callback == callback)
        if removed:
            self._callback = None
        return removed

    def cancel(self, msg: object = None) -> bool:
        """See `asyncio.Future`: the task is being cancelled."""
        if not self._waiting:
            return False
        self._waiting = False
        self._cancelled = () if msg is None else (msg,)
        self._later()
        return True

    def cancelled(self) -> bool:
        """See `asyncio.Future`."""
        return self._cancelled is not None

    def result(self) -> None:
        """See `asyncio.Future`."""
        if self._cancelled is not None:
            raise asyncio.CancelledError(*self._cancelled)

    def _later(self) -> None:
        callback, context = self._callback, self._context
        self._callback = self._context = None
        if callback is not None:
            self._loop.call_soon(callback, self, context=context)


class Alarm:
    """Ends a wait when its time is over. Its timer moves only when it goes off, or when other limits come into force;
    `heard` says how long ago anything came."""

    __slots__ = ("_changes", "_heard", "_loop", "_since", "_timer", "_waiter", "_watch", "late")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, watch: Watch, waiter: Waiter, heard: Callable[[], float]
    ) -> None:
        self._loop = loop
        self._watch = watch
        self._waiter = waiter
        self._heard = heard
        self._since = 0.0
        self._changes = -1
        self._timer: asyncio.TimerHandle | None = None
        self.late = False
        """Whether what may well not come did not come in time."""

    def begin(self) -> None:
        """A wait begins."""
        self._since = self._watch.clock()
        if self._changes != self._watch.changes:
            self._set(self._since)

    def stop(self) -> None:
        """No wait is to be ended any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, now: float) -> None:
        self.stop()
        self._changes = self._watch.changes
        due = self._watch.due(self._since)
        if due is not None:
            self._timer = self._loop.call_later(max(0.0, due - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._changes = -1
        if not self._waiter.waiting:
            return  # the next wait sets it again
        now = self._watch.clock()
        self._since = max(self._since, now - self._heard())
        due = self._watch.due(self._since)
        if due is None or due > now:
            self._set(now)
        elif self._watch.brief:
            self.late = True
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(self._watch.expired())
