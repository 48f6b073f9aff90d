"""Reasoning between tags in the answer, through the public decoder: which tags count, and that no cut matters."""

from __future__ import annotations

import json
from itertools import groupby

import pytest
from tests.kit.decoding import Decoded, decode
from tests.kit.eventstream import encode
from tests.kit.messages import STOP, Frame, begin, delta, end, invoke, sse, start, stop

from zen_native.decoder import Decoder
from zen_native.events import ReasoningDelta, ReasoningStart, StepStart, TextDelta, TextStart

PROTOCOL = "openai-chat"
PROTOCOLS = ("anthropic-messages", "bedrock-converse", "bedrock-invoke-anthropic", "google-generate-content")
"""Those of `text_frame`."""


def body(*deltas: str) -> bytes:
    frames = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in deltas]
    frames.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames) + b"data: [DONE]\n\n"


def spans(decoded: Decoded) -> list[tuple[str, str]]:
    """Neighbouring deltas of one kind as one; blocks of one kind in a row stay apart."""
    kinds = {TextDelta: "text", ReasoningDelta: "think"}
    said = [(kinds[type(event)], event.id, event.text) for event in decoded.of((TextDelta, ReasoningDelta))]  # type: ignore[arg-type]
    groups = groupby(said, key=lambda one: one[:2])
    return [(kind, "".join(text for _, _, text in group)) for (kind, _), group in groups]


def split(runtime: str, *deltas: str, tags: tuple[str, ...] = ("think",)) -> list[tuple[str, str]]:
    return spans(decode(body(*deltas), PROTOCOL, runtime, think_tags=tags))


CASES = {
    "plain": ("Hello.", [("text", "Hello.")]),
    "whole": ("<think>a</think>b", [("think", "a"), ("text", "b")]),
    "space around": (" \n<think>\n a \n</think>\n\nb ", [("think", "a \n"), ("text", "b ")]),
    "space kept": ("  b", [("text", "  b")]),
    "only space": (" \n ", [("text", " \n ")]),
    "empty": ("<think></think>b", [("text", "b")]),
    "blank": ("<think>\n\n</think>\n\nb", [("text", "b")]),
    "only reasoning": ("<think>a</think>", [("think", "a")]),
    "unclosed": ("<think>a b", [("think", "a b")]),
    "repeated": ("<think>a</think><think>b</think>c", [("think", "ab"), ("text", "c")]),
    "repeated, apart": (
        "<think>a</think>b\n<think>c</think>d", [("think", "a"), ("text", "b\n"), ("think", "c"), ("text", "d")]
    ),
    "lone close": ("a</think>b", [("text", "a</think>b")]),
    "close first": ("</think>b", [("text", "</think>b")]),
    "within a line": ("say <think>a</think>", [("text", "say <think>a</think>")]),
    "case": ("<THINK>a</Think>b", [("think", "a"), ("text", "b")]),
    "attributes": ('<think level="high" n=1>a</think >b', [("think", "a"), ("text", "b")]),
    "other name": ("<thinking>a</thinking>b", [("text", "<thinking>a</thinking>b")]),
    "other tag": ("<b>a</b>", [("text", "<b>a</b>")]),
    "nested open": ("<think>a <think> b</think>c", [("think", "a <think> b"), ("text", "c")]),
    "half a tag": ("<thi", [("text", "<thi")]),
    "half a close": ("<think>a</thi", [("think", "a</thi")]),
    "angles": ("1 < 2 > 1 <", [("text", "1 < 2 > 1 <")]),
    "double angle": ("<<think>a</think>", [("text", "<<think>a</think>")]),
    "overlong tag": (f"<think {'x' * 200}>a", [("text", f"<think {'x' * 200}>a")]),
    "letters": ("<think>\u00e4\U0001f600</think>\u00f6", [("think", "\u00e4\U0001f600"), ("text", "\u00f6")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_split_at_any_place(runtime: str, name: str) -> None:
    text, wanted = CASES[name]
    whole = split(runtime, text)
    assert whole == wanted
    for cut in range(1, len(text)):
        assert split(runtime, text[:cut], text[cut:]) == whole, f"cut at {cut}"
    assert split(runtime, *text) == whole, "letter by letter"


def test_off_by_default(runtime: str) -> None:
    assert split(runtime, "<think>a</think>b", tags=()) == [("text", "<think>a</think>b")]


def test_several_names(runtime: str) -> None:
    tags = ("think", "my-notes")
    assert split(runtime, "<my-notes>a</my-notes>b", tags=tags) == [("think", "a"), ("text", "b")]
    assert split(runtime, "<think>a</think>b", tags=tags) == [("think", "a"), ("text", "b")]


def test_blocks_open_and_close(runtime: str) -> None:
    decoded = decode(body("<think>a</think>b"), PROTOCOL, runtime, think_tags=("think",))
    assert decoded.types() == [
        "step-start", "reasoning-start", "reasoning-delta", "reasoning-end", "text-start", "text-delta", "text-end",
        "step-finish", "finish",
    ]  # fmt: skip
    assert (len(decoded.of(ReasoningStart)), len(decoded.of(TextStart))) == (1, 1)


def messages(runtime: str, *frames: Frame) -> Decoded:
    return decode(sse(start(), *frames, end(), STOP), "anthropic-messages", runtime, think_tags=("think",))


def test_in_another_protocol(runtime: str) -> None:
    decoded = messages(
        runtime, delta(0, "text_delta", text="<thi"), delta(0, "text_delta", text="nk>a</think>b"), stop(0)
    )
    assert spans(decoded) == [("think", "a"), ("text", "b")]


# Surrogate halves and tags


def text_frame(protocol: str, said: str) -> bytes:
    """One delta of visible text, as its protocol sends it."""
    frame = delta(0, "text_delta", text=said)
    match protocol:
        case "bedrock-converse":
            part = {"contentBlockIndex": 0, "delta": {"text": said}}
            return encode(json.dumps(part).encode(), event="contentBlockDelta")
        case "bedrock-invoke-anthropic":
            return invoke(frame)
        case "google-generate-content":
            return sse({"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": said}]}}]})
        case _:
            return sse(frame)


