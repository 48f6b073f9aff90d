"""How a connection of an asyncio loop comes about: `Connector`.

Owns what all connections of a loop share: where they are read to, who reads them, the TLS context. Knows no limit of
time.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from zen_native.transport.tls import is_at_hand

from .connection import Connection, SecureConnection
from .polling import end_polling, poller_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from zen_native.transport.tls import TlsContext

    from .origin import Origin

__all__ = ["Connector"]

_READ = 64 << 10
"""So much is read and decoded at a time: in far less than a millisecond."""
_MANY_READS = 16 << 10
"""The same for loops that may read 32 times in one iteration (uvloop, whose libuv does): half a megabyte in all."""
_SECOND_ADDRESS = 0.25
"""After so many seconds the next address of a host is tried, too (RFC 8305 section 8)."""


class Connector:
    """Makes the connections of one loop. `gone` is called with each that is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tls: TlsContext, gone: Callable[[Connection], None]) -> None:
        self._loop = loop
        self._tls = tls
        self._gone = gone
        self._context: ssl.SSLContext | None = None
        size = _READ if isinstance(loop, asyncio.BaseEventLoop) else _MANY_READS
        self._buffer = bytearray(size)
        sealed = bytearray(size)
        self._sealed = memoryview(sealed)
        """Where connections over TLS are read to."""
        self._poller = poller_of(loop, sealed)

    async def connected(self, origin: Origin) -> Connection:
        """A new one, TLS included.

        Raises:
            OSError: there is none.
            ConnectError: there is none over TLS.
        """
        is_address = ":" in origin.host or origin.host.replace(".", "").isdigit()
        eyeballs = not is_address and self._staggers()
        options: dict[str, Any] = {"happy_eyeballs_delay": _SECOND_ADDRESS} if eyeballs else {}
        make = await self._maker(origin)
        _, made = await self._loop.create_connection(make, origin.host, origin.port, **options)
        try:
            if isinstance(made, SecureConnection):
                await made.shaken()
            if self._poller is not None:
                made.read_by(self._poller)
        except BaseException:
            made.abort()
            raise
        return made

    def end_polling(self) -> None:
        """Nothing is read any more. In the process that began it: to the system, a child's is its parent's."""
        poller, self._poller = self._poller, None
        if poller is not None:
            end_polling(self._loop, poller)

    def _staggers(self) -> bool:
        """Whether the loop can try several addresses at a time. What one of another kind (uvloop) does with them is its
        own business. Before Python 3.14, some versions fail where tasks begin at once, as those of a factory may
        (https://github.com/python/cpython/issues/124309)."""
        tasks_are_plain = sys.version_info >= (3, 14) or self._loop.get_task_factory() is None
        return isinstance(self._loop, asyncio.BaseEventLoop) and tasks_are_plain

    async def _maker(self, origin: Origin) -> Callable[[], Connection]:
        if not origin.secure:
            return partial(Connection, origin, self._buffer, self._gone)
        if self._context is None:  # a thread may have to read all the authorities of the system
            self._context = self._tls() if is_at_hand(self._tls) else await asyncio.to_thread(self._tls)
        return partial(SecureConnection, origin, self._buffer, self._gone, self._context, self._sealed)
