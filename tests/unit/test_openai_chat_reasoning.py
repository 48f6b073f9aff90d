"""Reasoning in chat completions: every spelling, and what is kept to send it back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.chat import DONE, chunk, document, stream, unary
from tests.kit.decoding import Decoded, text

from zen_native.events import ReasoningDelta, ReasoningEnd, ReasoningStart, TextDelta

STOP = chunk(finish="stop")


def run(runtime: str, *deltas: dict[str, Any]) -> Decoded:
    got = stream(runtime, *(chunk(delta) for delta in deltas), STOP, DONE)
    assert got.error is None
    return got


def thought(got: Decoded) -> str:
    return "".join(event.text for event in got.of(ReasoningDelta))


def kept(got: Decoded) -> list[Any]:
    """Details of all blocks, one behind the other."""
    return [
        detail
        for event in got.of(ReasoningEnd)
        for detail in ((event.metadata or {}).get("test", {})).get("reasoning_details", [])
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text"])
def test_C2_one_channel_for_every_spelling(runtime: str, field: str) -> None:
    got = run(runtime, {field: "I "}, {field: "think"}, {"content": "so"})
    assert (thought(got), text(got)) == ("I think", "so")
    (end,) = got.of(ReasoningEnd)
    assert end.metadata == {"test": {"field": field}}


def test_C2_tags_in_the_content(runtime: str) -> None:
    frames = (chunk({"content": "<thi"}), chunk({"content": "nk>I think</think>so"}), STOP, DONE)
    got = stream(runtime, *frames, think_tags=("think",))
    assert (thought(got), text(got)) == ("I think", "so")
    assert text(stream(runtime, *frames)) == "<think>I think</think>so"


def test_C2_halves_of_a_pair_in_tagged_content_are_replaced_once_each(runtime: str) -> None:
    got = stream(
        runtime, *(chunk({"content": half}) for half in ("\ud83d", "\ud83d", "\ude00")), DONE, think_tags=("think",)
    )
    assert [event.text for event in got.of(TextDelta)] == ["\ufffd", "\U0001f600"]


def test_C3_the_spelling_is_remembered_for_every_block(runtime: str) -> None:
    got = run(runtime, {"reasoning_content": "a"}, {"content": "b"}, {"reasoning_content": "c"})
    assert [event.metadata for event in got.of(ReasoningEnd)] == [{"test": {"field": "reasoning_content"}}] * 2


def test_a_present_but_empty_key_does_not_hide_another(runtime: str) -> None:
    assert thought(run(runtime, {"reasoning_content": "", "reasoning": "a"})) == "a"
    assert thought(run(runtime, {"reasoning_content": None, "reasoning_text": "a"})) == "a"


def test_two_spellings_in_one_delta_are_said_once(runtime: str) -> None:
    assert thought(run(runtime, {"reasoning_content": "a", "reasoning": "a"})) == "a"


def test_white_space_is_kept(runtime: str) -> None:
    assert thought(run(runtime, {"reasoning": "a"}, {"reasoning": "\n\n"}, {"reasoning": " b"})) == "a\n\n b"


def test_reasoning_comes_before_content_of_the_same_delta(runtime: str) -> None:
    got = run(runtime, {"content": "b", "reasoning": "a"})
    assert got.types()[1:7] == [
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-end",
    ]


def detail(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": said, "index": 0, "format": None, **more}


def test_field_and_details_are_said_once_and_kept_whole(runtime: str) -> None:
    got = run(
        runtime,
        {"content": "", "reasoning": "a ", "reasoning_details": [detail("a ")]},
        {"content": "", "reasoning": "b", "reasoning_details": [detail("b")]},
        {"content": "c"},
    )
    assert thought(got) == "a b"
    (end,) = got.of(ReasoningEnd)
    assert end.metadata == {"test": {"field": "reasoning", "reasoning_details": [detail("a b")]}}


@pytest.mark.parametrize(("kind", "key"), [("reasoning.text", "text"), ("reasoning.summary", "summary")])
def test_details_are_said_where_the_field_is_silent(runtime: str, kind: str, key: str) -> None:
    pieces = [{"type": kind, key: piece, "index": 0} for piece in ("a", "b")]
    got = run(runtime, *({"reasoning": None, "reasoning_details": [piece]} for piece in pieces))
    assert thought(got) == "ab"
    assert kept(got) == [{"type": kind, "index": 0, key: "ab"}]
    assert got.of(ReasoningEnd)[0].metadata["test"]["field"] == "reasoning_details"  # type: ignore[index]


def test_an_empty_piece_of_a_detail_leaves_a_half_waiting(runtime: str) -> None:
    got = run(runtime, *({"reasoning_details": [detail(piece)]} for piece in ("a\ud83d", "", "\ude00b")))
    assert thought(got) == "a\U0001f600b"
    assert kept(got) == [detail("a\U0001f600b")]


@pytest.mark.parametrize("other", [{"id": "r2"}, {"index": 1}, {"format": "f2"}, {"signature": "s2"}])
def test_details_that_differ_stay_apart(runtime: str, other: dict[str, Any]) -> None:
    base = {"type": "reasoning.text", "id": "r1", "index": 0, "format": "f1", "signature": "s1"}
    got = run(
        runtime, {"reasoning_details": [{**base, "text": "a"}]}, {"reasoning_details": [{**base, **other, "text": "b"}]}
    )
    assert [entry["text"] for entry in kept(got)] == ["a", "b"]


def test_kinds_of_details_do_not_merge(runtime: str) -> None:
    got = run(
        runtime,
        {"reasoning_details": [detail("a")]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "b"}]},
        {"reasoning_details": [detail("c")]},
    )
    assert [entry["type"] for entry in kept(got)] == ["reasoning.text", "reasoning.summary", "reasoning.text"]


def test_the_signature_of_details_is_kept_to_the_byte(runtime: str) -> None:
    got = run(
        runtime,
        {"reasoning": "a", "reasoning_details": [detail("a", signature="", format="anthropic-claude-v1")]},
        {"reasoning": None, "reasoning_details": [{"type": "reasoning.text", "signature": "EqoB+/=", "index": 0}]},
        {"content": "b"},
    )
    (end,) = got.of(ReasoningEnd)
    assert end.signature == "EqoB+/="
    entry = detail("a", signature="EqoB+/=", format="anthropic-claude-v1")
    assert end.metadata == {"test": {"field": "reasoning", "reasoning_details": [entry]}}


ENCRYPTED = {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "format": "openai-responses-v1", "index": 0}


def test_encrypted_details_alone_are_an_empty_block(runtime: str) -> None:
    got = run(runtime, {"content": "", "reasoning": None, "reasoning_details": [ENCRYPTED]}, {"content": "b"})
    assert (thought(got), text(got)) == ("", "b")
    (end,) = got.of(ReasoningEnd)
    assert end.metadata == {"test": {"reasoning_details": [ENCRYPTED]}}


def test_encrypted_details_that_come_late_are_kept(runtime: str) -> None:
    got = run(runtime, {"reasoning": "a"}, {"content": "b"}, {"reasoning_details": [ENCRYPTED]})
    assert len(got.of(ReasoningStart)) == len(got.of(ReasoningEnd)) == 2
    assert kept(got) == [ENCRYPTED]


def test_encrypted_details_are_opaque_and_never_merge(runtime: str) -> None:
    assert kept(run(runtime, {"reasoning_details": [ENCRYPTED, ENCRYPTED]})) == [ENCRYPTED, ENCRYPTED]


def test_details_of_an_unknown_kind_are_kept(runtime: str) -> None:
    odd = {"type": "reasoning.future", "blob": [1, {"a": None}]}
    assert kept(run(runtime, {"reasoning_details": [odd]})) == [odd]


def test_details_without_content_open_nothing(runtime: str) -> None:
    got = run(
        runtime, {"content": "a"}, {"reasoning_details": [detail("")]}, {"reasoning_details": []}, {"content": "b"}
    )
    assert got.of(ReasoningStart) == []
    assert text(got) == "ab"


def test_thinking_parts_carry_their_signature(runtime: str) -> None:
    part = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    got = run(runtime, {"content": [part]}, {"content": "a"})
    (end,) = got.of(ReasoningEnd)
    assert (thought(got), end.signature, end.metadata) == ("hm", "sig", {"test": {"field": "thinking"}})


def test_reasoning_of_another_choice_is_marked(runtime: str) -> None:
    got = stream(runtime, chunk({"reasoning": "a"}), chunk({"reasoning": "b"}, index=1), STOP, DONE)
    assert [event.metadata for event in got.of(ReasoningStart)] == [None, {"test": {"choice": 1}}]


def test_document_with_details(runtime: str) -> None:
    message = {"content": "b", "reasoning": "a", "reasoning_details": [detail("a"), ENCRYPTED]}
    got = unary(runtime, document(message))
    assert (thought(got), text(got)) == ("a", "b")
    assert kept(got) == [detail("a"), ENCRYPTED]


def test_details_with_ever_new_members_are_all_kept(runtime: str) -> None:
    frames = [chunk({"reasoning_details": [detail("a", **{f"k{n}": n})]}) for n in range(200)]
    entries = kept(stream(runtime, *frames, STOP, DONE))
    assert "".join(entry["text"] for entry in entries) == "a" * 200
    assert {name for entry in entries for name in entry} >= {f"k{n}" for n in range(200)}
