"""The chunks of Bedrock's InvokeModel stream: the envelope, Bedrock's own counts, exceptions."""

from __future__ import annotations

import base64
import json

import pytest
from tests.kit.decoding import Decoded, decode, pieces
from tests.kit.eventstream import encode, exception
from tests.kit.messages import STOP, Frame, answer, block, delta, end, invoke, json_delta, sse, start, stop, text_block
from tests.kit.messages_fixtures import FOLDER, SCENARIOS

from zen_native.errors import (
    IncompleteStreamError,
    InvalidProviderOutputError,
    LLMError,
    OverloadedError,
    RateLimitError,
    ServerError,
)
from zen_native.events import FinishReason, Raw, TextDelta

PROTOCOL = "bedrock-invoke-anthropic"
METRICS = {"inputTokenCount": 12, "outputTokenCount": 5, "cacheReadInputTokenCount": 3, "invocationLatency": 90}
LAST: Frame = {**STOP, "amazon-bedrock-invocationMetrics": METRICS}
HELLO = [start(), *text_block(0, "Hel", "lo \u00e9")]


def run(runtime: str, *frames: Frame, tail: bytes = b"", **options: object) -> Decoded:
    return decode(invoke(*frames) + tail, PROTOCOL, runtime, **options)


def chunk(payload: object) -> bytes:
    return encode(json.dumps({"bytes": payload, "p": "abc"}).encode(), event="chunk")


def test_events_are_those_of_the_messages_stream(runtime: str) -> None:
    call = [block(1, "tool_use", id="toolu_1", name="look", input={}), json_delta(1, '{"a":1}'), stop(1)]
    thinking = [block(2, "thinking", thinking="Hm"), delta(2, "signature_delta", signature="c2ln+/="), stop(2)]
    frames = [*HELLO, *call, *thinking, end("tool_use", usage={"output_tokens": 3}), STOP]
    assert run(runtime, *frames).key() == decode(sse(*frames), "anthropic-messages", runtime).key()


@pytest.mark.parametrize("size", [1, 3, 11, 64])
def test_result_does_not_depend_on_the_cut(runtime: str, size: int) -> None:
    body = invoke(*HELLO, end(), LAST)
    assert decode(pieces(body, size), PROTOCOL, runtime).key() == decode(body, PROTOCOL, runtime).key()


def test_padding_changes_nothing(runtime: str) -> None:
    for padding in ({}, {"p": ""}, {"p": "a" * 300}, {"p": 1}):
        payload = {**padding, "bytes": base64.b64encode(json.dumps(STOP).encode()).decode()}
        tail = encode(json.dumps(payload).encode(), event="chunk")
        assert run(runtime, *HELLO, end(), tail=tail).finish.reason.normalized == "stop"


def test_metrics_fill_what_was_not_said(runtime: str) -> None:
    decoded = run(runtime, *HELLO, end(usage={"output_tokens": 7}), LAST)
    usage = decoded.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (15, 7, 3)
    assert usage.cache_write_tokens is None
    assert decoded.step.metadata == {"test": {"amazon-bedrock-invocationMetrics": METRICS}}


def test_E7_metrics_do_not_replace_what_was_said(runtime: str) -> None:
    usage = run(
        runtime,
        start(usage={"input_tokens": 1, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}),
        end(usage={"output_tokens": 2}),
        LAST,
    ).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (1, 2, 0)


def test_text_completion(runtime: str) -> None:
    last = {"completion": "!", "stop_reason": "max_tokens", "stop": None, "amazon-bedrock-invocationMetrics": METRICS}
    decoded = run(runtime, {"completion": " Hi", "stop_reason": None, "stop": None}, last)
    assert [event.text for event in decoded.of(TextDelta)] == [" Hi", "!"]
    assert decoded.finish.reason == FinishReason("length", "max_tokens")
    assert (decoded.usage.input_tokens, decoded.usage.output_tokens) == (15, 5)


def test_document_is_a_message(runtime: str) -> None:
    message = answer({"type": "text", "text": "x"}, usage={"input_tokens": 3, "output_tokens": 1})
    body = json.dumps(message).encode()
    decoded = decode(body, PROTOCOL, runtime, framing="document")
    assert decoded.key() == decode(body, "anthropic-messages", runtime, framing="document").key()


