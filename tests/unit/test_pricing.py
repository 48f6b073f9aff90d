"""What requests cost by a table: the rules, by the numbers of the failures that others had.

The tables here are the tests' own; what a kept library says is tested in `test_price_table`.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zen_native.pricing import Priced, Prices, PriceTable, apply, price
from zen_native.usage import Usage

PRICES = Prices(
    input=Decimal(3),
    output=Decimal(15),
    cache_read=Decimal("0.3"),
    cache_write=Decimal("3.75"),
    cache_write_1h=Decimal(6),
    calls={"web_search": Decimal("0.01")},
    tiers=(
        Prices(
            input=Decimal(6),
            output=Decimal("22.5"),
            cache_read=Decimal("0.6"),
            cache_write=Decimal("7.5"),
            cache_write_1h=Decimal(12),
            above_input_tokens=200_000,
        ),
    ),
    services={"batch": Prices(input=Decimal("1.5"), output=Decimal("7.5"))},
)
counts = st.integers(min_value=0, max_value=3_000_000)
amounts = st.decimals(min_value=0, max_value=100, places=4)


def table(**models: Prices) -> PriceTable:
    named = {f"acme/{name}": prices for name, prices in models.items()}
    return PriceTable(as_of="2026-11-01", source="the tests", models=named)


def cost(usage: Usage, prices: Prices = PRICES, **options: Any) -> Decimal:
    priced = price(usage, "acme/m", table=table(m=prices), **options)
    assert priced.reason is None
    assert priced.cost is not None
    assert priced.cost == sum((line.cost for line in priced.lines), Decimal(0))
    return priced.cost


def reason(usage: Usage, prices: Prices = PRICES, **options: Any) -> str:
    priced = price(usage, "acme/m", table=table(m=prices), **options)
    assert priced.cost is None
    assert priced.reason
    return priced.reason


# --- the catalogue of failures


def test_F1_cached_tokens_are_charged_once() -> None:
    """A call that was read from the cache whole costs a tenth, and nothing for the same tokens as input."""
    usage = Usage(input_tokens=10_000, cache_read_tokens=10_000, output_tokens=0)
    assert cost(usage) == Decimal("0.003")


def test_F2_cache_rates_count_for_every_provider() -> None:
    """The numbers of https://github.com/BerriAI/litellm/issues/31714 for Fireworks."""
    prices = Prices(input=Decimal("1.4"), cache_read=Decimal("0.26"), output=Decimal("4.4"))
    usage = Usage(input_tokens=27_147, cache_read_tokens=27_146, output_tokens=351)
    assert cost(usage, prices) == Decimal("0.00860376")
    for provider in ("fireworks", "openai", "opencode", "bedrock", "nobody"):
        own = PriceTable(as_of="2026-11-01", source="the tests", models={f"{provider}/m": prices})
        assert price(usage, f"{provider}/m", table=own).cost == Decimal("0.00860376")


def test_F3_writes_are_charged_by_how_long_they_are_kept() -> None:
    usage = Usage(input_tokens=1_000_000, cache_write_tokens=100_000, cache_write_1h_tokens=40_000, output_tokens=0)
    prices = dataclasses.replace(PRICES, tiers=())
    assert cost(usage, prices) == Decimal("2.7") + Decimal("0.225") + Decimal("0.24")
    only_5m = dataclasses.replace(prices, cache_write_1h=None)
    assert reason(usage, only_5m) == "the tests has no price for cache-write-1h tokens"


def test_F4_a_tier_is_chosen_by_all_input_and_prices_the_whole_request() -> None:
    """The request of https://github.com/junhoyeo/tokscale/issues/862: below the threshold only without its cache."""
    long = Prices(input=Decimal(10), cache_read=Decimal(1), output=Decimal(45), above_input_tokens=272_000)
    prices = Prices(input=Decimal(5), cache_read=Decimal("0.5"), output=Decimal(30), tiers=(long,))
    usage = Usage(input_tokens=270_540 + 7_936, cache_read_tokens=7_936, output_tokens=630)
    assert cost(usage, prices) == Decimal("2.741686")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(199_999, "0.599997"), (200_000, "0.6"), (200_001, "1.200006")],
)
def test_F4_the_threshold_itself_is_below(tokens: int, expected: str) -> None:
    assert cost(Usage(input_tokens=tokens, output_tokens=0)) == Decimal(expected)


