"""Tool calls of Bedrock Converse, and results of the tools that Bedrock runs."""

from __future__ import annotations

import pytest
from tests.kit.converse import (
    START,
    block_start,
    block_stop,
    delta,
    metadata,
    run,
    stop,
    text_block,
    tool,
)

from zen_native.events import (
    FinishReason,
    ToolCall,
    ToolInputDelta,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)

# Tools


def test_parallel_calls_that_interleave(runtime: str) -> None:
    decoded = run(
        runtime,
        block_start(0, toolUse={"toolUseId": "a", "name": "x"}),
        block_start(1, toolUse={"toolUseId": "b", "name": "y"}),
        delta(1, toolUse={"input": '{"n":1}'}),
        delta(0, toolUse={"input": '{"n":0}'}),
        block_stop(1),
        block_stop(0),
        stop("tool_use"),
        metadata(),
    )
    assert [(event.id, event.input) for event in decoded.of(ToolCall)] == [("b", {"n": 1}), ("a", {"n": 0})]


def test_D1_index_missing(runtime: str) -> None:
    events = [START, delta(None, text="x"), block_stop(None), *tool(None, '{"n":1}'), *tool(None, "{}", toolUseId="t2")]
    decoded = run(runtime, *events, stop("tool_use"), metadata())
    assert [(event.id, event.input) for event in decoded.of(ToolCall)] == [("t1", {"n": 1}), ("t2", {})]


def test_D2_index_used_again_by_another_call(runtime: str) -> None:
    again = block_start(0, toolUse={"toolUseId": "t2", "name": "look"})
    decoded = run(
        runtime, *tool(0, "{}")[:-1], again, delta(0, toolUse={"input": '{"n":2}'}), stop("tool_use"), metadata()
    )
    assert [(event.id, event.input) for event in decoded.of(ToolCall)] == [("t1", {}), ("t2", {"n": 2})]


def test_start_that_is_repeated(runtime: str) -> None:
    first, more, end = tool(0, '{"n":1}')
    decoded = run(runtime, first, first, more, end, first, stop("tool_use"), metadata())
    assert [(event.id, event.input) for event in decoded.of(ToolCall)] == [("t1", {"n": 1})]


def test_D3_id_missing(runtime: str) -> None:
    (said,) = run(runtime, *tool(0, "{}", toolUseId=None), stop("tool_use"), metadata()).of(ToolCall)
    assert (said.id, said.metadata) == ("call-0", {"test": {"synthetic_id": True}})


def test_D4_repeated_ids_are_replaced(runtime: str) -> None:
    calls = run(runtime, *tool(0, "{}"), *tool(1, "{}"), stop("tool_use"), metadata()).of(ToolCall)
    assert [event.id for event in calls] == ["t1", "call-0"]


@pytest.mark.parametrize("inputs", [[], [""], ["", ""]])
def test_D5_call_without_arguments(runtime: str, inputs: list[str]) -> None:
    decoded = run(runtime, *tool(0, *inputs), stop("tool_use"), metadata())
    assert (decoded.of(ToolCall)[0].input, decoded.of(ToolInputDelta)) == ({}, [])


def test_D8_arguments_that_are_no_json(runtime: str) -> None:
    decoded = run(runtime, *tool(0, '{"at": "sk'), stop("tool_use"), metadata())
    assert [event.raw for event in decoded.of(ToolInputError)] == ['{"at": "sk']


def test_D10_calls_with_end_turn_are_tool_calls(runtime: str) -> None:
    decoded = run(runtime, *tool(0, "{}"), stop("end_turn"), metadata())
    assert decoded.finish.reason == FinishReason("tool-calls", "end_turn")


@pytest.mark.parametrize(("reason", "calls", "errors"), [("tool_use", 1, 0), ("max_tokens", 0, 1)])
def test_call_without_its_stop(runtime: str, reason: str, calls: int, errors: int) -> None:
    decoded = run(runtime, *tool(0, '{"n":1}')[:-1], stop(reason), metadata())
    assert (len(decoded.of(ToolCall)), len(decoded.of(ToolInputError))) == (calls, errors)


def test_input_without_its_start(runtime: str) -> None:
    decoded = run(runtime, delta(3, toolUse={"input": "{}"}), block_stop(3), stop(), metadata())
    assert decoded.of(ToolInputStart) == []
    assert decoded.finish.warnings == ("tool input without the start of its call was ignored",)


def test_late_input_changes_nothing(runtime: str) -> None:
    decoded = run(runtime, *tool(0, '{"n":1}'), delta(0, toolUse={"input": "x"}), stop("tool_use"), metadata())
    assert decoded.of(ToolCall)[0].input == {"n": 1}


def test_tool_that_bedrock_runs(runtime: str) -> None:
    decoded = run(
        runtime,
        *tool(0, '{"code":"1"}', type="server_tool_use"),
        block_start(1, toolResult={"toolUseId": "t1", "type": "code_result", "status": "success"}),
        delta(1, toolResult=[{"json": {"out": "1"}}]),
        delta(1, toolResult=[{"text": "a"}]),
        delta(1, toolResult=[{"text": "b"}]),
        block_stop(1),
        *text_block(2, "So 1"),
        stop(),
        metadata(),
    )
    assert decoded.of(ToolCall) == [ToolCall("t1", "look", {"code": "1"}, True, {"test": {"issuer": "test"}})]
    result = [{"json": {"out": "1"}}, {"text": "ab"}]
    metadata_of = {"test": {"type": "code_result", "status": "success", "issuer": "test"}}
    assert decoded.of(ToolResult) == [ToolResult("t1", "look", result, False, True, metadata_of)]
    assert decoded.finish.reason == FinishReason("stop", "end_turn")


def test_result_of_a_failed_tool_without_its_stop(runtime: str) -> None:
    begin = block_start(1, toolResult={"toolUseId": "t1", "status": "error"})
    decoded = run(runtime, *tool(0, "{}", type="server_tool_use"), begin, stop(), metadata())
    assert [(event.result, event.is_error) for event in decoded.of(ToolResult)] == [([], True)]


def test_result_without_its_call(runtime: str) -> None:
    decoded = run(runtime, delta(0, toolResult=[{"text": "x"}, 1]), block_stop(0), stop(), metadata())
    assert [(event.name, event.result) for event in decoded.of(ToolResult)] == [("", [{"text": "x"}])]
    assert decoded.finish.warnings == ("a tool result without its call",)
