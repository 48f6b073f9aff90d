"""The native transport for threads: `BlockingTransport`, and `BlockingExchange`, the answer to one request.

Owns when a request goes out a second time, what is read of an answer, and when its connection is given back; who may
have one is `blocking_pool`'s. All coroutines here run through without a stop.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from zen_native._core import Steady
from zen_native.transport.connections import ConnectionLimits
from zen_native.transport.sleeping import HEARS_CTRL_C
from zen_native.transport.tls import context_of

from .answer import Answer, StaleError
from .blocking_pool import BlockingPool
from .head import Head, head_of, is_last
from .origin import parted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zen_native._core import Decoder
    from zen_native.events import LLMEvent
    from zen_native.transport.base import HttpRequest
    from zen_native.transport.limits import Watch
    from zen_native.transport.tls import TlsContext

    from .blocking_connection import BlockingConnection
    from .origin import Origin

__all__ = ["BlockingTransport"]


class BlockingTransport:
    """The native transport of `Client`. Usable from several threads; a forked child has connections of its own."""

    def __init__(self, tls: TlsContext = context_of, limits: ConnectionLimits | None = None) -> None:
        self._tls = tls
        self._limits = limits or ConnectionLimits()
        self._pool = BlockingPool(tls, self._limits)

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
            return _asked(pool, origin, request, head, watch, decoder)
        return _asked(pool, origin, request, head, watch, decoder, fresh=True)

    async def close(self) -> None:
        """Close every connection."""
        self._own().close()

    def _own(self) -> BlockingPool:
        """This process's; what another one opened is let go of here, and goes on there. Without a lock: a thread that
        this process has no copy of may have had it at the fork."""
        pool = self._pool
        if pool.process != os.getpid():
            heir = pool.heirs.setdefault(os.getpid(), BlockingPool(self._tls, self._limits, closed=pool.closed))
            pool.leave()
            pool = self._pool = heir
        return pool


def _asked(
    pool: BlockingPool,
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
    connection = pool.connection(origin, watch, fresh=fresh)
    turn = connection.turn
    try:
        exchange = BlockingExchange(pool, connection, watch, keep=not is_last(request.headers))
        exchange.ask(request.method, head, request.body, decoder)
    except BaseException:
        pool.give_up(connection, turn, watch)
        raise
    return exchange


class BlockingExchange(Answer):
    """See `transport.base.LiveExchange`."""

    __slots__ = ("_connection", "_is_read", "_keep", "_late", "_over", "_pool", "_turn", "_watch")

    def __init__(self, pool: BlockingPool, connection: BlockingConnection, watch: Watch, *, keep: bool) -> None:
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