def test_F4_of_several_tiers_the_highest_counts() -> None:
    tiers = tuple(Prices(input=Decimal(n), output=Decimal(n), above_input_tokens=n * 100) for n in (3, 1, 2))
    prices = Prices(input=Decimal("0.5"), output=Decimal("0.5"), tiers=tiers)
    priced = price(Usage(input_tokens=250, output_tokens=0), "acme/m", table=table(m=prices))
    assert (priced.cost, priced.above_input_tokens) == (Decimal("0.0005"), 200)


def test_F4_without_the_number_of_input_tokens_there_is_no_tier() -> None:
    assert "input tokens is not known" in reason(Usage(output_tokens=5))


@pytest.mark.parametrize(
    ("said", "usage", "metadata"),
    [
        ("batch", None, None),
        (None, {"service_tier": "batch"}, None),
        (None, None, {"anthropic": {"service_tier": "batch"}}),
        (None, None, {"bedrock": {"serviceTier": {"type": "batch"}}}),
        (None, {"trafficType": "ON_DEMAND_BATCH"}, None),
    ],
)
def test_F5_the_tier_that_served_has_a_row_of_its_own(said: Any, usage: Any, metadata: Any) -> None:
    counted = Usage(input_tokens=1_000_000, output_tokens=0, raw=usage)
    priced = price(counted, "acme/m", service_tier=said, metadata=metadata, table=table(m=PRICES))
    assert (priced.cost, priced.service_tier) == (Decimal("1.5"), "batch")


@pytest.mark.parametrize("tier", ["default", "standard", "on_demand", "ON_DEMAND", "auto", ""])
def test_F5_the_ordinary_tier_has_many_names(tier: str) -> None:
    usage = Usage(input_tokens=1000, output_tokens=0, raw={"service_tier": tier})
    assert price(usage, "acme/m", table=table(m=PRICES)).service_tier is None
    assert cost(usage) == Decimal("0.003")


def test_F5_a_tier_without_a_row_has_no_price() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0, raw={"service_tier": "priority"})
    assert reason(usage) == "the tests has no prices for the service tier 'priority'"


@pytest.mark.parametrize("tokens", [200_000, 200_001])
@pytest.mark.parametrize("tier", ["default", "flex", "priority"])
def test_F5_each_tier_has_its_own_steps(tier: str, tokens: int) -> None:
    def row(rate: int) -> Prices:
        long = Prices(input=Decimal(2 * rate), output=Decimal(rate), above_input_tokens=200_000)
        return Prices(input=Decimal(rate), output=Decimal(rate), tiers=(long,))

    prices = dataclasses.replace(row(10), services={"flex": row(5), "priority": row(20)})
    rate = {"default": 10, "flex": 5, "priority": 20}[tier] * (2 if tokens > 200_000 else 1)
    usage = Usage(input_tokens=tokens, output_tokens=0)
    assert cost(usage, prices, service_tier=tier) == Decimal(tokens * rate).scaleb(-6)


def test_F5_several_things_out_of_the_ordinary_need_a_row_for_all() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0, raw={"speed": "fast", "inference_geo": "us"})
    assert "'fast+us'" in reason(usage)
    both = dataclasses.replace(PRICES, services={"fast+us": Prices(input=Decimal(33), output=Decimal(165))})
    assert cost(usage, both) == Decimal("0.033")


@pytest.mark.parametrize("model", ["acme/other", "nobody/m", "other", "openai-decisions/x"])
def test_F6_an_unknown_model_costs_nobody_knows_what(model: str) -> None:
    usage = Usage(input_tokens=1000, output_tokens=10)
    priced = price(usage, model, table=table(m=PRICES))
    assert (priced.cost, priced.lines) == (None, ())
    assert priced.reason
    assert apply(usage, model, table=table(m=PRICES)) == usage


def test_F6_unknown_counts_and_prices_make_the_cost_unknown() -> None:
    assert reason(Usage()) == "the number of input tokens is not known, and the price depends on it"
    flat = dataclasses.replace(PRICES, tiers=())
    assert reason(Usage(output_tokens=1), flat) == "the number of input tokens is not known"
    assert reason(Usage(input_tokens=1), flat) == "the number of output tokens is not known"
    assert reason(Usage(input_tokens=1, output_tokens=1), Prices(input=Decimal(1))).endswith("price for output tokens")


