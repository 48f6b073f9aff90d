"""How answers of Bedrock Converse end: usage, stop reasons, exceptions, hostile bytes, recordings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.converse import (
    PROTOCOL,
    START,
    answer,
    block_start,
    block_stop,
    delta,
    document,
    metadata,
    run,
    stop,
    stream,
    text_block,
    tool,
)
from tests.kit.corpus import Exchange, params
from tests.kit.decoding import decode
from tests.kit.eventstream import exception
from tests.kit.order import check_order

from zen_native.errors import (
    IncompleteStreamError,
    InvalidProviderOutputError,
    InvalidRequestError,
    LLMError,
    RateLimitError,
    ServerError,
)
from zen_native.events import (
    FinishReason,
    TextDelta,
)

WHOLE = [START, *text_block(0, "Hel", "lo"), *tool(1, '{"at":', '"sky"}'), stop("tool_use"), metadata()]


# Usage


def test_E9_input_excludes_the_cache(runtime: str) -> None:
    said = {
        "inputTokens": 12, "outputTokens": 5, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 30,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 20}, {"ttl": "5m", "inputTokens": 10}], "totalTokens": 147,
        "serverToolUsage": {"webSearch": 1},
    }  # fmt: skip
    usage = run(runtime, *text_block(0, "x"), stop(), metadata(said)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (142, 5, 147)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens) == (100, 30, 20)
    assert usage.raw == said
    assert usage.buckets().total == 147


def test_cache_counts_under_their_other_names(runtime: str) -> None:
    said = {"inputTokens": 1, "outputTokens": 1, "cacheReadInputTokenCount": 8, "cacheWriteInputTokenCount": 2}
    usage = run(runtime, stop(), metadata(said)).usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (11, 8, 2)


def test_E7_metadata_without_usage_erases_nothing(runtime: str) -> None:
    trace = ("metadata", {"metrics": {"latencyMs": 3}, "trace": {"guardrail": {}}})
    decoded = run(runtime, *text_block(0, "x"), metadata(), trace, stop())
    assert (decoded.usage.input_tokens, decoded.usage.output_tokens) == (10, 4)
    assert decoded.step.metadata == {"test": {"metrics": {"latencyMs": 3}, "trace": {"guardrail": {}}}}


def test_metadata_without_usage_does_not_end_the_answer(runtime: str) -> None:
    decoded = run(runtime, *text_block(0, "x"), stop(), ("metadata", {"metrics": {"latencyMs": 3}}), metadata())
    assert decoded.usage.output_tokens == 4


def test_E5_no_metadata_is_unknown_with_a_warning(runtime: str) -> None:
    decoded = run(runtime, *text_block(0, "x"), stop())
    assert (decoded.usage.input_tokens, decoded.usage.output_tokens) == (None, None)
    assert decoded.finish.warnings == ("the stream ended without metadata",)


def test_metadata_before_message_stop(runtime: str) -> None:
    early = run(runtime, *text_block(0, "x"), metadata(), stop())
    assert early.key() == run(runtime, *text_block(0, "x"), stop(), metadata()).key()


def test_answer_is_complete_before_the_body_ends(runtime: str) -> None:
    body = stream(*text_block(0, "x"), stop(), metadata()) + b"\0\0"
    assert decode(body, PROTOCOL, runtime).finish.reason.normalized == "stop"


# Stop reasons and the end


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("tool_use", "tool-calls"), ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("content_filtered", "content-filter"),
        ("guardrail_intervened", "content-filter"), ("something_new", "unknown"), (None, "unknown"),
    ],
)  # fmt: skip
def test_stop_reasons(runtime: str, raw: str | None, normalized: str) -> None:
    decoded = run(runtime, *text_block(0, "x"), stop(raw), metadata())
    assert decoded.finish.reason == FinishReason(normalized, raw)  # type: ignore[arg-type]  # parametrised


@pytest.mark.parametrize("raw", ["malformed_model_output", "malformed_tool_use"])
def test_malformed_output_is_an_error(runtime: str, raw: str) -> None:
    decoded = run(runtime, *text_block(0, "x"), stop(raw), metadata())
    assert isinstance(decoded.error, InvalidProviderOutputError)
    assert raw in decoded.error.message
    assert decoded.of(TextDelta) != []


def test_additional_fields_of_the_stop_are_kept(runtime: str) -> None:
    decoded = run(runtime, stop("stop_sequence", additionalModelResponseFields={"stop_sequence": "END"}), metadata())
    assert (decoded.step.metadata or {})["test"]["additionalModelResponseFields"] == {"stop_sequence": "END"}


def test_content_after_the_stop_is_ignored_with_a_warning(runtime: str) -> None:
    decoded = run(runtime, *text_block(0, "x"), stop(), *text_block(1, "y"), stop("max_tokens"), metadata())
    assert [event.text for event in decoded.of(TextDelta)] == ["x"]
    assert decoded.finish.reason == FinishReason("stop", "end_turn")
    assert decoded.finish.warnings == ("content after the end of the answer was ignored",)


def test_B6_page_instead_of_a_stream(runtime: str) -> None:
    for framing in ("eventstream", "document"):
        decoded = decode(b"<html><body>Sign in</body></html>", PROTOCOL, runtime, framing=framing)
        assert isinstance(decoded.error, InvalidProviderOutputError)


def test_B1_cut_stream_is_incomplete(runtime: str) -> None:
    for count in range(len(WHOLE) - 1):
        decoded = run(runtime, *WHOLE[:count])
        assert isinstance(decoded.error, IncompleteStreamError)
        assert "finish" not in decoded.types()


def test_metadata_alone_is_incomplete(runtime: str) -> None:
    assert isinstance(run(runtime, *text_block(0, "x"), metadata()).error, IncompleteStreamError)


# Errors


@pytest.mark.parametrize(
    ("name", "kind", "retryable"),
    [
        ("throttlingException", RateLimitError, True),
        ("internalServerException", ServerError, True),
        ("serviceUnavailableException", ServerError, True),
        ("modelStreamErrorException", ServerError, True),
        ("validationException", InvalidRequestError, False),
        ("somethingNewException", LLMError, None),
    ],
)
def test_G14_exceptions(runtime: str, name: str, kind: type[LLMError], retryable: bool | None) -> None:
    decoded = run(runtime, *text_block(0, "x"), exception(name, b'{"message":"no"}'))
    assert isinstance(decoded.error, kind)
    assert retryable is None or decoded.error.retryable == retryable
    assert [event.text for event in decoded.of(TextDelta)] == ["x"]


def test_G14_exception_as_an_event(runtime: str) -> None:
    wrapped = ("chunk", {"throttlingException": {"message": "slow down"}})
    assert isinstance(run(runtime, *text_block(0, "x"), wrapped).error, RateLimitError)


def test_G15_every_flipped_byte_is_an_error_or_nothing(runtime: str) -> None:
    """A checksum covers every byte, so that only a flip behind the end of the answer can go unseen."""
    body = stream(START, delta(0, text="hé"), stop(), metadata())
    whole = decode(body, PROTOCOL, runtime)
    unseen = 0
    for at in range(len(body)):
        for bit in (1, 0x80):
            broken = bytearray(body)
            broken[at] ^= bit
            decoded = decode(bytes(broken), PROTOCOL, runtime)
            assert decoded.key() == decode(bytes(broken), PROTOCOL, "python").key()
            if decoded.key() == whole.key():
                unseen += 1
            else:
                assert isinstance(decoded.error, LLMError)
                check_order(decoded.events, failed=True)
    assert unseen == 0


def test_G15_every_truncation_is_incomplete(runtime: str) -> None:
    body = stream(START, delta(0, text="hé"), stop())
    for at in range(len(body)):
        assert isinstance(decode(body[:at], PROTOCOL, runtime).error, IncompleteStreamError), at


@pytest.mark.parametrize("wrong", [None, 1, "x", True, [], {}, [1], [None], {"text": None}])
@pytest.mark.parametrize("name", ["text", "toolUse", "reasoningContent", "citation", "toolResult", "image"])
def test_wrong_types_are_absent(runtime: str, name: str, wrong: Any) -> None:
    events = [
        block_start(0, **{name: wrong}),
        delta(0, **{name: wrong}),
        delta(0),
        ("contentBlockDelta", {"delta": wrong}),
    ]
    decoded = run(runtime, *events, block_stop(0), stop(), metadata())
    assert decoded.error is None
    shape = {name: wrong}
    assert document(runtime, answer(shape)).error is None


# Recordings

WITHOUT_METADATA = {"bedrock-converse.vercel-ai.d74cc5ecb2", "bedrock-converse.vercel-ai.d7c9a33c41"}
"""Fixtures that their origin trimmed."""


@pytest.mark.parametrize("exchange", params("streams", "unary", protocol=PROTOCOL))
def test_recording(runtime: str, exchange: Exchange) -> None:
    """Every recording decodes; none of them holds an error or was cut."""
    decoded = decode(exchange.body, PROTOCOL, runtime, framing=exchange.framing)
    assert decoded.finish.reason.normalized in ("stop", "length", "tool-calls", "content-filter")
    if exchange.id in WITHOUT_METADATA:
        assert decoded.finish.warnings == ("the stream ended without metadata",)
    else:
        assert decoded.finish.warnings == ()
        assert decoded.usage.raw is not None
        assert decoded.usage.total_tokens == decoded.usage.raw["totalTokens"]
