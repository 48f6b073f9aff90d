"""Worked examples: what providers' own pages say a request costs, and what they charged for recorded ones.

Each example has the prices of its own day, so it stays true when prices change.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from tests.kit import corpus

from zen_native import decode, fold
from zen_native.pricing import Prices, PriceTable, price
from zen_native.usage import Usage


def row(input: str, output: str, cache_read: str | None = None, cache_write: str | None = None, **more: Any) -> Prices:
    return Prices(
        input=Decimal(input),
        output=Decimal(output),
        cache_read=None if cache_read is None else Decimal(cache_read),
        cache_write=None if cache_write is None else Decimal(cache_write),
        **more,
    )


class Example(NamedTuple):
    page: str
    prices: Prices
    usage: Usage
    cost: str
    metadata: dict[str, Any] | None = None


GEMINI = row("1.25", "10", "0.125", tiers=(row("2.5", "15", "0.25", above_input_tokens=200_000),))
EXAMPLES = {
    # 10,000 tickets of about 3,700 tokens each
    "anthropic-support-tickets": Example(
        "https://platform.claude.com/docs/en/about-claude/pricing",
        row("1", "5"),
        Usage(input_tokens=37_000_000, output_tokens=0),
        "37",
    ),
    # "$10 per 1,000 searches, plus standard token costs"
    "anthropic-web-search": Example(
        "https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool",
        row("3", "15", calls={"web_search": Decimal("0.01")}),
        Usage(input_tokens=0, output_tokens=0, raw={"server_tool_use": {"web_search_requests": 1000}}),
        "10",
    ),
    # writes for an hour cost twice the input price, for five minutes 1.25 times, reads a tenth
    "anthropic-cache-multipliers": Example(
        "https://platform.claude.com/docs/en/build-with-claude/prompt-caching",
        row("5", "25", "0.5", "6.25", cache_write_1h=Decimal(10)),
        Usage(
            input_tokens=4_000_000,
            cache_read_tokens=1_000_000,
            cache_write_tokens=2_000_000,
            cache_write_1h_tokens=1_000_000,
            output_tokens=0,
        ),
        "21.75",
    ),
    "google-prompt-of-200k": Example(
        "https://ai.google.dev/gemini-api/docs/pricing",
        GEMINI,
        Usage(input_tokens=200_000, output_tokens=1_000_000, cache_read_tokens=100_000),
        "10.1375",
    ),
    "google-prompt-over-200k": Example(
        "https://ai.google.dev/gemini-api/docs/pricing",
        GEMINI,
        Usage(input_tokens=200_001, output_tokens=1_000_000, cache_read_tokens=100_001),
        "15.27500025",
    ),
    # "prompts with >272K input tokens are priced at 2x input and 1.5x output for the full session"
    "openai-prompt-over-272k": Example(
        "https://developers.openai.com/api/docs/models/gpt-5.5",
        row("5", "30", "0.5", tiers=(row("10", "45", "1", above_input_tokens=272_000),)),
        Usage(input_tokens=1_000_000, output_tokens=1_000_000),
        "55",
    ),
    "openai-priority": Example(
        "https://openai.com/api-priority-processing/",
        row("2.5", "15", "0.25", services={"priority": row("5", "30", "0.5")}),
        Usage(input_tokens=2_000_000, cache_read_tokens=1_000_000, output_tokens=1_000_000),
        "35.5",
        {"openai": {"service_tier": "priority"}},
    ),
    # the answer on the page comes with its lines: 2e-7 + 8.1e-6 + 1.205e-4, shown rounded as 0.000129
    "gateway-with-lines": Example(
        "https://infron.ai/docs/billing-apis/usage-and-cost/get-cost-and-usage-details-streaming",
        row("0.2", "0.5", "0.05"),
        Usage(input_tokens=163, cache_read_tokens=162, output_tokens=241, reasoning_tokens=204),
        "0.0001288",
    ),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_example_of_the_providers_page(example: Example) -> None:
    table = PriceTable(as_of="2026-11-21", source=example.page, models={"acme/m": example.prices})
    priced = price(example.usage, "acme/m", table=table, metadata=example.metadata)
    assert (priced.cost, priced.reason) == (Decimal(example.cost), None)


SONNET = row("3", "15", "0.3", "3.75")
MINI = row("0.25", "2", "0.025")
CHARGED = {
    "openai-chat.vercel-ai.243f0a8443": row("0.3", "0.5", "0.075"),
    "openai-chat.vercel-ai.20c2ffe64e": row("0.3", "0.5", "0.075"),
    "openai-chat.vercel-ai.d47ba9e851": row("0.3", "0.5", "0.075"),
    "openai-chat.pydantic-ai.2194e559f5": SONNET,
    "openai-chat.pydantic-ai.29ae835f40": SONNET,
    "openai-chat.pydantic-ai.60d5130fa9": SONNET,
    "openai-chat.pydantic-ai.b0f519e762": SONNET,
    "openai-chat.pydantic-ai.0cb5bfbb25": MINI,
    "openai-chat.pydantic-ai.5f21e3bcdc": MINI,
    "openai-chat.opencode.1beafc6593": row("5", "25"),
    "openai-chat.opencode.513f2f3df3": row("5", "30", "0.5"),
    "openai-chat.opencode.67cff92d4a": row("0.15", "0.6", "0.075"),
    "openai-chat.pydantic-ai.58538b80af": row("2", "8", "0.5"),
    "openai-chat.pydantic-ai.b502b94f32": row("0.3", "2.5", "0.03"),
}
"""Recorded answers of xAI and OpenRouter that say their charge, with the prices that both published then."""


@pytest.mark.parametrize("name", CHARGED)
def test_a_recorded_charge_is_what_the_table_says(name: str) -> None:
    exchange = recorded(name)
    response = fold(decode(exchange.body, exchange.protocol, framing=exchange.framing))
    usage = response.usage
    assert usage is not None
    assert usage.cost_source == "wire"
    table = PriceTable(as_of="2026-11-21", source="published", models={"acme/m": CHARGED[name]})
    priced = price(usage, "acme/m", table=table)
    assert priced.cost == usage.cost
    assert priced.difference(usage) is None


def recorded(name: str) -> corpus.Exchange:
    if corpus.root() is None:
        pytest.skip("no corpus")
    (exchange,) = (known for known in corpus.load("streams", "unary") if known.id == name)
    return exchange
