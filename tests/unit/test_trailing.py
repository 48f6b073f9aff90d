"""What may follow the end of an answer where a charge is waited for, and what cannot harm it any more."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest
from tests.kit.decoding import decode, pieces
from tests.kit.order import check_order

Runtime = Literal["native", "python"]

ANSWER = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
LIST = b'data: {"choices":[],"x-opencode-type":"inference-cost","cost":"0.002"}\n\n'
CHARGE = b'data: {"choices":[],"cost":"0.001"}\n\n'


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("cost", ["0", "0.00120000", 0, 1e-7, 3])
def test_the_charge_ends_the_wait(runtime: Runtime, size: int, cost: object) -> None:
    text = f'"{cost}"' if isinstance(cost, str) else repr(cost)
    body = ANSWER + LIST + b'data: {"choices":[],"cost":' + text.encode() + b"}\n\ndata: never read\n\n"
    decoded = decode(pieces(body, size), "openai-chat", runtime, trailing_cost=True)
    check_order(decoded.events)
    assert decoded.usage.cost == Decimal(str(cost))
    assert decoded.usage.list_cost == Decimal("0.002")
    assert decoded.usage.cost_source == "wire"
    assert decoded.finish.warnings == ()


def test_without_the_option_nothing_behind_the_end_is_read(runtime: Runtime) -> None:
    decoded = decode(ANSWER + CHARGE, "openai-chat", runtime, trailing_cost=False)
    assert decoded.usage.cost is None
    assert decoded.finish.warnings == ()


@pytest.mark.parametrize("provider", ["opencode", "opencode-go"])
def test_the_opencode_gateways_are_waited_for_by_default(runtime: Runtime, provider: str) -> None:
    assert decode(ANSWER + CHARGE, "openai-chat", runtime, provider=provider).usage.cost == Decimal("0.001")


def test_the_end_of_the_body_ends_the_wait(runtime: Runtime) -> None:
    assert decode(ANSWER, "openai-chat", runtime, trailing_cost=True).usage.cost is None


def test_the_wait_is_bounded(runtime: Runtime) -> None:
    body = ANSWER + b'data: {"type":"ping"}\n\n' * 64 + CHARGE
    assert decode(body, "openai-chat", runtime, trailing_cost=True).usage.cost is None
    fewer = ANSWER + b'data: {"type":"ping"}\n\n' * 63 + CHARGE
    assert decode(fewer, "openai-chat", runtime, trailing_cost=True).usage.cost == Decimal("0.001")


@pytest.mark.parametrize(
    ("behind", "warning"),
    [
        (b'data: {"choices":[{"index":0,"delta":{"content":"more"}}]}\n\n', "content after the end"),
        (b'data: {"error":{"message":"late"}}\n\n', "an error after the end"),
        (b'event: error\ndata: {"error":"late"}\n\n', "an error after the end"),
        (b"data: " + b"x" * 2000 + b"\n\n", "bytes after the end"),
        (b'data: {"choices":[],"cost":"much"}\n\n', "a cost on the wire could not be read"),
    ],
)
def test_what_comes_behind_the_end_is_a_warning_and_the_answer_stands(
    runtime: Runtime, behind: bytes, warning: str
) -> None:
    decoded = decode(ANSWER + behind, "openai-chat", runtime, trailing_cost=True, max_event_bytes=1000)
    check_order(decoded.events)
    assert len(decoded.finish.warnings) == 1
    assert decoded.finish.warnings[0].startswith(warning)


def test_a_response_that_grows_too_large_behind_the_end_stands(runtime: Runtime) -> None:
    body = ANSWER + b": comment\n" * 100
    decoded = decode(body, "openai-chat", runtime, trailing_cost=True, max_response_bytes=len(ANSWER) + 50)
    assert decoded.finish.warnings == ("bytes after the end of the answer could not be read",)
