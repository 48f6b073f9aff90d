"""`Steady`: what of an answer a thread gets that reads its connection, and what it leaves for others to look at."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
from tests.kit.feeding import text
from tests.kit.http1 import head, new_decoder, new_wire
from tests.kit.messages import STOP, block, delta, end, sse, start, stop

import zen_native as zen
from zen_native import _core
from zen_native._kept import Kept
from zen_native.response import fold
from zen_native.runtimes import native

pytestmark = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def word(text: str = "word") -> bytes:
    return chunk(sse(delta(0, "text_delta", text=text)))


class Answer:
    """One under way, with nothing pending."""

    def __init__(self, most: int = 1000) -> None:
        self.wire = new_wire()
        self.wire.begin("POST", new_decoder())
        self.wire.feed(head("transfer-encoding: chunked") + chunk(sse(start(), block(0, "text", text=""))))
        self.wire.take()
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


OTHERS: dict[str, Callable[[_core.Wire], object]] = {
    "the body ends too early": lambda wire: wire.eof(),
    "the connection is lost": lambda wire: wire.lost(ConnectionResetError("gone")),
    "the framing is broken": lambda wire: wire.feed(b"no chunk\r\n"),
    "the event is none": lambda wire: wire.feed(chunk(b"data: {\n\n")),
    "the answer is complete": lambda wire: wire.feed(chunk(sse(stop(0), end("end_turn", {}), STOP))),
}


@pytest.mark.parametrize("happens", OTHERS.values(), ids=OTHERS)
def test_everything_else_is_left_alone(happens: Callable[[_core.Wire], object]) -> None:
    answer = Answer()
    happens(answer.wire)
    assert answer.steady.take() is None
    assert answer.kept.events == []
    assert answer.wire.pending is (happens is OTHERS["the answer is complete"])


def test_after_so_many_events_who_keeps_them_may_look() -> None:
    answer = Answer(most=3)
    given: list[int | None] = []
    for _ in range(6):
        answer.wire.feed(word() + word())
        found = answer.steady.take()
        given.append(None if found is None else len(found))
    assert given == [2, 2, None, 4, None, 4]


def test_a_text_goes_with_the_delta_before_it_whoever_kept_that() -> None:
    answer = Answer(most=1)
    answer.wire.feed(word("one "))
    answer.steady.take()
    assert answer.steady.take() is None
    answer.kept.add([zen.ReasoningDelta("reasoning-7", "hm")])
    answer.wire.feed(word("two ") + word("three "))
    answer.steady.take()
    assert [type(event) for event in answer.kept.events] == [zen.TextDelta, zen.ReasoningDelta, zen.TextDelta, str]
    assert text(answer.kept.whole()) == "one two three "


def test_what_leads_to_itself_is_collected() -> None:
    answer = Answer()
    watched = weakref.ref(answer)
    answer.kept.events.append(answer.steady)  # type: ignore[arg-type]  # a list may hold anything at all
    answer.kept.events.append(answer)  # type: ignore[arg-type]  # so may it be seen
    del answer
    gc.collect()
    assert watched() is None
