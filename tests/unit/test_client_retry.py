"""When something is tried again, by a clock and a dice of the test's own."""

from __future__ import annotations

import weakref
from datetime import UTC, datetime
from typing import Any

import pytest

import zen_native as zen
from zen_native.transport.retry import Retrier, fails_over

POLICY = zen.RetryPolicy(attempts=4, base=1.0, longest=8.0, cap=60.0)


class World:
    """Time and chance."""

    def __init__(self, policy: zen.RetryPolicy = POLICY) -> None:
        self.now = 1000.0
        self.chance = 1.0
        self.retrier = Retrier(policy, clock=lambda: self.now, wall=lambda: self.now, draw=lambda: self.chance)

    def after(self, error: zen.LLMError, attempt: int = 1, key: object = "key") -> float | None:
        """What the retrier says."""
        return self.retrier.after(error, key, attempt)


def limited(**fields: Any) -> zen.RateLimitError:
    return zen.RateLimitError("slow down", **fields)


def test_waits_double_up_to_the_longest_and_are_drawn() -> None:
    world = World(zen.RetryPolicy(attempts=9, base=1.0, longest=8.0))
    assert [world.after(zen.ServerError("x"), attempt) for attempt in range(1, 7)] == [1, 2, 4, 8, 8, 8]
    world.chance = 0.0
    assert [world.after(zen.ServerError("x"), attempt) for attempt in range(1, 5)] == [0.5, 1, 2, 4]


def test_attempts_end() -> None:
    world = World()
    assert world.after(zen.ServerError("x"), 3) is not None
    assert world.after(zen.ServerError("x"), 4) is None


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (zen.ServerError("x"), True),
        (zen.OverloadedError("x"), True),
        (limited(), True),
        (zen.ConnectError("x"), True),
        (zen.ServerError("x", retryable=False), False),
        (zen.InvalidRequestError("x"), False),
        (zen.InvalidRequestError("x", retryable=True), True),
        (zen.AuthenticationError("x"), False),
        (zen.QuotaExceededError("x"), False),
        (zen.ReadError("x"), False),
        (zen.StreamTimeoutError("x", phase="first-event"), False),
        (zen.IncompleteStreamError("x"), False),
        (zen.InvalidProviderOutputError("x"), False),
    ],
    ids=repr,
)
def test_what_is_tried_again(error: zen.LLMError, again: bool) -> None:
    assert (World().after(error) is not None) is again


def test_incomplete_streams_are_tried_again_on_request() -> None:
    world = World(zen.RetryPolicy(incomplete_streams=True))
    assert world.after(zen.IncompleteStreamError("x")) is not None


def test_what_the_provider_asks_for_is_a_floor() -> None:
    world = World()
    assert world.after(zen.ServerError("x", retry_after=0.1), 3) == 4
    assert world.after(zen.ServerError("x", retry_after=20), 1) == 21
    world.chance = 0.0
    assert world.after(zen.ServerError("x", retry_after=20), 1) == 20


def test_a_reset_time_is_asking_too() -> None:
    world = World()
    world.chance = 0.0
    assert world.after(limited(reset_time=datetime.fromtimestamp(1030, UTC))) == 30


@pytest.mark.parametrize(("asked", "again"), [(60, True), (61, False)])
def test_more_than_the_cap_is_not_waited(asked: float, again: bool) -> None:
    assert (World().after(zen.ServerError("x", retry_after=asked)) is not None) is again


def test_the_budget_runs_out_and_successes_fill_it() -> None:
    world = World(zen.RetryPolicy(budget=2))
    assert [world.after(zen.ServerError("x")) is None for _ in range(3)] == [False, False, True]
    for _ in range(11):
        world.retrier.succeeded()
    assert [world.after(zen.ServerError("x")) is None for _ in range(2)] == [False, True]


def test_a_rate_limit_holds_back_all_who_have_the_key() -> None:
    world = World()
    world.after(limited(retry_after=10))
    assert world.retrier.before("another key") == 0
    world.chance = 0.0
    assert world.retrier.before("key") == 10
    world.now += 4
    assert world.retrier.before("key") == 6
    world.now += 6
    assert world.retrier.before("key") == 0


def test_those_held_back_come_back_spread() -> None:
    world = World()
    world.after(limited(retry_after=10))
    waits = []
    for world.chance in (0.0, 0.5, 1.0):
        waits.append(world.retrier.before("key"))
    assert waits == [10, 12.5, 15]


def test_a_second_limit_does_not_shorten_the_first() -> None:
    world = World()
    world.after(limited(retry_after=30))
    world.after(limited(retry_after=1))
    world.chance = 0.0
    assert world.retrier.before("key") == 30


def test_other_errors_hold_nobody_back() -> None:
    world = World()
    world.after(zen.OverloadedError("x", retry_after=10))
    assert world.retrier.before("key") == 0


def test_beyond_the_cap_others_fail_at_once_but_not_for_ever() -> None:
    """A provider that says "tomorrow" is asked again after a while: the limit may have been lifted."""
    world = World()
    world.after(limited(retry_after=3600, provider="p", status=429))
    with pytest.raises(
        zen.RateLimitError, match="not sent: the provider asked to wait 3600 more seconds: slow down"
    ) as e:
        world.retrier.before("key")
    assert (e.value.retry_after, e.value.provider, e.value.status) == (3600, "p", 429)
    world.now += 60
    assert world.retrier.before("key") == 0


def test_of_a_rate_limit_no_more_is_remembered_than_is_said() -> None:
    """Its error went up through frames that hold the request, and may be asked for never again."""
    world, error = World(), limited(retry_after=3600)
    world.after(error)
    gone = weakref.ref(error)
    del error
    assert gone() is None


def test_few_keys_are_remembered() -> None:
    world = World()
    for number in range(3000):
        world.after(limited(retry_after=10), key=number)
    assert world.retrier.before(0) == 0
    assert world.retrier.before(2999) > 0
    assert len(world.retrier._cooldowns) <= 1024


@pytest.mark.parametrize(
    ("error", "over"),
    [
        (zen.RateLimitError("x"), True),
        (zen.QuotaExceededError("x"), True),
        (zen.ServerError("x"), True),
        (zen.StreamTimeoutError("x"), True),
        (zen.ContextOverflowError("x"), True),
        (zen.WrongEndpointError("x"), True),
        (zen.AuthenticationError("x"), True),
        (zen.UnsupportedError("x"), True),
        (zen.InvalidRequestError("x"), False),
        (zen.PayloadTooLargeError("x"), False),
        (zen.ContentPolicyError("x"), False),
        (zen.NoRouteError("x"), False),
    ],
    ids=repr,
)
def test_which_errors_another_model_may_not_have(error: zen.LLMError, over: bool) -> None:
    assert fails_over(error) is over


@pytest.mark.parametrize("fields", [{"attempts": 0}, {"base": -1}, {"cap": float("nan")}], ids=str)
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="RetryPolicy"):
        zen.RetryPolicy(**fields)
