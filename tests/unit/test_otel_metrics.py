"""Metrics of model calls: durations, chunks and tokens, in the buckets of the conventions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.asking import KINDS, TEXT, ask
from tests.kit.chat import chunk, sse
from tests.kit.telemetry import ANSWER, CONFIG, Answer, Seen, Wire, said

import zen_native as zen

BOTH = pytest.mark.parametrize("kind", KINDS)
PLACE = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "mine",
    "gen_ai.request.model": "m",
    "server.address": "mine.example",
    "server.port": 8443,
}
ANSWERED = {**PLACE, "gen_ai.response.model": "m-1"}
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))


@pytest.fixture
def seen() -> Seen:
    return Seen()


def asked(kind: str, seen: Seen, *answers: Any, **options: Any) -> Any:
    """What a client that is watched hears of these answers."""
    given: dict[str, Any] = {"retry": zen.RetryPolicy(attempts=1), **options}
    return ask(kind, CONFIG, transport=Wire(*answers), telemetry=seen.telemetry(), **given)


@BOTH
def test_a_call_is_counted(kind: str, runtime: str, seen: Seen) -> None:
    asked(kind, seen, said("a", "b", "c"), runtime=runtime)
    (duration,) = seen.points("operation.duration")
    (first,) = seen.points("operation.time_to_first_chunk")
    (chunks,) = seen.points("operation.time_per_output_chunk")
    assert [(point.count, dict(point.attributes)) for point in (duration, first, chunks)] == [
        (1, ANSWERED),
        (1, ANSWERED),
        (3, PLACE),
    ]
    assert {tuple(point.explicit_bounds) for point in (duration, first, chunks)} == {SECONDS}
    assert 0 < first.sum <= first.sum + chunks.sum <= duration.sum
    tokens = seen.points("token.usage")
    assert {point.attributes["gen_ai.token.type"]: (point.count, point.sum) for point in tokens} == {
        "input": (1, 9),
        "output": (1, 5),
    }
    assert all(tuple(point.explicit_bounds) == TOKENS for point in tokens)
    kinds = [{name: value for name, value in point.attributes.items() if name in ANSWERED} for point in tokens]
    assert kinds == [ANSWERED, ANSWERED]


@BOTH
def test_a_failed_call_counts_with_its_error(kind: str, seen: Seen) -> None:
    asked(kind, seen, Answer([b"{}"], 400))
    (duration,) = seen.points("operation.duration")
    assert dict(duration.attributes) == {**PLACE, "error.type": "InvalidRequestError"}
    others = ("operation.time_to_first_chunk", "operation.time_per_output_chunk", "token.usage")
    assert [seen.points(name) for name in others] == [[], [], []]


@BOTH
def test_what_came_before_a_failure_counts(kind: str, seen: Seen) -> None:
    asked(kind, seen, Answer([*TEXT, zen.ReadError("gone")]))
    (first,) = seen.points("operation.time_to_first_chunk")
    (chunks,) = seen.points("operation.time_per_output_chunk")
    assert (dict(first.attributes), chunks.count) == (PLACE, 1)


def test_tokens_that_nobody_reported_are_not_counted(seen: Seen) -> None:
    end = {"prompt_tokens": 0}
    asked("sync", seen, Answer([*TEXT, sse(chunk({}, "stop", usage=end), "[DONE]")]))
    (point,) = seen.points("token.usage")
    assert (point.attributes["gen_ai.token.type"], point.count, point.sum) == ("input", 1, 0)
    asked("sync", seen, Answer([*TEXT, sse(chunk({}, "stop"), "[DONE]")]))
    assert [point.count for point in seen.points("token.usage")] == [1]


def test_calls_add_up(seen: Seen) -> None:
    for _ in range(3):
        asked("sync", seen, ANSWER)
    assert [point.count for point in seen.points("operation.duration")] == [3]