def test_F6_free_is_known() -> None:
    free = Prices(input=Decimal(0), output=Decimal(0), cache_read=Decimal(0))
    assert cost(Usage(), free) == 0
    assert cost(Usage(input_tokens=5, output_tokens=7), free) == 0


def test_F7_what_the_wire_charged_wins_and_the_table_checks_it() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, cost=Decimal("0.0059"), cost_source="wire")
    assert apply(usage, "acme/m", table=table(m=PRICES)) is usage
    priced = price(usage, "acme/m", table=table(m=PRICES))
    assert priced.cost == Decimal("0.0045")
    assert priced.applied(usage) is usage
    assert priced.difference(usage) == (
        "the provider says that this cost 0.0059 USD; by the prices of the tests of 2026-11-01 it is 0.0045 USD"
    )


def test_F7_a_cost_of_the_table_says_so() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    priced = apply(usage, "acme/m", table=table(m=PRICES))
    assert (priced.cost, priced.cost_source) == (Decimal("0.0045"), "table")
    assert price(usage, "acme/m", table=table(m=PRICES)).difference(priced) is None


@pytest.mark.parametrize(
    ("said", "listed"),
    [("0.0045", None), ("0.004501", None), ("0", None), ("0.009", "0.0045"), ("0", "0.0045")],
)
def test_F7_rounding_free_plans_and_discounts_are_no_difference(said: str, listed: str | None) -> None:
    list_cost = None if listed is None else Decimal(listed)
    usage = Usage(input_tokens=1000, output_tokens=100, cost=Decimal(said), list_cost=list_cost, cost_source="wire")
    assert price(usage, "acme/m", table=table(m=PRICES)).difference(usage) is None


def test_F8_calls_of_hosted_tools_are_lines_of_their_own() -> None:
    raw = {"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0}}
    usage = Usage(input_tokens=1000, output_tokens=0, raw=raw)
    priced = price(usage, "acme/m", table=table(m=PRICES))
    assert priced.cost == Decimal("0.033")
    assert [(line.name, line.quantity, line.cost) for line in priced.lines][-1] == (
        "call:web_search",
        3,
        Decimal("0.03"),
    )
    assert cost(Usage(input_tokens=1000, output_tokens=0), calls={"web_search": 3}) == Decimal("0.033")
    assert cost(usage, calls={"web_search": 1}) == Decimal("0.013")


def test_F8_a_call_without_a_price_makes_the_cost_unknown() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0)
    assert reason(usage, calls={"code_interpreter": 1}) == "the tests has no price for a call of code_interpreter"
    assert cost(usage, calls={"code_interpreter": 0}) == Decimal("0.003")


def test_F8_a_price_of_each_request_is_added_once() -> None:
    prices = Prices(input=Decimal(1), output=Decimal(1), calls={"request": Decimal("0.005")})
    assert cost(Usage(input_tokens=1000, output_tokens=0), prices) == Decimal("0.006")


@pytest.mark.parametrize(
    "raw",
    [
        {"prompt_tokens_details": {"audio_tokens": 4}},
        {"completion_tokens_details": {"audio_tokens": 4}},
        {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}, {"modality": "AUDIO", "tokenCount": 4}]},
    ],
)
def test_F8_tokens_with_prices_of_their_own_make_the_cost_unknown(raw: dict[str, Any]) -> None:
    usage = Usage(input_tokens=1000, output_tokens=0, raw=raw)
    assert cost(usage) == Decimal("0.003")
    apart = dataclasses.replace(PRICES, apart=("audio",))
    assert reason(usage, apart) == "audio tokens have prices of their own"


def test_F9_a_million_calls_add_up_to_the_last_digit() -> None:
    one = cost(Usage(input_tokens=7, cache_read_tokens=3, output_tokens=1), Prices(
        input=Decimal("0.1"), cache_read=Decimal("0.01"), output=Decimal("0.7")
    ))  # fmt: skip
    assert one == Decimal("0.00000113")
    assert sum([one] * 1_000_000) == Decimal("1.13")


def test_F10_a_price_says_its_date_and_source() -> None:
    priced = price(Usage(input_tokens=1, output_tokens=1), "acme/m", table=table(m=PRICES))
    assert (priced.as_of, priced.source) == ("2026-11-01", "the tests")
    zen = price(Usage(input_tokens=1, output_tokens=1), "opencode/claude-haiku-4-5")
    assert zen.as_of
    assert zen.source is not None
    assert "models.dev" in zen.source


# --- rules


