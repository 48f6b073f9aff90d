"""Chat completions: text, choices, media, citations, whole answers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.chat import DONE, chunk, document, stream, tail, unary
from tests.kit.decoding import decode, text

from zen_native.errors import (
    ContentPolicyError,
    InvalidProviderOutputError,
)
from zen_native.events import (
    Citation,
    Media,
    Raw,
    ReasoningDelta,
    TextDelta,
    TextStart,
)

STOP = chunk(finish="stop")


# Content


def test_text(runtime: str) -> None:
    got = stream(
        runtime,
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hi "}),
        chunk({"content": "you"}),
        STOP,
        DONE,
    )
    assert got.types() == ["step-start", "text-start", "text-delta", "text-delta", "text-end", "step-finish", "finish"]
    assert text(got) == "Hi you"
    assert (got.step.response_id, got.step.model) == ("cmpl-1", "m-1")
    assert (got.finish.reason.normalized, got.finish.reason.raw) == ("stop", "stop")
    assert got.finish.warnings == ()


def test_content_as_a_list_of_parts(runtime: str) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, {"type": "text", "text": " ok"}]}
    parts = [{"type": "text", "text": "4"}, "!", {"type": "reference", "reference_ids": [1]}]
    got = stream(runtime, chunk({"content": [thinking]}), chunk({"content": parts}), STOP, DONE)
    assert "".join(event.text for event in got.of(ReasoningDelta)) == "hm ok"
    assert text(got) == "4!"
    assert got.of(Citation)[0].metadata == {"test": {"type": "reference", "reference_ids": [1]}}


def test_refusal_is_visible_and_marked(runtime: str) -> None:
    got = stream(runtime, chunk({"content": None, "refusal": "I will "}), chunk({"refusal": "not"}), STOP, DONE)
    assert text(got) == "I will not"
    assert [event.metadata for event in got.of(TextStart)] == [{"test": {"refusal": True}}]


def test_a_surrogate_pair_cut_between_two_deltas(runtime: str) -> None:
    head = '{"choices":[{"index":0,"delta":{"content":"%s"}}]}'
    got = stream(runtime, head % "a\\ud83d", head % "\\ude00b", STOP, DONE)
    assert text(got) == "a\U0001f600b"


def test_choices_are_all_given_out_and_marked(runtime: str) -> None:
    got = stream(
        runtime,
        chunk({"content": "a"}),
        chunk({"content": "x"}, index=1),
        chunk({"content": "b"}),
        chunk(finish="stop"),
        chunk(finish="length", index=1),
        DONE,
    )
    starts = [(event.id, event.metadata) for event in got.of(TextStart)]
    assert starts == [("text-0", None), ("text-1", {"test": {"choice": 1}}), ("text-2", None)]
    assert [(event.id, event.text) for event in got.of(TextDelta)] == [
        ("text-0", "a"),
        ("text-1", "x"),
        ("text-2", "b"),
    ]
    assert got.finish.reason.normalized == "stop"
    assert got.step.metadata == {"test": {"finish_reasons": {"0": "stop", "1": "length"}}}


@pytest.mark.parametrize("index", [2**63, -1, 1.0, "1", None])
def test_an_index_that_is_no_count_is_the_first_choice(runtime: str, index: Any) -> None:
    got = stream(runtime, chunk({"content": "a"}, choice={"index": index}), STOP, DONE)
    assert [event.metadata for event in got.of(TextStart)] == [None]


def test_C1_chunks_with_empty_choices(runtime: str) -> None:
    filters = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}]
    first = {"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": filters}
    got = stream(runtime, first, chunk({"content": "a"}), STOP, tail(usage={"prompt_tokens": 1}), DONE)
    assert (got.step.response_id, got.step.model) == ("cmpl-1", "m-1")
    assert got.usage.input_tokens == 1
    assert got.step.metadata == {"test": {"prompt_filter_results": filters}}


def test_a_choice_without_delta(runtime: str) -> None:
    filtered = {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {}, "logprobs": None}]}
    got = stream(runtime, chunk({"content": "a"}), filtered, STOP, DONE)
    assert text(got) == "a"


def test_message_beside_delta_is_not_said_twice(runtime: str) -> None:
    both = chunk({"content": "a"}, choice={"message": {"content": "a"}})
    last = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    assert text(stream(runtime, both, last, DONE)) == "a"


def test_message_in_place_of_delta(runtime: str) -> None:
    last = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    assert text(stream(runtime, last, DONE)) == "a"


@pytest.mark.parametrize(
    "odd",
    [
        {"content": 5},
        {"content": {"a": 1}},
        {"content": [None, 5, [], {}, {"type": "text", "text": 1}, {"type": 3}]},
        {"refusal": [], "reasoning": {}, "reasoning_content": 1, "reasoning_details": {}},
        {"reasoning_details": [None, {"type": None}, {"type": "reasoning.text", "text": 4}], "annotations": 1},
        {"annotations": [1, None], "images": [None, {}, {"image_url": {"url": ""}}], "audio": [], "tool_calls": {}},
        {"function_call": [], "executed_tools": [1, None], "extra_content": "x", "audio": {"data": 1, "transcript": 2}},
        {"role": 1, "token_id": 4, "channel": None, "": {}},
    ],
)
def test_C8_fields_of_a_wrong_type_are_absent(runtime: str, odd: dict[str, Any]) -> None:
    got = stream(runtime, chunk({"content": "a"}), chunk(odd), STOP, DONE)
    assert got.error is None
    assert text(got) == "a"


@pytest.mark.parametrize("choices", [{}, 1, "x", [1, None, [], "a"], [{}], [{"delta": 1}], [{"delta": []}]])
def test_C8_choices_of_a_wrong_type_are_absent(runtime: str, choices: Any) -> None:
    got = stream(runtime, chunk({"content": "a"}), {"choices": choices, "usage": 3, "x_groq": 1}, STOP, DONE)
    assert got.error is None
    assert text(got) == "a"


def test_C8_unknown_frames_are_raw_only_when_asked_for(runtime: str) -> None:
    frames = ({"object": "moderation", "score": 1}, chunk({"content": "a"}), STOP, DONE)
    assert stream(runtime, *frames).of(Raw) == []
    (raw,) = stream(runtime, *frames, raw_events=True).of(Raw)
    assert (raw.name, raw.data) == ("moderation", {"object": "moderation", "score": 1})


def test_C9_logprobs_are_passed_over(runtime: str) -> None:
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    body = document({"content": "a"})
    body["choices"][0]["logprobs"] = {"content": [token] * 32_000, "refusal": None}
    assert text(unary(runtime, body)) == "a"


# Media and citations


def test_images(runtime: str) -> None:
    inline = {"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,AAAA"}}
    linked = {"type": "image_url", "image_url": {"url": "https://i.example/1"}}
    got = stream(runtime, chunk({"content": "see", "images": [inline, linked]}), STOP, DONE)
    said = [(event.mime_type, event.data, event.url) for event in got.of(Media)]
    assert said == [("image/png", "AAAA", None), ("image/*", None, "https://i.example/1")]


def test_audio(runtime: str) -> None:
    got = stream(
        runtime,
        chunk({"audio": {"id": "a1", "transcript": "Hel"}}),
        chunk({"audio": {"data": "AAAA", "transcript": "lo"}}),
        chunk({"audio": {"expires_at": 5}}),
        STOP,
        DONE,
    )
    assert text(got) == "Hello"
    assert [event.metadata for event in got.of(TextStart)] == [{"test": {"transcript": True}}]
    assert [(event.mime_type, event.data) for event in got.of(Media)] == [("audio/*", "AAAA")]
    assert got.step.metadata == {"test": {"audio": {"id": "a1", "expires_at": 5}}}


def test_annotations(runtime: str) -> None:
    where = {"url": "https://a.example", "title": "A", "content": "quote", "start_index": 0, "end_index": 3}
    annotation = {"type": "url_citation", "url_citation": where}
    flat = {"type": "url_citation", "url": "https://b.example"}
    file = {"type": "file", "file": {"hash": "h", "name": "f.pdf"}}
    got = stream(runtime, chunk({"content": "abc"}), chunk({"annotations": [annotation, flat, file]}), STOP, DONE)
    said = [(event.block_id, event.url, event.title, event.text) for event in got.of(Citation)]
    assert said == [
        ("text-0", "https://a.example", "A", "quote"),
        ("text-0", "https://b.example", None, None),
        ("text-0", None, "f.pdf", None),
    ]
    assert got.of(Citation)[0].metadata == {"test": annotation}


def test_sources_in_every_chunk_are_cited_once(runtime: str) -> None:
    top = {
        "citations": ["https://a.example", "https://b.example"],
        "search_results": [{"url": "https://b.example", "title": "B", "snippet": "s"}],
    }
    got = stream(
        runtime,
        chunk({"content": ""}, **top),
        chunk({"content": "a"}, **top),
        chunk({"content": "b"}, "stop", **top),
        DONE,
    )
    said = [(event.block_id, event.url, event.title, event.text) for event in got.of(Citation)]
    assert said == [("text-0", "https://b.example", "B", "s"), ("text-0", "https://a.example", None, None)]


def test_sources_without_text_come_at_the_end(runtime: str) -> None:
    got = stream(runtime, chunk({}, citations=["https://a.example"]), STOP, DONE)
    assert [event.url for event in got.of(Citation)] == ["https://a.example"]


# Whole answers


def test_document(runtime: str) -> None:
    got = unary(
        runtime, document({"content": "Hi", "refusal": None}, usage={"prompt_tokens": 3, "completion_tokens": 1})
    )
    assert got.types() == ["step-start", "text-start", "text-delta", "text-end", "step-finish", "finish"]
    assert (got.usage.input_tokens, got.usage.total_tokens) == (3, 4)
    assert got.step.response_id == "cmpl-1"


def test_document_that_says_why_it_ended_under_another_name(runtime: str) -> None:
    body = document({"content": "Hi"}, None)
    body["choices"][0]["finish_details"] = {"type": "max_tokens"}
    assert unary(runtime, body).finish.reason.normalized == "length"


def test_document_without_a_reason(runtime: str) -> None:
    got = unary(runtime, document({"content": "Hi"}, None))
    assert (got.finish.reason.normalized, got.finish.reason.raw) == ("unknown", None)


@pytest.mark.parametrize("body", [b"[]", b"[1]", b"{}", b'{"choices":[]}', b'{"choices":[1]}', b'{"object":"list"}'])
def test_document_that_is_no_completion(runtime: str, body: bytes) -> None:
    got = decode(body, "openai-chat", runtime, framing="document")
    assert isinstance(got.error, InvalidProviderOutputError)


def test_document_that_is_an_error(runtime: str) -> None:
    body = b'{"error":{"message":"filtered","code":"content_filter","status":400}}'
    assert isinstance(decode(body, "openai-chat", runtime, framing="document").error, ContentPolicyError)
