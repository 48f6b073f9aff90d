"""Where prompts are marked: the four marks of `auto`, hints first, lifetimes in order."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.lowering import ask

from zen_native import LLMRequest
from zen_native.cache_policy import plan_cache

TOOLS: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}]
HOUR = {"ttl_seconds": 3600}
CHAT: list[Any] = ["One.", {"role": "assistant", "content": "Two."}, "Three.", {"role": "user", "content": ["4", "5"]}]


def marks(asked: LLMRequest, **options: Any) -> list[tuple[tuple[int, int, int], bool]]:
    return sorted(plan_cache(asked, asked.system, asked.messages, **options).marks.items())


def places(asked: LLMRequest, **options: Any) -> list[tuple[int, int, int]]:
    return [place for place, _ in marks(asked, **options)]


def test_auto_marks_last_tool_first_and_last_system_and_last_boundary() -> None:
    asked = ask(cache="auto", tools=TOOLS, system=["x", "y", "z"], messages=CHAT)
    assert places(asked) == [(0, 1, 0), (1, 0, 0), (1, 2, 0), (2, 3, 1)]


def test_auto_marks_one_system_part_once() -> None:
    assert places(ask(cache="auto", system="x")) == [(1, 0, 0), (2, 0, 0)]


def test_none_marks_nothing_but_hints() -> None:
    assert places(ask(tools=TOOLS, system="x")) == []
    assert places(ask(system=[{"text": "x", "cache": True}])) == [(1, 0, 0)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"tools": True}, [(0, 1, 0)]),
        ({"system": True}, [(1, 1, 0)]),
        ({"messages": "latest-user-message"}, [(2, 3, 1)]),
        ({"messages": "latest-assistant"}, [(2, 1, 0)]),
        ({"messages": 2}, [(2, 2, 0), (2, 3, 1)]),
        ({"messages": 0}, []),
    ],
)
def test_an_explicit_policy(policy: dict[str, Any], expected: list[tuple[int, int, int]]) -> None:
    assert places(ask(cache=policy, tools=TOOLS, system=["x", "y"], messages=CHAT)) == expected


def test_hints_count_first_and_four_are_the_limit() -> None:
    hinted = [{"type": "text", "text": str(i), "cache": True} for i in range(4)]
    asked = ask(cache="auto", tools=[{"name": "a", "cache": True}], messages=[{"role": "user", "content": hinted}])
    plan = plan_cache(asked, asked.system, asked.messages)
    assert sorted(plan.marks) == [(0, 0, 0), (2, 0, 0), (2, 0, 1), (2, 0, 2)]
    assert plan.dropped == 1


def test_tools_without_marks() -> None:
    asked = ask(cache="auto", tools=[{"name": "a", "cache": True}], system="x")
    plan = plan_cache(asked, asked.system, asked.messages, tools=False)
    assert sorted(plan.marks) == [(1, 0, 0), (2, 0, 0)]
    assert plan.dropped == 1


def test_answers_without_marks() -> None:
    hinted = {"role": "assistant", "content": [{"type": "text", "text": "a", "cache": True}]}
    asked = ask(cache={"messages": 2}, messages=["x", hinted, "y", {"role": "assistant", "content": "b"}])
    plan = plan_cache(asked, asked.system, asked.messages, answers=False)
    assert sorted(plan.marks) == [(2, 2, 0)]
    assert plan.dropped == 1


def test_auto_that_is_left_to_the_provider_marks_nothing_but_hints() -> None:
    asked = ask(cache="auto", system=["x", {"text": "y", "cache": True}])
    assert places(asked, auto=False) == [(1, 1, 0)]
    assert places(ask(cache={"system": True}, system="x"), auto=False) == [(1, 0, 0)]


def test_no_budget_marks_nothing() -> None:
    assert places(ask(cache="auto", tools=TOOLS, system="x"), budget=0) == []


def test_what_stands_before_an_hour_lasts_an_hour_too() -> None:
    asked = ask(cache="auto", tools=TOOLS, system=["x", {"text": "y", "cache": HOUR}])
    assert marks(asked) == [((0, 1, 0), True), ((1, 0, 0), True), ((1, 1, 0), True), ((2, 0, 0), False)]


def test_hours_where_the_provider_has_none() -> None:
    assert marks(ask(system=[{"text": "y", "cache": HOUR}]), long=False) == [((1, 0, 0), False)]


def test_less_than_an_hour_is_the_short_lifetime() -> None:
    assert marks(ask(system=[{"text": "y", "cache": {"ttl_seconds": 3599}}])) == [((1, 0, 0), False)]


def test_reasoning_and_hosted_calls_take_no_mark() -> None:
    hosted = {"type": "tool-call", "id": "1", "name": "f", "provider_executed": True}
    turn = {"role": "assistant", "content": ["text", {"type": "reasoning", "text": "x"}, hosted]}
    assert places(ask(cache="auto", messages=["x", turn])) == [(2, 1, 0)]
    bare = {"role": "assistant", "content": [{"type": "reasoning", "text": "x"}]}
    assert places(ask(cache="auto", messages=["x", bare])) == [(2, 0, 0)]
