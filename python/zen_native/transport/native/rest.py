"""The rest of a body whose answer has ended: `Rest`, which reads it behind the consumer's back.

Owns how much of it is read and waited for, and that one request at most waits along, for its connection.
"""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

from zen_native.transport.limits import MAX_REST, REST_SECONDS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .connection import Connection
    from .origin import Origin

__all__ = ["Rest"]


class Rest:
    """`over` is called once, from the loop: the rest has come, or was not worth it."""

    __slots__ = ("_over", "_timer", "connection", "heir", "keep")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connection: Connection, over: Callable[[Rest], None], *, keep: bool
    ) -> None:
        self.connection = connection
        self.keep = keep
        self.heir: asyncio.Future[None] | None = None
        """Who is to have the connection."""
        self._over = over
        self._timer: asyncio.TimerHandle | None = loop.call_later(REST_SECONDS, self._end, context=Context())
        connection.wire.wait(self)

    def inherits(self, origin: Origin) -> bool:
        """Whether a request to there may wait for it."""
        return self.keep and self.heir is None and self.connection.origin == origin

    # What the wire calls

    def done(self) -> bool:
        """Whether it is over."""
        return self._timer is None

    def set_result(self, _: None) -> None:
        """Something came."""
        wire = self.connection.wire
        if wire.ended or wire.skipped > MAX_REST:
            self._end()
        else:
            wire.wait(self)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._over(self)
