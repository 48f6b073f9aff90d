"""The transports of one client: the native one and httpx, each made when a decision first calls for it.

Owns that there is one of each, and none any more when the client is closed. Which one a request takes is the gate's to
say.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zen_native._locks import Locks

if TYPE_CHECKING:
    from zen_native.gate import TransportName

    from .base import Transport
    from .limits import Watch

    Makers = Mapping[TransportName, Callable[[], Transport]]

__all__ = ["CLOSED", "GIVEN_UP", "Transports"]

CLOSED = "the client is closed"
GIVEN_UP = "the connection was closed with its client"
"""Of the `ReadError` that says so: what the server would have sent, nobody knows."""


class Transports:
    """Usable from several threads."""

    __slots__ = ("_closed", "_locks", "_made", "_make", "_waiting")

    def __init__(self, make: Makers) -> None:
        self._make = make
        self._made: dict[TransportName, Transport] = {}
        self._locks = Locks()
        self._closed = False
        self._waiting: set[tuple[int, Watch]] = set()
        """Between two sendings, and in which process: a forked child has not the threads and loops of its parent."""

    def has(self, name: TransportName) -> bool:
        """Whether there is one of that name."""
        return name in self._make

    def of(self, name: TransportName) -> Transport:
        """The one of that name. It is asked for at every sending: what is begun or tried again after the end sends
        nothing.

        Raises:
            RuntimeError: the client is closed.
        """
        self._check_open()
        found = self._made.get(name)
        if found is None:
            with self._locks.own():
                found = self._made.get(name)
                if found is None:
                    found = self._made[name] = self._make[name]()
            self._check_open()  # it may have been closed before that one was there to be; it has nothing open yet
        return found

    @contextmanager
    def watched(self, watch: Watch) -> Generator[None]:
        """In the block, who closes these hangs up on that watch.

        Raises:
            RuntimeError: the client is closed, maybe by now.
        """
        mine = (os.getpid(), watch)
        self._waiting.add(mine)
        try:
            self._check_open()  # behind that, as `close` looks at who waits when it has said so
            yield
            self._check_open()
        finally:
            self._waiting.discard(mine)

    async def close(self) -> None:
        """Close what they keep open, for good. Who waits to send again is told."""
        self._closed = True
        for process, watch in [*self._waiting]:
            if process == os.getpid():
                watch.hang_up()
        for transport in list(self._made.values()):
            await transport.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(CLOSED)
