"""Spans of the tool loop: one around its steps, and one for each tool that runs, current while it does."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from decimal import Decimal
from typing import Any

import anyio
import pytest
from anyio import to_thread
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel
from tests.kit.asking import KINDS, ask, run
from tests.kit.chat import call, chunk, sse
from tests.kit.steps import no_threads_left
from tests.kit.telemetry import ANSWER, CONFIG, STALL, Answer, Seen, Wire, below, calls, said, told

import zen_native as zen
from zen_native.route import Prices
from zen_native.tools import ToolLoop

BOTH = pytest.mark.parametrize("kind", KINDS)
ONE = calls("add", '{"a": 1}')


@pytest.fixture
def seen() -> Seen:
    return Seen()


def asked(kind: str, seen: Seen, *answers: Any, **fields: Any) -> Any:
    """What a client that is watched hears of these answers."""
    options = {name: fields.pop(name) for name in ("prices", "telemetry") if name in fields}
    return ask(kind, CONFIG, transport=Wire(*answers), call=fields, **{"telemetry": seen.telemetry(), **options})


class Number(BaseModel):
    number: int


def add(a: int) -> int:
    """Add one."""
    return a + 1


def span_id(span: Any) -> int:
    return int(span.get_span_context().span_id)


# The ordinary way


@BOTH
@pytest.mark.parametrize("asynchronous", [False, True], ids=["function", "coroutine"])
def test_steps_and_tools_are_children_of_one_span(kind: str, asynchronous: bool, seen: Seen) -> None:
    current: dict[int, int] = {}

    def look(a: int) -> None:
        """Look."""
        current[a] = span_id(trace.get_current_span())

    async def look_on(a: int) -> None:
        """Look."""
        await asyncio.sleep(0)
        look(a)

    tool = look_on if asynchronous else look
    name = tool.__name__
    heard = asked(kind, seen, calls(name, '{"a": 1}', '{"a": 2}'), ANSWER, tools=[tool], session_id="s")
    assert (heard.text, heard.error) == ("Hello", None)
    whole = seen.span("invoke_agent")
    steps = seen.spans("chat")
    tools = sorted(seen.spans("execute_tool"), key=lambda span: told(span)["gen_ai.tool.call.id"])
    assert len(seen.spans()) == 5
    assert all(below(whole, span) for span in (*steps, *tools))
    assert [span.name for span in (*steps, *tools)] == ["chat m", "chat m", *[f"execute_tool {name}"] * 2]
    assert [span_id(span) for span in tools] == [current[1], current[2]]
    assert {span.status.status_code for span in seen.spans()} == {StatusCode.UNSET}
    assert [told(span) for span in tools] == [
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.description": "Look.",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
        }
        for call_id in ("c0", "c1")
    ]
    assert {span.kind for span in (whole, *tools)} == {SpanKind.INTERNAL}
    assert [told(span)["gen_ai.response.finish_reasons"] for span in steps] == [("tool_call",), ("stop",)]


@BOTH
def test_the_span_of_the_whole_has_the_sums(kind: str, seen: Seen) -> None:
    row = Prices(input=Decimal(1), output=Decimal(2))
    prices = zen.PriceTable(as_of="2026-11-01", source="tests", models={"mine/m": row})
    asked(kind, seen, ONE, ANSWER, tools=[add], session_id="s", prices=prices, generation={"max_tokens": 9})
    assert told(seen.span("invoke_agent")) == {
        "gen_ai.conversation.id": "s",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "mine",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.model": "m",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.usage.input_tokens": 18,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 4,
        "zen.steps": 2,
        "zen.usage.cost": 0.000038,
        "zen.usage.cost_source": "table",
    }
    # The steps are what is counted: the whole would count it again.
    assert [point.count for point in seen.points("operation.duration")] == [2]
    assert sorted(point.sum for point in seen.points("token.usage")) == [10, 18]


@BOTH
def test_the_parent_of_all_is_what_is_current(kind: str, seen: Seen) -> None:
    with seen.tracers.get_tracer("tests").start_as_current_span("outer"):
        asked(kind, seen, ONE, ANSWER, tools=[add])
    assert below(seen.span("outer"), seen.span("invoke_agent"))
    assert len({span.context.trace_id for span in seen.spans() if span.context}) == 1


@BOTH
def test_an_output_type_has_a_span_around_its_steps(kind: str, seen: Seen) -> None:
    heard = asked(kind, seen, said("no number"), said('{"number": 7}'), output_type=Number, repair=True)
    assert heard.error is None
    whole, *steps = seen.spans()
    assert (told(whole)["gen_ai.output.type"], told(whole)["zen.steps"]) == ("json", 2)
    assert [step.name for step in steps] == ["chat m", "chat m"]
    assert all(below(whole, step) for step in steps)


@BOTH
def test_an_answer_that_is_no_output_fails_the_whole_and_not_the_step(kind: str, seen: Seen) -> None:
    heard = asked(kind, seen, said("no number"), output_type=Number)
    assert type(heard.error) is zen.InvalidProviderOutputError
    whole, step = seen.spans()
    assert (whole.status.status_code, step.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert told(whole)["error.type"] == "InvalidProviderOutputError"


# Tools that fail


@BOTH
def test_a_tool_that_fails_is_an_error_of_its_span_alone(kind: str, seen: Seen) -> None:
    def add(a: int) -> int:
        """Add one."""
        raise KeyError(a)

    assert asked(kind, seen, ONE, ANSWER, tools=[add]).text == "Hello"
    span = seen.span("execute_tool")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert told(span)["error.type"] == "tool_error"
    others = [other for other in seen.spans() if other is not span]
    assert {other.status.status_code for other in others} == {StatusCode.UNSET}


@BOTH
def test_a_refused_call_is_an_error_of_its_span(kind: str, seen: Seen) -> None:
    asked(kind, seen, ONE, ANSWER, tools=[add], tool_loop=ToolLoop(approve=lambda _: False))
    assert told(seen.span("execute_tool"))["error.type"] == "tool_error"


@BOTH
def test_what_a_hook_raises_is_the_error_of_the_call_and_of_the_whole(kind: str, seen: Seen) -> None:
    def approve(call: zen.ToolCall) -> bool:
        raise LookupError(call.id)

    with pytest.raises(LookupError):
        asked(kind, seen, ONE, ANSWER, tools=[add], tool_loop=ToolLoop(approve=approve))
    assert told(seen.span("execute_tool"))["error.type"] == "LookupError"
    assert told(seen.span("invoke_agent"))["error.type"] == "LookupError"


@BOTH
def test_calls_that_run_nothing_have_no_span(kind: str, seen: Seen) -> None:
    """Of tools that the request has not, with arguments that are no JSON, and of those that the caller answers."""
    asked(kind, seen, calls("other", "{}"), ANSWER, tools=[add])
    asked(kind, seen, calls("add", '{"a'), ANSWER, tools=[add])
    asked(kind, seen, calls("mine", "{}"), ANSWER, tools=[zen.Tool(name="mine")])
    assert seen.spans("execute_tool") == []


@BOTH
def test_the_limit_of_steps_is_the_error_of_the_whole(kind: str, seen: Seen) -> None:
    heard = asked(kind, seen, ONE, tools=[add], tool_loop=ToolLoop(max_steps=1))
    assert type(heard.error) is zen.ToolLoopError
    assert told(seen.span("invoke_agent"))["error.type"] == "ToolLoopError"
    assert seen.span("chat").status.status_code is StatusCode.UNSET


@BOTH
def test_a_step_that_fails_fails_the_whole(kind: str, seen: Seen) -> None:
    heard = asked(kind, seen, ONE, Answer([b"{}"], 400), tools=[add])
    assert type(heard.error) is zen.InvalidRequestError
    whole = seen.span("invoke_agent")
    first, second = seen.spans("chat")
    assert [span.status.status_code for span in (whole, first, second)] == [
        StatusCode.ERROR,
        StatusCode.UNSET,
        StatusCode.ERROR,
    ]


# Left and cancelled


@BOTH
def test_leaving_ends_the_spans_of_all(kind: str, seen: Seen) -> None:
    """Of a tool that runs, of the step that goes on, and of the whole."""
    runs = threading.Event()

    async def add(a: int) -> int:
        """Add one."""
        runs.set()
        await asyncio.sleep(60)
        return a

    begun = Answer([sse(chunk(call('{"a": 1}', name="add", call_id="c", index=0)), chunk({}, "tool_calls")), STALL])
    options: dict[str, Any] = {"transport": Wire(begun), "telemetry": seen.telemetry()}

    async def main() -> None:
        async with (
            zen.AsyncClient(CONFIG, **options) as client,
            client.stream("mine/m", "hi", tools=[add]) as stream,
        ):
            while not isinstance(await anext(stream), zen.ToolCall):
                pass
            assert await to_thread.run_sync(runs.wait, 5)

    if kind == "sync":
        with zen.Client(CONFIG, **options) as client, client.stream("mine/m", "hi", tools=[add]) as stream:
            while not isinstance(next(stream), zen.ToolCall):
                pass
            assert runs.wait(5)
    else:
        run(kind, main)
    assert told(seen.span("invoke_agent"))["zen.left_early"] is True
    assert told(seen.span("chat"))["zen.left_early"] is True
    assert told(seen.span("execute_tool"))["error.type"] == "CancelledError"
    assert no_threads_left()


def test_a_stream_that_is_dropped_ends_the_spans_of_its_tools(seen: Seen) -> None:
    runs = threading.Event()

    async def add(a: int) -> int:
        """Add one."""
        runs.set()
        await asyncio.sleep(60)
        return a

    with zen.Client(CONFIG, transport=Wire(ONE), telemetry=seen.telemetry()) as client:
        stream = client.stream("mine/m", "hi", tools=[add])
        while not isinstance(next(stream), zen.ToolCall):
            pass
        assert runs.wait(5)
        del stream
    assert {span.name for span in seen.spans()} == {"invoke_agent", "chat m", "execute_tool add"}
    assert no_threads_left()


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_cancelling_ends_the_spans_of_all(kind: str, seen: Seen) -> None:
    async def main() -> None:
        runs = threading.Event()

        async def add(a: int) -> int:
            """Add one."""
            runs.set()
            await asyncio.sleep(60)
            return a

        async def ask_on(client: zen.AsyncClient) -> None:
            await client.generate("mine/m", "hi", tools=[add])

        async with (
            zen.AsyncClient(CONFIG, transport=Wire(ONE), telemetry=seen.telemetry()) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(ask_on, client)
            assert await to_thread.run_sync(runs.wait, 5)
            group.cancel_scope.cancel()

    run(kind, main)
    name = "CancelledError" if kind == "asyncio" else "Cancelled"
    assert told(seen.span("invoke_agent"))["error.type"] == name
    assert told(seen.span("execute_tool"))["error.type"] == "CancelledError"
    assert no_threads_left()


def test_a_tool_whose_loop_is_gone_leaves_no_span(seen: Seen, caplog: pytest.LogCaptureFixture) -> None:
    """The collector ends it, in a context that is not the one where it began."""
    stream = zen.Client(CONFIG, transport=Wire(ONE), telemetry=seen.telemetry()).stream("mine/m", "hi", tools=[add])
    around: Any = stream._source.around  # type: ignore[attr-defined]  # it is watched
    tool = around(zen.ToolCall("c", "add", {}))
    contextvars.copy_context().run(tool.__enter__)
    assert not seen.all_ended
    with pytest.raises(GeneratorExit):
        tool.gen.throw(GeneratorExit)
    assert told(seen.span("execute_tool"))["gen_ai.tool.call.id"] == "c"
    assert caplog.records == []


# Content


@BOTH
def test_arguments_and_results_are_content(kind: str, seen: Seen) -> None:
    def add(a: int, api_key: str) -> dict[str, Any]:
        """Add one."""
        return {"sum": a + 1, "password": "hush-hush", "said": f"Bearer {api_key}"}

    answer = calls("add", '{"a": 1, "api_key": "sk-abcdefgh12345678"}')
    asked(kind, seen, answer, ANSWER, tools=[add])
    assert not [name for span in seen.spans() for name in told(span) if "arguments" in name or "result" in name]
    other = Seen()
    asked(kind, other, answer, ANSWER, tools=[add], telemetry=other.telemetry(content=True))
    attributes = told(other.span("execute_tool"))
    assert attributes["gen_ai.tool.call.arguments"] == '{"a": 1, "api_key": "[redacted]"}'
    assert attributes["gen_ai.tool.call.result"] == (
        '{"sum": 2, "password": "[redacted]", "said": "Bearer [redacted]"}'
    )
