"""The native transport on asyncio: `AioTransport`, which sends requests over connections of the running loop.

Owns the connections of each loop, who may have one, and when a request goes out a second time. What is read of an
answer is `exchange`'s business, what a connection does `connection`'s.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from zen_native._locks import Locks
from zen_native.errors import ConnectError
from zen_native.transport.choice import CLOSED, GIVEN_UP
from zen_native.transport.connections import ConnectionLimits
from zen_native.transport.tls import context_of

from .answer import StaleError
from .connecting import Connector
from .exchange import AioExchange
from .head import Heads
from .idle import Idle
from .rest import Rest
from .turns import Turns
from .waiting import Bells, done_on, end_now

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from zen_native._core import Decoder
    from zen_native.transport.base import HttpRequest
    from zen_native.transport.limits import Watch
    from zen_native.transport.tls import TlsContext

    from .connection import Connection
    from .origin import Origin

__all__ = ["AioTransport"]

_AT_A_TIME = 4
"""So many connections are closed in one iteration of a loop. Of each, who reads it is told within it, and goes on to
the end of its request: a fifth of a millisecond."""


class AioTransport:
    """The native transport of `AsyncClient`. Usable from one event loop after another, and from several at a time; a
    forked child has connections of its own."""

    def __init__(self, tls: TlsContext = context_of, limits: ConnectionLimits | None = None) -> None:
        self._tls = tls
        self._limits = limits or ConnectionLimits()
        self._homes: dict[asyncio.AbstractEventLoop, Home] = {}
        self._heads = Heads()
        self._locks = Locks()
        self._closed = False

    async def send(self, request: HttpRequest, watch: Watch, decoder: Decoder | None = None) -> AioExchange:
        """Send, and wait for the head of the answer. A connection that was kept and that the server had let go of is
        no failure: the request goes out once more, on a new one.

        Raises:
            TransportError: there is no answer.
            RuntimeError: the client is closed.
        """
        loop = asyncio.get_running_loop()
        home = self._homes.get(loop)
        if home is None or home.closed or home.process != os.getpid():
            home = await self._home(loop)
        origin, head, last = self._heads.of(request)
        connection = home.kept(origin) or await home.connection(origin, watch)
        exchange = AioExchange(home, connection, watch, not last)
        try:
            await exchange.ask(request.method, head, request.body, decoder)
        except StaleError:
            exchange = AioExchange(home, await home.connection(origin, watch, fresh=True), watch, keep=not last)
            await exchange.ask(request.method, head, request.body, decoder)
        return exchange

    async def close(self) -> None:
        """Close what is kept open, on every loop."""
        here = asyncio.get_running_loop()
        with self._locks.own():
            self._closed = True
            # Those of a parent process stay as they are: it goes on with its loops.
            homes = {loop: home for loop, home in self._homes.items() if home.process == os.getpid()}
            # Whoever else closes on this loop meanwhile finds that one, and waits for it.
            self._homes = {here: homes[here]} if here in homes else {}
        for loop, home in homes.items():
            if loop is here:
                await home.close()
            elif loop.is_closed():
                home.shut()
            else:
                with suppress(RuntimeError):  # it is closed by now
                    # On one that stands still nobody is held up, and it may never go on.
                    loop.call_soon_threadsafe(home.begin_to_close if loop.is_running() else home.shut)

    async def _home(self, loop: asyncio.AbstractEventLoop) -> Home:
        """The connections of a loop, made new. Those of loops that are over are closed, where the loop was closed
        without ado, and forgotten."""
        with self._locks.own():
            if self._closed:
                raise RuntimeError(CLOSED)
            for over in [known for known, other in self._homes.items() if other.closed or known.is_closed()]:
                forgotten = self._homes.pop(over)
                if over.is_closed():  # else it closes them itself, maybe in another thread
                    forgotten.shut()
            home = self._homes[loop] = Home(loop, self._tls, self._limits)
        await home.enter()
        return home


class Home:
    """The connections of one event loop. A loop that ends in order closes its asynchronous generators: that is how it
    closes these."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tls: TlsContext, limits: ConnectionLimits) -> None:
        self.loop = loop
        self.process = os.getpid()
        self.closed = False
        self.bells = Bells(loop)
        self.done = done_on(loop)
        self._idle: Idle[Connection] = Idle(limits)
        self._busy: set[Connection] = set()
        self._rests: dict[Connection, Rest] = {}
        """Of those that are busy."""
        self._opening: set[Callable[[], None]] = set()
        """How those end that are not there yet."""
        self._turns = Turns(loop, limits.max_connections)
        self._connector = Connector(loop, tls, self._lost)
        self._sweeper: asyncio.TimerHandle | None = None
        self._finalizer: AsyncGenerator[None, None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        """Begin, in a task of the loop."""
        self._finalizer = self._lifespan()
        await anext(self._finalizer)

    async def _lifespan(self) -> AsyncGenerator[None, None]:
        """Until the generator is closed, with which these are."""
        try:
            yield
        finally:
            try:
                await self._close_gradually()
            finally:
                self.shut()
            await asyncio.sleep(0)  # in which the loop closes the sockets

    async def _close_gradually(self) -> None:
        """Leave the loop time for others between connections."""
        self.closed = True
        for count, end in enumerate(self._all(), 1):
            end()
            if count % _AT_A_TIME == 0:
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Close every connection, in a task of the loop, which goes on where its caller is cancelled."""
        self.begin_to_close()
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def begin_to_close(self) -> None:
        """The same from a callback of the loop. May be called again."""
        if self._finalizer is not None and not self.closed:  # the loop may be at it, which ends
            self._closing = self.loop.create_task(_finalized(self._finalizer))
        self.closed = True

    def shut(self) -> None:
        """The same at once. May be called again."""
        self.closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for end in self._all():
            end()
        if self.process == os.getpid():
            self._connector.end_polling()
        self.bells.close()
        self._turns.end()

    def _all(self) -> list[Callable[[], None]]:
        """How all end: those that are not there yet, those in use, and those that were idle until now."""
        return [*self._opening, *(partial(_give_up, each) for each in (*self._busy, *self._idle.over(0)))]

    # Taking and giving back

    def kept(self, origin: Origin) -> Connection | None:
        """One that was kept and that nobody has to wait for; it is given back by `release`."""
        if self.closed or not self._turns.take_now():
            return None
        found = self._kept_one(origin)
        if found is None:
            self._turns.give()
        else:
            self._busy.add(found)
        return found

    async def connection(self, origin: Origin, watch: Watch, *, fresh: bool = False) -> Connection:
        """One that nobody else uses; it is given back by `release`.

        Raises:
            TransportError: there is none.
            RuntimeError: the client was closed.
        """
        self._check_open()
        limit = _least(watch.connect, watch.left())
        until = None if limit is None else self.loop.time() + limit
        await self._turns.take(until, watch)
        try:
            found = None if fresh else self._kept_one(origin) or await self._inherited(origin, watch)
            if found is None:
                found = await self._opened(origin, until, watch)
                self._check_open(found)
        except BaseException:
            self._turns.give()
            raise
        self._busy.add(found)
        return found

    def _check_open(self, made: Connection | None = None) -> None:
        if self.closed:
            if made is not None:
                made.abort()
            raise RuntimeError(CLOSED)

    def release(self, connection: Connection, *, keep: bool) -> None:
        """Take it back: for the next request, where it can have one, or to close it."""
        if not connection.is_ours:
            return
        self._busy.discard(connection)
        if keep and connection.is_free and not self.closed:
            connection.used = True
            for spare in self._idle.put(connection, self.loop.time()):
                spare.abort()
            if self._sweeper is None:
                self._sweep()
        else:
            connection.abort()
        self._turns.give()

    def drain(self, connection: Connection, *, keep: bool) -> None:
        """Take it back once the rest of its body has come."""
        self._rests[connection] = Rest(self.loop, connection, self._drained, keep=keep)

    def _drained(self, rest: Rest) -> None:
        del self._rests[rest.connection]
        self.release(rest.connection, keep=rest.keep)
        if rest.heir is not None:
            _settle(rest.heir)

    async def _inherited(self, origin: Origin, watch: Watch) -> Connection | None:
        """One whose last answer has just ended, with the rest of its body to come: that takes no longer than to open
        another one.

        Raises:
            StreamTimeoutError: meanwhile nobody wants it any more.
        """
        rest = next((each for each in self._rests.values() if each.inherits(origin)), None)
        if rest is None:
            return None
        heir = rest.heir = self.loop.create_future()
        watch.wake_by(partial(_settle, heir))
        await heir
        if watch.left() == 0:
            raise watch.expired()
        return self._kept_one(origin)

    def _kept_one(self, origin: Origin) -> Connection | None:
        while (found := self._idle.take(origin)) is not None:
            if found.refresh():
                return found
            found.abort()
        return None

    def _sweep(self) -> None:
        """Close what has been kept too long, now and whenever there is something."""
        now = self.loop.time()
        for old in self._idle.expired(now):
            old.abort()
        until = self._idle.until()
        if until is None:
            self._sweeper = None
        else:  # as everything that outlives the request, in a context of its own
            self._sweeper = self.loop.call_later(until - now, self._sweep, context=Context())

    # Opening

    async def _opened(self, origin: Origin, until: float | None, watch: Watch) -> Connection:
        for spare in self._idle.over(self._turns.left_over(len(self._idle))):
            spare.abort()
        # In a context of its own, which the loop keeps as long as the connection: it outlives the request.
        opening = Context().run(self.loop.create_task, self._opened_in_time(origin, until, watch))
        watch.wake_by(_nothing)
        try:
            made = await opening
        except BaseException:
            if opening.done() and not opening.cancelled() and opening.exception() is None:
                opening.result().abort()  # it came at the same time as the end
            raise
        finally:
            del opening  # an error would lead to itself
        if watch.left() == 0:
            made.abort()
            raise watch.expired()
        return made

    async def _opened_in_time(self, origin: Origin, until: float | None, watch: Watch) -> Connection:
        limit = asyncio.timeout_at(until)
        end = partial(end_now, limit)
        try:
            async with limit:
                self._check_open()
                self._opening.add(end)
                watch.wake_by(end)
                if watch.left() == 0:  # by now
                    end()
                return await self._connector.connected(origin)
        except OSError as error:  # a timeout is one, too
            if self.closed:
                failed: Exception = RuntimeError(CLOSED)
            elif limit.expired():
                failed = watch.expired() if watch.is_over() else watch.no_connection(origin.unreachable())
            else:
                failed = ConnectError(origin.unreachable(error))
        finally:
            self._opening.discard(end)
            watch.wake_by(_nothing)
        raise failed  # here, so that the error brings no frames with it that hold the request

    def _lost(self, connection: Connection) -> None:
        self._idle.drop(connection)


async def _finalized(finalizer: AsyncGenerator[None, None]) -> None:
    await finalizer.aclose()


def _give_up(connection: Connection) -> None:
    connection.failure = connection.failure or ConnectionAbortedError(GIVEN_UP)
    connection.abort()


def _settle(heir: asyncio.Future[None]) -> None:
    if not heir.done():
        heir.set_result(None)


def _least(first: float | None, second: float | None) -> float | None:
    return second if first is None else first if second is None else min(first, second)


def _nothing() -> None:
    """Wakes nobody: who is about to go on looks at the watch."""
