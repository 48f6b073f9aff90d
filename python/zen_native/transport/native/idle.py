"""The connections that nobody uses at the moment, by origin.

Owns how many are kept and how long; the freshest is taken first, and the oldest goes first. Knows no socket and no
clock: time comes in. Not safe between threads: who shares it brings a lock. Where Ctrl-C comes in the middle of a
change, one connection may be known on one side only: it is taken or goes in its time, as others do.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zen_native.transport.connections import ConnectionLimits

    from .origin import Origin

__all__ = ["Idle"]


class _Kept(Protocol):
    @property
    def origin(self) -> Origin: ...


_C = TypeVar("_C", bound=_Kept)


class Idle(Generic[_C]):
    """What is given back of `put`, `expired` and `over` is for the caller to close."""

    __slots__ = ("_by_origin", "_limits", "_since")

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._by_origin: dict[Origin, list[_C]] = {}
        self._since: OrderedDict[_C, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._since)

    def __iter__(self) -> Iterator[_C]:
        return iter(self._since)

    def take(self, origin: Origin) -> _C | None:
        """The one that was used last, which is no longer kept."""
        known = self._by_origin.get(origin)
        if not known:
            return None
        found = known.pop()
        if not known:
            del self._by_origin[origin]
        self._since.pop(found, None)
        return found

    def put(self, connection: _C, now: float) -> list[_C]:
        """Keep one; gives those that are too many."""
        self._since[connection] = now
        self._by_origin.setdefault(connection.origin, []).append(connection)
        return self.over(self._limits.max_idle)

    def drop(self, connection: _C) -> None:
        """Keep it no longer, if it is."""
        if connection in self._since:
            known = self._by_origin.get(connection.origin, [])
            with suppress(ValueError):
                known.remove(connection)
            if not known:
                self._by_origin.pop(connection.origin, None)
            self._since.pop(connection, None)  # last, so that it goes in its time where Ctrl-C comes before

    def expired(self, now: float) -> list[_C]:
        """Those that have been kept too long, which are no longer kept."""
        found: list[_C] = []
        while (until := self.until()) is not None and until <= now:
            found.append(self._oldest())
        return found

    def until(self) -> float | None:
        """When the next one will have been kept too long, None where nothing is kept."""
        since = next(iter(self._since.values()), None)
        return None if since is None else since + self._limits.idle_seconds

    def over(self, count: int) -> list[_C]:
        """The oldest, as many as there are more than that, which are no longer kept."""
        more = len(self._since) - max(0, count)
        return [self._oldest() for _ in range(more)] if more > 0 else []

    def _oldest(self) -> _C:
        found = next(iter(self._since))
        self.drop(found)
        return found
