"""Usage and cost of the Messages protocol: snapshots by field, inclusive totals, charges in every place."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from tests.kit.decoding import Decoded, decode
from tests.kit.messages import STOP, Frame, end, sse, start, text_block

from zen_native.usage import Usage

PROTOCOL = "anthropic-messages"
COST = 'event: ping\ndata: {"type": "ping", "cost": "%s"}\n\n'


def run(runtime: str, *usages: Frame | None, extra: tuple[str, ...] = (), **options: object) -> Decoded:
    """A message whose start has the first usage, and that has one `message_delta` for each other."""
    first = {} if not usages or usages[0] is None else {"usage": usages[0]}
    deltas = [end(usage=usage) for usage in usages[1:]] or [end()]
    return decode(sse(start(**first), *text_block(0, "x"), *deltas, *extra, STOP), PROTOCOL, runtime, **options)


def counts(usage: Usage) -> tuple[int | None, ...]:
    return (usage.input_tokens, usage.output_tokens, usage.total_tokens)


def test_input_is_the_sum_of_its_parts(runtime: str) -> None:
    usage = run(
        runtime,
        {"input_tokens": 10, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 40, "output_tokens": 1},
        {"output_tokens": 7},
    ).usage
    assert counts(usage) == (350, 7, 357)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (300, 40)
    assert usage.raw == {"output_tokens": 7}


def test_cache_writes_by_lifetime(runtime: str) -> None:
    split = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10}
    for total in ({}, {"cache_creation_input_tokens": 40}):
        usage = run(runtime, {"input_tokens": 1, "cache_creation": split, **total}, {"output_tokens": 2}).usage
        assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (40, 10)
        assert usage.buckets().cache_write_5m == 30


def test_thinking_tokens_are_part_of_the_output(runtime: str) -> None:
    said = {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 20}}
    usage = run(runtime, {"input_tokens": 1}, said).usage
    assert (usage.output_tokens, usage.reasoning_tokens) == (50, 20)


def test_iterations_and_server_tools_are_only_raw(runtime: str) -> None:
    said = {"input_tokens": 5, "output_tokens": 2, "iterations": [{"input_tokens": 99}], "server_tool_use": {"n": 1}}
    usage = run(runtime, {"input_tokens": 1}, said).usage
    assert counts(usage) == (5, 2, 7)
    assert usage.raw == said


def test_what_sets_the_price_is_metadata(runtime: str) -> None:
    said = {"input_tokens": 1, "service_tier": "priority", "inference_geo": "us", "speed": "fast"}
    step = run(runtime, said, {"output_tokens": 2}).step
    assert step.metadata == {"test": {"inference_geo": "us", "service_tier": "priority", "speed": "fast"}}


# The last present value of a field wins

SNAPSHOTS: list[tuple[str, list[Frame | None], tuple[int | None, ...]]] = [
    ("complete", [None, {"input_tokens": 100, "output_tokens": 10}], (100, 10, 110)),
    (
        "complete-twice",
        [{"input_tokens": 100, "output_tokens": 5}, {"input_tokens": 100, "output_tokens": 10}],
        (100, 10, 110),
    ),
    ("start-and-delta", [{"input_tokens": 1000, "output_tokens": 1}, {"output_tokens": 50}], (1000, 50, 1050)),
    ("start-with-zero", [{"input_tokens": 1000, "output_tokens": 0}, {"output_tokens": 50}], (1000, 50, 1050)),
    (
        "two-deltas",
        [{"input_tokens": 1000, "output_tokens": 1}, {"output_tokens": 20}, {"output_tokens": 50}],
        (1000, 50, 1050),
    ),
    (
        "smaller-input",
        [{"input_tokens": 1000, "output_tokens": 1}, {"input_tokens": 700, "output_tokens": 50}],
        (700, 50, 750),
    ),
    (
        "then-prompt-only",
        [None, {"input_tokens": 100, "output_tokens": 10}, {"input_tokens": 100}],
        (100, 10, 110),
    ),
    ("zero-is-present", [{"input_tokens": 9}, {"input_tokens": 0, "output_tokens": 0}], (0, 0, 0)),
    ("null-is-absent", [{"input_tokens": 9, "output_tokens": 1}, {"input_tokens": None}], (9, 1, 10)),
    ("nothing", [None, None], (None, None, None)),
    ("empty", [{}, {}], (None, None, None)),
    ("no-numbers", [{"input_tokens": "9", "output_tokens": 1.0}, {"output_tokens": True}], (None, None, None)),
    ("output-only", [None, {"output_tokens": 4}], (None, 4, None)),
]


@pytest.mark.parametrize(("usages", "expected"), [pytest.param(*row, id=name) for name, *row in SNAPSHOTS])
def test_E2_snapshot(runtime: str, usages: list[Frame | None], expected: tuple[int | None, ...]) -> None:
    assert counts(run(runtime, *usages).usage) == expected


def test_E3_cached_count_survives_a_later_snapshot_without_it(runtime: str) -> None:
    usage = run(
        runtime,
        {"input_tokens": 700, "cache_read_input_tokens": 300, "output_tokens": 1},
        {"input_tokens": 700, "output_tokens": 50},
    ).usage
    assert (*counts(usage), usage.cache_read_tokens) == (1000, 50, 1050, 300)


def test_E3_input_that_changes_its_meaning_is_replaced(runtime: str) -> None:
    usage = run(
        runtime,
        {"input_tokens": 1000, "output_tokens": 1},
        {"input_tokens": 700, "cache_read_input_tokens": 300, "output_tokens": 50},
    ).usage
    assert (*counts(usage), usage.cache_read_tokens) == (1000, 50, 1050, 300)


def test_E7_later_frame_without_usage_erases_nothing(runtime: str) -> None:
    usage = run(runtime, {"input_tokens": 9}, {"output_tokens": 3}, None).usage
    assert counts(usage) == (9, 3, 12)
    assert usage.raw == {"output_tokens": 3}


# Cost


def test_E8_cost_and_usage_in_every_order(runtime: str) -> None:
    frames: list[Frame | str] = [
        COST % "0.005",
        end(usage={"input_tokens": 100}),
        end(usage={"output_tokens": 10}),
        *text_block(0, "x")[:1],
    ]
    for order in permutations(frames):
        usage = decode(sse(start(), *order, STOP), PROTOCOL, runtime).usage
        assert (*counts(usage), usage.cost, usage.cost_source) == (100, 10, 110, Decimal("0.005"), "wire")


@pytest.mark.parametrize(("costs", "charged"), [(["0.002", "0.005"], "0.005"), (["0.005", "0.005"], "0.005")])
def test_last_charge_wins(runtime: str, costs: list[str], charged: str) -> None:
    assert run(runtime, None, extra=tuple(COST % cost for cost in costs)).usage.cost == Decimal(charged)


def test_charge_of_zero_is_a_cost(runtime: str) -> None:
    usage = run(runtime, {"input_tokens": 100, "output_tokens": 10}, extra=(COST % "0",)).usage
    assert (usage.cost, usage.cost_source) == (Decimal(0), "wire")


def test_cost_alone_leaves_the_counts_unknown(runtime: str) -> None:
    usage = run(runtime, extra=(COST % "0.01",)).usage
    assert (*counts(usage), usage.cost) == (None, None, None, Decimal("0.01"))


TAGGED = (
    'event: ping\ndata: {"type": "ping", "x-opencode-type": "inference-cost", "cost": "0.0602", "normalizedUsage": '
    '{"inputTokens": 26, "outputTokens": 54, "reasoningTokens": 12, "cacheReadTokens": 64}}\n\n'
)


def test_tagged_cost_is_the_list_price(runtime: str) -> None:
    body = sse(start(), *text_block(0, "x"), end(usage={"input_tokens": 5}), STOP, TAGGED, COST % "0")
    usage = decode(body, PROTOCOL, runtime, trailing_cost=True).usage
    assert (usage.cost, usage.list_cost) == (Decimal(0), Decimal("0.0602"))
    assert usage.input_tokens == 5


def test_normalized_usage_counts_where_the_provider_said_nothing(runtime: str) -> None:
    body = sse(start(), *text_block(0, "x"), end(), STOP, TAGGED)
    usage = decode(body, PROTOCOL, runtime, trailing_cost=True).usage
    assert (*counts(usage), usage.cache_read_tokens, usage.reasoning_tokens) == (90, 54, 144, 64, 12)


def test_E7_charge_does_not_erase_the_normalized_usage(runtime: str) -> None:
    body = sse(start(), *text_block(0, "x"), end(), STOP, TAGGED, COST % "0")
    usage = decode(body, PROTOCOL, runtime, trailing_cost=True).usage
    assert (*counts(usage), usage.cache_read_tokens, usage.reasoning_tokens) == (90, 54, 144, 64, 12)


PINGS = [
    ("", None),
    ("event: ping\n\n", None),
    ("event: ping\ndata:\n\n", None),
    ("event: ping\ndata: not json\n\n", None),
    ("event: ping\ndata: [1]\n\n", None),
    ('event: ping\ndata: {"type": "ping"}\n\n', None),
    ('event: ping\ndata: {"type": "ping", "kind": "keepalive"}\n\n', None),
    ('event: ping\ndata: {"cost": 0.10}\n\n', "0.10"),
    ('data: {"type": "ping", "cost": 1}\n\n', "1"),
    ('event: ping\ndata: {"type": "ping", "cost": 1.5e-7}\n\n', "1.5e-7"),
    ('event: ping\ndata: {"type": "ping", "cost": -0}\n\n', "0"),
    ('event: message\ndata: {"cost": "0.25"}\n\n', "0.25"),
    ('event: ping\ndata: {"type": "ping", "cost": "0.25"}\n\ndata: [DONE]\n\n', "0.25"),
]


@pytest.mark.parametrize(("frame", "charged"), PINGS)
@pytest.mark.parametrize("after", [False, True])
def test_ping_in_any_shape(runtime: str, frame: str, charged: str | None, after: bool) -> None:
    tail = [STOP, frame] if after else [frame, STOP]
    body = sse(start(), *text_block(0, "x"), end(), *tail)
    if not after and "[DONE]" in frame:
        body = body.replace(b"data: [DONE]\n\n", b"")
    decoded = decode(body, PROTOCOL, runtime, trailing_cost=True)
    assert decoded.finish.warnings == ()
    assert decoded.usage.cost == (None if charged is None else Decimal(charged))


def test_cost_inside_the_usage(runtime: str) -> None:
    usage = run(runtime, {"input_tokens": 1, "cost": 0.5}, {"output_tokens": 1, "cost": 0.0012300}).usage
    assert str(usage.cost) == "0.00123"


def test_cost_that_cannot_be_read_is_a_warning(runtime: str) -> None:
    for decoded in (run(runtime, extra=(COST % "free",)), run(runtime, {"cost": -1})):
        assert decoded.finish.warnings == ("a cost on the wire could not be read",)
        assert decoded.usage.cost is None
