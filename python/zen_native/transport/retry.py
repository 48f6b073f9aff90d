"""When something is tried again, and when somebody else is asked: the one owner of both.

Owns the waiting times, the budget that keeps a client from making an outage worse, and the cooldown that all callers of
one key share. Sends nothing and sleeps nowhere.

`retry-after` is RFC 9110 section 10.2.3; full jitter and the budget follow what the AWS SDKs document as their standard
mode (docs.aws.amazon.com/sdkref: retry behavior).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from zen_native._locks import Locks
from zen_native.errors import (
    AuthenticationError,
    ContextOverflowError,
    IncompleteStreamError,
    InvalidProviderOutputError,
    LLMError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TransportError,
    UnknownProviderError,
    UnsupportedError,
    WrongEndpointError,
)

from .limits import Clock

__all__ = ["Retrier", "RetryPolicy", "fails_over"]

_GIVEN_BACK = 0.1
_MAX_KEYS = 1024
_FAILS_OVER = (
    AuthenticationError,
    ContextOverflowError,
    IncompleteStreamError,
    InvalidProviderOutputError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TransportError,
    UnknownProviderError,
    UnsupportedError,
    WrongEndpointError,
)
"""Not here: a request that is wrong in itself, content that is refused, and names that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently a request is tried again, before its first event only.

    Args:
        attempts: how often it is sent at most, the first time included.
        base: the first wait in seconds at most; it doubles, and the real wait is drawn from between half of it and all.
        longest: the longest of these waits.
        cap: the longest wait that a provider may ask for; where it asks for more, the error is raised at once.
        budget: how many retries of all requests of the client together may follow each other without a success. Ten
            successes pay for one.
        incomplete_streams: try again when an answer ends before its first event. It may have been charged.
    """

    attempts: int = 3
    base: float = 0.5
    longest: float = 8.0
    cap: float = 60.0
    budget: int = 20
    incomplete_streams: bool = False

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"RetryPolicy.attempts must be at least 1, not {self.attempts}")
        for name in ("base", "longest", "cap", "budget"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"RetryPolicy.{name} must not be negative")


@dataclass(frozen=True, slots=True)
class _Cooldown:
    """Nobody sends with this key before `until`; it is forgotten at `forget`, whatever the provider said."""

    until: float
    forget: float
    error: RateLimitError


class Retrier:
    """What the requests of one client know together. Usable from several threads."""

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        draw: Callable[[], float] | None = None,
    ) -> None:
        self.policy = policy
        self.clock = clock
        self._wall = wall
        self._draw = draw or _drawn
        self._locks = Locks()
        self._tokens = float(policy.budget)
        self._cooldowns: dict[object, _Cooldown] = {}

    def before(self, key: object) -> float:
        """How long to wait before anything is sent with that key.

        Raises:
            RateLimitError: longer than the cap.
        """
        if not self._cooldowns:
            return 0.0
        with self._locks.own():
            cooldown = self._cooldowns.get(key)
            now = self.clock()
            if cooldown is None or now >= min(cooldown.until, cooldown.forget):
                self._cooldowns.pop(key, None)
                return 0.0
        left = cooldown.until - now
        if left > self.policy.cap:
            said = cooldown.error
            raise RateLimitError(
                f"not sent: the provider asked to wait {left:.0f} more seconds: {said.message}",
                provider=said.provider,
                model=said.model,
                status=said.status,
                code=said.code,
                retry_after=left,
                reset_time=said.reset_time,
            )
        # Those who wait do not come back all at once.
        return left + self._draw() * min(self.policy.longest, max(self.policy.base, left / 2))

    def after(self, error: LLMError, key: object, attempt: int) -> float | None:
        """How long to wait before it is sent again, None where it is not; `attempt` counts from 1. A rate limit holds
        back everybody who has that key."""
        asked = self._asked(error)
        wait = min(self.policy.longest, self.policy.base * 2 ** min(attempt - 1, 32))
        wait *= 0.5 + self._draw() / 2
        if asked is not None and asked > 0:
            wait = asked + self._draw() * self.policy.base if asked >= wait else wait
        if isinstance(error, RateLimitError):
            self._cool(key, asked or wait, error)
        if not self._may(error) or attempt >= self.policy.attempts or (asked or 0) > self.policy.cap:
            return None
        return wait if self._spend() else None

    def succeeded(self) -> None:
        """Something came back: pays into the budget."""
        if self._tokens >= self.policy.budget:
            return  # it is full
        with self._locks.own():
            self._tokens = min(float(self.policy.budget), self._tokens + _GIVEN_BACK)

    def _may(self, error: LLMError) -> bool:
        if isinstance(error, IncompleteStreamError):
            return self.policy.incomplete_streams
        return error.retryable

    def _asked(self, error: LLMError) -> float | None:
        if error.retry_after is None and isinstance(error, RateLimitError) and error.reset_time is not None:
            return max(0.0, error.reset_time.timestamp() - self._wall())
        return error.retry_after

    def _spend(self) -> bool:
        with self._locks.own():
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def _cool(self, key: object, seconds: float, error: RateLimitError) -> None:
        now = self.clock()
        with self._locks.own():
            before = self._cooldowns.pop(key, None)
            until = max(now + seconds, before.until if before else 0.0)
            self._cooldowns[key] = _Cooldown(until, now + min(until - now, self.policy.cap), _said(error))
            if len(self._cooldowns) > _MAX_KEYS:
                del self._cooldowns[next(iter(self._cooldowns))]


def _said(error: RateLimitError) -> RateLimitError:
    """The error without the frames that it went through, which hold the request, and without its body."""
    return RateLimitError(
        error.message,
        provider=error.provider,
        model=error.model,
        status=error.status,
        code=error.code,
        reset_time=error.reset_time,
    )


def _drawn() -> float:
    from random import random  # slow to import, and few things are sent twice

    return random()  # noqa: S311 - no secret: how long to wait


def fails_over(error: LLMError) -> bool:
    """Whether another model may do better."""
    return isinstance(error, _FAILS_OVER)