@pytest.mark.parametrize(
    "payload", ["e30", "e30==", "e3 0=", "e30=\n", "e3_0", "=e30", "\u00e9", "e3=0", 1, {}, [], True]
)
def test_bytes_that_are_no_base64(runtime: str, payload: object) -> None:
    body = chunk(payload)
    decoded = run(runtime, *HELLO, tail=body)
    assert isinstance(decoded.error, InvalidProviderOutputError)
    assert decoded.error.message == "the chunk is not base64"
    assert decoded.error.body is not None
    assert json.loads(decoded.error.body)["bytes"] == payload


@pytest.mark.parametrize("inner", [b"", b"{", b"[1]", b"null", b'"x"', b"{} {}", b"\xff"])
def test_chunk_that_is_no_json_object(runtime: str, inner: bytes) -> None:
    decoded = run(runtime, *HELLO, tail=chunk(base64.b64encode(inner).decode()))
    assert isinstance(decoded.error, InvalidProviderOutputError)
    assert decoded.error.message == "the chunk is not a JSON object"
    assert decoded.error.body is not None
    assert "bytes" in decoded.error.body


def test_invalid_utf8_in_a_chunk_is_replaced(runtime: str) -> None:
    inner = json.dumps(delta(0, "text_delta", text="a?b")).encode().replace(b"?", b"\xf0\x9f\x98")
    decoded = run(runtime, start(), tail=chunk(base64.b64encode(inner).decode()) + invoke(end(), STOP))
    assert [event.text for event in decoded.of(TextDelta)] == ["a\ufffdb"]


def test_base64_with_bits_left_over(runtime: str) -> None:
    loose = "e31="  # `{}`: the two lowest bits of the last digit say nothing
    assert base64.b64decode(loose) == b"{}"
    assert run(runtime, *HELLO, end(), tail=chunk(loose) + invoke(STOP)).finish.reason.normalized == "stop"


def test_frame_that_is_no_chunk(runtime: str) -> None:
    body = encode(b'{"hello": 1}', event="initial-response") + invoke(*HELLO, end(), STOP)
    decoded = decode(body, PROTOCOL, runtime, raw_events=True)
    assert [(event.name, event.data) for event in decoded.of(Raw)] == [("initial-response", {"hello": 1})]


def test_null_bytes_are_no_chunk(runtime: str) -> None:
    assert run(runtime, *HELLO, end(), tail=chunk(None) + invoke(STOP)).finish.warnings == ()


EXCEPTIONS: list[tuple[str, type[LLMError]]] = [
    ("internalServerException", ServerError),
    ("modelStreamErrorException", ServerError),
    ("modelTimeoutException", ServerError),
    ("serviceUnavailableException", ServerError),
    ("throttlingException", RateLimitError),
    ("somethingNewException", LLMError),
]


@pytest.mark.parametrize(("name", "kind"), EXCEPTIONS)
def test_G14_exception_frame(runtime: str, name: str, kind: type[LLMError]) -> None:
    for count in range(len(HELLO) + 1):
        decoded = run(runtime, *HELLO[:count], tail=exception(name, b'{"message": "Try later."}'))
        assert isinstance(decoded.error, kind)
        assert decoded.error.message == "Try later."
        assert "finish" not in decoded.types()


def test_error_inside_a_chunk(runtime: str) -> None:
    failure: Frame = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert isinstance(run(runtime, *HELLO, failure).error, OverloadedError)


def test_error_in_a_frame_that_is_no_chunk(runtime: str) -> None:
    tail = encode(b'{"error": {"type": "overloaded_error", "message": "Overloaded"}}', event="chunk")
    assert isinstance(run(runtime, *HELLO, tail=tail).error, OverloadedError)


def test_B1_cut_stream_is_incomplete(runtime: str) -> None:
    body = invoke(*HELLO)
    for cut in (0, 5, len(body) // 2, len(body) - 1, len(body)):
        assert isinstance(decode(body[:cut], PROTOCOL, runtime).error, IncompleteStreamError)


def test_end_after_a_stop_reason_is_a_warning(runtime: str) -> None:
    assert run(runtime, *HELLO, end()).finish.warnings == ("the stream ended before message_stop",)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_binary_fixture_is_what_its_source_says(name: str) -> None:
    assert (FOLDER / f"{name}.bin").read_bytes() == SCENARIOS[name]
