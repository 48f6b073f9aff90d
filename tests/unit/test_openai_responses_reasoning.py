"""OpenAI Responses: reasoning in all its forms, ciphertexts, and items that only the provider understands."""

from __future__ import annotations

import pytest
from tests.kit.decoding import text
from tests.kit.responses import (
    HELLO,
    Frame,
    added,
    completed,
    delta,
    done,
    message,
    reasoning,
    run,
    said,
    text_deltas,
    thoughts,
)

from zen_native.events import ReasoningEnd, ReasoningStart


def summary(index: int, piece: str, item: str = "rs_1", at: int = 0) -> Frame:
    return delta("reasoning_summary_text", at, item, piece, summary_index=index)


def test_one_reasoning_block_per_summary_part(runtime: str) -> None:
    final = reasoning("rs_1", "One.", "Two.", encrypted_content="cipher")
    decoded = run(
        runtime, added(0, reasoning("rs_1")), summary(0, "One."), summary(1, "Two."), done(0, final), completed(final)
    )
    assert thoughts(decoded) == ["One.", "Two."]
    assert [said(event) for event in decoded.of(ReasoningStart)] == [{"item_id": "rs_1"}] * 2
    assert [said(event) for event in decoded.of(ReasoningEnd)] == [
        {"part": "summary_text"},
        {"part": "summary_text", "encrypted_content": "cipher"},
    ]


def test_raw_reasoning(runtime: str) -> None:
    frames = [delta("reasoning_text", 0, "rs_1", piece, content_index=0) for piece in ("Hm", "m.")]
    final = reasoning("rs_1", content=[{"type": "reasoning_text", "text": "Hmm."}])
    decoded = run(runtime, added(0, reasoning("rs_1")), *frames, done(0, final), completed(final))
    assert thoughts(decoded) == ["Hm", "m."]
    assert said(decoded.of(ReasoningEnd)[0]) == {"part": "reasoning_text"}


def test_older_name_of_raw_reasoning(runtime: str) -> None:
    decoded = run(runtime, added(0, reasoning("rs_1")), delta("reasoning", 0, "rs_1", "Hmm."), completed())
    assert thoughts(decoded) == ["Hmm."]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": "Hmm."},
        {"type": "response.reasoning_summary_part.done", "summary_index": 0, "part": {"text": "Hmm."}},
        {"type": "response.reasoning_text.done", "content_index": 0, "text": "Hmm."},
        {"type": "response.content_part.done", "part": {"type": "reasoning_text", "text": "Hmm."}},
        done(0, reasoning("rs_1", "Hmm.")),
        done(0, reasoning("rs_1", content=[{"type": "reasoning_text", "text": "Hmm."}])),
    ],
)
def test_reasoning_that_is_done_only(runtime: str, frame: Frame) -> None:
    decoded = run(runtime, added(0, reasoning("rs_1")), {"output_index": 0, "item_id": "rs_1", **frame}, completed())
    assert thoughts(decoded) == ["Hmm."]


def test_reasoning_item_that_only_its_done_frame_announces(runtime: str) -> None:
    decoded = run(runtime, done(0, reasoning("rs_1", "Hmm.", encrypted_content="cipher")), completed())
    assert thoughts(decoded) == ["Hmm."]
    assert said(decoded.of(ReasoningEnd)[0])["encrypted_content"] == "cipher"


def test_C7_reasoning_without_text_keeps_id_and_ciphertext(runtime: str) -> None:
    final = reasoning("rs_1", encrypted_content="cipher")
    decoded = run(runtime, added(0, reasoning("rs_1")), done(0, final), *HELLO[1:], completed(final))
    assert decoded.types()[:3] == ["step-start", "reasoning-start", "reasoning-end"]
    assert said(decoded.of(ReasoningStart)[0]) == {"item_id": "rs_1"}
    assert said(decoded.of(ReasoningEnd)[0]) == {"encrypted_content": "cipher"}


def test_ciphertext_of_done_wins_over_added(runtime: str) -> None:
    first, last = (reasoning("rs_1", encrypted_content=text) for text in ("early", "late"))
    decoded = run(runtime, added(0, first), done(0, last), completed())
    assert said(decoded.of(ReasoningEnd)[0]) == {"encrypted_content": "late"}


def test_ciphertext_of_added_counts_where_there_is_no_done(runtime: str) -> None:
    decoded = run(runtime, added(0, reasoning("rs_1", encrypted_content="early")), completed())
    assert said(decoded.of(ReasoningEnd)[0]) == {"encrypted_content": "early"}


def test_C6_the_completed_response_is_the_authority_on_ciphertext(runtime: str) -> None:
    streamed, final = (reasoning("rs_1", encrypted_content=text) for text in ("streamed", "final"))
    decoded = run(runtime, added(0, reasoning("rs_1")), done(0, streamed), completed(final))
    assert said(decoded.of(ReasoningEnd)[0]) == {"encrypted_content": "streamed"}
    assert said(decoded.step)["encrypted_content"] == {"rs_1": "final"}
    same = run(runtime, added(0, reasoning("rs_1")), done(0, streamed), completed(streamed))
    assert "encrypted_content" not in said(same.step)


def test_reasoning_that_ends_after_the_message_it_led_to(runtime: str) -> None:
    raw = [delta("reasoning_text", 0, "rs_1", "Hmm.", content_index=0)]
    late = {"type": "response.reasoning_text.done", "output_index": 0, "item_id": "rs_1", "text": "Hmm."}
    final = reasoning("rs_1", content=[{"type": "reasoning_text", "text": "Hmm."}])
    hello = [added(1, message("msg_1")), *text_deltas("Hi", index=1), done(1, message("msg_1", "Hi"))]
    # Another id at the end, as OpenRouter gives.
    last = completed({**final, "id": "rs_2"}, message("msg_1", "Hi"))
    decoded = run(runtime, added(0, reasoning("rs_1")), *raw, *hello, late, done(0, final), last)
    assert (thoughts(decoded), text(decoded)) == (["Hmm."], "Hi")


def test_compaction_is_kept_whole_in_its_place(runtime: str) -> None:
    item = {"id": "cmp_1", "type": "compaction", "encrypted_content": "cipher"}
    decoded = run(runtime, added(0, item), done(0, item), *HELLO[1:], completed(item))
    assert decoded.types()[1:3] == ["reasoning-start", "reasoning-end"]
    assert said(decoded.of(ReasoningStart)[0]) == {"item_id": "cmp_1", "item": item}


def test_late_reasoning_does_nothing(runtime: str) -> None:
    whole = {"type": "response.reasoning_summary_text.done", "output_index": 0, "item_id": "rs_1", "summary_index": 0}
    late = summary(0, "!")
    final = done(0, reasoning("rs_1", "Hmm."))
    frames = [summary(0, "Hmm."), {**whole, "text": "Hmm."}, late, final, late]
    decoded = run(runtime, added(0, reasoning("rs_1")), *frames, completed())
    assert thoughts(decoded) == ["Hmm."]


def test_ciphertext_that_comes_after_the_block_was_closed(runtime: str) -> None:
    frames = [summary(0, "Hmm."), *text_deltas("Hi", index=1)]
    final = reasoning("rs_1", "Hmm.", encrypted_content="cipher")
    decoded = run(runtime, added(0, reasoning("rs_1")), *frames, done(0, final), completed(final))
    assert thoughts(decoded) == ["Hmm."]
    assert [said(event) for event in decoded.of(ReasoningEnd)] == [
        {"part": "summary_text"},
        {"encrypted_content": "cipher"},
    ]
