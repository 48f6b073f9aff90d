"""Every recorded Messages exchange, plain and inside Bedrock's chunks, decodes; the ones that must fail are listed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.kit.corpus import Exchange, Kind, params
from tests.kit.decoding import Decoded, decode, pieces

from zen_native.events import TextDelta

PROTOCOLS = ("anthropic-messages", "bedrock-invoke-anthropic")

# Exchanges that end in an error, and why.
FAILURES = {
    # A second message is spliced in while a call of the first is open.
    "anthropic-messages.vercel-ai.ffb98ac08f": "InvalidProviderOutputError",
    "anthropic-messages.dd-trace-py.44d8474eea": "AuthenticationError",
    "anthropic-messages.dd-trace-py.7d088d5b11": "AuthenticationError",
    # The model does not exist.
    "anthropic-messages.langsmith.91eca1568e": "InvalidRequestError",
    "anthropic-messages.pydantic-ai.def85257a9": "InvalidRequestError",
    # A text block is empty; the gateway glued a cost frame to the document.
    "zen.messages-error-with-ping-glued-on.78a340b3": "InvalidRequestError",
}


def exchanges(*kinds: Kind, framing: str | None = None) -> list[Any]:
    def wanted(exchange: Exchange | None) -> bool:
        return exchange is None or (exchange.protocol in PROTOCOLS and framing in (None, exchange.framing))

    return [param for param in params(*kinds) if wanted(param.values[0])]


def run(exchange: Exchange, runtime: str, size: int = 0) -> Decoded:
    body = pieces(exchange.body, size) if size else exchange.body
    trailing = exchange.id.startswith("zen.")
    return decode(body, exchange.protocol, runtime, framing=exchange.framing, raw_events=True, trailing_cost=trailing)


@pytest.mark.parametrize("exchange", exchanges("streams", "unary", "errors", "zen"))
def test_exchange(runtime: str, exchange: Exchange) -> None:
    decoded = run(exchange, runtime)
    failure = None if decoded.error is None else type(decoded.error).__name__
    assert failure == FAILURES.get(exchange.id)
    if failure is None:
        assert decoded.finish.reason.normalized != "unknown"
    assert run(exchange, runtime, 97).key() == decoded.key()
    assert run(exchange, "python").key() == decoded.key()


@pytest.mark.parametrize("exchange", exchanges("zen"))
def test_charge_and_text_of_the_gateway(runtime: str, exchange: Exchange) -> None:
    expect = exchange.record["expect"]
    decoded = run(exchange, runtime)
    if expect.get("error"):
        assert decoded.error is not None
        assert decoded.error.code == expect["error"]
        return
    assert "".join(event.text for event in decoded.of(TextDelta)) == expect["text"]
    assert decoded.finish.reason.raw == expect["finish"]
    assert decoded.usage.cost == Decimal(expect["charge"])
    assert decoded.usage.list_cost == (Decimal(expect["notional"]) if expect["notional"] else None)


@pytest.mark.parametrize("exchange", exchanges("streams", framing="sse"))
def test_text_is_what_the_deltas_say(runtime: str, exchange: Exchange) -> None:
    """A second look at the body, with nothing of the decoder in it."""
    said = [piece for line in exchange.body.decode().splitlines() for piece in text_of(line)]
    assert "".join(event.text for event in run(exchange, runtime).of(TextDelta)) == "".join(said)


def text_of(line: str) -> list[str]:
    if not line.startswith("data: {"):
        return []
    value = json.loads(line[6:])
    for place in ("delta", "content_block"):
        text = value.get(place, {}).get("text")
        if isinstance(text, str) and value[place]["type"] in ("text_delta", "text"):
            return [text]
    return []
