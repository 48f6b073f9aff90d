"""How long things may take: `Timeouts` as the user says it, and `Watch`, which tells one request what is left.

Owns the numbers and the phases. Waiting is the transports' business.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from zen_native._locks import Locks
from zen_native.errors import PoolTimeoutError, StreamTimeoutError

if TYPE_CHECKING:
    from zen_native.errors import TimeoutPhase

__all__ = ["MAX_REST", "REST_SECONDS", "Clock", "Timeouts", "Watch"]

Clock = Callable[[], float]

MAX_REST = 64 << 10
REST_SECONDS = 0.1
"""A connection is worth so much reading and waiting for the end of the body, when the answer has ended."""

_FIRST_EVENT = 600.0
_FIRST_EVENT_THINKING = 1800.0
_EARLY = 0.01
"""Timers of some event loops go off so many seconds early at most: they count in milliseconds."""
_LONGEST = 1e6
"""Seconds that one wait may take: systems count milliseconds, some of them in 31 bits, which hold 24 days."""
_LONG_EFFORTS = frozenset({"high", "xhigh", "max"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Limits in seconds; None turns one off. Each ends a stream with its own `StreamTimeoutError`, named in `phase`.
    However large a limit is, nothing is waited for longer than a million seconds at a time, which are eleven days.

    Args:
        connect: until there is a connection, TLS included. What looks up the host's name cannot be interrupted: a
            synchronous client waits for it as long as the system does.
        first_event: from sending until the first event; `auto` is ten minutes, and thirty where much reasoning is
            asked for. Over httpx the time until there is a connection counts as well.
        idle: between two reads afterwards. Comments and pings count: they say that somebody is there.
        total: of the whole call, with retries and the time that the caller takes between events.
        trailing: after the end of an answer, for a charge that a gateway sends behind it. No error when it passes.
    """

    connect: float | None = 10.0
    first_event: float | Literal["auto"] | None = "auto"
    idle: float | None = 120.0
    total: float | None = None
    trailing: float = 2.0

    def __post_init__(self) -> None:
        for name in ("connect", "first_event", "idle", "total", "trailing"):
            value: object = getattr(self, name)
            if name != "trailing" and (value is None or (value == "auto" and name == "first_event")):
                continue
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= sys.float_info.max:
                raise ValueError(f"Timeouts.{name} must be a positive number of seconds, not {value!r}")

    def until_first_event(self, effort: str | None) -> float | None:
        """The limit for a request that asks for this much reasoning."""
        if self.first_event != "auto":
            return self.first_event
        return _FIRST_EVENT_THINKING if effort in _LONG_EFFORTS else _FIRST_EVENT


class Watch:
    """What is left of the limits of one request. A transport asks `left()` before every wait, or `due()` as it waits,
    and tells by `expired()` that nothing came in that time."""

    __slots__ = (
        "_each",
        "_idle",
        "_locks",
        "_once_sent",
        "_phase",
        "_said",
        "_total",
        "_until",
        "_waits",
        "_wake",
        "brief",
        "changes",
        "clock",
        "connect",
    )

    def __init__(self, timeouts: Timeouts, total_until: float | None = None, clock: Clock = time.monotonic) -> None:
        self.connect = _bounded(timeouts.connect)
        self.clock = clock
        self._idle = _bounded(timeouts.idle)
        self._total = total_until
        self._until: float | None = None
        self._each: float | None = None
        self._once_sent: float | None = None
        self._phase: TimeoutPhase = "first-event"
        self._said: TimeoutPhase = "first-event"
        self.brief = False
        """Whether the wait is for something that may well not come."""
        self.changes = 0
        """How often other limits came into force."""
        self._locks = Locks()
        self._waits = True
        self._wake: Callable[[], object] | None = None

    def within(self, phase: TimeoutPhase, seconds: float | None) -> None:
        """From now on all waiting together may take so long."""
        self._phase, self._each, self.brief = phase, None, False
        self.changes += 1
        self._until = None if seconds is None else self.clock() + seconds

    def within_sending(self, phase: TimeoutPhase, seconds: float | None) -> None:
        """The same from `sent` on. Until then, only the limits for a connection and for the whole call count."""
        self.within(phase, None)
        self._once_sent = seconds

    def sent(self) -> None:
        """The request goes out, maybe once more."""
        if self._once_sent is not None:
            self._until = self.clock() + self._once_sent
            self.changes += 1

    def each(self, phase: TimeoutPhase, seconds: float | None) -> None:
        """From now on every wait may take so long."""
        self._phase, self._each, self._until = phase, _bounded(seconds), None
        self.brief = False
        self.changes += 1

    def briefly(self, seconds: float) -> None:
        """From now on all waiting together may take so long, and it is no failure when nothing comes."""
        self.within("idle", seconds)
        self.brief = True

    # The wait for an answer, which another task or thread may end: there is no exchange yet that it could close.

    def wake_by(self, wake: Callable[[], object]) -> None:
        """How the wait that comes now is ended, as long as there is no answer."""
        if self._waits:
            self._wake = wake

    def answered(self) -> None:
        """There is an answer, or there will be none."""
        with self._locks.own():
            self._waits, self._wake = False, None

    def hang_up(self) -> None:
        """Nobody wants the answer any more: every limit is over, and who waits for it wakes up."""
        with self._locks.own():
            self._total = -math.inf
            if self._wake is not None:
                self._wake()

    # What is left

    def left(self) -> float | None:
        """Seconds that the next wait may take, None for ever; never negative."""
        if self._until is None and self._total is None:
            self._said = self._phase
            return self._each
        now = self.clock()
        due = self.due(now)
        return None if due is None else min(max(0.0, due - now), _LONGEST)

    def due(self, since: float) -> float | None:
        """When, by the clock, a wait is over that began then, or heard something then; None never."""
        due = self._until
        if due is None and self._each is not None:
            due = since + self._each
        self._said = self._phase
        if self._total is not None and (due is None or self._total < due):
            self._said = "total"
            return self._total
        return due

    def even_until(self) -> float:
        """Until when, by the clock, every wait that begins may take as long as the next one; `inf` for ever. Other
        limits that come into force end it as well."""
        if self._until is not None or self.brief:
            return -math.inf
        if self._total is None:
            return math.inf
        return -math.inf if self._each is None else self._total - self._each

    def check_total(self) -> None:
        """For who has something at hand, and so does not wait.

        Raises:
            StreamTimeoutError: the whole call has taken too long.
        """
        if self._total is not None and self.left() == 0 and self._said == "total":
            raise self.expired()

    def is_over(self) -> bool:
        """Whether nothing is left, or so little that the timer which went off can have been set for that."""
        left = self.left()
        return left is not None and left < _EARLY

    def longest(self) -> float | None:
        """The longest wait that any phase allows, for who can be told one number only."""
        left = self.left()
        return None if left is None or self._idle is None else max(left, self._idle)

    def expired(self) -> StreamTimeoutError:
        """The error of the wait that `left()` was asked for last."""
        return StreamTimeoutError(f"the time limit passed: {self._said}", phase=self._said)

    def no_connection(self, said: str | None) -> StreamTimeoutError:
        """No connection came about in time, of which that is said; nothing was sent."""
        text = "the time limit passed: connect"
        return StreamTimeoutError(f"{text}; {said}" if said else text, phase="connect", retryable=True)

    def no_turn(self) -> PoolTimeoutError:
        """No connection came free in time; nothing was sent."""
        text = "the time limit passed: connect; all connections that this client may have were in use"
        return PoolTimeoutError(text, phase="connect")


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(seconds, _LONGEST)
