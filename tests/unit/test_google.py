"""Google generateContent: text, thoughts, signatures, media, candidates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.decoding import decode, pieces
from tests.kit.google import PROTOCOL, STOP, USAGE, Chunk, array, call, chunk, document, run, sse, text

from zen_native.events import (
    FinishReason,
    Media,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCall,
)

# Text and thoughts


def test_plain_answer(runtime: str) -> None:
    decoded = run(runtime, chunk(text("Hel"), index=0), chunk(text("lo"), reason="STOP", index=0, usage=USAGE))
    assert decoded.types() == [
        "step-start", "text-start", "text-delta", "text-delta", "text-end", "step-finish", "finish",
    ]  # fmt: skip
    assert (decoded.step.response_id, decoded.step.model) == ("answer-1", "gemini-test-1")
    assert decoded.finish.reason == FinishReason("stop", "STOP")
    assert decoded.finish.warnings == ()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_result_does_not_depend_on_the_cut(runtime: str, size: int) -> None:
    chunks = [chunk(text("Grüße "), text("Hm", thought=True)), chunk(call("look", {"at": "é"})), STOP]
    whole = decode(sse(*chunks), PROTOCOL, runtime)
    assert decode(pieces(sse(*chunks), size), PROTOCOL, runtime).key() == whole.key()
    assert decode(pieces(array(*chunks), size), PROTOCOL, runtime, framing="json-array").key() == whole.key()


def test_A15_array_gives_the_same_as_events(runtime: str) -> None:
    chunks = [chunk(text("one ")), chunk(text("two"), reason="STOP", usage=USAGE)]
    assert decode(array(*chunks), PROTOCOL, runtime, framing="json-array").key() == run(runtime, *chunks).key()


def test_document_gives_the_same_as_one_chunk(runtime: str) -> None:
    said = chunk(text("Hm", thought=True), text("Hello"), call("look", {"at": 1.0}), reason="STOP", usage=USAGE)
    assert document(runtime, said).key() == run(runtime, said).key()


def test_array_as_a_document(runtime: str) -> None:
    chunks = [chunk(text("one ")), chunk(text("two"), reason="STOP")]
    assert document(runtime, *chunks).key() == run(runtime, *chunks).key()


def test_thoughts_are_reasoning(runtime: str) -> None:
    decoded = run(runtime, chunk(text("Let me see", thought=True)), chunk(text("Yes")), STOP)
    assert decoded.types()[1:7] == [
        "reasoning-start", "reasoning-delta", "reasoning-end", "text-start", "text-delta", "text-end",
    ]  # fmt: skip
    assert [event.text for event in decoded.of(ReasoningDelta)] == ["Let me see"]


def test_separated_thoughts_are_separate_blocks(runtime: str) -> None:
    decoded = run(runtime, chunk(text("a", thought=True), text("b"), text("c", thought=True), text("d")), STOP)
    assert [event.id for event in decoded.of(ReasoningStart)] == ["reasoning-0", "reasoning-2"]
    assert [event.id for event in decoded.of(TextStart)] == ["text-1", "text-3"]


def test_content_without_parts(runtime: str) -> None:
    empty = {"candidates": [{"content": {"role": "model"}}]}
    decoded = run(runtime, empty, chunk(text("x")), {"candidates": [{"finishReason": "STOP"}]})
    assert decoded.types() == ["step-start", "text-start", "text-delta", "text-end", "step-finish", "finish"]


def test_empty_text_is_no_block(runtime: str) -> None:
    assert run(runtime, chunk(text("")), STOP).types() == ["step-start", "step-finish", "finish"]


def test_surrogate_pair_cut_between_two_chunks(runtime: str) -> None:
    halves = [json.dumps(chunk(text("MARK"))).replace("MARK", half) for half in (r"ok \ud83d", r"\ude00!")]
    decoded = run(runtime, *(f"data: {half}\r\n\r\n" for half in halves), STOP)
    assert "".join(event.text for event in decoded.of(TextDelta)) == "ok \U0001f600!"


# Signatures


def test_C5_signature_on_text_ends_its_block_and_names_its_issuer(runtime: str) -> None:
    decoded = run(runtime, chunk(text("a")), chunk(text("b", thoughtSignature="c2ln")), chunk(text("c")), STOP)
    first, second = decoded.of(TextEnd)
    assert first.metadata == {"test": {"thoughtSignature": "c2ln", "issuer": "test"}}
    assert second.metadata is None
    assert [(event.id, event.text) for event in decoded.of(TextDelta)] == [
        ("text-0", "a"), ("text-0", "b"), ("text-1", "c"),
    ]  # fmt: skip


def test_signature_on_a_thought(runtime: str) -> None:
    decoded = run(runtime, chunk(text("Hm", thought=True, thoughtSignature="c2ln")), chunk(text("x")), STOP)
    (end,) = decoded.of(ReasoningEnd)
    assert (end.signature, end.metadata) == ("c2ln", {"test": {"issuer": "test"}})


def test_C7_signature_only_part_signs_the_open_block(runtime: str) -> None:
    decoded = run(runtime, chunk(text("done")), chunk(text("", thoughtSignature="c2ln"), reason="STOP"))
    (end,) = decoded.of(TextEnd)
    assert end.metadata == {"test": {"thoughtSignature": "c2ln", "issuer": "test"}}


def test_C7_signature_only_part_without_an_open_block_has_its_own(runtime: str) -> None:
    decoded = run(runtime, chunk(call("look")), chunk({"thoughtSignature": "c2ln"}, reason="STOP"))
    assert decoded.types()[-4:] == ["text-start", "text-end", "step-finish", "finish"]
    (end,) = decoded.of(TextEnd)
    assert end.metadata == {"test": {"thoughtSignature": "c2ln", "issuer": "test"}}


def test_C7_signature_only_thought(runtime: str) -> None:
    decoded = run(runtime, chunk({"thought": True, "thoughtSignature": "c2ln"}), chunk(text("x"), reason="STOP"))
    (end,) = decoded.of(ReasoningEnd)
    assert (end.signature, decoded.of(ReasoningDelta)) == ("c2ln", [])


def test_D11_each_signature_stays_on_its_part(runtime: str) -> None:
    parts = [call("look", {"n": n}, **({"thoughtSignature": f"s{n}"} if n % 5 == 0 else {})) for n in range(21)]
    decoded = run(runtime, chunk(*parts[:10]), chunk(*parts[10:]), chunk(text("", thoughtSignature="t")), STOP)
    signatures = [(event.metadata or {})["test"].get("thoughtSignature") for event in decoded.of(ToolCall)]
    assert signatures == [f"s{n}" if n % 5 == 0 else None for n in range(21)]
    assert [event.input for event in decoded.of(ToolCall)] == [{"n": n} for n in range(21)]


# Media and unknown parts


def test_inline_data_is_media(runtime: str) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "c2ln"}
    decoded = run(runtime, chunk(text("Here: "), image, text("done")), STOP)
    (media,) = decoded.of(Media)
    assert (media.mime_type, media.data, media.url) == ("image/png", "aGk=", None)
    assert media.metadata == {"test": {"thoughtSignature": "c2ln", "issuer": "test"}}
    assert decoded.types()[3:6] == ["text-end", "media", "text-start"]


def test_thought_image_says_so(runtime: str) -> None:
    decoded = run(runtime, chunk({"inlineData": {"data": "aGk="}, "thought": True}), STOP)
    (media,) = decoded.of(Media)
    assert (media.mime_type, media.metadata) == ("application/octet-stream", {"test": {"thought": True}})


def test_file_data_is_media_by_address(runtime: str) -> None:
    decoded = run(runtime, chunk({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://clips/1"}}), STOP)
    (media,) = decoded.of(Media)
    assert (media.mime_type, media.data, media.url) == ("video/mp4", None, "gs://clips/1")


def test_C8_unknown_part_is_kept_raw(runtime: str) -> None:
    decoded = run(runtime, chunk({"hologram": {"x": 1}}), STOP, raw_events=True)
    assert [(event.name, event.data) for event in decoded.of(Raw)] == [("part", {"hologram": {"x": 1}})]
    assert run(runtime, chunk({"hologram": {"x": 1}}), STOP).of(Raw) == []


def test_C8_unknown_chunk_is_kept_raw(runtime: str) -> None:
    decoded = run(runtime, {"type": "news", "x": 1}, STOP, raw_events=True)
    assert [event.data for event in decoded.of(Raw)] == [{"type": "news", "x": 1}]


@pytest.mark.parametrize("wrong", [None, 1, "x", True, [], {}, [[]], [1], [None]])
@pytest.mark.parametrize(
    "path", ["candidates", "content", "parts", "text", "usageMetadata", "promptFeedback", "index", "groundingMetadata"]
)
def test_wrong_types_are_absent(runtime: str, path: str, wrong: Any) -> None:
    broken: Chunk = chunk(text("x"), index=0, usage=USAGE)
    candidate = broken["candidates"][0]
    if path == "content":
        candidate["content"] = wrong
    elif path == "parts":
        candidate["content"]["parts"] = wrong
    elif path == "text":
        candidate["content"]["parts"] = [{"text": wrong}]
    elif path in ("index", "groundingMetadata"):
        candidate[path] = wrong
    else:
        broken[path] = wrong
    decoded = run(runtime, broken, STOP)
    assert decoded.finish.reason == FinishReason("stop", "STOP")


# Candidates


def test_candidates_are_kept_apart(runtime: str) -> None:
    both = {"candidates": [
        {"content": {"parts": [text("a")]}},
        {"content": {"parts": [text("b")]}, "index": 1},
    ]}  # fmt: skip
    decoded = run(runtime, both, chunk(text("c"), index=1), chunk(text("d"), index=0, reason="STOP"))
    assert [(event.id, event.metadata) for event in decoded.of(TextStart)] == [
        ("text-0", None), ("text-1", {"test": {"candidate": 1}}), ("text-2", None),
    ]  # fmt: skip
    assert [(event.id, event.text) for event in decoded.of(TextDelta)] == [
        ("text-0", "a"), ("text-1", "b"), ("text-1", "c"), ("text-2", "d"),
    ]  # fmt: skip


def test_first_candidate_says_the_reason(runtime: str) -> None:
    decoded = run(
        runtime,
        chunk(text("a"), index=0, reason="MAX_TOKENS"),
        chunk(text("b"), index=1, reason="STOP", finishMessage="late"),
    )
    assert decoded.finish.reason == FinishReason("length", "MAX_TOKENS")
    assert decoded.step.metadata == {"test": {"candidates.1.finishMessage": "late"}}
