"""The connections of one process that threads share: `BlockingPool`.

Owns who may have one, which of them are kept, and that all of them end with their client. Knows no answers.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from zen_native.errors import ConnectError, TransportError
from zen_native.transport.choice import CLOSED

from .blocking_opening import opened
from .blocking_turns import Turns
from .idle import Idle

if TYPE_CHECKING:
    from collections.abc import Callable

    from zen_native.transport.connections import ConnectionLimits
    from zen_native.transport.limits import Watch
    from zen_native.transport.tls import TlsContext

    from .blocking_connection import BlockingConnection
    from .blocking_turns import Turn
    from .origin import Origin

__all__ = ["BlockingPool"]


class BlockingPool:
    """The connections of one process."""

    def __init__(self, tls: TlsContext, limits: ConnectionLimits, *, closed: bool = False) -> None:
        self.process = os.getpid()
        self.heirs: dict[int, BlockingPool] = {}
        """Of forked children, by process."""
        self._tls = tls
        self._idle: Idle[BlockingConnection] = Idle(limits)
        self._busy: dict[BlockingConnection, Watch] = {}
        """And for which request."""
        self._opening: set[_Deadline] = set()
        self.closed = closed
        self._lock = threading.Lock()
        """Of what is idle. No finalizer may need it: one may run while this thread has it."""
        self._turns = None if limits.max_connections is None else Turns(limits.max_connections)

    def connection(self, origin: Origin, watch: Watch, *, fresh: bool = False) -> BlockingConnection:
        """One that nobody else uses; it is given back by `release`.

        Raises:
            TransportError: there is none.
            RuntimeError: the client is closed.
        """
        limit = _Deadline(watch)
        turn, found = self._turn(limit), None
        try:
            self._check_open()
            found = (None if fresh else self._kept_one(origin)) or self._opened(origin, limit)
            found.turn = turn
            self._busy[found] = watch
            self._check_open()  # behind that, as `close` looks at who is busy when it has said so
        except BaseException:
            self.give_up(found, turn, watch)
            raise
        return found

    def release(self, connection: BlockingConnection, turn: Turn | None, watch: Watch, *, keep: bool) -> None:
        """Take it back: for the next request, or to close it. With `keep`, the end of its answer may still be to
        come; it is looked for when the connection is wanted again."""
        if self.process != os.getpid():
            connection.close()
            return
        if keep:
            self._keep(connection)
        self.give_up(connection, turn, watch)

    def give_up(self, connection: BlockingConnection | None, turn: Turn | None, watch: Watch) -> None:
        """The turn is over, and so is the connection, unless it is kept, or somebody else's by now. May be said again:
        Ctrl-C may come anywhere."""
        if connection is not None and self._busy.get(connection) is watch:
            self._busy.pop(connection, None)
            connection.close()
        if self._turns is not None and turn is not None:
            self._turns.give(turn)

    def _keep(self, connection: BlockingConnection) -> None:
        connection.used, connection.user = True, None
        self._busy.pop(connection, None)
        with self._lock:
            spare = [*self._idle.put(connection, time.monotonic()), *self._idle.expired(time.monotonic())]
            if self.closed:
                spare += self._idle.over(0)
        for each in spare:
            each.close()

    def close(self) -> None:
        """Close every connection, those in use too. Who waits for a turn or connects is told."""
        self.closed = True
        if self._turns is not None:
            self._turns.end()
        with self._lock:
            idle = self._idle.over(0)
        for limit in [*self._opening]:
            limit.end()
        for connection in [*idle, *self._busy]:
            connection.close()

    def leave(self) -> None:
        """Close what a forked child has of the connections. It has not all of the threads: one may have had a lock, or
        been in the middle of a change."""
        for connection in [*self._idle, *self._busy]:
            connection.close()

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError(CLOSED)

    def _kept_one(self, origin: Origin) -> BlockingConnection | None:
        while True:
            with self._lock:
                old = self._idle.expired(time.monotonic())
                found = self._idle.take(origin)
            for each in old:
                each.close()
            if found is None or found.refresh():
                return found
            found.close()

    def _opened(self, origin: Origin, limit: _Deadline) -> BlockingConnection:
        if self._turns is not None:
            with self._lock:  # also to close them: another thread that looks now opens one in their place
                for each in self._idle.over(self._turns.left_over()):
                    each.close()
        self._opening.add(limit)
        try:
            self._check_open()  # behind that, as `close` looks at who opens one when it has said so
            return opened(origin, self._tls() if origin.secure else None, limit.left, limit.wake_by)
        except (OSError, TransportError) as error:  # a timeout is one of the system's, too
            failed = self._failure(origin, limit, error)
        finally:
            self._opening.discard(limit)
        raise failed  # here, so that the error brings no frames with it that hold the request

    def _failure(self, origin: Origin, limit: _Deadline, error: OSError | TransportError) -> Exception:
        if self.closed:
            return RuntimeError(CLOSED)
        if limit.left() == 0:
            return limit.expired(origin)
        return error if isinstance(error, TransportError) else ConnectError(origin.unreachable(error))

    def _turn(self, limit: _Deadline) -> Turn | None:
        if self._turns is None:
            return None
        if (turn := self._turns.take(limit.left, limit.wake_by)) is None:
            raise limit.expired()
        return turn


class _Deadline:
    """Until when there has to be a connection."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._wake: Callable[[], object] | None = None
        self._is_given_up = False
        own, whole = watch.connect, watch.left()
        limits = [each for each in (own, whole) if each is not None]
        self._until = watch.clock() + min(limits) if limits else None

    def wake_by(self, wake: Callable[[], object]) -> None:
        """How the wait that comes now is ended: where its stream is closed, or the client."""
        self._wake = wake
        self._watch.wake_by(wake)

    def end(self) -> None:
        """From another thread: it is over, and who waits wakes up."""
        self._is_given_up = True
        if self._wake is not None:
            self._wake()

    def left(self) -> float | None:
        """Seconds; never negative. None of them are left once another thread wants no answer any more."""
        if self._watch.left() == 0 or self._is_given_up:
            return 0.0
        return None if self._until is None else max(0.0, self._until - self._watch.clock())

    def expired(self, origin: Origin | None = None) -> Exception:
        """What it means that it is over; `origin`: to which there is no connection, None while others had them all."""
        if self._watch.is_over():
            return self._watch.expired()
        return self._watch.no_turn() if origin is None else self._watch.no_connection(origin.unreachable())
