"""Function calls of Google's answers, whole and streamed, and the tools that Google runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.decoding import Decoded, decode
from tests.kit.google import PROTOCOL, STOP, Chunk, call, chunk, partial, run, sse, text

from zen_native.events import (
    FinishReason,
    ToolCall,
    ToolInputDelta,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)

END: Chunk = {"functionCall": {}}


def opening(**more: Any) -> Chunk:
    """The part that begins a streamed call."""
    return {"functionCall": {"name": "cook", "willContinue": True}, **more}


def arguments(decoded: Decoded) -> str:
    return "".join(event.text for event in decoded.of(ToolInputDelta))


# Whole calls


def test_D10_calls_with_reason_stop_are_tool_calls(runtime: str) -> None:
    decoded = run(runtime, chunk(text("I look"), call("look", {"at": "sky"}, id="c1"), reason="STOP"))
    assert decoded.types()[3:8] == ["text-end", "tool-input-start", "tool-input-delta", "tool-input-end", "tool-call"]
    assert decoded.of(ToolCall) == [ToolCall("c1", "look", {"at": "sky"})]
    assert arguments(decoded) == '{"at":"sky"}'
    assert decoded.finish.reason == FinishReason("tool-calls", "STOP")


def test_D3_call_without_id(runtime: str) -> None:
    (said,) = run(runtime, chunk(call("look", {}), reason="STOP")).of(ToolCall)
    assert (said.id, said.input) == ("call-0", {})
    assert said.metadata == {"test": {"synthetic_id": True}}


def test_D4_equal_calls_and_repeated_ids_stay_apart(runtime: str) -> None:
    same = call("look", {"at": 1}, id="c1")
    decoded = run(runtime, chunk(same, same), chunk(call("look", {"at": 1}), call("look", {"at": 1})), STOP)
    calls = decoded.of(ToolCall)
    assert len({event.id for event in calls}) == len(calls) == 4
    assert calls[1].metadata == {"test": {"synthetic_id": True, "original_id": "c1"}}


def test_synthetic_id_avoids_the_ids_on_the_wire(runtime: str) -> None:
    decoded = run(runtime, chunk(call("look", {}, id="call-1"), call("look", {})), STOP)
    assert len({event.id for event in decoded.of(ToolCall)}) == 2


@pytest.mark.parametrize(("args", "deltas"), [(None, []), ({}, ["{}"])])
def test_D5_call_without_arguments(runtime: str, args: Any, deltas: list[str]) -> None:
    decoded = run(runtime, chunk(call("now", args), reason="STOP"))
    assert [event.text for event in decoded.of(ToolInputDelta)] == deltas
    assert decoded.of(ToolCall)[0].input == {}


def test_arguments_are_written_alike_by_both_runtimes(runtime: str) -> None:
    raw = r'{"a":1.0,"b":1e5,"c":1E+22,"d":123456789012345678901234567890,"e":-0,"f":-0.0,"g":0.00001,'
    raw += r'"h":"é\u0007/\"\ud800"}'
    body = sse(chunk({"functionCall": {"name": "n", "args": "MARK"}}, reason="STOP")).replace(b'"MARK"', raw.encode())
    decoded = decode(body, PROTOCOL, runtime)
    assert arguments(decoded) == (
        '{"a":1.0,"b":100000.0,"c":1e+22,"d":123456789012345678901234567890,"e":0,"f":-0.0,"g":1e-05,'
        '"h":"é\\u0007/\\"\ufffd"}'
    )
    assert decoded.of(ToolCall)[0].input["d"] == 123456789012345678901234567890


def test_arguments_as_text_are_parsed(runtime: str) -> None:
    assert run(runtime, chunk(call("n", '{"a": 1}'), reason="STOP")).of(ToolCall)[0].input == {"a": 1}


def test_D8_arguments_as_text_that_is_no_json(runtime: str) -> None:
    decoded = run(runtime, chunk(call("n", '{"a": '), reason="STOP"))
    assert [event.raw for event in decoded.of(ToolInputError)] == ['{"a": ']
    assert decoded.of(ToolCall) == []


def test_call_beside_text_in_one_part(runtime: str) -> None:
    decoded = run(runtime, chunk({**call("n", {"a": 1}, thoughtSignature="c2ln"), "text": "so"}, reason="STOP"))
    assert decoded.types()[1:5] == ["text-start", "text-delta", "text-end", "tool-input-start"]
    assert decoded.of(ToolCall)[0].metadata == {
        "test": {"synthetic_id": True, "thoughtSignature": "c2ln", "issuer": "test"}
    }


def test_whole_call_before_a_length_stop_stays_a_call(runtime: str) -> None:
    decoded = run(runtime, chunk(call("n", {"a": 1}), reason="MAX_TOKENS"))
    assert decoded.of(ToolCall)[0].input == {"a": 1}
    assert decoded.finish.reason.normalized == "length"


def test_call_of_a_later_candidate_says_so(runtime: str) -> None:
    (said,) = run(runtime, chunk(call("n", {"a": 1}, id="c1"), index=2, reason="STOP")).of(ToolCall)
    assert said.metadata == {"test": {"candidate": 2}}


# Streamed calls


def test_streamed_arguments(runtime: str) -> None:
    decoded = run(
        runtime,
        chunk(opening(thoughtSignature="c2ln")),
        chunk(partial("$.name", stringValue="Pan", willContinue=True)),
        chunk(partial("$.name", stringValue='cake "x"', willContinue=True)),
        chunk(partial("$.name", stringValue="")),
        chunk({"functionCall": {"willContinue": True}}),
        chunk(partial("$.steps[0].text", stringValue="mix")),
        chunk(partial("$.steps[0].minutes", numberValue=2.5)),
        chunk(partial("$.steps[1].text", stringValue="fry")),
        chunk(partial("$.steps[1].tags[0]", boolValue=True)),
        chunk(partial("$.steps[1].tags[1]", nullValue="NULL_VALUE")),
        chunk(partial("$.count", numberValue=3)),
        chunk(END),
        STOP,
    )
    (said,) = decoded.of(ToolCall)
    assert said.input == {
        "name": 'Pancake "x"',
        "steps": [{"text": "mix", "minutes": 2.5}, {"text": "fry", "tags": [True, None]}],
        "count": 3,
    }
    assert json.loads(arguments(decoded)) == said.input
    assert [event.text for event in decoded.of(ToolInputDelta)][:3] == ['{"name":"Pan', 'cake \\"x\\"', '"']
    assert said.metadata == {"test": {"synthetic_id": True, "thoughtSignature": "c2ln", "issuer": "test"}}
    assert decoded.finish.reason == FinishReason("tool-calls", "STOP")


def test_streamed_call_starts_at_once(runtime: str) -> None:
    decoded = decode(sse(chunk(opening()), chunk(partial("$.a", stringValue="x"))), PROTOCOL, runtime)
    assert decoded.types() == ["step-start", "tool-input-start", "tool-input-delta"]


def test_streamed_call_without_its_end(runtime: str) -> None:
    decoded = run(runtime, chunk(opening()), chunk(partial("$.a", stringValue="x", willContinue=True)), STOP)
    assert decoded.of(ToolCall)[0].input == {"a": "x"}


def test_streamed_call_ends_where_the_next_begins(runtime: str) -> None:
    decoded = run(
        runtime,
        chunk(opening()),
        chunk(partial("$.a", stringValue="x")),
        chunk(call("look", {"b": 1})),
        chunk(opening()),
        chunk(partial("$.c", numberValue=1, more=False)),
        STOP,
    )
    assert [event.input for event in decoded.of(ToolCall)] == [{"a": "x"}, {"b": 1}, {"c": 1}]


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"])
def test_streamed_call_that_was_cut(runtime: str, reason: str) -> None:
    piece = partial("$.a", stringValue="x", willContinue=True)
    decoded = run(runtime, chunk(opening()), chunk(piece, reason=reason))
    (error,) = decoded.of(ToolInputError)
    assert (error.raw, decoded.of(ToolCall)) == ('{"a":"x', [])


def test_streamed_call_without_any_argument(runtime: str) -> None:
    assert run(runtime, chunk(opening()), chunk(END), STOP).of(ToolCall)[0].input == {}


def test_streamed_call_beside_empty_args(runtime: str) -> None:
    begin = {"functionCall": {"name": "cook", "args": {}, "willContinue": True}}
    decoded = run(runtime, chunk(begin), chunk(partial("$.a", numberValue=1, more=False)), STOP)
    assert decoded.of(ToolCall)[0].input == {"a": 1}


def test_two_streamed_calls_of_two_candidates(runtime: str) -> None:
    decoded = run(
        runtime,
        chunk(opening(), index=0),
        chunk(opening(), index=1),
        chunk(partial("$.a", numberValue=0, more=False), index=0),
        chunk(partial("$.a", numberValue=1, more=False), index=1),
        STOP,
    )
    assert [event.input for event in decoded.of(ToolCall)] == [{"a": 0}, {"a": 1}]


def test_orphan_pieces_are_ignored_with_a_warning(runtime: str) -> None:
    decoded = run(runtime, chunk(partial("$.a", numberValue=1)), chunk(END), STOP)
    assert decoded.of(ToolInputStart) == []
    assert decoded.finish.warnings == ("pieces of a tool call without its start were ignored",)


def test_D11_second_signature_of_a_streamed_call_does_not_overwrite(runtime: str) -> None:
    first, late = opening(thoughtSignature="one"), {**END, "thoughtSignature": "two"}
    decoded = run(runtime, chunk(first), chunk(late), STOP)
    assert (decoded.of(ToolCall)[0].metadata or {})["test"]["thoughtSignature"] == "one"
    assert decoded.finish.warnings == ("a second signature of a tool call was ignored",)
    late_only = run(runtime, chunk(opening()), chunk(late), STOP)
    assert (late_only.of(ToolCall)[0].metadata or {})["test"]["thoughtSignature"] == "two"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.a", {"a": 1}),
        ("$['a.b']", {"a.b": 1}),
        ('$["a"].b', {"a": {"b": 1}}),
        (r"$['it\'s'][0]", {"it's": [1]}),
        ("$.é[0][0]", {"é": [[1]]}),
        ("$.a b", {"a b": 1}),
    ],
)
def test_paths(runtime: str, path: str, expected: Any) -> None:
    decoded = run(runtime, chunk(opening()), chunk(partial(path, numberValue=1, more=False)), STOP)
    assert decoded.of(ToolCall)[0].input == expected


@pytest.mark.parametrize(
    "paths",
    [
        [""], ["$"], ["a"], ["$."], ["$.a..b"], ["$[0]"], ["$.a[1]"], ["$.a[x]"], ["$.a[-1]"], ["$.a[01]", "$.a[3]"],
        ["$['a"], ["$['a'"], ["$[''].b"], ["$.a[0"], ["$.a", "$.a"], ["$.a.b", "$.a"], ["$.a", "$.a.b"],
        ["$.a.b", "$.c", "$.a.d"], ["$.a[0]", "$.a.b"], ["$.a[0]", "$.a[2]"], ["$.a[0]", "$.a[0]"],
        ["$." + "a" * 5000], ["$" + ".a" * 129], ["$.a[99999999999]"],
    ],
)  # fmt: skip
def test_pieces_that_do_not_fit_are_an_input_error(runtime: str, paths: list[str]) -> None:
    parts = [chunk(partial(path, numberValue=1)) for path in paths]
    decoded = run(runtime, chunk(opening()), *parts, chunk(partial("$.later", numberValue=2)), chunk(END), STOP)
    (error,) = decoded.of(ToolInputError)
    assert error.message == "the arguments are not valid JSON"
    assert decoded.of(ToolCall) == []


def test_piece_without_a_value_is_nothing(runtime: str) -> None:
    parts = [partial("$.a"), partial("$.a", numberValue="NaN"), partial("$.a", stringValue=1)]
    decoded = run(runtime, chunk(opening()), chunk(*parts), chunk(END), STOP)
    assert decoded.of(ToolCall)[0].input == {}


def test_piece_without_a_value_may_end_a_string(runtime: str) -> None:
    begin = partial("$.a", stringValue="x", willContinue=True)
    decoded = run(runtime, chunk(opening()), chunk(begin, partial("$.a"), partial("$.b", numberValue=1)), STOP)
    assert decoded.of(ToolCall)[0].input == {"a": "x", "b": 1}


@pytest.mark.timeout(30)  # seconds, but minutes if every piece copied what came before
@pytest.mark.timeout(20)  # a second or two; many minutes if the square of the pieces
def test_D9_streamed_arguments_are_linear(runtime: str) -> None:
    count = 30_000
    parts = [partial("$.a", stringValue="abcd", willContinue=True) for _ in range(count)]
    parts += [partial(f"$.b[{n}].n{n}", numberValue=n) for n in range(count)]
    body = sse(chunk(opening()), *(chunk(*parts[at : at + 500]) for at in range(0, len(parts), 500)), STOP)
    (said,) = decode(body, PROTOCOL, runtime).of(ToolCall)
    assert said.input["a"] == "abcd" * count
    assert said.input["b"][-1] == {f"n{count - 1}": count - 1}


# Tools that Google runs


CODE = {"language": "PYTHON", "code": "print(1)"}


def test_code_execution(runtime: str) -> None:
    result = {"outcome": "OUTCOME_OK", "output": "1\n"}
    decoded = run(
        runtime,
        chunk({"executableCode": {**CODE, "id": "x1"}, "thoughtSignature": "c2ln"}, text("")),
        chunk({"codeExecutionResult": {**result, "id": "x1"}}),
        chunk(text("It is 1"), reason="STOP"),
    )
    (said,) = decoded.of(ToolCall)
    assert (said.id, said.name, said.input, said.provider_executed) == ("x1", "code_execution", CODE, True)
    assert said.metadata == {"test": {"thoughtSignature": "c2ln", "issuer": "test"}}
    assert decoded.of(ToolResult) == [
        ToolResult("x1", "code_execution", result, False, True, {"test": {"issuer": "test"}})
    ]
    assert decoded.finish.reason == FinishReason("stop", "STOP")


@pytest.mark.parametrize("outcome", ["OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"])
def test_failed_code_execution_without_ids(runtime: str, outcome: str) -> None:
    failed = {"codeExecutionResult": {"outcome": outcome, "output": "boom"}}
    decoded = run(runtime, chunk({"executableCode": CODE}, failed, reason="STOP"))
    (said,), (result,) = decoded.of(ToolCall), decoded.of(ToolResult)
    assert (result.id, result.is_error) == (said.id, True)


def test_tool_call_and_response(runtime: str) -> None:
    search = {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["rain"]}, "id": "s1"}
    answer = {"toolType": "GOOGLE_SEARCH_WEB", "id": "s1", "response": {"hits": 2}}
    decoded = run(runtime, chunk({"toolCall": search, "thoughtSignature": "a"}),
                  chunk({"toolResponse": answer, "thoughtSignature": "b"}), STOP)  # fmt: skip
    (said,), (result,) = decoded.of(ToolCall), decoded.of(ToolResult)
    assert (said.id, said.name, said.input, said.provider_executed) == ("s1", "GOOGLE_SEARCH_WEB", search["args"], True)
    assert (result.id, result.name, result.result) == ("s1", "GOOGLE_SEARCH_WEB", {"hits": 2})
    assert [(event.metadata or {})["test"]["thoughtSignature"] for event in (said, result)] == ["a", "b"]


def test_tool_response_that_is_kept_back(runtime: str) -> None:
    decoded = run(runtime, chunk({"toolCall": {"toolType": "FILE_SEARCH", "id": "f1"}},
                                 {"toolResponse": {"toolType": "FILE_SEARCH", "id": "f1"}}), STOP)  # fmt: skip
    assert (decoded.of(ToolCall)[0].input, decoded.of(ToolResult)[0].result) == ({}, None)


def test_function_response(runtime: str) -> None:
    answer = {"name": "look", "response": {"ok": True}}
    decoded = run(runtime, chunk({"functionResponse": answer}), STOP)
    (result,) = decoded.of(ToolResult)
    assert (result.name, result.result) == ("look", {"ok": True})
    assert decoded.finish.warnings == ("a tool result without its call",)
