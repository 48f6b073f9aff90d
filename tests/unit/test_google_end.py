"""How Google's answers end: finish reasons, usage, cost, errors, cut streams, recordings."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from tests.kit.corpus import Exchange, params
from tests.kit.decoding import decode
from tests.kit.google import PROTOCOL, STOP, USAGE, array, call, chunk, document, run, sse, text

from zen_native.errors import IncompleteStreamError, InvalidProviderOutputError, RateLimitError
from zen_native.events import (
    FinishReason,
    TextDelta,
)

# Finish reasons


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content-filter"), ("RECITATION", "content-filter"),
        ("BLOCKLIST", "content-filter"), ("PROHIBITED_CONTENT", "content-filter"), ("SPII", "content-filter"),
        ("MODEL_ARMOR", "content-filter"), ("LANGUAGE", "content-filter"), ("IMAGE_SAFETY", "content-filter"),
        ("IMAGE_RECITATION", "content-filter"), ("IMAGE_PROHIBITED_CONTENT", "content-filter"),
        ("MALFORMED_FUNCTION_CALL", "error"), ("UNEXPECTED_TOOL_CALL", "error"), ("TOO_MANY_TOOL_CALLS", "error"),
        ("MISSING_THOUGHT_SIGNATURE", "error"), ("MALFORMED_RESPONSE", "error"), ("NO_IMAGE", "error"),
        ("OTHER", "unknown"), ("SOMETHING_NEW", "unknown"), ("FINISH_REASON_UNSPECIFIED", "unknown"),
        (1, "stop"), (2, "length"), (3, "content-filter"), (4, "content-filter"), (9, "unknown"),
    ],
)  # fmt: skip
def test_finish_reasons(runtime: str, raw: str | int, normalized: str) -> None:
    decoded = run(runtime, chunk(text("x"), reason=raw))
    assert decoded.finish.reason == FinishReason(normalized, str(raw))  # type: ignore[arg-type]  # parametrised


def test_last_reason_of_a_candidate_wins(runtime: str) -> None:
    decoded = run(runtime, chunk(text("a"), reason="STOP"), chunk(text("b"), reason="MAX_TOKENS"))
    assert decoded.finish.reason == FinishReason("length", "MAX_TOKENS")
    assert [event.text for event in decoded.of(TextDelta)] == ["a", "b"]


def test_blocked_prompt(runtime: str) -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "no"}
    decoded = run(runtime, {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4}})
    assert decoded.types() == ["step-start", "step-finish", "finish"]
    assert decoded.finish.reason == FinishReason("content-filter", "PROHIBITED_CONTENT")
    assert decoded.step.metadata == {"test": {"promptFeedback": feedback}}
    assert decoded.usage.input_tokens == 4


def test_step_metadata(runtime: str) -> None:
    ratings = [{"category": "HARM", "probability": "LOW"}]
    decoded = run(runtime, chunk(text("x"), reason="STOP", safetyRatings=ratings, avgLogprobs=-0.5, finishMessage="m"))
    assert decoded.step.metadata == {
        "test": {"avgLogprobs": -0.5, "finishMessage": "m", "safetyRatings": ratings}
    }  # fmt: skip


# Usage


def test_E9_thoughts_are_outside_candidates(runtime: str) -> None:
    usage = run(runtime, chunk(text("x"), reason="STOP", usage=USAGE)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, usage.total_tokens) == (7, 8, 5, 15)
    assert usage.buckets().total == usage.total_tokens
    assert usage.raw == USAGE


def test_E4_usage_of_every_chunk_is_not_added(runtime: str) -> None:
    counts = [{"promptTokenCount": 7, "candidatesTokenCount": n} for n in (1, 2, 3)]
    usage = run(runtime, *(chunk(text("x"), usage=said) for said in counts), STOP).usage
    assert (usage.input_tokens, usage.output_tokens) == (7, 3)


def test_E7_absent_counts_erase_nothing(runtime: str) -> None:
    later = {"promptTokenCount": 9, "candidatesTokenCount": None, "trafficType": "ON_DEMAND"}
    usage = run(runtime, chunk(text("x"), usage=USAGE), chunk(usage=later, reason="STOP")).usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (9, 8, 5)
    assert usage.raw == later


def test_E5_no_usage_is_unknown(runtime: str) -> None:
    usage = run(runtime, chunk(text("x"), reason="STOP")).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.raw) == (None, None, None, None)


def test_E1_usage_after_the_finish_reason(runtime: str) -> None:
    usage = run(runtime, chunk(text("x"), reason="STOP"), {"usageMetadata": USAGE}).usage
    assert usage.output_tokens == 8


def test_tool_prompt_is_part_of_the_input(runtime: str) -> None:
    said = {**USAGE, "toolUsePromptTokenCount": 100, "totalTokenCount": 115, "cachedContentTokenCount": 6}
    usage = run(runtime, chunk(text("x"), reason="STOP", usage=said)).usage
    assert (usage.input_tokens, usage.total_tokens, usage.cache_read_tokens) == (107, 115, 6)


def test_thoughts_without_candidates_are_no_output(runtime: str) -> None:
    said = {"promptTokenCount": 7, "thoughtsTokenCount": 5, "totalTokenCount": 12}
    usage = run(runtime, chunk(reason="MAX_TOKENS", usage=said)).usage
    assert (usage.output_tokens, usage.reasoning_tokens, usage.total_tokens) == (None, 5, 12)


# Cost of gateways


def test_ping_with_cost(runtime: str) -> None:
    tagged = {"type": "ping", "cost": "0.5", "x-opencode-type": "inference-cost"}
    decoded = run(runtime, chunk(text("x"), reason="STOP"), tagged, {"type": "ping", "cost": "0.00021"})
    assert (decoded.usage.cost, decoded.usage.list_cost) == (Decimal("0.00021"), Decimal("0.5"))
    assert decoded.finish.warnings == ()


def test_cost_in_a_document(runtime: str) -> None:
    assert document(runtime, {**chunk(text("x"), reason="STOP"), "cost": "0"}).usage.cost == Decimal(0)


def test_done_is_tolerated(runtime: str) -> None:
    body = sse(chunk(text("x"), reason="STOP"), "data: [DONE]\r\n\r\n")
    assert decode(body, PROTOCOL, runtime).finish.reason.normalized == "stop"


def test_done_before_a_reason_ends_nothing(runtime: str) -> None:
    decoded = run(runtime, chunk(text("x")), "data: [DONE]\r\n\r\n", chunk(text("y"), reason="STOP"))
    assert [event.text for event in decoded.of(TextDelta)] == ["x", "y"]


# Errors and the end


ERROR = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}


def test_B2_error_in_the_stream(runtime: str) -> None:
    decoded = run(runtime, chunk(text("x")), ERROR)
    assert isinstance(decoded.error, RateLimitError)
    assert decoded.types() == ["step-start", "text-start", "text-delta"]


@pytest.mark.parametrize("framing", ["sse", "json-array", "document"])
def test_B6_page_instead_of_a_stream(runtime: str, framing: str) -> None:
    decoded = decode(b"<html><body>Sign in</body></html>", PROTOCOL, runtime, framing=framing)
    assert isinstance(decoded.error, InvalidProviderOutputError)
    assert "Sign in" in (decoded.error.body or "")


@pytest.mark.parametrize("framing", ["sse", "json-array", "document"])
def test_B6_error_document_instead_of_a_stream(runtime: str, framing: str) -> None:
    decoded = decode(json.dumps(ERROR).encode(), PROTOCOL, runtime, framing=framing)
    assert isinstance(decoded.error, RateLimitError)


def test_B8_finish_reason_that_is_repeated(runtime: str) -> None:
    decoded = run(runtime, chunk(text("x"), reason="STOP"), STOP, STOP)
    assert decoded.types()[-2:] == ["step-finish", "finish"]
    assert decoded.types().count("finish") == 1


def test_error_after_a_finish_reason_is_an_error(runtime: str) -> None:
    """Some models say a finish reason with every chunk, so that only the end of the body is the end."""
    assert isinstance(run(runtime, chunk(text("x"), reason="STOP"), ERROR).error, RateLimitError)


def test_error_beside_candidates(runtime: str) -> None:
    assert isinstance(run(runtime, {**chunk(text("x")), **ERROR}).error, RateLimitError)


def test_error_in_an_array(runtime: str) -> None:
    decoded = decode(array(chunk(text("x")), ERROR), PROTOCOL, runtime, framing="json-array")
    assert isinstance(decoded.error, RateLimitError)
    assert decoded.types() == ["step-start", "text-start", "text-delta"]


def test_error_as_the_whole_array(runtime: str) -> None:
    for framing in ("json-array", "document"):
        assert isinstance(decode(array(ERROR), PROTOCOL, runtime, framing=framing).error, RateLimitError)


def test_error_late_in_an_array_document(runtime: str) -> None:
    assert isinstance(document(runtime, chunk(text("x")), ERROR).error, RateLimitError)


def test_B1_cut_stream_is_incomplete(runtime: str) -> None:
    chunks = [chunk(text("x"), usage=USAGE), chunk(call("look", {"a": 1}), usage=USAGE), chunk(text("y"))]
    for count in range(len(chunks) + 1):
        decoded = run(runtime, *chunks[:count])
        assert isinstance(decoded.error, IncompleteStreamError)
        assert "finish" not in decoded.types()


def test_document_without_a_reason_is_incomplete(runtime: str) -> None:
    assert isinstance(document(runtime, chunk(text("x"))).error, IncompleteStreamError)
    assert isinstance(document(runtime, {"usageMetadata": USAGE}).error, IncompleteStreamError)


def test_array_without_its_bracket(runtime: str) -> None:
    body = array(chunk(text("x"), reason="STOP")).rstrip().removesuffix(b"]")
    assert isinstance(decode(body, PROTOCOL, runtime, framing="json-array").error, IncompleteStreamError)


def test_frame_that_is_no_object(runtime: str) -> None:
    assert isinstance(run(runtime, "data: [1]\r\n\r\n").error, InvalidProviderOutputError)


# Recordings

TOTAL_TOO_SMALL = {"google-generate-content.pydantic-ai.eba456bced"}
"""Recordings whose last chunk has no `candidatesTokenCount`, so that its total lacks the 21 tokens said before."""


@pytest.mark.parametrize("exchange", params("streams", "unary", protocol=PROTOCOL))
def test_recording(runtime: str, exchange: Exchange) -> None:
    """Every recording decodes; none of them holds an error or was cut."""
    decoded = decode(exchange.body, PROTOCOL, runtime, framing=exchange.framing)
    assert decoded.finish.reason.normalized in ("stop", "length", "tool-calls", "content-filter")
    assert decoded.finish.warnings == ()
    usage = decoded.usage
    if usage.input_tokens is not None and usage.output_tokens is not None:
        assert usage.raw is not None
        missing = 21 if exchange.id in TOTAL_TOO_SMALL else 0
        assert usage.total_tokens == usage.raw["totalTokenCount"] + missing
