"""The answer to one request on an asyncio loop: `AioExchange`.

Owns what is read of it, what its end means, and when its connection is given back: at once, when the rest of the body
has come, or never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zen_native._core import Incoming, Wire

from .answer import Answer
from .waiting import Alarm, Waiter

if TYPE_CHECKING:
    import asyncio
    from typing import Protocol

    from zen_native._core import Decoder
    from zen_native.events import LLMEvent
    from zen_native.transport.limits import Watch

    from .connection import Connection
    from .waiting import Bells

    class Owner(Protocol):
        """Whose the connections are."""

        loop: asyncio.AbstractEventLoop
        done: asyncio.Future[None]
        bells: Bells

        def release(self, connection: Connection, *, keep: bool) -> None:
            """Take it back, for other requests or to close it."""
            ...

        def drain(self, connection: Connection, *, keep: bool) -> None:
            """The same, once the rest of its body has come."""
            ...


__all__ = ["AioExchange"]


class AioExchange(Answer):
    """See `transport.base.LiveExchange`."""

    __slots__ = ("_alarm", "_connection", "_incoming", "_keep", "_over", "_owner", "_waiter", "_watch")

    def __init__(self, owner: Owner, connection: Connection, watch: Watch, keep: bool) -> None:
        super().__init__(connection.wire)
        self._owner = owner
        self._connection = connection
        self._watch = watch
        self._keep = keep
        self._waiter = Waiter(owner.loop, owner.done)
        self._alarm = Alarm(owner.bells, watch, self._waiter, self._wire.idle_seconds, connection.take_in)
        self._incoming: Incoming | None = None
        self._over = False

    async def ask(self, method: str, head: bytes, body: bytes, decoder: Decoder | None) -> None:
        """Send, and wait for the head of the answer.

        Raises:
            TransportError: there is none.
            StaleError: nor was anything accepted.
        """
        wire, connection = self._wire, self._connection
        began = self._watch.clock()
        self._watch.wake_by(self._give_up)
        self._watch.sent()
        try:
            wire.begin(method, decoder)
            if connection.open:  # it may have ended since it was made
                connection.send(head, body)
            while wire.head is None and not wire.ended:
                await self.wait()
            self._note_head(connection, self._watch.clock() - began)
        except BaseException:
            self._release(keep=False)
            raise

    def _give_up(self) -> None:
        """Another task wants no answer any more."""
        self._owner.loop.call_soon(self._alarm.end)

    # The answer as events

    @property
    def ended(self) -> bool:
        """Whether the body is over, or what was waited for behind the answer has not come."""
        return self._wire.ended or self._alarm.late

    def take(self) -> list[LLMEvent]:
        """The events that have come."""
        events = self._wire.take()
        if self._connection.paused:
            self._connection.resume()
        return events

    def wait(self) -> Waiter:
        """Until something came, or something ended; to be awaited at once."""
        waiter, alarm = self._waiter, self._alarm
        if alarm.set_for != self._watch.changes:
            alarm.set()
        waiter.expect()
        self._wire.wait(waiter)
        return waiter

    def incoming(self, kept: list[LLMEvent | str], most: int) -> Incoming | None:
        """See `transport.base.LiveExchange`."""
        # A wire that is quiet calls nobody, and who has no time left is told so by `wait`.
        if self._incoming is None and self._watch.left() != 0 and type(self._wire) is Wire:
            if self._alarm.set_for != self._watch.changes:
                self._alarm.set()
            self._incoming = Incoming(self._wire, self._waiter, kept, most)
        return self._incoming

    # The answer as bytes

    async def read(self) -> bytes:
        """See `Exchange`."""
        wire = self._wire
        while True:
            data = wire.take_body()
            if self._alarm.late:
                self._connection.pause()  # and give what had come by then
            elif self._connection.paused:
                self._connection.resume()
            if data:
                if self._alarm.set_for != self._watch.changes:
                    self._alarm.set()  # where there is always something, nobody waits
                return data
            if wire.ended:
                self.check_end()
                return b""
            if self._alarm.late:
                raise self._watch.expired()
            await self.wait()

    # The end

    def finish(self) -> None:
        """The answer is whole: keep the connection, as soon as the rest of the body has come."""
        if self._wire.ended or self._over:
            self._release(keep=self._keep)
            return
        self._stop()
        self._owner.drain(self._connection, keep=self._keep)

    async def close(self) -> None:
        """See `Exchange`."""
        self._release(keep=self._keep)

    def abandon(self) -> None:
        """See `Exchange`."""
        if not self._over:
            self._over = True
            self._connection.abandon(self._dropped)

    def _dropped(self) -> None:
        self._stop()
        self._owner.release(self._connection, keep=False)

    def _release(self, *, keep: bool) -> None:
        if not self._over:
            self._stop()
            self._owner.release(self._connection, keep=keep)

    def _stop(self) -> None:
        """Nobody waits here any more: the connection may be another one's from now on."""
        self._over = True
        self._alarm.stop()
        if self._incoming is not None:
            self._incoming.close()
