"""How many connections a client has and keeps: `ConnectionLimits`, as the user says it.

Owns the numbers. Who opens and keeps connections are the transports.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ConnectionLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits of the connections of one client; an asynchronous one has them for every event loop anew.

    Args:
        max_connections: at one time. Further requests wait, in their order, as long as `Timeouts.connect` allows, and
            fail then with `PoolTimeoutError`. By default there is no limit.
        max_idle: how many are kept while nobody uses them.
        idle_seconds: how long they are kept. A synchronous client, in which nothing runs in between, closes those that
            are too old when it is used next.
    """

    max_connections: int | None = None
    max_idle: int = 100
    idle_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.max_connections is not None and not _is_count(self.max_connections, 1):
            raise ValueError(f"max_connections must be a positive number or None, not {self.max_connections!r}")
        if not _is_count(self.max_idle, 0):
            raise ValueError(f"max_idle must be a number that is not negative, not {self.max_idle!r}")
        if not _is_time(self.idle_seconds):
            raise ValueError(f"idle_seconds must be a number of seconds, not {self.idle_seconds!r}")


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
