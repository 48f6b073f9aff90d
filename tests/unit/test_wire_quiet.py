"""The wire for event loops in daemon threads: it says the same, and runs nothing of Python's from within."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from tests.kit.feeding import BODY
from tests.kit.http1 import Waiter, chunked, new_decoder, new_wire, reading
from tests.kit.messages import block, delta, sse, start

from zen_native.transport.native.quiet import QuietWire, wire_for_this_thread

END = b"0\r\n\r\n"
KINDS = {"plain": lambda wire: wire, "quiet": QuietWire}
BEGUN = chunked(sse(start(), block(0, "text", text=""))).removesuffix(END)
LARGE = chunked(sse(delta(0, "text_delta", text="x" * (256 << 10)))).partition(b"\r\n\r\n")[2].removesuffix(END)
"""More than may be pending."""


@pytest.fixture(params=KINDS)
def wire(request: pytest.FixtureRequest) -> Any:
    """Each kind, with the answer to come."""
    made = KINDS[request.param](new_wire())
    made.begin("POST", new_decoder())
    return made


def fed(wire: Any) -> None:
    """A whole answer comes, and nobody takes it."""
    data = chunked(BODY)
    wire.get_buffer(-1)[: len(data)] = data
    wire.buffer_updated(len(data))


def run_within(act: Callable[[], object]) -> list[str]:
    """The functions of Python that run while the extension does."""
    inside: list[str] = []
    found: list[str] = []

    def watch(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and type(getattr(called, "__self__", None)).__name__ == "Wire":
            inside.append(called.__name__)
        elif event in ("c_return", "c_exception") and inside and called.__name__ == inside[-1]:
            inside.pop()
        elif event == "call" and inside:
            found.append(frame.f_code.co_name)

    sys.setprofile(watch)
    try:
        act()
    finally:
        sys.setprofile(None)
    return found


def test_nothing_of_pythons_runs_within_a_quiet_one(wire: Any) -> None:
    waiter = Waiter()
    reading(wire, BEGUN)
    wire.pausing(lambda: None)
    wire.wait(waiter)
    within = run_within(lambda: (reading(wire, LARGE), wire.lost(None)))
    assert within == ([] if isinstance(wire, QuietWire) else ["<lambda>", "done", "set_result"])
    assert waiter.woken == 1


def test_a_waiter_is_woken_once_and_forgotten(wire: Any) -> None:
    waiter = Waiter()
    wire.wait(waiter)
    fed(wire)
    assert (waiter.woken, wire.ended, len(wire.take()) > 0) == (1, True, True)
    waiter.finished = False
    wire.eof()
    assert waiter.woken == 1


def test_who_is_done_is_left_alone(wire: Any) -> None:
    waiter = Waiter(done=True)
    wire.wait(waiter)
    fed(wire)
    assert waiter.woken == 0


def test_a_later_waiter_takes_the_place_of_an_earlier_one(wire: Any) -> None:
    first, second = Waiter(), Waiter()
    wire.wait(first)
    wire.wait(second)
    fed(wire)
    assert (first.woken, second.woken) == (0, 1)


@pytest.mark.parametrize("act", [lambda wire: wire.eof(), lambda wire: wire.lost(OSError("gone"))])
def test_the_end_wakes(wire: Any, act: Callable[[Any], object]) -> None:
    waiter = Waiter()
    wire.wait(waiter)
    act(wire)
    assert (waiter.woken, wire.ended) == (1, True)


def test_who_comes_late_is_woken_at_once(wire: Any) -> None:
    fed(wire)
    waiter = Waiter()
    wire.wait(waiter)
    assert waiter.woken == 1


def test_reading_is_paused_before_anybody_is_woken_who_may_resume_it(wire: Any) -> None:
    said: list[tuple[str, bool]] = []

    class Taker(Waiter):
        def set_result(self, result: None, /) -> None:
            wire.take()
            said.append(("woken", wire.paused))

    reading(wire, BEGUN)
    wire.pausing(lambda: said.append(("pause", wire.paused)))
    wire.wait(Taker())
    reading(wire, LARGE)
    assert said == [("pause", True), ("woken", False)]


def test_it_is_for_daemons_where_they_are_unwound() -> None:
    made: list[str] = []

    def make() -> None:
        made.append(type(wire_for_this_thread(new_wire())).__name__)

    for daemon in (False, True):
        thread = threading.Thread(target=make, daemon=daemon)
        thread.start()
        thread.join()
    assert made == ["Wire", "Wire" if sys.version_info >= (3, 14) else "QuietWire"]