def test_reasoning_has_a_price_of_its_own_only_where_a_table_says_so() -> None:
    usage = Usage(input_tokens=0, output_tokens=1000, reasoning_tokens=400)
    flat = Prices(input=Decimal(1), output=Decimal(10))
    assert cost(usage, flat) == Decimal("0.01")
    assert cost(usage, dataclasses.replace(flat, reasoning=Decimal(3))) == Decimal("0.0072")


def test_input_without_a_cache_price_is_input() -> None:
    """gpt-5.5-pro has no discount: 10,000 fresh, 200,000 cached and 5,000 output tokens cost 7.20 USD."""
    prices = Prices(input=Decimal(30), output=Decimal(180))
    usage = Usage(input_tokens=210_000, cache_read_tokens=200_000, output_tokens=5_000)
    assert cost(usage, prices) == Decimal("7.2")


def test_parts_beyond_their_whole_are_never_negative() -> None:
    usage = Usage(input_tokens=10, cache_read_tokens=50, output_tokens=1, reasoning_tokens=9)
    assert cost(usage) == Decimal("0.000003") + Decimal("0.000015")


def test_a_tier_keeps_the_prices_of_calls() -> None:
    usage = Usage(input_tokens=300_000, output_tokens=0)
    assert cost(usage, calls={"web_search": 1}) == Decimal("1.81")
    assert cost(usage, calls={"web_search": 1}, service_tier="batch") == Decimal("0.46")


def test_hostile_counts_cost_no_time_and_do_not_fail() -> None:
    assert cost(Usage(input_tokens=10**900, output_tokens=0), dataclasses.replace(PRICES, tiers=())) > 10**890
    assert cost(Usage(input_tokens=-5, output_tokens=-1), dataclasses.replace(PRICES, tiers=())) == 0


def test_a_price_is_a_plain_value() -> None:
    assert Priced() == Priced(cost=None, reason=None)
    assert str(cost(Usage(input_tokens=1_000_000_000, output_tokens=0), Prices(
        input=Decimal(10), output=Decimal(0)
    ))) == "10000"  # fmt: skip


# --- properties


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, write_5m, write_1h, fresh = (draw(counts) for _ in range(4))
    reasoning, visible = draw(counts), draw(counts)
    return Usage(
        input_tokens=read + write_5m + write_1h + fresh,
        cache_read_tokens=read,
        cache_write_tokens=write_5m + write_1h,
        cache_write_1h_tokens=write_1h,
        output_tokens=reasoning + visible,
        reasoning_tokens=reasoning,
    )


@st.composite
def rows(draw: st.DrawFn) -> Prices:
    base = Prices(
        input=draw(amounts),
        output=draw(amounts),
        cache_read=draw(amounts),
        cache_write=draw(amounts),
        cache_write_1h=draw(amounts),
        reasoning=draw(amounts),
    )
    doubled = {
        name: 2 * value
        for name in ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")
        if (value := getattr(base, name)) is not None
    }
    return dataclasses.replace(base, tiers=(Prices(**doubled, above_input_tokens=draw(counts)),))


@given(usages(), rows())
def test_the_cost_is_the_sum_of_the_buckets_times_their_price(usage: Usage, prices: Prices) -> None:
    priced = price(usage, "acme/m", table=table(m=prices))
    (tier,) = prices.tiers
    assert tier.above_input_tokens is not None
    assert usage.input_tokens is not None
    row = tier if usage.input_tokens > tier.above_input_tokens else prices
    buckets = usage.buckets()
    expected = Decimal(0)
    for count, rate in (
        (buckets.fresh_input, row.input),
        (buckets.cache_read, row.cache_read),
        (buckets.cache_write_5m, row.cache_write),
        (buckets.cache_write_1h, row.cache_write_1h),
        (buckets.visible_output, row.output),
        (buckets.reasoning, row.reasoning),
    ):
        assert count is not None
        assert rate is not None
        expected += count * rate / 1_000_000
    assert priced.cost == expected
    assert sum(line.quantity for line in priced.lines) == buckets.total


@given(usages(), rows(), st.sampled_from(["input_tokens", "output_tokens"]), counts)
def test_more_tokens_never_cost_less(usage: Usage, prices: Prices, name: str, more: int) -> None:
    larger = dataclasses.replace(usage, **{name: getattr(usage, name) + more})
    assert cost(larger, prices) >= cost(usage, prices)
