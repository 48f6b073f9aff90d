"""Tool calls of chat completions: every shape in which hosts send one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.chat import DONE, call, chunk, document, stream, unary
from tests.kit.decoding import Decoded, text

from zen_native.events import ToolCall, ToolInputDelta, ToolInputEnd, ToolInputError, ToolInputStart, ToolResult

END = chunk(finish="tool_calls")


def calls(decoded: Decoded) -> list[tuple[str, str, Any]]:
    assert decoded.error is None
    return [(event.id, event.name, event.input) for event in decoded.of(ToolCall)]


def run(runtime: str, *deltas: dict[str, Any], finish: str = "tool_calls", **options: Any) -> Decoded:
    return stream(runtime, *(chunk(delta) for delta in deltas), chunk(finish=finish), DONE, **options)


def test_one_call_in_pieces(runtime: str) -> None:
    got = run(runtime, call("", name="look", call_id="c1", index=0), call('{"at"', index=0), call(":1}", index=0))
    kinds = [(type(event), getattr(event, "text", None)) for event in got.events[1:-2]]
    assert kinds == [
        (ToolInputStart, None),
        (ToolInputDelta, '{"at"'),
        (ToolInputDelta, ":1}"),
        (ToolInputEnd, None),
        (ToolCall, None),
    ]
    assert calls(got) == [("c1", "look", {"at": 1})]
    assert (got.finish.reason.normalized, got.finish.reason.raw) == ("tool-calls", "tool_calls")


def test_parallel_calls_interleave(runtime: str) -> None:
    got = run(
        runtime,
        call("", name="a", call_id="c1", index=0),
        call("", name="b", call_id="c2", index=1),
        call('{"x":', index=0),
        call('{"y":', index=1),
        call("1}", index=0),
        call("2}", index=1),
    )
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "b", {"y": 2})]


def test_a_call_ends_the_block_before_it(runtime: str) -> None:
    got = run(runtime, {"reasoning": "hm"}, call("{}", name="a", call_id="c1", index=0), {"content": "b"})
    assert got.types()[1:7] == [
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "tool-input-start",
        "text-start",
        "text-delta",
    ]


def test_D1_index_missing_is_inferred_by_id(runtime: str) -> None:
    got = run(
        runtime,
        call('{"x"', name="a", call_id="c1"),
        call('{"y"', name="b", call_id="c2"),
        call(":1}", call_id="c1"),
        call(":2}", call_id="c2"),
    )
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "b", {"y": 2})]


def test_D1_index_missing_goes_to_the_open_call(runtime: str) -> None:
    got = run(runtime, call("", name="a", call_id="c1"), call('{"x":'), call("1}"), call("{}", name="b", call_id="c2"))
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "b", {})]


def test_D1_index_missing_goes_by_the_place_in_the_batch(runtime: str) -> None:
    head = {"tool_calls": [{"id": "c1", "function": {"name": "a"}}, {"id": "c2", "function": {"name": "b"}}]}
    rest = {"tool_calls": [{"function": {"arguments": '{"x":1}'}}, {"function": {"arguments": '{"y":2}'}}]}
    assert calls(run(runtime, head, rest)) == [("c1", "a", {"x": 1}), ("c2", "b", {"y": 2})]


def test_D1_whole_calls_without_index_do_not_merge(runtime: str) -> None:
    got = run(runtime, call('{"x":1}', name="a", call_id="c1"), call('{"x":2}', name="a", call_id="c2"))
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "a", {"x": 2})]


def test_D2_one_index_reused_with_a_new_id(runtime: str) -> None:
    got = run(
        runtime,
        call('{"x":1}', name="a", call_id="c1", index=0),
        call('{"y":', name="b", call_id="c2", index=0),
        call("2}", index=0),
    )
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "b", {"y": 2})]


def test_D2_an_earlier_id_at_a_reused_index_goes_on(runtime: str) -> None:
    got = run(
        runtime,
        call('{"x":', name="a", call_id="c1", index=0),
        call('{"y":', name="b", call_id="c2", index=0),
        call("1}", call_id="c1", index=0),
        call("2}", call_id="c2", index=0),
    )
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "b", {"y": 2})]


def test_D2_one_index_reused_without_ids(runtime: str) -> None:
    got = run(
        runtime,
        call('{"x":1}', name="a", index=0),
        call('{"x":2}', name="a", index=0),
        call('{"y":3}', name="b", index=0),
    )
    assert [(name, value) for _, name, value in calls(got)] == [("a", {"x": 1}), ("a", {"x": 2}), ("b", {"y": 3})]


def test_D2_a_new_id_with_every_delta_is_one_call(runtime: str) -> None:
    got = run(
        runtime,
        call("", name="a", call_id="c1", index=0),
        call('{"x":', call_id="c2", index=0),
        call("1}", call_id="c3", index=0),
    )
    assert calls(got) == [("c1", "a", {"x": 1})]


def test_D3_id_missing_is_synthetic_and_marked(runtime: str) -> None:
    got = run(runtime, call('{"x":1}', name="a", index=0), call('{"x":2}', name="a", index=1))
    first, second = got.of(ToolCall)
    assert first.id != second.id
    assert first.metadata == second.metadata == {"test": {"synthetic_id": True}}
    assert (first.input, second.input) == ({"x": 1}, {"x": 2})


def test_D3_late_id(runtime: str) -> None:
    got = run(runtime, call('{"x":', name="a", index=0), call("1}", call_id="c1", index=0))
    assert calls(got) == [("c1", "a", {"x": 1})]
    assert got.of(ToolCall)[0].metadata is None


def test_D3_late_id_without_index(runtime: str) -> None:
    assert calls(run(runtime, call('{"x":', name="a"), call("1}", call_id="c1"))) == [("c1", "a", {"x": 1})]


def test_late_name_holds_the_arguments(runtime: str) -> None:
    got = run(runtime, call('{"x":', call_id="c1", index=0), call("1}", name="a", index=0))
    assert calls(got) == [("c1", "a", {"x": 1})]
    assert [event.text for event in got.of(ToolInputDelta)] == ['{"x":', "1}"]


def test_later_empty_id_and_name_change_nothing(runtime: str) -> None:
    got = run(runtime, call('{"x":', name="a", call_id="c1", index=0), call("1}", name="", call_id="", index=0))
    assert calls(got) == [("c1", "a", {"x": 1})]


def test_header_repeated_with_every_delta(runtime: str) -> None:
    got = run(
        runtime,
        call('{"x":', name="a", call_id="c1", index=0),
        call("1}", name="a", call_id="c1", index=0),
    )
    assert calls(got) == [("c1", "a", {"x": 1})]


def test_D4_one_id_for_three_calls(runtime: str) -> None:
    got = run(runtime, *(call(f'{{"x":{n}}}', name="a", call_id="hash", index=n) for n in range(3)))
    ids = [event.id for event in got.of(ToolCall)]
    assert len(set(ids)) == 3
    assert ids[0] == "hash"
    assert [event.input for event in got.of(ToolCall)] == [{"x": 0}, {"x": 1}, {"x": 2}]
    assert got.of(ToolCall)[1].metadata == {"test": {"synthetic_id": True, "original_id": "hash"}}


@pytest.mark.parametrize("index", [0, None])
def test_D4_one_id_and_one_index_for_three_calls(runtime: str, index: int | None) -> None:
    got = run(runtime, *(call(f'{{"x":{n}}}', name="a", call_id="hash", index=index) for n in range(3)))
    assert [event.input for event in got.of(ToolCall)] == [{"x": 0}, {"x": 1}, {"x": 2}]


@pytest.mark.parametrize("arguments", [None, "", "{}", " {} "])
def test_D5_no_arguments_are_an_empty_object(runtime: str, arguments: str | None) -> None:
    assert calls(run(runtime, call(arguments, name="a", call_id="c1", index=0))) == [("c1", "a", {})]


def test_null_arguments_first(runtime: str) -> None:
    item = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "a", "arguments": None}}]}
    assert calls(run(runtime, item, call('{"x":1}', index=0))) == [("c1", "a", {"x": 1})]


def test_D6_whole_call_in_one_delta_with_the_finish(runtime: str) -> None:
    got = stream(runtime, chunk(call('{"x":1}', name="a", call_id="c1"), "tool_calls"), DONE)
    assert calls(got) == [("c1", "a", {"x": 1})]
    assert [event.text for event in got.of(ToolInputDelta)] == ['{"x":1}']


@pytest.mark.parametrize("call_id", ["c1", None])
def test_D7_an_empty_object_before_the_real_arguments(runtime: str, call_id: str | None) -> None:
    got = run(
        runtime,
        call("{}", name="a", call_id=call_id, index=0),
        call('{"x":', index=0),
        call("1}", index=0),
    )
    assert [event.input for event in got.of(ToolCall)] == [{"x": 1}]
    assert "".join(event.text for event in got.of(ToolInputDelta)) == '{"x":1}'


def test_a_call_repeated_whole_is_one(runtime: str) -> None:
    delta = call('{"x":[1]}', name="a", call_id="0", index=0)
    assert calls(run(runtime, delta, delta, delta)) == [("0", "a", {"x": [1]})]


def test_an_empty_call_repeated_whole_is_one(runtime: str) -> None:
    delta = call("{}", name="a", call_id="0", index=0)
    got = run(runtime, call("", name="a", call_id="0", index=0), delta, delta)
    assert calls(got) == [("0", "a", {})]
    assert [event.text for event in got.of(ToolInputDelta)] == ["{}"]


def test_a_call_repeated_whole_after_its_pieces(runtime: str) -> None:
    got = run(
        runtime,
        call('{"x":', name="a", call_id="c1", index=0),
        call('"\U0001f600"}', index=0),
        call('{"x":"\U0001f600"}', name="a", call_id="c1", index=0),
    )
    assert calls(got) == [("c1", "a", {"x": "\U0001f600"})]


def test_object_arguments(runtime: str) -> None:
    value = {"x": [1, 1.0, 1e-7, "é\n\u0001"], "y": None}
    got = run(runtime, call(value, name="a", call_id="c1", index=0))
    assert calls(got) == [("c1", "a", value)]
    assert [event.text for event in got.of(ToolInputDelta)] == ['{"x":[1,1.0,1e-07,"é\\n\\u0001"],"y":null}']


def test_D8_arguments_that_are_no_json_are_an_error_with_their_text(runtime: str) -> None:
    got = run(runtime, call('{"x": "abc', name="a", call_id="c1", index=0))
    (failed,) = got.of(ToolInputError)
    assert (failed.id, failed.name, failed.raw) == ("c1", "a", '{"x": "abc')
    assert got.of(ToolCall) == []
    assert got.finish.reason.normalized == "tool-calls"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_arguments_of_a_cut_answer_are_an_error(runtime: str, reason: str) -> None:
    got = run(runtime, call('{"x":1}', name="a", call_id="c1", index=0), finish=reason)
    (failed,) = got.of(ToolInputError)
    assert failed.raw == '{"x":1}'
    assert "cut" in failed.message


@pytest.mark.timeout(30)  # a few seconds, but minutes if every delta copied what came before
def test_D9_many_tiny_deltas_is_linear(runtime: str) -> None:
    pieces = 120_000
    deltas = [call('{"x":"', name="a", call_id="c1", index=0)]
    deltas += [call("abcd", name="a", call_id="c1", index=0)] * pieces + [call('"}', index=0)]
    assert run(runtime, *deltas).of(ToolCall)[0].input == {"x": "abcd" * pieces}


@pytest.mark.parametrize("reason", ["stop", "unheard-of"])
def test_D10_finish_says_stop_although_calls_exist(runtime: str, reason: str) -> None:
    got = run(runtime, call("{}", name="a", call_id="c1", index=0), finish=reason)
    assert (got.finish.reason.normalized, got.finish.reason.raw) == ("tool-calls", reason)


def test_legacy_function_call(runtime: str) -> None:
    got = run(
        runtime,
        {"function_call": {"name": "a", "arguments": ""}},
        {"function_call": {"arguments": '{"x":'}},
        {"function_call": {"arguments": "1}"}},
        finish="function_call",
    )
    (event,) = got.of(ToolCall)
    assert (event.name, event.input) == ("a", {"x": 1})
    assert event.metadata == {"test": {"synthetic_id": True, "function_call": True}}
    assert (got.finish.reason.normalized, got.finish.reason.raw) == ("tool-calls", "function_call")


def test_custom_tool_input_is_text(runtime: str) -> None:
    first = {"tool_calls": [{"index": 0, "id": "c1", "type": "custom", "custom": {"name": "sh", "input": "ls "}}]}
    rest = {"tool_calls": [{"index": 0, "custom": {"input": "{}"}}]}
    assert calls(run(runtime, first, rest)) == [("c1", "sh", "ls {}")]


def test_choices_do_not_share_indexes(runtime: str) -> None:
    got = stream(
        runtime,
        chunk(call('{"x":', name="a", call_id="c1", index=0)),
        chunk(call('{"y":', name="b", call_id="c2", index=0), index=1),
        chunk(call("1}", index=0)),
        chunk(call("2}", index=0), index=1),
        chunk(finish="tool_calls"),
        chunk(finish="tool_calls", index=1),
        DONE,
    )
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "b", {"y": 2})]
    assert got.of(ToolCall)[1].metadata == {"test": {"choice": 1}}


def test_arguments_without_any_call_are_an_error(runtime: str) -> None:
    got = run(runtime, call('{"x":1}', index=3))
    assert got.of(ToolCall) == []
    assert got.of(ToolInputError)[0].raw == '{"x":1}'


@pytest.mark.parametrize(
    "item", [None, 1, "x", [], {}, {"function": 1}, {"index": -1, "id": 5, "function": {"name": []}}]
)
def test_what_is_no_call_breaks_nothing(runtime: str, item: Any) -> None:
    got = stream(runtime, chunk({"content": "hi", "tool_calls": [item]}), chunk(finish="stop"), DONE)
    assert got.error is None
    assert text(got) == "hi"
    assert got.of(ToolCall) == []


def test_signature_beside_a_call_is_kept(runtime: str) -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    got = run(runtime, call("{}", name="a", call_id="c1", index=0, extra_content=extra))
    assert got.of(ToolCall)[0].metadata == {"test": {"extra_content": extra}}


def test_executed_tools_of_the_host(runtime: str) -> None:
    asked = {"index": 0, "type": "search", "arguments": '{"query":"rain"}', "search_results": {"results": []}}
    answered = {**asked, "output": "wet", "search_results": {"results": [{"url": "https://r.example"}]}}
    got = stream(
        runtime,
        chunk({"executed_tools": [asked]}),
        chunk({"executed_tools": [answered]}),
        chunk({"executed_tools": [answered]}),
        chunk({"content": "It rains."}),
        chunk(finish="stop"),
        DONE,
    )
    (asked_for,) = got.of(ToolCall)
    (result,) = got.of(ToolResult)
    assert (asked_for.name, asked_for.input, asked_for.provider_executed) == ("search", {"query": "rain"}, True)
    assert result.id == asked_for.id
    assert result.provider_executed
    assert result.result == {"output": "wet", "search_results": {"results": [{"url": "https://r.example"}]}}
    assert got.finish.reason.normalized == "stop"


def test_document_with_calls_of_every_kind(runtime: str) -> None:
    got = unary(
        runtime,
        document(
            {
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "a", "arguments": '{"x":1}'}},
                    {"id": "c2", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
                    {"id": "c3", "type": "function", "function": {"name": "b", "arguments": {"y": 2}}},
                ],
            },
            "tool_calls",
        ),
    )
    assert calls(got) == [("c1", "a", {"x": 1}), ("c2", "sh", "ls"), ("c3", "b", {"y": 2})]
    assert [json.loads(event.text) if event.text != "ls" else "ls" for event in got.of(ToolInputDelta)] == [
        {"x": 1},
        "ls",
        {"y": 2},
    ]
