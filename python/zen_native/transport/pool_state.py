"""The account of a pool: which connection a request takes, which are kept, which have to go, and who waits for one.

Owns no I/O: it opens and closes nothing, and a request costs the same however many connections there are. httpcore's
own pools look at all of them for every request, again for each that is idle, and never forget one whose request was
cancelled before it was sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from zen_native._locks import Locks

from .choice import CLOSED

if TYPE_CHECKING:
    from .connections import ConnectionLimits

__all__ = ["PoolState", "Taken"]


class Connection(Protocol):
    """What is asked of a connection."""

    def is_idle(self) -> bool:
        """Whether it can take a request."""
        ...

    def has_expired(self) -> bool:
        """Whether it was idle for too long, or the server closed it meanwhile."""
        ...


class Waiter(Protocol):
    """An event that somebody waits for."""

    def set(self) -> object:
        """It is this one's turn."""
        ...


_C = TypeVar("_C", bound=Connection)


@dataclass(frozen=True, slots=True)
class Taken(Generic[_C]):
    """A connection for one request, and those to close."""

    connection: _C
    gone: list[_C] = field(default_factory=list[_C])


class PoolState(Generic[_C]):
    """Usable from several threads."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._max_connections = limits.max_connections
        self._max_idle = limits.max_idle
        self._used: set[_C] = set()
        self._idle: dict[_C, Hashable] = {}
        """With their origin. What has been idle the longest comes first, here and in `_by_origin`."""
        self._by_origin: dict[Hashable, deque[_C]] = {}
        self._queue: deque[Waiter] = deque()
        self._called: set[Waiter] = set()
        """They were told that it is their turn: the connections that they will take count as used."""
        self._closed = False
        self._locks = Locks()

    def take(
        self, origin: Hashable, make: Callable[[], _C], waiter: Waiter, *, called: bool = False
    ) -> Taken[_C] | None:
        """The idle connection to that origin that was used last, or a new one. None where there may be no more: then
        the waiter is set when its turn comes, and asks again as `called`, or leaves.

        Raises:
            RuntimeError: the pool is closed, by its client or with its event loop.
        """
        with self._locks.own():
            self._called.discard(waiter)
            if self._closed:
                raise RuntimeError(CLOSED)
            if not called and self._is_full():
                self._queue.append(waiter)
                return None
            gone = self._expired()
            connection = self._newest(origin, gone)
            if connection is None:
                connection = make()
                if self._idle and self._is_full(len(self._idle)):
                    gone.append(self._oldest())
            self._used.add(connection)
            return Taken(connection, gone)

    def leave(self, waiter: Waiter) -> None:
        """It waits no longer; where its turn has come, it is the next one's."""
        with self._locks.own():
            if waiter in self._called:
                self._called.discard(waiter)
                self._call()
            else:
                self._queue.remove(waiter)

    def give(self, origin: Hashable, connection: _C, *, is_clean: bool = True) -> list[_C]:
        """One is no longer in use; it is kept if it can take another request. Those to close."""
        with self._locks.own():
            self._used.discard(connection)
            if self._closed or not is_clean or not connection.is_idle():
                gone = [connection]
            else:
                self._idle[connection] = origin
                self._by_origin.setdefault(origin, deque()).append(connection)
                gone = self._expired()
                if len(self._idle) > self._max_idle:
                    gone.append(self._oldest())
            self._call()
            return gone

    def close(self) -> list[_C]:
        """All of them, to close. Nothing is kept and nobody waits from now on."""
        with self._locks.own():
            self._closed = True
            self._max_connections = None
            self._call()
            every = [*self._idle, *self._used]
            self._idle.clear()
            self._by_origin.clear()
            return every

    def _is_full(self, besides: int = 0) -> bool:
        most = self._max_connections
        return most is not None and len(self._used) + len(self._called) + besides >= most

    def _call(self) -> None:
        while self._queue and not self._is_full():
            waiter = self._queue.popleft()
            self._called.add(waiter)
            waiter.set()

    def _newest(self, origin: Hashable, gone: list[_C]) -> _C | None:
        while origin in self._by_origin:
            connection = self._take_out(origin, newest=True)
            if not connection.has_expired():
                return connection
            gone.append(connection)
        return None

    def _expired(self) -> list[_C]:
        """From the oldest on, up to the first that is still good."""
        gone: list[_C] = []
        while self._idle and next(iter(self._idle)).has_expired():
            gone.append(self._oldest())
        return gone

    def _oldest(self) -> _C:
        return self._take_out(next(iter(self._idle.values())), newest=False)

    def _take_out(self, origin: Hashable, *, newest: bool) -> _C:
        idle = self._by_origin[origin]
        connection = idle.pop() if newest else idle.popleft()
        del self._idle[connection]
        if not idle:
            del self._by_origin[origin]
        return connection
