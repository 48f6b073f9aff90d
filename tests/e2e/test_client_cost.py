"""The clients say what an answer cost: by the wire, else by the user's table or the package's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.kit.asking import WAYS, WHOLE, ask, config
from tests.kit.chat import sse, tail
from tests.kit.server import Server, sse_reply

import zen_native as zen

pytestmark = pytest.mark.parametrize("kind", WAYS)

USAGE = sse(tail(usage={"prompt_tokens": 1000, "completion_tokens": 100, "service_tier": "default"}))
PRICES = zen.Prices(input=Decimal(3), output=Decimal(15), services={"flex": zen.Prices(input=Decimal(1))})
TABLE = zen.PriceTable(as_of="2026-11-01", source="the tests", models={"mine/m": PRICES})


def finish(kind: str, *frames: bytes, prices: zen.PriceTable | None = TABLE, runtime: str = "auto") -> zen.Finish:
    with Server(sse_reply(*WHOLE[:-1], *frames, WHOLE[-1])) as server:
        heard = ask(kind, config(server), prices=prices, runtime=runtime)
    assert heard.error is None
    last = heard.events[-1]
    assert isinstance(last, zen.Finish)
    return last


def test_the_users_table_prices_an_answer(kind: str, runtime: str) -> None:
    usage = finish(kind, USAGE, runtime=runtime).usage
    assert usage is not None
    assert (usage.cost, usage.cost_source) == (Decimal("0.0045"), "table")


def test_an_unknown_cost_is_none_and_no_warning(kind: str) -> None:
    last = finish(kind, USAGE, prices=None)
    assert last.usage is not None
    assert (last.usage.cost, last.warnings) == (None, ())


def test_the_wire_wins(kind: str) -> None:
    last = finish(kind, sse(tail(usage={"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.5})))
    assert last.usage is not None
    assert (last.usage.cost, last.usage.cost_source) == (Decimal("0.5"), "wire")
    assert any("0.5 USD; by the prices of the tests of 2026-11-01 it is 0.0045 USD" in text for text in last.warnings)


def test_the_tier_that_served_counts(kind: str) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 0}
    last = finish(kind, sse({**tail(usage=usage), "service_tier": "flex"}))
    assert last.usage is not None
    assert last.usage.cost == Decimal("0.001")


def test_an_answer_without_usage_costs_nobody_knows_what(kind: str) -> None:
    last = finish(kind)
    assert last.usage is None or last.usage.cost is None
