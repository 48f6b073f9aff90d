"""Usage: the sum between steps, the disjoint buckets, plain data."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zen_native.usage import Usage, UsageBuckets, charged, sum_usage

counts = st.none() | st.integers(-5, 10**6)
money = st.none() | st.decimals(allow_nan=False, allow_infinity=False)
usages = st.builds(
    Usage,
    counts,
    counts,
    counts,
    counts,
    counts,
    counts,
    counts,
    money,
    money,
    st.sampled_from(["wire", "table", None]),
)


def known(usage: UsageBuckets) -> list[int]:
    values = (
        usage.fresh_input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.visible_output,
        usage.reasoning,
    )
    return [value for value in values if value is not None]


@given(usages)
def test_buckets_are_disjoint_and_sum_to_input_plus_output(usage: Usage) -> None:
    buckets = usage.buckets()
    assert all(count >= 0 for count in known(buckets))
    if usage.input_tokens is not None and usage.output_tokens is not None:
        assert sum(known(buckets)) == buckets.total == max(0, usage.input_tokens) + max(0, usage.output_tokens)


def test_buckets_of_a_full_record() -> None:
    usage = Usage(1000, 50, 300, 200, 80, 20)
    assert usage.buckets() == UsageBuckets(500, 300, 120, 80, 30, 20)


def test_buckets_keep_unknown_unknown() -> None:
    assert Usage().buckets() == UsageBuckets()
    assert Usage().buckets().total is None
    assert Usage(10, 0).buckets() == UsageBuckets(fresh_input=10, visible_output=0)
    assert Usage(cache_read_tokens=4).buckets() == UsageBuckets(cache_read=4)


def test_buckets_take_hour_writes_alone_as_all_writes() -> None:
    assert Usage(10, cache_write_1h_tokens=4).buckets() == UsageBuckets(6, None, 0, 4)


def test_sum_adds_known_counts_to_unknown_ones_as_the_known() -> None:
    total = Usage(10, 5) + Usage(None, 7, 2)
    assert (total.input_tokens, total.output_tokens, total.cache_read_tokens) == (10, 12, 2)
    assert total.reasoning_tokens is None


def test_a_zero_is_known() -> None:
    assert (Usage(cost=Decimal(0)) + Usage(cost=Decimal(1))).cost == Decimal(1)
    assert (Usage(cost=Decimal(0)) + Usage(cost=Decimal(0))).cost == Decimal(0)
    assert (Usage(0) + Usage()).input_tokens == 0


@pytest.mark.parametrize("name", ["cost", "list_cost"])
def test_money_is_known_only_where_each_step_has_it(name: str) -> None:
    paid = Usage(1, **{name: Decimal(3)}, cost_source="wire")  # type: ignore[arg-type]  # a parametrised name
    for total in (paid + Usage(1), Usage(1) + paid, sum_usage([paid, Usage(1), paid])):
        assert total is not None
        assert (getattr(total, name), total.cost_source) == (None, None)


def test_a_step_without_usage_makes_the_cost_of_all_unknown_and_no_count() -> None:
    paid = Usage(1, 2, cost=Decimal(3), list_cost=Decimal(4), cost_source="table", raw={"x": 1})
    for steps in ([None, paid], [paid, None], [None, paid, None]):
        assert sum_usage(steps) == Usage(1, 2, raw={"x": 1})


@given(st.lists(money, min_size=1, max_size=20))
def test_money_adds_exactly(costs: list[Decimal | None]) -> None:
    total = sum_usage(Usage(cost=cost) for cost in costs)
    assert total is not None
    present = [Fraction(cost) for cost in costs if cost is not None]
    known = len(present) == len(costs)
    assert (None if total.cost is None else Fraction(total.cost)) == (sum(present) if known else None)


def test_money_adds_beyond_28_digits() -> None:
    assert (Usage(cost=Decimal("1e20")) + Usage(cost=Decimal("1e-20"))).cost == Decimal(
        "100000000000000000000.00000000000000000001"
    )


def test_a_hostile_exponent_costs_no_memory() -> None:
    total = (Usage(cost=Decimal("1e999999")) + Usage(cost=Decimal("1e-999999"))).cost
    assert total is not None
    assert len(total.as_tuple().digits) <= 10_000


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [("wire", "wire", "wire"), ("wire", None, "wire"), ("wire", "table", "table"), (None, None, None)],
)
def test_source_of_a_sum_is_its_weaker_one(left: object, right: object, expected: object) -> None:
    one, other = (Usage(cost=Decimal(1), cost_source=source) for source in (left, right))  # type: ignore[arg-type]  # parametrised literals
    assert (one + other).cost_source == expected


def test_raw_of_a_sum_is_the_last_one() -> None:
    assert (Usage(raw={"a": 1}) + Usage(raw={"a": 2}) + Usage()).raw == {"a": 2}


def test_E10_steps_are_summed_once() -> None:
    steps = [Usage(10, 5, 2, total_tokens=15, cost=Decimal("0.1")), Usage(20, 1, total_tokens=21, cost=Decimal(0))]
    assert sum_usage([*steps, Usage(1, 1, cost=Decimal("0.2"))]) == Usage(
        31, 7, 2, total_tokens=36, cost=Decimal("0.3")
    )


def test_sum_of_one_step_is_that_step_and_of_none_is_unknown() -> None:
    usage = Usage(1, 2, cost=Decimal(1), cost_source="wire", raw={"x": 1})
    assert sum_usage([usage]) is usage
    assert sum_usage([None, None]) is None
    assert sum_usage([]) is None


@given(usages)
def test_plain_dict_round_trip(usage: Usage) -> None:
    assert Usage.from_dict(usage.to_dict()) == usage
    assert all(isinstance(value, int | str) for value in usage.to_dict().values())


@pytest.mark.parametrize(("said", "cost"), [("0.10", "0.10"), (0.1, "0.1"), (3, "3"), (Decimal("1E-7"), "1E-7")])
def test_from_dict_reads_money_as_it_shows(said: object, cost: str) -> None:
    assert str(Usage.from_dict({"cost": said}).cost) == cost


def test_from_dict_names_an_amount_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="list_cost is no number: 'much'"):
        Usage.from_dict({"list_cost": "much"})


@given(usages, money)
def test_a_charge_changes_nothing_else(usage: Usage, cost: Decimal | None) -> None:
    usage = replace(usage, raw={"a": 1})
    assert charged(usage, cost, "table") == replace(usage, cost=cost, cost_source="table")
