"""The native transport for threads: `BlockingTransport`, and `BlockingExchange`, the answer to one request.

Owns the connections of one client, who may have one, when a request goes out a second time, and when a connection is
given back. All coroutines here run through without a stop.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from zen_native._core import Steady
from zen_native.errors import ConnectError, TransportError
from zen_native.transport.choice import CLOSED
from zen_native.transport.connections import ConnectionLimits
from zen_native.transport.tls import context_of

from .answer import Answer, StaleError
from .blocking_connection import HEARS_CTRL_C, BlockingConnection, opened
from .blocking_turns import Turns
from .head import Head, head_of, is_last
from .idle import Idle
from .origin import parted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zen_native._core import Decoder
    from zen_native.events import LLMEvent
    from zen_native.transport.base import HttpRequest
    from zen_native.transport.limits import Watch
    from zen_native.transport.tls import TlsContext

    from .blocking_turns import Turn
    from .origin import Origin

__all__ = ["BlockingTransport"]


class BlockingTransport:
    """The native transport of `Client`. Usable from several threads; a forked child has connections of its own."""

    def __init__(self, tls: TlsContext = context_of, limits: ConnectionLimits | None = None) -> None:
        self._tls = tls
        self._limits = limits or ConnectionLimits()
        self._pool = _Pool(tls, self._limits)

    async def send(self, request: HttpRequest, watch: Watch, decoder: Decoder | None = None) -> BlockingExchange:
        """Send, and wait for the head of the answer. A connection that was kept and that the server had let go of is
        no failure: the request goes out once more, on a new one.

        Raises:
            TransportError: there is no answer.
            RuntimeError: the client is closed.
        """
        pool = self._own()
        origin, target = parted(request.url)
        head = head_of(request, origin, target)
        with suppress(StaleError):
            return pool.asked(origin, request, head, watch, decoder)
        return pool.asked(origin, request, head, watch, decoder, fresh=True)

    async def close(self) -> None:
        """Close every connection."""
        self._own().close()

    def _own(self) -> _Pool:
        """This process's; what another one opened is let go of here, and goes on there. Without a lock: a thread that
        this process has no copy of may have had it at the fork."""
        pool = self._pool
        if pool.process != os.getpid():
            heir = pool.heirs.setdefault(os.getpid(), _Pool(self._tls, self._limits, closed=pool.closed))
            pool.leave()
            pool = self._pool = heir
        return pool


class _Pool:
    """The connections of one process."""

    def __init__(self, tls: TlsContext, limits: ConnectionLimits, *, closed: bool = False) -> None:
        self.process = os.getpid()
        self.heirs: dict[int, _Pool] = {}
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

    def asked(
        self,
        origin: Origin,
        request: HttpRequest,
        head: Head,
        watch: Watch,
        decoder: Decoder | None,
        *,
        fresh: bool = False,
    ) -> BlockingExchange:
        """The answer to a request. Nothing is left of who fails or is interrupted, wherever that is.

        Raises:
            TransportError: there is none.
            StaleError: nor was anything accepted.
            RuntimeError: the client is closed.
        """
        connection = self._connection(origin, watch, fresh=fresh)
        turn = connection.turn
        try:
            exchange = BlockingExchange(self, connection, watch, keep=not is_last(request.headers))
            exchange.ask(request.method, head, request.body, decoder)
        except BaseException:
            self.give_up(connection, turn, watch)
            raise
        return exchange

    def _connection(self, origin: Origin, watch: Watch, *, fresh: bool = False) -> BlockingConnection:
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
            limit.give_up()
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
        if isinstance(error, TransportError):
            return error
        return ConnectError(origin.unreachable(error)) if limit.left() != 0 else limit.expired(origin)

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

    def give_up(self) -> None:
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


class BlockingExchange(Answer):
    """See `transport.base.LiveExchange`."""

    __slots__ = ("_connection", "_is_read", "_keep", "_late", "_over", "_pool", "_turn", "_watch")

    def __init__(self, pool: _Pool, connection: BlockingConnection, watch: Watch, *, keep: bool) -> None:
        super().__init__(connection.wire)
        self._pool = pool
        self._connection = connection
        self._turn = connection.turn
        self._watch = watch
        self._keep = keep
        self._late = self._over = self._is_read = False

    def __del__(self) -> None:
        try:
            over = self._over
        except AttributeError:  # Ctrl-C came when it was made
            return
        if not over:  # or when it was to be given back
            self.abandon()

    def ask(self, method: str, head: Head, body: bytes, decoder: Decoder | None) -> None:
        """Send, and wait for the head of the answer.

        Raises:
            TransportError: there is none.
            StaleError: nor was anything accepted.
        """
        wire, connection = self._wire, self._connection
        began = self._watch.clock()
        self._watch.wake_by(connection.hang_up)
        self._watch.sent()
        try:
            wire.begin(method, decoder)
            try:
                if not connection.send(head, body, self._watch.left):
                    self._keep = False
            except TimeoutError:
                raise self._watch.expired() from None
            while wire.head is None and not wire.ended:
                self.wait()
            self._note_head(connection, self._watch.clock() - began)
        except BaseException:
            self._release(keep=False)
            raise

    # The answer as events

    @property
    def ended(self) -> bool:
        """Whether the body is over, or what was waited for behind the answer has not come."""
        return self._wire.ended or self._late

    def take(self) -> list[LLMEvent]:
        """The events that have come."""
        return self._wire.take()

    def wait(self) -> None:
        """One read, unless there is something to take, or nothing can come any more."""
        if self._wire.pending or self._wire.ended:
            return
        if self._connection.is_late:
            raise self._watch.expired()
        left = self._watch.left()
        try:
            if left != 0:
                self._connection.read(left)
                return
        except TimeoutError:
            pass
        if not self._watch.brief:
            raise self._watch.expired()
        self._late = True

    def incoming(self, kept: list[LLMEvent | str], most: int) -> None:
        """See `transport.base.LiveExchange`: who does not wait in a loop has no need of a shorter way."""

    def steady(self, kept: list[LLMEvent | str], most: int) -> Iterator[list[LLMEvent]]:
        """See `LiveExchange`."""
        if not HEARS_CTRL_C or self._wire.ended:
            return iter(())
        return self._connection.steady(Steady(self._wire, kept, most), self._watch)

    # The answer as bytes

    async def read(self) -> bytes:
        """See `Exchange`."""
        wire = self._wire
        while not (data := wire.take_body()):
            if wire.ended:
                self.check_end()
                return b""
            if self._late:
                raise self._watch.expired()
            self.wait()
        return data

    # The end

    def check_end(self) -> None:
        """See `LiveExchange`. Who reads calls it last."""
        super().check_end()
        self._is_read = True

    def finish(self) -> None:
        """The answer is whole: keep the connection. Nobody waits for the rest of its body but who uses it next."""
        self._connection.rest()
        self._release(keep=self._keep)

    async def close(self) -> None:
        """See `Exchange`. Any thread may call it: where another one still reads, the next answer that came on the
        connection would go to that one, whatever has come of this."""
        self._release(keep=self._is_read and self._keep and self._connection.is_free)

    def abandon(self) -> None:
        """See `Exchange`."""
        self._release(keep=False)

    def _release(self, *, keep: bool) -> None:
        if not self._over:
            self._over = True
            try:
                self._pool.release(self._connection, self._turn, self._watch, keep=keep)
            except BaseException:  # Ctrl-C
                self._pool.give_up(self._connection, self._turn, self._watch)
                raise
