"""What the model is told of its calls: results, errors, refusals."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, field_validator
from tests.kit.steps import (
    ANSWER,
    BOTH,
    START,
    Script,
    Slow,
    add,
    call,
    called,
    ended,
    heard,
    no_threads_left,
    only_result,
    request,
    results,
    said,
)

import zen_native as zen
from zen_native.tools import ToolLoop


class Place(BaseModel):
    city: str


# What goes back as an error


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_a_tool_raises_is_told_without_secrets_or_traceback(kind: str, asynchronous: bool) -> None:
    def tool() -> None:
        raise KeyError("no city; api_key=sk-sentinel-0123456789")

    async def tool_async() -> None:
        tool()

    result = only_result(kind, tool_async if asynchronous else tool)
    assert result.is_error
    assert result.result.startswith("KeyError: 'no city; api_key=[redacted]")
    assert "Traceback" not in result.result
    assert __file__ not in result.result


@BOTH
@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(1), TimeoutError("own"), asyncio.CancelledError()])
def test_odd_errors_of_a_tool_stay_its_own(kind: str, error: BaseException) -> None:
    def tool() -> None:
        raise error

    result = only_result(kind, tool)
    assert result.is_error
    assert type(error).__name__ in result.result or result.result == "the tool was cancelled"


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_error_that_cannot_be_told_is_told_by_its_name(kind: str, asynchronous: bool) -> None:
    def tool() -> None:
        raise SilentError

    async def tool_async() -> None:
        raise SilentError

    result = only_result(kind, tool_async if asynchronous else tool)
    assert (result.is_error, result.result) == (True, "SilentError")


class Abort(BaseException):
    pass


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_no_exception_ends_the_operation(kind: str, asynchronous: bool) -> None:
    def tool() -> None:
        raise Abort("out")

    async def tool_async() -> None:
        raise Abort("out")

    chosen: Any = tool_async if asynchronous else tool
    script = Script([called(call("c", chosen.__name__))])
    with pytest.raises(Abort, match="out"):
        heard(kind, script, request(chosen))
    assert script.closed == 1
    assert no_threads_left()


@BOTH
def test_a_long_message_is_cut(kind: str) -> None:
    def tool() -> None:
        raise ValueError("x" * 100_000)

    assert len(only_result(kind, tool).result) == 2000


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_tool_that_takes_too_long_is_told_and_left(kind: str, asynchronous: bool) -> None:
    end, ended, slow = threading.Event(), threading.Event(), Slow()

    def tool() -> None:
        end.wait(600)
        ended.set()

    result = only_result(kind, slow.slow if asynchronous else tool, ToolLoop(timeout=0.05))
    assert (result.is_error, result.result) == (True, "the tool gave no result within 0.05 seconds")
    assert slow.cancelled.is_set() == asynchronous
    assert not ended.is_set()
    end.set()
    assert no_threads_left()


@BOTH
def test_wrong_arguments_do_not_reach_the_function(kind: str) -> None:
    ran: list[int] = []

    def tool(count: int, name: str = "n") -> None:
        ran.append(count)

    result = only_result(kind, tool, count="many", nam="x")
    assert result.is_error
    assert result.result == (
        "the arguments are not valid: count: Input should be a valid integer, unable to parse string as an integer; "
        "nam: Extra inputs are not permitted"
    )
    assert ran == []


class Checked(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def _odd(cls, value: int) -> int:
        return 1 // value


@BOTH
def test_what_a_validator_raises_is_told_too(kind: str) -> None:
    def tool(checked: Checked) -> int:
        return checked.n

    result = only_result(kind, tool, checked={"n": 0})
    assert (result.is_error, result.result) == (True, "ZeroDivisionError: integer division or modulo by zero")


@BOTH
def test_arguments_are_converted_to_what_the_signature_says(kind: str) -> None:
    def tool(place: Place, json: tuple[int, ...], model_config: Decimal = Decimal(7)) -> str:
        return f"{place.city} {json} {model_config!r}"

    result = only_result(kind, tool, place={"city": "Porto"}, json=[1, 2])
    assert result.result == "Porto (1, 2) Decimal('7')"


@BOTH
def test_broken_arguments_go_back(kind: str) -> None:
    broken: list[zen.LLMEvent] = [
        zen.ToolInputStart("c", "add"),
        zen.ToolInputEnd("c"),
        zen.ToolInputError("c", "add", "{", "the arguments are no JSON"),
    ]
    events, _ = heard(kind, script := Script([called(broken), ANSWER]), request(add))
    assert results(events) == [zen.ToolResult("c", "add", "the arguments are no JSON", is_error=True)]
    told = script.requests[1].messages[1:]
    assert [message.role for message in told] == ["assistant", "tool"]


@BOTH
def test_an_unknown_tool_is_answered_with_those_there_are(kind: str) -> None:
    events, _ = heard(kind, Script([called(call("c", "sub", a=1)), ANSWER]), request(add))
    assert results(events) == [zen.ToolResult("c", "sub", "there is no tool 'sub'; there are: add", is_error=True)]


@BOTH
def test_an_unknown_tool_ends_the_operation_where_that_is_wanted(kind: str) -> None:
    script = Script([[[*START, *call("c", "sub", a=1)], said("more"), ended("tool-calls")]])
    with pytest.raises(zen.ToolLoopError, match="'sub', which is no tool of the request") as caught:
        heard(kind, script, request(add), ToolLoop(unknown="raise"))
    assert [part.name for part in caught.value.partial.tool_calls] == ["sub"]
    assert (script.reads, script.closed) == (1, 1)


# What a tool returns


@dataclasses.dataclass
class Point:
    x: int
    y: Decimal


@BOTH
@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, None),
        ("text", "text"),
        (Point(1, Decimal("1.10")), {"x": 1, "y": "1.10"}),
        ([Point(1, Decimal(2))], [{"x": 1, "y": "2"}]),
        ({1: float("nan"), "b": float("inf")}, {"1": "NaN", "b": "Infinity"}),
        (float("-inf"), "-Infinity"),
    ],
)
def test_a_value_becomes_json(kind: str, value: Any, result: Any) -> None:
    def tool() -> Any:
        return value

    assert only_result(kind, tool) == zen.ToolResult("c", "tool", result)


@BOTH
def test_a_value_is_made_json_in_the_thread_of_its_function(kind: str) -> None:
    """It may be large, or a generator that still works; the event loop goes on meanwhile."""

    def tool() -> Any:
        yield threading.current_thread().name

    assert only_result(kind, tool).result == ["zen-native tool"]


@BOTH
def test_a_value_that_json_cannot_say_is_an_error(kind: str) -> None:
    def tool() -> Any:
        return object()

    result = only_result(kind, tool)
    assert result.is_error
    assert "Unable to serialize unknown type" in result.result


@BOTH
def test_a_picture_goes_back_as_content(kind: str) -> None:
    def look() -> Any:
        return ["a dot", zen.ImageContent(data=b"\x89", mime_type="image/png")]

    script = Script([called(call("c", "look")), ANSWER])
    _, response = heard(kind, script, request(look))
    (result,) = script.requests[1].messages[2].content
    assert result == zen.ToolResultContent(
        id="c",
        name="look",
        content=(zen.TextContent(text="a dot"), zen.ImageContent(data=b"\x89", mime_type="image/png")),
    )
    assert response.to_messages()[1].content == (result,)


@BOTH
def test_a_freeform_tool_gets_the_text(kind: str) -> None:
    tool = zen.Tool(name="sql", freeform=True, handler=lambda text: text.upper())
    events: list[zen.LLMEvent] = [
        zen.ToolInputStart("c", "sql"),
        zen.ToolInputDelta("c", "select"),
        zen.ToolInputEnd("c"),
        zen.ToolCall("c", "sql", "select"),
    ]
    heard_events, _ = heard(kind, Script([called(events), ANSWER]), request(tool))
    assert results(heard_events)[0].result == "SELECT"


@BOTH
def test_a_function_beside_a_schema_of_its_own_gets_what_came(kind: str) -> None:
    tool = zen.Tool(name="any", input_schema={"type": "object"}, handler=lambda **given: given)
    assert only_result(kind, tool, a=[1], b=None).result == {"a": [1], "b": None}


# Approval


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("said_", "told"), [(False, "the call was refused"), ("not on Sundays", "the call was refused: not on Sundays")]
)
def test_a_refused_call_does_not_run(kind: str, asynchronous: bool, said_: Any, told: str) -> None:
    ran: list[int] = []

    def tool(a: int) -> None:
        ran.append(a)

    async def approve(one: zen.ToolCall) -> Any:
        return said_

    options = ToolLoop(approve=approve if asynchronous else lambda one: said_)
    result = only_result(kind, tool, options, a=1)
    assert (result.result, result.is_error, ran) == (told, True, [])


@BOTH
def test_approvals_are_asked_one_at_a_time_in_order(kind: str) -> None:
    asked: list[str] = []
    inside = threading.Lock()

    def approve(one: zen.ToolCall) -> bool:
        assert inside.acquire(blocking=False)
        time.sleep(0.003)
        asked.append(one.id)
        inside.release()
        return True

    calls = [call(str(number), "add", a=1) for number in range(6)]
    events, _ = heard(kind, Script([called(*calls), ANSWER]), request(add), ToolLoop(approve=approve))
    assert asked == [str(number) for number in range(6)]
    assert len(results(events)) == 6


class OwnError(Exception):
    pass


@BOTH
def test_what_approve_raises_ends_the_operation(kind: str) -> None:
    def approve(one: zen.ToolCall) -> bool:
        raise OwnError("mine")

    script = Script([called(call("c", "add", a=1))])
    with pytest.raises(OwnError, match="mine"):
        heard(kind, script, request(add), ToolLoop(approve=approve))
    assert script.closed == 1
    assert no_threads_left()


@BOTH
def test_what_stop_raises_ends_the_operation(kind: str) -> None:
    def stop(response: zen.LLMResponse) -> bool:
        raise OwnError("mine")

    with pytest.raises(OwnError, match="mine"):
        heard(kind, Script([called(call("c", "add", a=1))]), request(add), ToolLoop(stop=stop))
    assert no_threads_left()


@BOTH
def test_hooks_must_say_something_clear(kind: str) -> None:
    script = [called(call("c", "add", a=1))]
    wrong: Any = lambda one: None  # noqa: E731
    with pytest.raises(TypeError, match=r"ToolLoop.approve must say True, False or why not, not None"):
        heard(kind, Script(script), request(add), ToolLoop(approve=wrong))
    with pytest.raises(TypeError, match=r"ToolLoop.stop must say True or False, not None"):
        heard(kind, Script(script), request(add), ToolLoop(stop=wrong))


@pytest.mark.parametrize(
    "wrong", [{"max_steps": 0}, {"concurrency": True}, {"timeout": 0}, {"on_limit": "x"}, {"unknown": "x"}]
)
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"ToolLoop.{next(iter(wrong))} must be"):
        ToolLoop(**wrong)
