"""The order of events as `lifecycle` keeps it, below any protocol."""

from __future__ import annotations

import pytest

from zen_native.events import (
    Citation,
    Finish,
    FinishReason,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    StepFinish,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
)
from zen_native.runtimes.pure.lifecycle import Lifecycle, join_halves

STOP = FinishReason("stop", "stop")


@pytest.fixture
def life() -> Lifecycle:
    return Lifecycle("acme")


def test_text_and_reasoning_close_each_other(life: Lifecycle) -> None:
    life.text(0, "a")
    life.reasoning(0, "b")
    life.text(0, "c")
    assert [type(event).__name__ for event in life.out] == [
        "StepStart", "TextStart", "TextDelta", "TextEnd", "ReasoningStart", "ReasoningDelta", "ReasoningEnd",
        "TextStart", "TextDelta",
    ]  # fmt: skip


def test_ids_are_unique_in_the_step(life: Lifecycle) -> None:
    life.text(0, "a")
    life.text(1, "b")
    life.text(0, "c")
    starts = [event.id for event in life.out if isinstance(event, TextStart)]
    assert len(set(starts)) == len(starts) == 3


def test_an_empty_delta_opens_nothing(life: Lifecycle) -> None:
    life.text(0, "")
    life.reasoning(0, "")
    assert life.out == []


def test_a_block_may_stay_empty(life: Lifecycle) -> None:
    life.open_reasoning(0, {"item": "x"})
    life.sign("first")
    life.sign("last")
    life.annotate({"a": 1})
    life.annotate({"b": 2})
    life.close_block()
    assert life.out[-1] == ReasoningEnd("reasoning-0", "last", {"acme": {"a": 1, "b": 2}})


def test_closing_needs_the_right_key(life: Lifecycle) -> None:
    life.text(3, "a")
    life.close(4)
    assert life.is_open(3)
    life.close(3)
    assert not life.is_open(3)
    assert life.out[-1] == TextEnd("text-0")


def test_signatures_do_not_leak_into_the_next_block(life: Lifecycle) -> None:
    life.reasoning(0, "a")
    life.sign("s")
    life.reasoning(1, "b")
    life.close_block()
    ends = [event for event in life.out if isinstance(event, ReasoningEnd)]
    assert [end.signature for end in ends] == ["s", None]


def test_a_surrogate_pair_cut_between_two_deltas_becomes_one_character(life: Lifecycle) -> None:
    life.text(0, "a\ud83d")
    life.text(0, "\ude00b")
    assert [event.text for event in life.out if isinstance(event, TextDelta)] == ["a", "\U0001f600b"]


def test_half_a_pair_at_the_end_of_a_block_is_replaced(life: Lifecycle) -> None:
    life.reasoning(0, "a\ud83d")
    life.text(0, "\ude00")
    assert [event.text for event in life.out if isinstance(event, ReasoningDelta)] == ["a", "\ufffd"]
    assert [event.text for event in life.out if isinstance(event, TextDelta)] == ["\ufffd"]


def test_an_empty_delta_leaves_held_text_and_halves_alone() -> None:
    life = Lifecycle("acme", think_tags=("think",))
    for text in ("<think>", "\ud83d", "\ude00", "</th", "ink>"):
        life.text(0, text)
        life.text(0, "")
        life.text(1, "")
    assert [type(event).__name__ for event in life.out] == ["StepStart", "ReasoningStart", "ReasoningDelta"]
    assert life.out[-1] == ReasoningDelta("reasoning-0", "\U0001f600")


@pytest.mark.parametrize(
    ("half", "text", "joined", "rest"),
    [
        ("", "plain", "plain", ""),
        ("", "\ud83d", "", "\ud83d"),
        ("\ud83d", "\ude00", "\U0001f600", ""),
        ("\ud83d", "x", "\ufffdx", ""),
        ("\ud83d", "\ud83d", "\ufffd", "\ud83d"),
        ("", "\ude00a\ud83db", "\ufffda\ufffdb", ""),
        ("\ud83d", "", "", "\ud83d"),
    ],
)
def test_halves(half: str, text: str, joined: str, rest: str) -> None:
    assert join_halves(half, text) == (joined, rest)


def test_a_citation_names_the_last_text_block_or_none(life: Lifecycle) -> None:
    life.citation("https://a.example", None, None, None)
    life.text(0, "a")
    life.reasoning(0, "b")
    life.citation(None, "t", None, None)
    cited = [event.block_id for event in life.out if isinstance(event, Citation)]
    assert cited == [None, "text-0"]


def test_unknown_frames_are_given_out_only_when_asked_for(life: Lifecycle) -> None:
    life.unknown("x", {"a": "\ud83d"})
    assert life.out == []
    asked = Lifecycle("acme", raw_events=True)
    asked.unknown("x", {"a": "\ud83d"})
    assert asked.out == [StepStart(0), Raw("x", {"a": "\ufffd"})]


def test_the_first_id_and_model_that_are_not_empty_stay(life: Lifecycle) -> None:
    life.identify("", None)
    life.identify("r1", "m1")
    life.identify("r2", "m2")
    life.complete(STOP)
    life.finish()
    step = life.out[-2]
    assert isinstance(step, StepFinish)
    assert (step.response_id, step.model) == ("r1", "m1")


def test_warnings_are_said_once_and_bounded(life: Lifecycle) -> None:
    for number in range(100):
        life.warn("same")
        life.warn(f"w{number}")
    life.complete(STOP)
    life.finish()
    finish = life.out[-1]
    assert isinstance(finish, Finish)
    assert len(finish.warnings) == 64
    assert finish.warnings[:2] == ("same", "w0")


def test_complete_closes_the_block_and_finish_comes_last(life: Lifecycle) -> None:
    life.text(0, "a")
    life.note({"x": 1})
    life.note({"x": 2, "y": 3})
    life.complete(STOP)
    assert life.out[-1] == TextEnd("text-0")
    life.finish()
    step, finish = life.out[-2:]
    assert isinstance(step, StepFinish)
    assert isinstance(finish, Finish)
    assert step.metadata == {"acme": {"x": 2, "y": 3}}
    assert finish.usage == step.usage
    assert life.finished


def test_nothing_finishes_without_a_reason(life: Lifecycle) -> None:
    life.finish()
    assert life.out == []
    assert not life.finished
