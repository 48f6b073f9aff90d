"""What a task waits on while an answer comes: `Waiter`, once for a connection, and `Alarm`, one timer for a stream.

Owns how a task is resumed, and when its time is over. A future and a timer for each read would cost as much as the
read: a waiter is used again, and resumes its task in the very turn of the loop that brought the bytes; a timer that
goes off too early is set anew.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from zen_native.transport.limits import Watch

__all__ = ["Alarm", "Waiter"]


class Waiter:
    """Future-like, as `asyncio.isfuture` has it, for one task at a time. `await` it after `expect()`."""

    __slots__ = ("_asyncio_future_blocking", "_callback", "_cancelled", "_context", "_error", "_loop", "waiting")

    done = bool
    """`done()` is false: to wake who does not wait does no harm. A method in Python takes three times as long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asyncio_future_blocking = False
        self.waiting = False
        """Whether a task does."""
        self._callback: Callable[[Any], object] | None = None
        self._context: Context | None = None
        self._error: BaseException | None = None
        self._cancelled: tuple[object, ...] | None = None

    def expect(self) -> None:
        """Something is waited for from now on.

        Raises:
            RuntimeError: another task does already.
        """
        if self.waiting:
            raise RuntimeError("another task is waiting for the same stream")
        self.waiting = True

    # What the wire calls

    def set_result(self, _: None) -> None:
        """Resume the task, now where no other one is running."""
        self.waiting = False
        callback, context = self._callback, self._context
        if callback is None:
            return  # nobody waits, or is not suspended yet, and will not be
        self._callback = self._context = None
        try:
            if context is None:
                callback(self)
            else:
                context.run(callback, self)
        except RuntimeError:  # another task is running; what goes wrong in the one that is resumed stays in it
            self._loop.call_soon(callback, self, context=context)
        except (KeyboardInterrupt, SystemExit) as error:
            if isinstance(self._loop, asyncio.BaseEventLoop):
                raise
            # Out of a read, uvloop takes it for a failure of the connection, and goes on.
            self._loop.call_soon(_raise, error)

    def set_exception(self, error: BaseException) -> None:
        """Resume the task with that, if it waits."""
        if self.waiting:
            self._error = error
            self.set_result(None)

    # What a task calls

    def __await__(self) -> Generator[Waiter, None, None]:
        if self.waiting:
            self._asyncio_future_blocking = True
            try:
                yield self
            finally:
                self.waiting = False
        error, self._error = self._error, None
        if error is not None:
            raise error

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """See `asyncio.Future`."""
        return self._loop

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """See `asyncio.Future`; a task adds its own, and nobody else does."""
        self._callback, self._context, self._cancelled = callback, context, None
        if not self.waiting:
            self._later()

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """See `asyncio.Future`."""
        removed = int(self._callback == callback)
        if removed:
            self._callback = None
        return removed

    def cancel(self, msg: object = None) -> bool:
        """See `asyncio.Future`: the task is being cancelled."""
        if not self.waiting:
            return False
        self.waiting = False
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
    `silent` says for how long nothing has come while somebody waited."""

    __slots__ = ("_loop", "_silent", "_timer", "_waiter", "_watch", "late", "set_for")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, watch: Watch, waiter: Waiter, silent: Callable[[], float]
    ) -> None:
        self._loop = loop
        self._watch = watch
        self._waiter = waiter
        self._silent = silent
        self._timer: asyncio.TimerHandle | None = None
        self.set_for = -1
        """The `changes` of the watch that it is set for. A wait that finds others there sets it."""
        self.late = False
        """Whether what may well not come did not come in time."""

    def set(self) -> None:
        """A wait begins, under limits that it was not set for."""
        now = self._watch.clock()
        self._set(self._watch.due(now), now)

    def stop(self) -> None:
        """No wait is to be ended any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, due: float | None, now: float) -> None:
        self.stop()
        self.set_for = self._watch.changes
        if due is not None:
            # A timer that is cancelled may lie in the loop until its time: without what the request knew.
            self._timer = self._loop.call_later(max(0.0, due - now), self._ring, context=Context())

    def _ring(self) -> None:
        self._timer = None
        self.set_for = -1
        if not self._waiter.waiting:
            return  # the next wait sets it again
        now = self._watch.clock()
        due = self._watch.due(now - self._silent())
        if due is None or due > now:
            self._set(due, now)
        elif self._watch.brief:
            self.late = True
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(self._watch.expired())


def _raise(error: BaseException) -> None:
    raise error
