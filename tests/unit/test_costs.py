"""Events are told what they cost: step by step, with calls of hosted tools, and never zero for unknown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from zen_native._costs import Costs, hosted_calls
from zen_native._routes import Place
from zen_native.events import Finish, FinishReason, LLMEvent, StepFinish, ToolCall
from zen_native.price_table import PriceTable
from zen_native.route import Prices
from zen_native.routing import resolve
from zen_native.settings import Config
from zen_native.usage import Usage

ROUTE = resolve("openai/gpt-5", Config(environ={}))
ROW = Prices(
    input=Decimal(1),
    output=Decimal(2),
    calls={"web_search": Decimal("0.01")},
    tiers=(Prices(input=Decimal(10), output=Decimal(20), above_input_tokens=1000),),
)
TABLE = PriceTable(as_of="2026-11-01", source="the tests", models={"openai/gpt-5": ROW})
STOP = FinishReason("stop", "stop")


def step(usage: Usage | None, index: int = 0, **metadata: Any) -> StepFinish:
    return StepFinish(index, STOP, usage, metadata={"openai": metadata} if metadata else None)


def told(*events: LLMEvent, **calls: int) -> list[Any]:
    return Costs(ROUTE, TABLE).told(events, calls)


def finish(usage: Usage | None) -> Finish:
    return Finish(STOP, usage, 1, ("before",))


def call(name: str, value: Any = None, *, hosted: bool = True) -> ToolCall:
    return ToolCall("c", name, {} if value is None else value, provider_executed=hosted)


def test_the_step_and_the_whole_are_told_the_cost() -> None:
    usage = Usage(input_tokens=1000, output_tokens=500)
    first, last = told(step(usage), finish(usage))
    for event in (first, last):
        assert (event.usage.cost, event.usage.cost_source) == (Decimal("0.002"), "table")
    assert last.warnings == ("before",)


def test_each_step_has_its_own_tier_and_the_whole_is_their_sum() -> None:
    small, large = Usage(input_tokens=900, output_tokens=0), Usage(input_tokens=1001, output_tokens=0)
    *_, last = told(step(small), step(large, 1), finish(small + large))
    assert last.usage.cost == Decimal("0.0009") + Decimal("0.01001")


def test_the_whole_has_no_cost_where_one_step_has_none() -> None:
    known, unknown = Usage(input_tokens=900, output_tokens=0), Usage(output_tokens=5)
    *_, last = told(step(known), step(unknown, 1), finish(known + unknown))
    assert last.usage.cost is None


def test_without_usage_there_is_nothing_to_tell() -> None:
    events = [step(None), finish(None)]
    assert told(*events) == events


def test_the_wire_wins_and_a_difference_is_a_warning() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0, cost=Decimal("0.5"), cost_source="wire")
    first, last = told(step(usage), finish(usage))
    assert (first.usage, last.usage) == (usage, usage)
    assert last.warnings[1:] == (
        "the provider says that this cost 0.5 USD; by the prices of the tests of 2026-11-01 it is 0.001 USD",
    )


def test_calls_that_were_seen_are_charged_unless_the_answer_counts_them_itself() -> None:
    usage = Usage(input_tokens=0, output_tokens=0)
    (seen,) = told(step(usage), web_search=3)
    assert seen.usage.cost == Decimal("0.03")
    (counted,) = told(step(usage, tool_usage={"web_search": {"num_requests": 1}}), web_search=3)
    assert counted.usage.cost == Decimal("0.01")
    (none,) = told(step(usage, tool_usage={"web_search": {"num_requests": 0}}), web_search=3)
    assert none.usage.cost == 0
    (image,) = told(step(usage, tool_usage={"image_gen": {"total_tokens": 9}, "web_search": {}}))
    assert image.usage.cost is None


@pytest.mark.parametrize("raw", [None, 1, [], {"web_search": 1}, {"web_search": {"num_requests": "1"}}])
def test_odd_notes_count_nothing(raw: Any) -> None:
    (priced,) = told(step(Usage(input_tokens=0, output_tokens=0), tool_usage=raw))
    assert priced.usage.cost == 0


def test_hosted_calls_are_counted_where_each_is_charged() -> None:
    events = [
        call("web_search", {"type": "search", "query": "x"}),
        call("web_search", {"type": "open_page"}),
        call("web_search"),
        call("file_search", {"queries": []}),
        call("mcp_list_tools"),
        call("web_search", hosted=False),
    ]
    assert hosted_calls(events) == {"web_search": 2, "file_search": 1}


def test_what_is_remembered_of_a_route_is_of_the_same_table() -> None:
    usage, place = Usage(input_tokens=1000, output_tokens=500), Place(ROUTE)
    dearer = replace(TABLE, models={"openai/gpt-5": replace(ROW, input=Decimal(2), tiers=())})
    for table, cost in ((TABLE, "0.002"), (dearer, "0.003"), (TABLE, "0.002")):
        for _ in range(2):
            (first,) = Costs(ROUTE, table, place).told([step(usage)], {})
            assert isinstance(first, StepFinish)
            assert first.usage == replace(usage, cost=Decimal(cost), cost_source="table")
    (other,) = Costs(ROUTE, None, place).told([step(usage)], {})
    (again,) = Costs(ROUTE, None).told([step(usage)], {})
    assert other == again
