"""The conversation as all providers want it: calls and results in pairs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.lowering import ask, call, loop, result, route

from zen_native import LLMRequest, UnsupportedError
from zen_native.formats.common import Draft
from zen_native.formats.history import UNANSWERED, CallIds, repaired


def told(asked: LLMRequest) -> list[tuple[str, list[str]]]:
    """Role and ids or texts of each message."""
    return [
        (message.role, [getattr(part, "id", None) or getattr(part, "text", "") for part in message.content])
        for message in repaired(Draft(asked, route("openai-chat")))
    ]


def test_results_stand_in_the_order_of_their_calls() -> None:
    turns = [*loop("a", "b")[:2], {"role": "tool", "content": [result("b"), result("a")]}]
    assert told(ask(messages=turns))[2] == ("tool", ["a", "b"])


def test_results_in_several_messages_become_one() -> None:
    turns = [*loop("a", "b")[:2], *({"role": "tool", "content": [result(one)]} for one in "ab")]
    assert told(ask(messages=turns))[2:] == [("tool", ["a", "b"])]


def test_nothing_stands_between_a_call_and_its_result() -> None:
    turns = loop("a")
    turns.insert(2, {"role": "system", "content": "Be quick."})
    assert [role for role, _ in told(ask(messages=turns))] == ["user", "assistant", "tool", "system"]


def test_a_call_without_result_gets_an_error() -> None:
    asked = ask(messages=[*loop("a", "b")[:2], {"role": "tool", "content": [result("a")]}, "Go on."])
    draft = Draft(asked, route("openai-chat"))
    answers: Any = repaired(draft)[2].content
    assert [(one.id, one.name, one.is_error) for one in answers] == [("a", "f", False), ("b", "f", True)]
    assert answers[1].result == UNANSWERED
    assert draft.finish({}).warnings == ("the call 'b' had no result; an error stands in its place",)


def test_a_result_without_its_call_is_an_error() -> None:
    turns = ["x", {"role": "tool", "content": [result("a")]}]
    with pytest.raises(UnsupportedError, match=r"messages\[1\]: a tool result without its call"):
        told(ask(messages=turns))
    assert told(ask(strict=False, messages=turns)) == [("user", ["x"])]


def test_one_id_in_two_turns_is_two_calls() -> None:
    asked = ask(messages=[*loop("a"), *loop("a")])
    assert [role for role, _ in told(asked)] == ["user", "assistant", "tool"] * 2


def test_a_hosted_call_waits_for_no_result() -> None:
    turns = ["x", {"role": "assistant", "content": [call("a", provider_executed=True)]}]
    assert [role for role, _ in told(ask(messages=turns))] == ["user", "assistant"]


def test_empty_texts_are_left_out_unless_they_carry_something() -> None:
    signed = {"type": "text", "text": "", "metadata": {"google": {"thoughtSignature": "s"}}}
    asked = ask(messages=[{"role": "user", "content": ["", "x"]}, {"role": "assistant", "content": ["", signed]}])
    assert told(asked) == [("user", ["x"]), ("assistant", [""])]


@pytest.mark.parametrize("rule", ["any", "alphanumeric-9", "word", "short", "medium"])
def test_ids_are_stable_and_never_meet(rule: str) -> None:
    given = ["a.b", "a_b", "a:b", "x" * 100, "x" * 101, "", "abcdefghi", "\ud800"]
    ids = CallIds(rule)
    first = [ids(one) for one in given]
    assert [ids(one) for one in given] == first
    assert len({*first}) == len(given)
