"""`Steady`: what of an answer a thread gets that reads its connection, and what it leaves for others to look at."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
from tests.kit.feeding import text
from tests.kit.under_way import COMPLETE, OTHERS, begun, word

import zen_native as zen
from zen_native import _core
from zen_native._kept import Kept
from zen_native.response import fold
from zen_native.runtimes import native

pytestmark = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")


class Answer:
    """One under way, with nothing pending."""

    def __init__(self, most: int = 1000) -> None:
        self.wire = begun()
        self.kept = Kept()
        self.steady = _core.Steady(self.wire, self.kept.events, most)


def test_the_events_of_a_read_are_given_and_kept() -> None:
    answer = Answer()
    given: list[zen.LLMEvent] = []
    for read in (word("one ") + word("two "), word("three ")):
        answer.wire.feed(read)
        given += answer.steady.take() or []
    assert [type(event) for event in answer.kept.events] == [zen.TextDelta, str, str]
    assert text(given) == text(answer.kept.whole()) == "one two three "
    assert answer.kept.response() == fold(given)


def test_a_read_without_events_is_none_of_note() -> None:
    answer = Answer()
    answer.wire.feed(word()[:9])
    assert answer.steady.take() == []
    answer.wire.feed(word()[9:])
    assert text(answer.steady.take() or []) == "word"


@pytest.mark.parametrize("happens", OTHERS.values(), ids=OTHERS)
def test_everything_else_is_left_alone(happens: Callable[[_core.Wire], object]) -> None:
    answer = Answer()
    happens(answer.wire)
    assert answer.steady.take() is None
    assert answer.kept.events == []
    assert answer.wire.pending is (happens is OTHERS[COMPLETE])


def test_after_so_many_events_who_keeps_them_may_look() -> None:
    answer = Answer(most=3)
    given: list[int | None] = []
    for _ in range(3):
        answer.wire.feed(word() + word())
        found = answer.steady.take()
        given.append(None if found is None else len(found))
    assert given == [2, 2, None]
    assert len(answer.wire.take()) == 2


def test_what_leads_to_itself_is_collected() -> None:
    answer = Answer()
    watched = weakref.ref(answer)
    answer.kept.events.append(answer.steady)  # type: ignore[arg-type]  # a list may hold anything at all
    answer.kept.events.append(answer)  # type: ignore[arg-type] - no event: the list is to lead back to its owner
    del answer
    gc.collect()
    assert watched() is None
