"""The whole client against aimock, which others wrote: a dialogue in every protocol, refusals, and what breaks off.

Not InvokeModel: aimock puts the chunks of that stream on the wire as they are, where Bedrock has them in base64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.kit.dialogue import (
    PROTOCOLS,
    TEXT,
    Talk,
    check_answer,
    check_refusal,
    check_report,
    check_text,
    check_thought,
)
from tests.kit.independent import AIMOCK_KEY, aimock, need

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", ["sync", "asyncio"]),
    pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "bedrock-invoke-anthropic"]),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    need("aimock")
    with aimock() as running:
        yield running


@pytest.fixture
def talk(protocol: str, kind: str, runtime: str, url: str) -> Talk:
    # aimock takes everything among the tools of Converse for a tool, also the cache points that Bedrock allows there.
    fields = {"cache": "none"} if protocol == "bedrock-converse" else {}
    return Talk(protocol, kind, runtime, url, AIMOCK_KEY, fields=fields)


def test_text(talk: Talk) -> None:
    check_text(talk)


def test_reasoning_and_its_way_back(talk: Talk) -> None:
    check_thought(talk)


def test_parallel_tools_and_the_answer_to_their_results(talk: Talk) -> None:
    check_answer(talk)


def test_structured_output(talk: Talk) -> None:
    check_report(talk)


@pytest.mark.parametrize(
    ("question", "expected", "status"),
    [
        ("wrong", zen.InvalidRequestError, 400),
        ("too fast", zen.RateLimitError, 429),
        ("broken", zen.ServerError, 500),
        ("crowded", zen.OverloadedError, 529),
    ],
)
def test_a_refusal_is_the_error_it_says(talk: Talk, question: str, expected: type[zen.LLMError], status: int) -> None:
    check_refusal(talk, question, expected, status)


def test_a_wrong_key_is_refused(protocol: str, kind: str, runtime: str, url: str) -> None:
    error = check_refusal(Talk(protocol, kind, runtime, url, "wrong-key-0123"), "hello", zen.AuthenticationError, 401)
    assert "wrong-key-0123" not in repr(error)


def test_a_cut_answer_fails_after_what_came(talk: Talk) -> None:
    heard = talk.hears("cut short")
    assert isinstance(heard.error, zen.IncompleteStreamError), repr(heard.error)
    assert heard.text
    assert TEXT.startswith(heard.text)
    assert heard.text != TEXT


def test_a_stall_is_an_idle_timeout_after_what_came(talk: Talk) -> None:
    heard = replace(talk, options={"timeouts": zen.Timeouts(idle=0.2)}).hears("fall silent")
    assert isinstance(heard.error, zen.StreamTimeoutError), repr(heard.error)
    assert heard.error.phase == "idle"