def test_half_at_the_end_of_tagged_text_waits(runtime: str) -> None:
    assert split(runtime, "a\ud83d", "\ude00b") == [("text", "a\U0001f600b")]
    assert split(runtime, "<think>a</think>b\ud83d", "\ude00") == [("think", "a"), ("text", "b\U0001f600")]
    assert split(runtime, "<think>a\ud83d", "\ude00</think>") == [("think", "a\U0001f600")]


def test_half_behind_a_tag_stays_behind_it(runtime: str) -> None:
    assert split(runtime, "a\n<think>\ud83d", "\ude00b</think>") == [("text", "a\n"), ("think", "\U0001f600b")]
    assert split(runtime, "a\n<think>b</think>c\ud83d") == [("text", "a\n"), ("think", "b"), ("text", "c\ufffd")]


def told(runtime: str, *deltas: tuple[int, str]) -> list[tuple[str, str]]:
    """What comes of these deltas of text, each with the index of its block."""
    return spans(messages(runtime, *(delta(index, "text_delta", text=text) for index, text in deltas)))


def test_an_empty_delta_leaves_a_half_waiting(runtime: str) -> None:
    assert told(runtime, (0, "a\ud83d"), (0, ""), (0, "\ude00b")) == [("text", "a\U0001f600b")]
    assert told(runtime, (0, "<think>\ud83d"), (0, ""), (0, ""), (0, "\ude00")) == [("think", "\U0001f600")]
    assert told(runtime, (0, "<thi\ud83d"), (0, ""), (0, "nk>a")) == [("text", "<thi\ufffdnk>a")]


def test_an_empty_delta_of_another_block_changes_nothing(runtime: str) -> None:
    assert told(runtime, (0, "a\ud83d"), (1, ""), (0, "\ude00")) == [("text", "a\U0001f600")]
    assert told(runtime, (0, "<thi"), (1, ""), (0, "nk>a")) == [("think", "a")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_half_is_given_out_in_the_read_that_shows_it_to_be_lone(runtime: str, protocol: str) -> None:
    decoder = Decoder(protocol, provider="test", runtime=runtime, think_tags=("think",))  # type: ignore[arg-type]
    reads = [decoder.feed(text_frame(protocol, said)) for said in (" ", "<think>", "\ud83d", "", "", "\x7f")]
    assert [len(events) for events in reads] == [0, 0, 0, 0, 0, 3]
    assert reads[-1] == [StepStart(0), ReasoningStart("reasoning-0"), ReasoningDelta("reasoning-0", "\ufffd\x7f")]


def test_half_of_reasoning_is_not_taken_into_the_text_after_it(runtime: str) -> None:
    thought = begin(0, {"type": "thinking", "thinking": ""})
    decoded = messages(
        runtime,
        thought,
        delta(0, "thinking_delta", thinking="a\ud83d"),
        delta(1, "text_delta", text="\ude00b"),
        stop(1),
    )
    assert spans(decoded) == [("think", "a\ufffd"), ("text", "\ufffdb")]
