"""The transports of one client: the native one and httpx, each made when a decision first calls for it.

Owns that there is one of each, and none any more when the client is closed. Which one a request takes is the gate's to
say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zen_native.gate import TransportName

    from .base import Transport

    Makers = Mapping[TransportName, Callable[[], Transport]]

__all__ = ["CLOSED", "GIVEN_UP", "Transports"]

CLOSED = "the client is closed"
GIVEN_UP = "the connection was closed with its client"
"""Of the `ReadError` that says so: what the server would have sent, nobody knows."""


class Transports:
    """Usable from several threads."""

    __slots__ = ("_closed", "_lock", "_made", "_make")

    def __init__(self, make: Makers) -> None:
        self._make = make
        self._made: dict[TransportName, Transport] = {}
        self._lock = Lock()
        self._closed = False

    def has(self, name: TransportName) -> bool:
        """Whether there is one of that name."""
        return name in self._make

    def of(self, name: TransportName) -> Transport:
        """The one of that name. It is asked for at every sending: what is begun or tried again after the end sends
        nothing.

        Raises:
            RuntimeError: the client is closed.
        """
        if self._closed:
            raise RuntimeError(CLOSED)
        found = self._made.get(name)
        if found is None:
            with self._lock:
                found = self._made.get(name)
                if found is None:
                    found = self._made[name] = self._make[name]()
            if self._closed:  # meanwhile, maybe before that one was there to be closed; it has nothing open yet
                raise RuntimeError(CLOSED)
        return found

    async def close(self) -> None:
        """Close what they keep open, for good."""
        self._closed = True
        for transport in list(self._made.values()):
            await transport.close()
