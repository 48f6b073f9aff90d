"""The message of the Messages protocol: beginning, end, stop reasons, errors, second attempts, the document form."""

from __future__ import annotations

import json
from itertools import product

import pytest
from tests.kit.decoding import Decoded, decode, pieces
from tests.kit.messages import STOP, Frame, answer, block, delta, end, json_delta, sse, start, stop, text_block

from zen_native.errors import IncompleteStreamError, InvalidProviderOutputError, OverloadedError
from zen_native.events import FinishReason, Raw, TextDelta, TextEnd, ToolCall, ToolInputError

PROTOCOL = "anthropic-messages"
HELLO = [start(), *text_block(0, "Hel", "lo")]
WHOLE = [*HELLO, end(), STOP]
OVERLOADED: Frame = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
CALL = [block(1, "tool_use", id="toolu_1", name="look", input={}), json_delta(1, '{"a":1}'), stop(1)]


def run(runtime: str, *frames: Frame | str, **options: object) -> Decoded:
    return decode(sse(*frames), PROTOCOL, runtime, **options)


def document(runtime: str, message: Frame) -> Decoded:
    return decode(json.dumps(message).encode(), PROTOCOL, runtime, framing="document")


def text(decoded: Decoded) -> str:
    return "".join(event.text for event in decoded.of(TextDelta))


def test_plain_answer(runtime: str) -> None:
    decoded = run(runtime, *WHOLE)
    assert decoded.types() == [
        "step-start", "text-start", "text-delta", "text-delta", "text-end", "step-finish", "finish",
    ]  # fmt: skip
    assert text(decoded) == "Hello"
    assert (decoded.step.response_id, decoded.step.model) == ("msg_1", "claude-test-1")
    assert decoded.finish.reason == FinishReason("stop", "end_turn")
    assert decoded.finish.warnings == ()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17, 64])
def test_result_does_not_depend_on_the_cut(runtime: str, size: int) -> None:
    body = sse(*HELLO, *CALL, end("tool_use"), STOP)
    assert decode(pieces(body, size), PROTOCOL, runtime).key() == decode(body, PROTOCOL, runtime).key()


def test_type_in_the_data_decides_over_the_event_name(runtime: str) -> None:
    body = sse(*WHOLE).replace(b"event: content_block_delta", b"event: message")
    assert decode(body, PROTOCOL, runtime).key() == run(runtime, *WHOLE).key()


def test_stream_without_event_names(runtime: str) -> None:
    lines = sse(*WHOLE).split(b"\n")
    body = b"\n".join(line for line in lines if not line.startswith(b"event:"))
    assert decode(body, PROTOCOL, runtime).key() == run(runtime, *WHOLE).key()


def test_event_name_counts_where_the_data_has_no_type(runtime: str) -> None:
    decoded = run(runtime, *HELLO, end(), "event: message_stop\ndata: {}\n\n")
    assert decoded.finish.warnings == ()


# Stop reasons


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool-calls"),
        ("pause_turn", "pause"),
        ("compaction", "pause"),
        ("refusal", "content-filter"),
        ("something_new", "unknown"),
    ],
)
def test_stop_reason(runtime: str, raw: str, normalized: str) -> None:
    reason = run(runtime, *HELLO, end(raw), STOP).finish.reason
    assert (reason.normalized, reason.raw) == (normalized, raw)


def test_stop_sequence_is_metadata(runtime: str) -> None:
    decoded = run(runtime, *HELLO, end("stop_sequence", stop_sequence="###"), STOP)
    assert decoded.step.metadata == {"test": {"stop_sequence": "###"}}


def test_calls_decide_where_the_reason_says_stop(runtime: str) -> None:
    assert run(runtime, *HELLO, *CALL, end(), STOP).finish.reason == FinishReason("tool-calls", "end_turn")


def test_calls_of_the_provider_do_not_make_it_a_tool_turn(runtime: str) -> None:
    hosted = [block(1, "server_tool_use", id="srv_1", name="web_search", input={}), stop(1)]
    assert run(runtime, *HELLO, *hosted, end(), STOP).finish.reason.normalized == "stop"


def test_message_stop_without_a_stop_reason(runtime: str) -> None:
    finish = run(runtime, *HELLO, STOP).finish
    assert finish.reason == FinishReason("unknown", None)
    assert finish.warnings == ("the message has no stop reason",)


def test_calls_decide_where_no_reason_was_given(runtime: str) -> None:
    assert run(runtime, *HELLO, *CALL, STOP).finish.reason == FinishReason("tool-calls", None)


def test_C10_refusal_keeps_its_details(runtime: str) -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    decoded = run(runtime, *HELLO, end("refusal", stop_details=details), STOP)
    assert decoded.finish.reason == FinishReason("content-filter", "refusal")
    assert text(decoded) == "Hello"
    assert decoded.step.metadata == {"test": {"stop_details": details}}


