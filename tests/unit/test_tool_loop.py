"""The tool loop over scripted steps, in both kinds of client: what runs when, and how it ends."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from tests.kit.steps import (
    ANSWER,
    BOTH,
    START,
    Script,
    add,
    add_async,
    call,
    called,
    ended,
    heard,
    no_threads_left,
    only_result,
    pause,
    request,
    results,
    said,
)

import zen_native as zen
from zen_native.tools import ToolLoop

# The ordinary way


@BOTH
@pytest.mark.parametrize("tool", [add, add_async])
def test_a_call_is_run_and_its_result_goes_back(kind: str, tool: Any) -> None:
    script = Script([called(call("c", tool.__name__, a=1)), ANSWER])
    events, response = heard(kind, script, request(tool))
    assert [event.type for event in events] == [
        "step-start", "tool-input-start", "tool-input-delta", "tool-input-end", "tool-call", "tool-result",
        "step-finish", "step-start", "text-start", "text-delta", "text-end", "step-finish", "finish",
    ]  # fmt: skip
    assert results(events) == [zen.ToolResult("c", tool.__name__, 3)]
    assert [event.index for event in events if isinstance(event, zen.StepStart | zen.StepFinish)] == [0, 0, 1, 1]
    second = script.requests[1].messages
    assert [message.role for message in second] == ["user", "assistant", "tool"]
    assert second[2].content == (zen.ToolResultContent(id="c", name=tool.__name__, result=3),)
    assert response == zen.fold(events)
    assert response.text == "done"
    assert script.closed == 2
    assert no_threads_left()


@BOTH
def test_finish_is_one_with_the_exact_sum_and_all_warnings(kind: str) -> None:
    first = zen.Usage(10, 1, total_tokens=11, cost=Decimal("0.1"), cost_source="wire")
    second = zen.Usage(20, 2, total_tokens=22, cost=Decimal("0.02"), cost_source="wire")
    script = Script(
        [
            [[*START, *call("c", "add", a=1), *ended("tool-calls", first, "odd", "both")]],
            [[*START, *said("x"), *ended("stop", second, "both", "late")]],
        ]
    )
    events, response = heard(kind, script, request(add))
    finish = events[-1]
    assert isinstance(finish, zen.Finish)
    assert finish.usage == first + second
    assert finish.usage.cost == Decimal("0.12")
    assert (finish.steps, finish.warnings) == (2, ("odd", "both", "late"))
    assert finish.reason == zen.FinishReason("stop", "raw-stop")
    assert response.usage == finish.usage


@BOTH
def test_a_step_without_usage_or_cost_is_named_and_the_whole_has_no_cost(kind: str) -> None:
    paid = zen.Usage(10, 1, total_tokens=11, cost=Decimal(1), cost_source="wire")
    steps = [
        [[*START, *call("c", "add", a=1), *ended("tool-calls", None)]],
        [[*START, *call("d", "add", a=1), *ended("tool-calls", paid)]],
        [[*START, *said("x"), *ended("stop", zen.Usage(1))]],
    ]
    events, response = heard(kind, Script(steps), request(add))
    finish = events[-1]
    assert isinstance(finish, zen.Finish)
    assert finish.usage == response.usage == zen.Usage(11, 1, total_tokens=11)
    assert finish.warnings == (
        "no usage was reported for step 0",
        "the cost of the whole is not known: that of steps 0, 2 is not",
    )


@BOTH
@pytest.mark.parametrize("unknown", [None, zen.Usage(1, 2)], ids=["silent", "unpaid"])
def test_one_step_of_unknown_cost_leaves_no_sum_that_is_too_low(kind: str, unknown: zen.Usage | None) -> None:
    paid = zen.Usage(1, 2, cost=Decimal(1), list_cost=Decimal(2), cost_source="wire")
    steps = [[[*START, *call("c", "add", a=1), *ended("tool-calls", paid)]], [[*START, *ended("stop", unknown)]]]
    events, _ = heard(kind, Script(steps), request(add))
    finish = events[-1]
    assert isinstance(finish, zen.Finish)
    assert finish.usage is not None
    assert (finish.usage.cost, finish.usage.list_cost, finish.usage.cost_source) == (None, None, None)
    assert finish.warnings[-1] == "the cost of the whole is not known: that of step 1 is not"


@BOTH
def test_costs_that_nobody_knows_are_no_warning(kind: str) -> None:
    steps = [called(call("c", "add", a=1)), ANSWER]
    finish = heard(kind, Script(steps), request(add))[0][-1]
    assert isinstance(finish, zen.Finish)
    assert finish.usage is not None
    assert (finish.usage.cost, finish.warnings) == (None, ())


@BOTH
def test_calls_start_while_the_answer_goes_on(kind: str) -> None:
    ran = threading.Event()

    def tool() -> str:
        ran.set()
        return "r"

    async def more() -> None:
        until = time.monotonic() + 5
        while not ran.is_set() and time.monotonic() < until:
            await pause(kind, 0.001)

    steps = [[[*START, *call("c", "tool")], more, lambda: seen.append(ran.is_set()), said("on"), ended("tool-calls")]]
    seen: list[bool] = []
    events, _ = heard(kind, Script([*steps, ANSWER]), request(tool))
    assert seen == [True]
    kinds = [event.type for event in events]
    assert kinds.index("text-end") < kinds.index("tool-result") < kinds.index("step-finish")


@BOTH
def test_results_come_in_the_order_of_their_calls_and_as_soon_as_they_can(kind: str) -> None:
    release = threading.Event()

    def first() -> int:
        release.wait(5)
        return 1

    def second() -> int:
        release.set()
        return 2

    script = Script([called(call("a", "first"), call("b", "second")), ANSWER])
    events, _ = heard(kind, script, request(first, second))
    assert [result.result for result in results(events)] == [1, 2]


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True])
def test_no_more_tools_run_at_once_than_allowed(kind: str, asynchronous: bool) -> None:
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(3)  # no tool goes on before three are at work

    def count(by: int) -> None:
        nonlocal now, most
        with lock:
            now += by
            most = max(most, now)

    def tool() -> None:
        count(1)
        together.wait(30)
        count(-1)

    async def tool_async() -> None:
        count(1)
        await asyncio.to_thread(together.wait, 30)
        count(-1)

    chosen: Any = tool_async if asynchronous else tool
    calls = [call(str(number), chosen.__name__) for number in range(9)]
    events, _ = heard(kind, Script([called(*calls), ANSWER]), request(chosen), ToolLoop(concurrency=3))
    assert [result.is_error for result in results(events)] == [False] * 9
    assert most == 3


@BOTH
def test_tools_see_the_context_of_the_caller(kind: str) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    def tool() -> str:
        return variable.get()

    async def tool_async() -> str:
        return variable.get()

    token = variable.set("mine")
    try:
        assert only_result(kind, tool).result == "mine"
        assert only_result(kind, tool_async).result == "mine"
    finally:
        variable.reset(token)


def test_the_synchronous_client_works_inside_a_running_loop() -> None:
    async def main() -> Any:
        return only_result("sync", add_async, a=1).result

    assert asyncio.run(main()) == 3


# When it goes on and when it ends


@BOTH
def test_a_paused_answer_goes_on(kind: str) -> None:
    hosted = [*call("h", "web_search", hosted=True), zen.ToolResult("h", "web_search", [1], provider_executed=True)]
    script = Script([[[*START, *hosted, *ended("pause")]], ANSWER])
    events, _ = heard(kind, script, request(zen.Tool(name="web_search", native={"type": "w"})))
    assert [message.role for message in script.requests[1].messages] == ["user", "assistant"]
    assert results(events) == []
    assert events[-1].steps == 2


@BOTH
def test_calls_that_the_provider_runs_are_left_alone(kind: str) -> None:
    ran: list[int] = []

    def web_search() -> None:
        ran.append(1)

    hosted = [
        *call("h", "web_search", hosted=True),
        zen.ToolInputStart("i", "web_search", True),
        zen.ToolInputEnd("i"),
        zen.ToolInputError("i", "web_search", "{", "no JSON"),
    ]
    events, _ = heard(kind, Script([[[*START, *hosted, *ended()]]]), request(web_search))
    assert (ran, results(events)) == ([], [])
    assert events[-1].steps == 1


@BOTH
@pytest.mark.parametrize("mark", ["choice", "candidate"])
def test_calls_of_another_candidate_are_left_alone(kind: str, mark: str) -> None:
    """The first candidate alone goes on, so that nobody would be told what came of them."""
    other = [zen.ToolInputStart("o", "add"), zen.ToolInputEnd("o")]
    other += [zen.ToolCall("o", "add", {"a": 5}, metadata={"openai": {mark: 1}})]
    script = Script([called(call("c", "add", a=1), other), ANSWER])
    events, _ = heard(kind, script, request(add))
    assert results(events) == [zen.ToolResult("c", "add", 3)]
    events, _ = heard(kind, Script([called(other)]), request(add))
    assert (results(events), events[-1].steps) == ([], 1)


@BOTH
def test_a_tool_without_a_function_is_the_callers_to_answer(kind: str) -> None:
    mine = zen.Tool(name="mine")
    script = Script([called(call("a", "add", a=1), call("b", "mine"))])
    events, response = heard(kind, script, request(add, mine))
    assert results(events) == [zen.ToolResult("a", "add", 3)]
    assert response.reason == zen.FinishReason("tool-calls", "raw-tool-calls")
    assert [one.id for one in response.tool_calls] == ["a", "b"]


@BOTH
@pytest.mark.parametrize("reason", ["length", "content-filter", "error"])
def test_a_cut_answer_does_not_go_on(kind: str, reason: str) -> None:
    events, _ = heard(kind, Script([called(call("c", "add", a=1), reason=reason)]), request(add))
    assert [result.result for result in results(events)] == [3]
    assert events[-1].reason.normalized == reason


@BOTH
@pytest.mark.parametrize("reason", ["stop", "unknown"])
def test_calls_count_whatever_the_reason_says(kind: str, reason: str) -> None:
    events, _ = heard(kind, Script([called(call("c", "add", a=1), reason=reason), ANSWER]), request(add))
    assert events[-1].steps == 2


@BOTH
def test_the_limit_of_steps_is_an_error_after_all_that_came(kind: str) -> None:
    script = Script([called(call("c", "add", a=1)), called(call("d", "add", a=2))])
    events: list[zen.LLMEvent] = []
    with pytest.raises(zen.ToolLoopError, match="the limit of 2 steps") as caught:
        heard(kind, script, request(add), ToolLoop(max_steps=2), events=events)
    assert [event.type for event in events[-2:]] == ["tool-result", "step-finish"]
    partial = caught.value.partial
    assert [step.index for step in partial.steps] == [0, 1]
    assert partial.usage == zen.Usage(2, 4, total_tokens=6)
    assert [message.role for message in partial.to_messages()] == ["assistant", "tool", "assistant", "tool"]


@BOTH
def test_the_limit_of_steps_can_be_a_plain_end(kind: str) -> None:
    options = ToolLoop(max_steps=1, on_limit="stop")
    events, response = heard(kind, Script([called(call("c", "add", a=1))]), request(add), options)
    assert response.reason.normalized == "tool-calls"
    assert events[-1].warnings == ("the limit of 1 steps was reached before the model was done",)


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_caller_can_stop_between_steps(kind: str, asynchronous: bool) -> None:
    seen: list[int] = []

    def stop(response: zen.LLMResponse) -> bool:
        seen.append(len(response.steps))
        return len(response.steps) == 2

    async def stop_async(response: zen.LLMResponse) -> bool:
        await asyncio.sleep(0)
        return stop(response)

    steps = [called(call("c", "add", a=1)), called(call("d", "add", a=1))]
    events, _ = heard(kind, Script(steps), request(add), ToolLoop(stop=stop_async if asynchronous else stop))
    assert (seen, events[-1].steps) == ([1, 2], 2)


@BOTH
def test_a_forced_choice_is_relaxed_after_the_first_step(kind: str) -> None:
    choice = zen.ToolChoice(mode="tool", name="add", parallel=False)
    heard(kind, script := Script([called(call("c", "add", a=1)), ANSWER]), request(add, tool_choice=choice))
    assert script.requests[0].tool_choice == choice
    assert script.requests[1].tool_choice == zen.ToolChoice(mode="auto", parallel=False)


@BOTH
def test_reasoning_goes_back_with_its_signature(kind: str) -> None:
    thought: list[zen.LLMEvent] = [
        zen.ReasoningStart("r"),
        zen.ReasoningDelta("r", "hm"),
        zen.ReasoningEnd("r", "sig==", {"anthropic": {"x": 1}}),
    ]
    script = Script([[[*START, *thought, *call("c", "add", a=1), *ended("tool-calls")]], ANSWER])
    heard(kind, script, request(add))
    assert script.requests[1].messages[1].content[0] == zen.ReasoningContent(
        text="hm", signature="sig==", metadata={"anthropic": {"x": 1}}
    )
