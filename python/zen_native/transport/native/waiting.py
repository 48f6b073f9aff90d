"""What a task waits on while an answer comes: `Waiter`, once for a connection, and `Alarm`, which ends a wait; `Bells`,
the timers of a loop for that.

Owns how a task is resumed where that is not as simple as in most reads (`_core.Waiter` is for those), and when its time
is over. A future and a timer for each read would cost as much as the read: a waiter is used again, and resumes its task
in the very iteration of the loop that brought the bytes; a timer that goes off too early is set anew, and goes on from
one answer to the next.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any

from zen_native import _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from zen_native.errors import StreamTimeoutError
    from zen_native.transport.limits import Watch

__all__ = ["Alarm", "Bells", "Waiter", "done_on", "end_now"]

_MAX_FREE = 64


class Waiter(_core.Waiter):
    """Future-like, as `asyncio.isfuture` has it, for one task at a time. `await` it after `expect()`."""

    __slots__ = ()

    done = bool
    """`done()` is false: to wake who does not wait does no harm."""

    def set_result(self, _: None) -> None:
        """Resume the task, now where no other one is running. A wire does this by itself."""
        resumed = self.resumed()
        if resumed is None:
            return  # nobody waits, or is not suspended yet, and will not be
        callback, context = resumed
        try:
            context.run(callback, self)
        except BaseException as error:  # noqa: BLE001 - it is raised again, where there is nothing better
            self.not_resumed(callback, context, error)

    def not_resumed(self, callback: Callable[[Any], object], context: Context, error: BaseException) -> None:
        """The callback raised that. What goes wrong in the task stays in it."""
        loop = self.get_loop()
        if isinstance(error, RuntimeError):  # another task is running
            loop.call_soon(callback, self, context=context)
        elif isinstance(error, KeyboardInterrupt | SystemExit) and not isinstance(loop, asyncio.BaseEventLoop):
            # Out of a read, uvloop takes it for a failure of the connection, and goes on.
            loop.call_soon(_raise, error)
        else:
            raise error

    def resume_later(self) -> None:
        """Resume the task, in a callback of its own."""
        resumed = self.resumed()
        if resumed is not None:
            callback, context = resumed
            self.get_loop().call_soon(callback, self, context=context)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """See `asyncio.Future`; who waits here adds its own callback, and takes none away."""
        del callback
        return 0

    def cancel(self, msg: object = None) -> bool:
        """See `asyncio.Future`: the task is being cancelled."""
        if not self.cancelling(() if msg is None else (msg,)):
            return False
        self.resume_later()
        return True


def done_on(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    """A future that has ended, for all waiters of a loop."""
    done: asyncio.Future[None] = loop.create_future()
    done.set_result(None)
    return done


class Alarm:
    """Ends a wait when its time is over. Its timer moves only when it goes off, or when other limits come into force;
    `silent` says for how long nothing has come while somebody waited, `take_in` reads what has come by now."""

    __slots__ = (
        "_bell",
        "_bells",
        "_failed",
        "_missed_for",
        "_over_for",
        "_silent",
        "_take_in",
        "_waiter",
        "_watch",
        "late",
        "set_for",
    )

    def __init__(
        self, bells: Bells, watch: Watch, waiter: Waiter, silent: Callable[[], float], take_in: Callable[[], object]
    ) -> None:
        self._bells = bells
        self._watch = watch
        self._waiter = waiter
        self._silent = silent
        self._take_in = take_in
        self._bell: _Bell | None = None
        self.set_for = -1
        """The `changes` of the watch that it is set for. A wait that finds others there sets it."""
        self.late = False
        """Whether what may well not come did not come in time."""
        self._failed: StreamTimeoutError | None = None
        self._missed_for = self._over_for = -1
        """The `changes` of the watch whose time was over when nobody waited, once and again."""

    def set(self) -> None:
        """A wait begins, under limits that it was not set for.

        Raises:
            StreamTimeoutError: the time was over in the wait before, or that of the whole call between two waits.
        """
        if self._failed is not None:
            raise self._failed
        if not self._watch.brief:
            self._watch.check_total()
        now = self._watch.clock()
        due = self._watch.due(now)
        if self._over_for == self._watch.changes and not self.late:
            raise self._watch.expired()
        self._set(due, now)

    def end(self) -> None:
        """No time is left: who waits looks again, and `set` tells why."""
        self.stop()
        self.set_for = -1
        self._failed = self._watch.expired()
        self._waiter.set_result(None)

    def stop(self) -> None:
        """No wait is to be ended any more."""
        bell, self._bell = self._bell, None
        if bell is not None:
            self._bells.give(bell)

    def _set(self, due: float | None, now: float) -> None:
        self.set_for = self._watch.changes
        if due is None:
            self.stop()
            return
        if self._bell is None:
            self._bell = self._bells.take(self._ring)
        self._bell.ring_in(due - now)

    def _ring(self) -> None:
        self.set_for = -1
        if self._waiter.waiting:
            self._take_in()  # the loop was held up, and had no time to read all before it looked at its timers
            if self._bell is None:
                return  # it was the rest of the answer
        now = self._watch.clock()
        if not self._waiter.waiting:
            self._miss(now)
            self._waiter.remind()  # so that the next wait sets it again
            return
        due = self._watch.due(now - self._silent())
        if due is None or due > now:
            self._set(due, now)
        elif self._watch.brief:
            self.late = True
            self._waiter.set_result(None)
        else:
            self.end()

    def _miss(self, now: float) -> None:
        """Nobody waits for now. Where that is so again, the server sends without a pause what is of no use."""
        due, changes = self._watch.due(now), self._watch.changes
        if due is None or due > now:
            return
        if self._missed_for == changes:
            self._over_for, self.late = changes, self._watch.brief
        self._missed_for = changes


class Bells:
    """Timers of one loop, lent to one alarm after another. The limits are minutes, many answers are over in a moment,
    and to set a timer for each and to cancel it would take a thirtieth of a short one: so a timer goes on, and rings
    too early for the next alarm, or for nobody."""

    __slots__ = ("_free", "_loop", "_most")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._free: list[_Bell] = []
        self._most = _MAX_FREE

    def take(self, ring: Callable[[], None]) -> _Bell:
        """One that calls that, until it is given back."""
        bell = self._free.pop() if self._free else _Bell(self._loop)
        bell.ring = ring
        return bell

    def give(self, bell: _Bell) -> None:
        """Take it back."""
        bell.ring = None  # and with it what the request knew
        if len(self._free) < self._most:
            self._free.append(bell)
        else:
            bell.stop()

    def close(self) -> None:
        """Leave no timer in the loop, now and when others are given back."""
        self._most = 0
        while self._free:
            self._free.pop().stop()


class _Bell:
    """One timer. It may ring too early, never too late."""

    __slots__ = ("_due", "_loop", "_timer", "ring")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        """When the timer goes off, by the clock of the loop."""
        self.ring: Callable[[], None] | None = None

    def ring_in(self, seconds: float) -> None:
        """Ring in so many seconds, or before."""
        due = self._loop.time() + max(0.0, seconds)
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        # It outlives the request, also where it is cancelled: so it is in no request's context.
        self._timer = self._loop.call_at(due, self._goes_off, context=Context())

    def stop(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _goes_off(self) -> None:
        self._timer = None
        if self.ring is not None:
            self.ring()


def end_now(limit: asyncio.Timeout) -> None:
    """Let the wait that it limits end, unless it is about to."""
    with suppress(RuntimeError):  # its time was over, and its task has not run since
        limit.reschedule(0.0)


def _raise(error: BaseException) -> None:
    raise error
