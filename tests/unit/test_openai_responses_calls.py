"""OpenAI Responses: calls that the caller runs, how their input comes, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.decoding import Decoded
from tests.kit.responses import (
    Frame,
    added,
    call,
    completed,
    delta,
    done,
    message,
    response,
    run,
    said,
    text_deltas,
)

from zen_native.events import (
    FinishReason,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)

BLANK = call("fc_1", "call_1", "look", "")
WHOLE = call("fc_1", "call_1", "look", '{"a":1}')


def only_call(decoded: Decoded) -> ToolCall:
    (event,) = decoded.of(ToolCall)
    return event


def arguments(*pieces: str, index: int = 0, item_id: str = "fc_1") -> list[Frame]:
    return [delta("function_call_arguments", index, item_id, piece) for piece in pieces]


def arguments_done(text: str, index: int = 0, item_id: str = "fc_1") -> Frame:
    name = "response.function_call_arguments.done"
    return {"type": name, "output_index": index, "item_id": item_id, "arguments": text}


# Function calls


def test_streamed_call(runtime: str) -> None:
    decoded = run(runtime, added(0, BLANK), *arguments('{"a"', ":1}"), arguments_done('{"a":1}'), done(0, WHOLE),
                  completed(WHOLE))  # fmt: skip
    assert decoded.types() == [
        "step-start", "tool-input-start", "tool-input-delta", "tool-input-delta", "tool-input-end", "tool-call",
        "step-finish", "finish",
    ]  # fmt: skip
    assert only_call(decoded) == ToolCall("call_1", "look", {"a": 1}, False, {"test": {"item_id": "fc_1"}})
    assert decoded.finish.reason == FinishReason("tool-calls", "completed")


@pytest.mark.parametrize(
    "frames",
    [
        [added(0, BLANK), arguments_done('{"a":1}'), completed()],
        [added(0, BLANK), arguments_done('{"a":1}'), done(0, WHOLE), completed(WHOLE)],
        [added(0, BLANK), done(0, WHOLE), completed()],
        [done(0, WHOLE), completed(WHOLE)],
        [completed(WHOLE)],
        [added(0, WHOLE), completed()],
        [added(0, WHOLE), arguments_done('{"a":1}'), done(0, WHOLE), completed(WHOLE)],
    ],
)
def test_D12_whole_arguments_are_one_delta(runtime: str, frames: list[Frame]) -> None:
    decoded = run(runtime, *frames)
    assert [event.text for event in decoded.of(ToolInputDelta)] == ['{"a":1}']
    assert only_call(decoded).input == {"a": 1}


def test_final_arguments_extend_what_was_streamed(runtime: str) -> None:
    decoded = run(runtime, added(0, BLANK), *arguments('{"a"'), arguments_done('{"a":1}'), completed())
    assert [event.text for event in decoded.of(ToolInputDelta)] == ['{"a"', ":1}"]


def test_final_arguments_replace_what_differs(runtime: str) -> None:
    decoded = run(runtime, added(0, BLANK), *arguments('{"b":2}'), done(0, WHOLE), completed())
    assert only_call(decoded).input == {"a": 1}


def test_parallel_calls_interleave(runtime: str) -> None:
    other = call("fc_2", "call_2", "look", "")
    decoded = run(
        runtime, added(0, BLANK), added(1, other), *arguments('{"n":'), *arguments('{"n":', index=1, item_id="fc_2"),
        *arguments("1}"), *arguments("2}", index=1, item_id="fc_2"), completed(),
    )  # fmt: skip
    assert [(event.id, event.input) for event in decoded.of(ToolCall)] == [("call_1", {"n": 1}), ("call_2", {"n": 2})]


def test_empty_arguments_are_an_empty_object(runtime: str) -> None:
    assert only_call(run(runtime, added(0, BLANK), done(0, BLANK), completed())).input == {}


def test_arguments_as_an_object(runtime: str) -> None:
    decoded = run(runtime, done(0, {**BLANK, "arguments": {"a": 1}}), completed())
    assert only_call(decoded).input == {"a": 1}
    assert [event.text for event in decoded.of(ToolInputDelta)] == ['{"a":1}']


def test_arguments_may_have_any_names(runtime: str) -> None:
    given = {"sources": [1], "id": 2, "type": "x"}
    assert only_call(run(runtime, done(0, {**BLANK, "arguments": given}), completed())).input == given


def test_announced_arguments_count_once(runtime: str) -> None:
    decoded = run(runtime, added(0, WHOLE), added(0, WHOLE), done(0, WHOLE), completed())
    assert [event.text for event in decoded.of(ToolInputDelta)] == ['{"a":1}']


def test_call_without_a_name_is_an_error(runtime: str) -> None:
    item = {key: value for key, value in WHOLE.items() if key != "name"}
    decoded = run(runtime, added(0, item), done(0, item), completed(item))
    assert [event.raw for event in decoded.of(ToolInputError)] == ['{"a":1}']


def test_arguments_that_are_no_json(runtime: str) -> None:
    decoded = run(runtime, added(0, BLANK), *arguments("{oops"), completed())
    assert [event.raw for event in decoded.of(ToolInputError)] == ["{oops"]
    assert decoded.finish.reason.normalized == "tool-calls"


def test_duplicates_by_call_id_are_ignored(runtime: str) -> None:
    again = {**WHOLE, "id": "fc_other"}
    decoded = run(runtime, added(0, BLANK), done(0, WHOLE), added(1, again), done(1, again), completed(again))
    assert only_call(decoded).id == "call_1"


def test_item_id_stands_in_for_a_missing_call_id(runtime: str) -> None:
    item = {key: value for key, value in WHOLE.items() if key != "call_id"}
    assert only_call(run(runtime, added(0, item), done(0, item), completed(item))).id == "fc_1"


def test_call_without_any_id(runtime: str) -> None:
    item = {key: value for key, value in WHOLE.items() if key not in ("call_id", "id")}
    event = only_call(run(runtime, done(0, item), completed()))
    assert event.id
    assert said(event)["synthetic_id"] is True


def test_arguments_before_the_item_is_announced(runtime: str) -> None:
    decoded = run(runtime, *arguments('{"a":1}'), done(0, WHOLE), completed())
    assert only_call(decoded) == ToolCall("call_1", "look", {"a": 1}, False, {"test": {"item_id": "fc_1"}})


def test_arguments_taken_back_before_the_item_is_announced(runtime: str) -> None:
    decoded = run(runtime, *arguments("x"), arguments_done(""), done(0, BLANK), completed())
    assert decoded.of(ToolInputDelta) == []
    assert only_call(decoded).input == {}


def test_late_arguments_do_nothing(runtime: str) -> None:
    late = [*arguments("x"), arguments_done("x")]
    decoded = run(runtime, added(0, BLANK), done(0, WHOLE), *late, completed(WHOLE))
    assert only_call(decoded).input == {"a": 1}


def test_arguments_after_their_done_frame_do_nothing(runtime: str) -> None:
    decoded = run(runtime, added(0, BLANK), arguments_done('{"a":1}'), *arguments("x"), completed())
    assert only_call(decoded).input == {"a": 1}


def test_namespace_and_caller_are_metadata(runtime: str) -> None:
    more = {"namespace": "crm", "caller": {"type": "program", "caller_id": "call_0"}}
    event = only_call(run(runtime, added(0, {**BLANK, **more}), done(0, {**WHOLE, **more}), completed()))
    assert said(event) == {"item_id": "fc_1", **more}


def test_freeform_call(runtime: str) -> None:
    item = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_1", "name": "sql", "input": ""}
    final = {**item, "input": "SELECT 1"}
    whole = {"type": "response.custom_tool_call_input.done", "output_index": 0, "item_id": "ctc_1", "input": "SELECT 1"}
    pieces = [delta("custom_tool_call_input", 0, "ctc_1", piece) for piece in ("SELECT", " 1")]
    decoded = run(runtime, added(0, item), *pieces, whole, done(0, final), completed(final))
    assert [event.text for event in decoded.of(ToolInputDelta)] == ["SELECT", " 1"]
    assert only_call(decoded).input == "SELECT 1"
    assert decoded.finish.reason.normalized == "tool-calls"


# Cut answers

CUT: Frame = {
    "type": "response.incomplete",
    "response": response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
}


def test_open_call_of_a_cut_answer_is_an_error(runtime: str) -> None:
    decoded = run(runtime, added(0, BLANK), *arguments('{"a":1}'), CUT)
    assert [event.raw for event in decoded.of(ToolInputError)] == ['{"a":1}']
    assert decoded.finish.reason == FinishReason("length", "max_output_tokens")


def test_call_that_was_complete_before_the_cut_counts(runtime: str) -> None:
    assert only_call(run(runtime, added(0, BLANK), arguments_done('{"a":1}'), CUT)).input == {"a": 1}
    assert only_call(run(runtime, added(0, BLANK), done(0, WHOLE), CUT)).input == {"a": 1}


@pytest.mark.parametrize("status", ["incomplete", "in_progress"])
def test_final_item_of_a_cut_answer_is_cut_too(runtime: str, status: str) -> None:
    half = {**BLANK, "arguments": "{}", "status": status}
    cut = {"type": "response.incomplete", "response": {**CUT["response"], "output": [half]}}
    decoded = run(runtime, added(0, BLANK), *arguments("{"), cut)
    assert [event.raw for event in decoded.of(ToolInputError)] == ["{}"]


def test_item_that_says_it_is_incomplete_is_no_call(runtime: str) -> None:
    half = {**BLANK, "arguments": "{}", "status": "incomplete"}
    decoded = run(runtime, added(0, BLANK), done(0, half), completed())
    assert decoded.of(ToolCall) == []
    assert len(decoded.of(ToolInputError)) == 1


# Calls that the caller runs

LOCAL: list[tuple[Frame, str, Any]] = [
    ({"type": "computer_call", "action": {"type": "click", "x": 1}, "pending_safety_checks": []}, "computer",
     {"type": "click", "x": 1}),
    ({"type": "computer_call", "actions": [{"type": "wait"}]}, "computer", {"actions": [{"type": "wait"}]}),
    ({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"]}}, "local_shell",
     {"type": "exec", "command": ["ls"]}),
    ({"type": "shell_call", "action": {"commands": ["ls"]}}, "shell", {"commands": ["ls"]}),
    ({"type": "shell_call", "action": {"commands": ["ls"]}, "environment": {"type": "local"}}, "shell",
     {"commands": ["ls"]}),
    ({"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}}, "apply_patch",
     {"type": "delete_file", "path": "a"}),
    ({"type": "tool_search_call", "execution": "client", "arguments": {"goal": "a"}}, "tool_search", {"goal": "a"}),
]  # fmt: skip


@pytest.mark.parametrize(("members", "name", "value"), LOCAL, ids=[str(members)[:60] for members, *_ in LOCAL])
def test_call_that_the_caller_runs(runtime: str, members: Frame, name: str, value: Any) -> None:
    item = {"id": "x_1", "call_id": "call_1", "status": "completed", **members}
    decoded = run(runtime, added(0, item), done(0, item), completed(item))
    expected = {"test": {"item_id": "x_1", "item": item}}
    assert only_call(decoded) == ToolCall("call_1", name, value, False, expected)
    assert [json.loads(event.text) for event in decoded.of(ToolInputDelta)] == [value]
    assert decoded.of(ToolInputStart)[0].provider_executed is False
    assert decoded.of(ToolResult) == []
    assert decoded.finish.reason == FinishReason("tool-calls", "completed")


def test_text_and_calls_keep_their_order(runtime: str) -> None:
    decoded = run(runtime, added(0, message("msg_1")), *text_deltas("a"), done(0, message("msg_1", "a")),
                  added(1, BLANK), done(1, WHOLE), completed())  # fmt: skip
    assert [event.text for event in decoded.of(TextDelta)] == ["a"]
    assert decoded.types().index("text-end") < decoded.types().index("tool-input-start")
