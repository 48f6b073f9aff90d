"""Bedrock Converse: text, reasoning, citations, media, documents."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from tests.kit.converse import (
    PROTOCOL,
    START,
    Event,
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
from tests.kit.decoding import decode, pieces
from tests.kit.eventstream import encode

from zen_native.errors import (
    IncompleteStreamError,
    InvalidProviderOutputError,
    LLMError,
)
from zen_native.events import (
    Citation,
    FinishReason,
    Media,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolResult,
)

TOOL = {"toolUseId": "t1", "name": "look"}


WHOLE = [START, *text_block(0, "Hel", "lo"), *tool(1, '{"at":', '"sky"}'), stop("tool_use"), metadata()]


# Blocks


def test_plain_answer(runtime: str) -> None:
    decoded = run(runtime, *WHOLE)
    assert decoded.types() == [
        "step-start", "text-start", "text-delta", "text-delta", "text-end",
        "tool-input-start", "tool-input-delta", "tool-input-delta", "tool-input-end", "tool-call",
        "step-finish", "finish",
    ]  # fmt: skip
    assert decoded.of(ToolCall) == [ToolCall("t1", "look", {"at": "sky"})]
    assert decoded.finish.reason == FinishReason("tool-calls", "tool_use")
    assert decoded.finish.warnings == ()
    assert decoded.step.metadata == {"test": {"metrics": {"latencyMs": 12}}}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_result_does_not_depend_on_the_cut(runtime: str, size: int) -> None:
    body = stream(*WHOLE)
    assert decode(pieces(body, size), PROTOCOL, runtime).key() == decode(body, PROTOCOL, runtime).key()


def test_document_gives_the_same_as_the_stream(runtime: str) -> None:
    content = [{"text": "Hello"}, {"toolUse": {**TOOL, "input": {"at": "sky"}}}]
    events = [START, *text_block(0, "Hello"), *tool(1, '{"at":"sky"}'), stop("tool_use"), metadata()]
    whole, streamed = document(runtime, answer(*content, reason="tool_use")), run(runtime, *events)
    assert whole.lines() == streamed.lines()


def test_padding_is_never_seen(runtime: str) -> None:
    plain = b"".join(encode(json.dumps(payload).encode(), event=name) for name, payload in WHOLE)
    assert decode(plain, PROTOCOL, runtime, raw_events=True).key() == run(runtime, *WHOLE, raw_events=True).key()


def test_payload_wrapped_in_its_union(runtime: str) -> None:
    wrapped = [(name, {name: payload}) for name, payload in WHOLE]
    assert run(runtime, *wrapped).key() == run(runtime, *WHOLE).key()
    unnamed = [("chunk", {name: payload}) for name, payload in WHOLE]
    assert run(runtime, *unnamed).key() == run(runtime, *WHOLE).key()


def test_reasoning_text_and_signature(runtime: str) -> None:
    decoded = run(
        runtime,
        START,
        delta(0, reasoningContent={"text": "Let me"}),
        delta(0, reasoningContent={"text": " see"}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        block_stop(0),
        *text_block(1, "Yes"),
        stop(),
        metadata(),
    )
    assert "".join(event.text for event in decoded.of(ReasoningDelta)) == "Let me see"
    (end,) = decoded.of(ReasoningEnd)
    assert (end.signature, end.metadata) == ("c2ln", {"test": {"issuer": "test"}})


def test_reasoning_that_is_not_signed_names_its_issuer_too(runtime: str) -> None:
    thoughts = [delta(0, reasoningContent={"text": text}) for text in ("", "Let me", " see")]
    decoded = run(runtime, *thoughts, block_stop(0), *text_block(1, "Yes"), stop(), metadata())
    (end,) = decoded.of(ReasoningEnd)
    assert (end.signature, end.metadata) == (None, {"test": {"issuer": "test"}})


def test_C7_signature_without_text(runtime: str) -> None:
    decoded = run(runtime, delta(0, reasoningContent={"signature": "c2ln"}), block_stop(0), stop(), metadata())
    (end,) = decoded.of(ReasoningEnd)
    assert (end.signature, decoded.of(ReasoningDelta)) == ("c2ln", [])


def test_C7_redacted_reasoning(runtime: str) -> None:
    blobs = [
        delta(0, reasoningContent={"redactedContent": "one"}),
        delta(0, reasoningContent={"redactedContent": "two"}),
    ]
    decoded = run(runtime, *blobs, block_stop(0), stop(), metadata())
    assert [event.metadata for event in decoded.of(ReasoningEnd)] == [
        {"test": {"redactedContent": "one", "issuer": "test"}},
        {"test": {"redactedContent": "two", "issuer": "test"}},
    ]


def test_citation_before_and_after_its_text(runtime: str) -> None:
    first = {
        "title": "A",
        "sourceContent": [{"text": "20 "}, {"text": "days"}],
        "location": {"documentChar": {"start": 0}},
    }
    second = {"location": {"web": {"url": "https://example.org", "domain": "example.org"}}}
    decoded = run(
        runtime, delta(0, citation=first), delta(0, text="20 days"), delta(0, citation=second), block_stop(0),
        stop(), metadata(),
    )  # fmt: skip
    assert decoded.of(Citation) == [
        Citation("text-0", None, "A", "20 days", {"test": first}),
        Citation("text-0", "https://example.org", None, None, {"test": second}),
    ]


def test_image_in_pieces(runtime: str) -> None:
    decoded = run(
        runtime,
        block_start(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "aGVs"}}),
        delta(0, image={"source": {"bytes": "bG8="}}),
        block_stop(0),
        stop(),
        metadata(),
    )
    assert [(event.mime_type, event.data) for event in decoded.of(Media)] == [("image/png", "aGVsbG8=")]


def test_image_pieces_with_padding_are_kept_apart(runtime: str) -> None:
    decoded = run(
        runtime,
        block_start(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "YQ=="}}),
        delta(0, image={"source": {"bytes": "Yg=="}}),
        stop(),
        metadata(),
    )
    assert [event.data for event in decoded.of(Media)] == ["YQ==", "Yg=="]


def test_image_error(runtime: str) -> None:
    decoded = run(runtime, delta(0, image={"error": {"message": "no"}}), stop(), metadata())
    assert decoded.finish.warnings == ("the provider reported an error in generated media",)


def test_empty_start_is_nothing(runtime: str) -> None:
    decoded = run(runtime, START, block_start(0), *text_block(0, "x"), stop(), metadata())
    assert [event.text for event in decoded.of(TextDelta)] == ["x"]


def test_C8_unknown_events_and_members_are_kept_raw(runtime: str) -> None:
    events: list[Event] = [("news", {"x": {"y": 1}}), delta(0, hologram={"z": 1}), stop(), metadata()]
    plain = [encode(json.dumps(payload).encode(), event=name) for name, payload in events]
    assert [(event.name, event.data) for event in run(runtime, *plain, raw_events=True).of(Raw)] == [
        ("news", {"x": {"y": 1}}), ("contentBlockDelta", {"hologram": {"z": 1}}),
    ]  # fmt: skip
    assert run(runtime, *plain).of(Raw) == []


# Documents


def test_document_with_every_block(runtime: str) -> None:
    cited = {"content": [{"text": "20 days"}], "citations": [{"title": "A"}]}
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "blob"}},
        {"text": "Hello"},
        {"toolUse": {**TOOL, "type": "server_tool_use", "input": {"x": 1.0}}},
        {"toolResult": {"toolUseId": "t1", "status": "success", "content": [{"json": {"y": 2}}]}},
        {"citationsContent": cited},
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://clips/1"}}}},
        {"toolUse": {"toolUseId": "t2", "name": "now"}},
    ]
    decoded = document(runtime, answer(*content, reason="tool_use"))
    assert [event.signature for event in decoded.of(ReasoningEnd)] == ["c2ln", None]
    assert [(event.id, event.input, event.provider_executed) for event in decoded.of(ToolCall)] == [
        ("t1", {"x": 1.0}, True), ("t2", {}, False),
    ]  # fmt: skip
    assert [event.text for event in decoded.of(ToolInputDelta)] == ['{"x":1.0}']
    assert [event.result for event in decoded.of(ToolResult)] == [[{"json": {"y": 2}}]]
    assert [event.title for event in decoded.of(Citation)] == ["A"]
    assert [(event.mime_type, event.data, event.url) for event in decoded.of(Media)] == [
        ("image/png", "aGk=", None), ("video/mp4", None, "s3://clips/1"),
    ]  # fmt: skip


def test_document_with_cost(runtime: str) -> None:
    assert document(runtime, answer({"text": "x"}, cost="0.25")).usage.cost == Decimal("0.25")


@pytest.mark.parametrize("body", [b"{}", b'{"output":{}}', b'{"output":{"message":{"content":[{"text":"x"}]}}}'])
def test_document_without_a_stop_reason_is_incomplete(runtime: str, body: bytes) -> None:
    assert isinstance(document(runtime, body).error, IncompleteStreamError)


def test_document_that_is_an_array(runtime: str) -> None:
    assert isinstance(document(runtime, b"[1]").error, InvalidProviderOutputError)


def test_document_that_is_an_error(runtime: str) -> None:
    assert isinstance(document(runtime, b'{"message":"The model is gone"}').error, LLMError)