def test_container_and_context_management_are_metadata(runtime: str) -> None:
    container = {"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"}
    finish = {**end(container=container), "context_management": {"applied_edits": []}}
    decoded = run(runtime, *HELLO, finish, STOP)
    assert decoded.step.metadata == {"test": {"container": container, "context_management": {"applied_edits": []}}}


def test_metadata_is_bounded(runtime: str) -> None:
    decoded = run(runtime, *HELLO, *({"type": "message_delta", f"k{n}": n} for n in range(500)), end(), STOP)
    assert decoded.step.metadata is not None
    assert len(decoded.step.metadata["test"]) == 64


# The end of the stream


def test_B1_cut_stream_is_incomplete(runtime: str) -> None:
    for count in range(len(HELLO) + 1):
        decoded = run(runtime, *HELLO[:count])
        assert isinstance(decoded.error, IncompleteStreamError)
        assert decoded.types() == run(runtime, *WHOLE).types()[: len(decoded.events)]


def test_B7_cut_inside_message_stop_is_complete_with_a_warning(runtime: str) -> None:
    body = sse(*WHOLE)
    last = len(sse(*HELLO, end()))
    for cut in range(last, len(body) - len(b'"}\n\n')):
        finish = decode(body[:cut], PROTOCOL, runtime).finish
        assert finish.reason == FinishReason("stop", "end_turn")
        assert "the stream ended before message_stop" in finish.warnings


def test_B7_cut_before_the_stop_reason_is_incomplete(runtime: str) -> None:
    body = sse(*HELLO, end())
    for cut in range(len(sse(*HELLO)), len(body) - len(b'"}\n\n') - 25):
        assert isinstance(decode(body[:cut], PROTOCOL, runtime).error, IncompleteStreamError)


def test_B8_duplicate_message_stop_is_one_finish(runtime: str) -> None:
    assert run(runtime, *WHOLE, STOP, STOP).key() == run(runtime, *WHOLE).key()


def test_B9_error_after_the_finish_is_a_warning(runtime: str) -> None:
    finish = run(runtime, *WHOLE, OVERLOADED, trailing_cost=True).finish
    assert finish.reason.normalized == "stop"
    assert finish.warnings == ("an error after the end of the answer was ignored",)


def test_done_in_the_place_of_message_stop(runtime: str) -> None:
    decoded = run(runtime, *HELLO, end(), "data: [DONE]\n\n", *text_block(1, "late"))
    assert text(decoded) == "Hello"
    assert decoded.finish.warnings == ("the stream ended before message_stop",)


def test_done_before_a_stop_reason_ends_nothing(runtime: str) -> None:
    assert text(run(runtime, "data: [DONE]\n\n", *WHOLE)) == "Hello"


# Errors in the stream


def test_B3_overloaded_error_at_every_place(runtime: str) -> None:
    frames = [*HELLO, end()]
    for count in range(len(frames) + 1):
        decoded = run(runtime, *frames[:count], OVERLOADED)
        assert isinstance(decoded.error, OverloadedError)
        assert decoded.error.retryable
        assert decoded.error.code == "overloaded_error"
        assert decoded.error.message == "Overloaded"
        assert "finish" not in decoded.types()


@pytest.mark.parametrize(
    "frame",
    [
        'event: error\ndata: {"error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n',
        'data: {"error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n',
        'event: error\ndata: {"type": "overloaded_error", "message": "Overloaded"}\n\n',
        'event: message_delta\ndata: {"type": "message_delta", "error": {"type": "overloaded_error"}}\n\n',
    ],
)
def test_error_in_any_shape(runtime: str, frame: str) -> None:
    assert isinstance(run(runtime, *HELLO, frame).error, OverloadedError)


def test_frame_that_is_no_json(runtime: str) -> None:
    decoded = run(runtime, *HELLO, "event: content_block_delta\ndata: {oops\n\n", *WHOLE)
    assert isinstance(decoded.error, InvalidProviderOutputError)
    assert decoded.error.body == "{oops"
    assert text(decoded) == "Hello"


# Second attempts


def test_message_start_repeated_is_ignored(runtime: str) -> None:
    assert run(runtime, start(), *WHOLE).key() == run(runtime, *WHOLE).key()


def test_another_message_after_content_is_an_error(runtime: str) -> None:
    decoded = run(runtime, *HELLO, start(id="msg_2"), *text_block(0, "again"), end(), STOP)
    assert isinstance(decoded.error, InvalidProviderOutputError)
    assert text(decoded) == "Hello"


def test_another_message_before_any_content_replaces_the_first(runtime: str) -> None:
    first = start(usage={"input_tokens": 9, "cache_read_input_tokens": 4}, container={"id": "c"}, model="other")
    second = [start(id="msg_2", usage={"input_tokens": 5}), *text_block(0, "ok"), end(usage={"output_tokens": 2}), STOP]
    assert run(runtime, first, *second).key() == run(runtime, *second).key()


