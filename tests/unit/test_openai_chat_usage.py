"""Usage and cost of chat completions, in every place and spelling."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from tests.kit.chat import DONE, chunk, document, stream, tail, unary

from zen_native.usage import Usage

STOP = chunk(finish="stop")
COUNTS = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


def run(runtime: str, usage: dict[str, Any]) -> Usage:
    return stream(runtime, chunk({"content": "a"}), STOP, tail(usage=usage), DONE).usage


@pytest.mark.parametrize(
    "frames",
    [
        (chunk({"content": "a"}), STOP, tail(usage=COUNTS)),
        (chunk({"content": "a"}), chunk(finish="stop", usage=COUNTS)),
        (chunk({"content": "a"}), chunk(finish="stop", choice={"usage": COUNTS})),
        (chunk({"content": "a"}), chunk(finish="stop", x_groq={"id": "r", "usage": COUNTS})),
        (chunk({"content": "a"}, usage=None), STOP, tail(usage=COUNTS), tail(usage=None)),
        (tail(usage=COUNTS), chunk({"content": "a"}), STOP),
    ],
)
def test_E1_usage_in_every_place(runtime: str, frames: tuple[dict[str, Any], ...]) -> None:
    usage = stream(runtime, *frames, DONE).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (10, 4, 14)
    assert usage.raw == COUNTS


def test_E4_usage_in_every_chunk_is_not_added(runtime: str) -> None:
    frames = [chunk({"content": "a"}, usage={"prompt_tokens": 10, "completion_tokens": n}) for n in (1, 2, 3)]
    usage = stream(runtime, *frames, STOP, DONE).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (10, 3, 13)


def test_E5_no_usage_is_unknown(runtime: str) -> None:
    usage = stream(runtime, chunk({"content": "a"}), STOP, DONE).usage
    assert usage == Usage()


def test_E6_nothing_is_invented(runtime: str) -> None:
    usage = run(runtime, {"prompt_tokens": 10})
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.cost) == (10, None, None, None)


def test_E7_a_later_object_erases_nothing(runtime: str) -> None:
    first = {**COUNTS, "prompt_tokens_details": {"cached_tokens": 6}}
    usage = stream(runtime, chunk({"content": "a"}, usage=first), STOP, tail(usage=COUNTS), tail(usage={}), DONE).usage
    assert (usage.input_tokens, usage.cache_read_tokens) == (10, 6)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_E8_cost_and_usage_in_any_order(runtime: str, order: tuple[int, ...]) -> None:
    frames: list[dict[str, Any]] = [{"choices": [], "cost": "0.5"}, tail(usage=COUNTS), STOP]
    usage = stream(runtime, chunk({"content": "a"}), *(frames[place] for place in order), DONE).usage
    assert (usage.input_tokens, usage.cost) == (10, Decimal("0.5"))


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cached_tokens": 6}},
        {"input_tokens_details": {"cached_tokens": 6}},
        {"prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 4},
        {"cached_tokens": 6},
        {"num_cached_tokens": 6},
        {"cache_read_input_tokens": 6},
        {"prompt_tokens_details": None, "cached_tokens": 6},
        {"prompt_tokens_details": {"cached_tokens": None}, "cached_tokens": 6},
    ],
)
def test_F1_cached_tokens_in_every_spelling_are_part_of_the_input(runtime: str, usage: dict[str, Any]) -> None:
    got = run(runtime, {**COUNTS, **usage})
    assert (got.input_tokens, got.cache_read_tokens, got.cache_write_tokens) == (10, 6, None)
    assert got.buckets().fresh_input == 4


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cache_write_tokens": 6}},
        {"prompt_tokens_details": {"cache_creation_input_tokens": 6}},
        {"cache_creation_input_tokens": 6},
        {"cache_write_tokens": 6},
    ],
)
def test_cache_writes_in_every_spelling(runtime: str, usage: dict[str, Any]) -> None:
    assert run(runtime, {**COUNTS, **usage}).cache_write_tokens == 6


@pytest.mark.parametrize(
    "usage",
    [
        {"completion_tokens_details": {"reasoning_tokens": 3}},
        {"output_tokens_details": {"reasoning_tokens": 3}},
        {"reasoning_tokens": 3},
    ],
)
def test_reasoning_tokens_in_every_spelling_are_part_of_the_output(runtime: str, usage: dict[str, Any]) -> None:
    got = run(runtime, {**COUNTS, **usage})
    assert (got.output_tokens, got.reasoning_tokens, got.total_tokens) == (4, 3, 14)


def test_reasoning_beside_the_output_is_added(runtime: str) -> None:
    details = {"reasoning_tokens": 196}
    usage = {"prompt_tokens": 291, "completion_tokens": 26, "total_tokens": 513, "completion_tokens_details": details}
    got = run(runtime, usage)
    assert (got.output_tokens, got.reasoning_tokens, got.total_tokens) == (222, 196, 513)


def test_input_and_output_spelling(runtime: str) -> None:
    got = run(runtime, {"input_tokens": 10, "output_tokens": 4})
    assert (got.input_tokens, got.output_tokens) == (10, 4)


@pytest.mark.parametrize("odd", [True, 1.0, "7", -1, 2**63, None, [], {}])
def test_what_is_no_count_is_unknown(runtime: str, odd: Any) -> None:
    got = run(runtime, {"prompt_tokens": odd, "completion_tokens": 4})
    assert (got.input_tokens, got.output_tokens) == (None, 4)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.00007159}, "0.00007159"),
        ({"cost": 1e-07}, "1E-7"),
        ({"cost": 0}, "0"),
        ({"cost": "0.25"}, "0.25"),
        ({"cost": {"total_cost": 0.006, "request_cost": 0.005}}, "0.006"),
        ({"cost_in_usd_ticks": 1330500}, "0.0001330500"),
        ({"cost": None}, None),
    ],
)
def test_F7_cost_of_the_wire_is_exact(runtime: str, usage: dict[str, Any], cost: str | None) -> None:
    got = run(runtime, {**COUNTS, **usage})
    assert got.cost == (None if cost is None else Decimal(cost))
    assert got.cost_source == (None if cost is None else "wire")


def test_a_top_level_cost_beside_choices(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}, "stop", usage=COUNTS, cost=0.1), DONE).usage
    assert (got.cost, got.input_tokens) == (Decimal("0.1"), 10)


@pytest.mark.parametrize("odd", ["free", -1, True, [], "1e999"])
def test_a_cost_that_cannot_be_read_is_a_warning(runtime: str, odd: Any) -> None:
    got = stream(runtime, chunk({"content": "a"}), STOP, tail(usage={**COUNTS, "cost": odd}), DONE)
    assert (got.usage.cost, got.usage.input_tokens) == (None, 10)
    assert got.finish.warnings == ("a cost on the wire could not be read",)


def test_cost_in_the_choice(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}, "stop", choice={"usage": {**COUNTS, "cost": 0.125}}), DONE)
    assert got.usage.cost == Decimal("0.125")


def test_a_ping_with_a_cost(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}), STOP, {"type": "ping", "cost": "0.5"}, DONE, raw_events=True)
    assert got.usage.cost == Decimal("0.5")
    assert "raw" not in got.types()


def test_document_with_cost_and_usage(runtime: str) -> None:
    got = unary(runtime, document({"content": "a"}, usage=COUNTS, cost="0.0000226")).usage
    assert (got.cost, got.total_tokens) == (Decimal("0.0000226"), 14)


def test_E7_a_charge_behind_a_summary_erases_nothing(runtime: str) -> None:
    summary = {"inputTokens": 26, "outputTokens": 54, "reasoningTokens": 12, "cacheReadTokens": 64}
    frames = ({"choices": [], "normalizedUsage": summary}, {"choices": [], "cost": "0"}, DONE)
    usage = stream(runtime, chunk({"content": "a"}), STOP, *frames).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (90, 54, 144)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (64, None, 12)
    assert usage.cost == 0