def test_charge_stays_when_the_message_starts_over(runtime: str) -> None:
    charge = 'event: ping\ndata: {"type": "ping", "cost": "0.25"}\n\n'
    decoded = run(runtime, start(), charge, start(id="msg_2"), *text_block(0, "ok"), end(), STOP)
    assert str(decoded.usage.cost) == "0.25"


# Frames nobody knows


def test_C8_unknown_frames_and_deltas_are_raw_events(runtime: str) -> None:
    future: Frame = {"type": "future_event", "n": 1}
    piece = delta(0, "future_delta", text="x")
    frames = [future, *HELLO[:2], piece, *HELLO[2:], end(), STOP]
    decoded = run(runtime, *frames, raw_events=True)
    assert [(event.name, event.data) for event in decoded.of(Raw)] == [
        ("future_event", future), ("content_block_delta", piece),
    ]  # fmt: skip
    assert run(runtime, *frames).key() == run(runtime, *WHOLE).key()


JUNK = [None, True, 1, 1.5, "x", [], {}, [None], {"type": None}]


@pytest.mark.parametrize("kind", [frame["type"] for frame in WHOLE if frame["type"] != "message_stop"] + ["ping", "x"])
def test_junk_in_any_field_is_as_if_absent(runtime: str, kind: str) -> None:
    fields = ("message", "index", "content_block", "delta", "usage", "cost", "normalizedUsage")
    for field, junk in product(fields, JUNK):
        decoded = run(runtime, *HELLO[:2], {"type": kind, "index": 0, field: junk}, *HELLO[2:], end(), STOP)
        assert decoded.error is None, (field, junk)
        assert text(decoded) == "Hello"


# The document form


def test_document_gives_the_events_of_a_stream(runtime: str) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": 1}}
    decoded = document(runtime, answer({"type": "text", "text": "Hello"}, call, reason="tool_use"))
    frames = [start(), *text_block(0, "Hello"), *CALL, end("tool_use"), STOP]
    assert decoded.key() == run(runtime, *frames).key()


def test_document_that_is_no_message(runtime: str) -> None:
    decoded = document(runtime, {"id": "x", "object": "list"})
    assert isinstance(decoded.error, InvalidProviderOutputError)
    assert decoded.error.message == "the response is not a message"


def test_message_start_may_hold_the_whole_answer(runtime: str) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": 1}, "caller": {"type": "direct"}}
    decoded = run(runtime, start(content=[call], stop_reason="tool_use", container={"id": "c_1"}), STOP)
    assert [(call.id, call.input, call.metadata) for call in decoded.of(ToolCall)] == [
        ("toolu_1", {"a": 1}, {"test": {"caller": {"type": "direct"}}}),
    ]
    assert decoded.finish.reason == FinishReason("tool-calls", "tool_use")
    assert decoded.step.metadata == {"test": {"container": {"id": "c_1"}}}


def test_text_completion_stream(runtime: str) -> None:
    pieces_ = [{"type": "completion", "completion": text, "stop_reason": None} for text in (" Hi", " there")]
    last = {"type": "completion", "completion": "", "stop_reason": "stop_sequence", "stop": "\n\nHuman:"}
    decoded = run(runtime, *pieces_, last)
    assert text(decoded) == " Hi there"
    assert decoded.finish.reason == FinishReason("stop", "stop_sequence")
    assert decoded.step.metadata == {"test": {"stop": "\n\nHuman:"}}


def test_text_completion_document(runtime: str) -> None:
    decoded = document(runtime, {"completion": " Hi", "stop_reason": "max_tokens"})
    assert [event.text for event in decoded.of(TextDelta)] == [" Hi"]
    assert decoded.finish.reason == FinishReason("length", "max_tokens")


# Answers that were cut


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
def test_open_call_of_a_cut_answer_is_an_input_error(runtime: str, reason: str) -> None:
    decoded = run(runtime, *HELLO, *CALL[:2], end(reason), STOP)
    assert [(event.raw, event.message) for event in decoded.of(ToolInputError)] == [
        ('{"a":1}', "the answer was cut before the arguments were complete"),
    ]
    assert decoded.of(ToolCall) == []


def test_missing_content_block_stop(runtime: str) -> None:
    decoded = run(runtime, start(), *HELLO[1:4], *CALL[:2], end("tool_use"), STOP)
    assert [call.input for call in decoded.of(ToolCall)] == [{"a": 1}]
    assert len(decoded.of(TextEnd)) == 1


def test_blocks_left_open_close_in_order_of_opening(runtime: str) -> None:
    second = block(2, "tool_use", id="toolu_2", name="look", input={})
    decoded = run(runtime, start(), CALL[0], *HELLO[1:4], second, end("tool_use"), STOP)
    assert decoded.types()[-7:] == [
        "tool-input-end", "tool-call", "text-end", "tool-input-end", "tool-call", "step-finish", "finish",
    ]  # fmt: skip
