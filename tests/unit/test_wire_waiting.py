"""Who is woken by a wire and when, and when it asks to read no more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.kit import chat
from tests.kit.feeding import BODY, text
from tests.kit.http1 import Waiter, chunk, chunked, closed, counted, head, new_decoder, new_wire
from tests.kit.messages import block, delta, sse, start

from zen_native import _core

HIGH_WATER = 256 << 10
OPEN = head("transfer-encoding: chunked")
LEAD = sse(start(), block(0, "text", text=""))


def word(size: int = 5) -> bytes:
    return chunk(sse(delta(0, "text_delta", text="x" * size)))


@pytest.fixture
def wire() -> _core.Wire:
    """In the middle of an answer, with nothing pending."""
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.feed(OPEN + chunk(LEAD))
    wire.take()
    return wire


def woken(wire: _core.Wire, act: Callable[[], Any]) -> bool:
    waiter = Waiter()
    wire.wait(waiter)
    assert waiter.woken == 0
    act()
    wire.wait(None)
    return waiter.woken == 1


# Waking


def test_a_waiter_is_woken_once_and_forgotten(wire: _core.Wire) -> None:
    waiter = Waiter()
    wire.wait(waiter)
    wire.feed(word() + word())
    assert waiter.woken == 1
    waiter.finished = False
    wire.feed(word())
    wire.eof()
    assert waiter.woken == 1


def test_one_that_is_done_is_left(wire: _core.Wire) -> None:
    waiter = Waiter(done=True)
    wire.wait(waiter)
    wire.feed(word())
    assert (waiter.woken, text(wire.take())) == (0, "xxxxx")


def test_one_that_was_taken_back_is_left(wire: _core.Wire) -> None:
    waiter = Waiter()
    wire.wait(waiter)
    wire.wait(None)
    wire.feed(word())
    assert waiter.woken == 0


def test_the_last_one_is_woken(wire: _core.Wire) -> None:
    first, second = Waiter(), Waiter()
    wire.wait(first)
    wire.wait(second)
    wire.feed(word())
    assert (first.woken, second.woken) == (0, 1)


def test_the_head_wakes() -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    assert not woken(wire, lambda: wire.feed(OPEN[:-1]))
    assert woken(wire, lambda: wire.feed(OPEN[-1:]))
    assert not woken(wire, lambda: wire.feed(b"10"))


def test_events_wake_and_their_parts_do_not(wire: _core.Wire) -> None:
    whole = word()
    assert not woken(wire, lambda: wire.feed(whole[:-10]))
    assert woken(wire, lambda: wire.feed(whole[-10:]))


def test_comments_and_pings_do_not_wake(wire: _core.Wire) -> None:
    assert not woken(wire, lambda: wire.feed(chunk(b": keep alive\n\n") + chunk(sse({"type": "ping"}))))


def test_a_raw_body_wakes() -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.feed(head("content-length: 5", status="500 Oops"))
    assert woken(wire, lambda: wire.feed(b"1"))
    wire.take_body()
    assert woken(wire, lambda: wire.feed(b"2"))


@pytest.mark.parametrize(
    "end",
    [
        lambda wire: wire.feed(b"0\r\n\r\n"),
        lambda wire: wire.feed(b"no size\r\n"),
        lambda wire: wire.eof(),
        lambda wire: wire.lost(None),
        lambda wire: wire.lost(OSError("gone")),
    ],
)
def test_the_end_wakes(wire: _core.Wire, end: Callable[[_core.Wire], None]) -> None:
    assert woken(wire, lambda: end(wire))
    assert wire.ended


def test_a_failure_of_the_decoder_wakes() -> None:
    wire, decoder = new_wire(), new_decoder()
    wire.begin("POST", decoder)
    wire.feed(OPEN)
    assert woken(wire, lambda: wire.feed(chunk(b"data: {broken\n\n")))
    assert (decoder.done, wire.ended, wire.take()) == (True, False, [])
    assert woken(wire, lambda: wire.feed(chunk(b"more")))
    assert wire.skipped == 4


def test_an_answer_that_waits_for_its_charge_wakes() -> None:
    wire, decoder = new_wire(), new_decoder("openai-chat", trailing_cost=True)
    wire.begin("POST", decoder)
    wire.feed(OPEN + chunk(chat.sse(chat.chunk({"content": "x"}), chat.chunk({}, "stop"))))
    wire.take()
    assert not decoder.answered
    assert woken(wire, lambda: wire.feed(chunk(chat.sse(chat.DONE))))
    assert (decoder.answered, decoder.done) == (True, False)


def test_who_comes_late_is_woken_at_once(wire: _core.Wire) -> None:
    wire.feed(word())
    late = Waiter()
    wire.wait(late)
    assert late.woken == 1
    assert len(wire.take()) == 1
    later = Waiter()
    wire.wait(later)
    assert later.woken == 0
    wire.eof()
    assert later.woken == 1
    latest = Waiter()
    wire.wait(latest)
    assert latest.woken == 1


def test_who_is_woken_may_take_and_wait_again(wire: _core.Wire) -> None:
    got: list[str] = []

    class Consumer(Waiter):
        def set_result(self, result: None, /) -> None:
            super().set_result(result)
            got.append(text(wire.take()))
            self.finished = False
            if not wire.ended:
                wire.wait(self)

    consumer = Consumer()
    wire.wait(consumer)
    for size in (1, 2, 3):
        wire.feed(word(size))
    wire.feed(b"0\r\n\r\n")
    assert got == ["x", "xx", "xxx", ""]
    assert consumer.woken == 4


def test_what_a_waiter_raises_is_raised_and_nothing_is_lost(wire: _core.Wire) -> None:
    class Broken(Waiter):
        def set_result(self, result: None, /) -> None:
            raise ZeroDivisionError

    wire.wait(Broken())
    with pytest.raises(ZeroDivisionError):
        wire.feed(word())
    assert text(wire.take()) == "xxxxx"
    wire.feed(word())
    assert text(wire.take()) == "xxxxx"


# Waking a task


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_a_task_reads_an_answer(loop: asyncio.AbstractEventLoop) -> None:
    async def consume(wire: _core.Wire) -> list[Any]:
        events: list[Any] = []
        while not wire.ended:
            waiter = loop.create_future()
            wire.wait(waiter)
            await waiter
            events += wire.take()
        return events

    wire = new_wire()
    wire.begin("POST", new_decoder())
    answer = chunked(*(piece + b"\n\n" for piece in BODY.split(b"\n\n")))
    task = loop.create_task(consume(wire))
    for at in range(0, len(answer), 50):
        loop.call_soon(wire.feed, answer[at : at + 50])
    assert text(loop.run_until_complete(task)) == "Hello"


def test_a_cancelled_task_loses_nothing(loop: asyncio.AbstractEventLoop, wire: _core.Wire) -> None:
    async def consume() -> list[Any]:
        waiter = loop.create_future()
        wire.wait(waiter)
        await waiter
        return wire.take()

    async def scenario() -> list[Any]:
        task = loop.create_task(consume())
        await asyncio.sleep(0)
        task.cancel()
        wire.feed(word(1))
        with pytest.raises(asyncio.CancelledError):
            await task
        wire.feed(word(2))
        return await consume()

    assert text(loop.run_until_complete(scenario())) == "xxx"


# Pausing


def test_the_mark_is_passed_once_until_it_is_taken(wire: _core.Wire) -> None:
    calls: list[bool] = []
    wire.pausing(lambda: calls.append(wire.paused))
    big = word(HIGH_WATER // 4)
    for _ in range(2):
        for _ in range(3):
            wire.feed(big)
        assert (calls, wire.paused) == ([True] * len(calls), False)
        before = len(calls)
        for _ in range(3):
            wire.feed(big)
        assert (len(calls), wire.paused) == (before + 1, True)
        assert len(wire.take()) == 6
        assert not wire.paused


def test_a_raw_body_passes_the_mark() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    calls: list[int] = []
    wire.pausing(lambda: calls.append(1))
    wire.feed(closed(b"x" * HIGH_WATER))
    assert (wire.paused, calls) == (True, [1])
    assert wire.take() == []
    assert wire.paused
    assert len(wire.take_body()) == HIGH_WATER
    assert not wire.paused


def test_one_large_event_does_not_pause_before_it_can_be_taken(wire: _core.Wire) -> None:
    large = word(HIGH_WATER * 3)
    for at in range(0, len(large) - 10, 1 << 16):
        wire.feed(large[at : min(at + (1 << 16), len(large) - 10)])
    assert not wire.paused
    wire.feed(large[-10:])
    assert wire.paused
    assert len(wire.take()) == 1
    assert not wire.paused


def test_what_is_skipped_does_not_pause() -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.feed(OPEN + chunk(BODY))
    wire.take()
    for _ in range(10):
        wire.feed(chunk(b"x" * HIGH_WATER))
    assert (wire.paused, wire.skipped) == (False, 10 * HIGH_WATER)


@pytest.mark.parametrize("together", [True, False])
def test_what_nobody_asked_for_stops_reading(together: bool) -> None:
    """Be it while nobody waits, and however much more of it comes."""
    wire, calls = new_wire(), list[bool]()
    wire.pausing(lambda: calls.append(wire.reusable))
    wire.begin("GET", None)
    wire.feed(counted(b"ok") + (b"x" if together else b""))
    assert (wire.take_body(), calls) == (b"ok", [False] if together else [])
    wire.feed(b"x")
    assert (wire.paused, set(calls), wire.ended, wire.error) == (True, {False}, True, None)


def test_a_kept_connection_goes_on_reading() -> None:
    """Or nobody would hear of its end."""
    wire, calls = new_wire(), list[int]()
    wire.pausing(lambda: calls.append(1))
    wire.begin("GET", None)
    wire.feed(counted(b"ok"))
    assert (wire.paused, wire.reusable, calls) == (False, True, [])


def test_without_anybody_to_call_it_is_paused_all_the_same(wire: _core.Wire) -> None:
    wire.feed(word(HIGH_WATER))
    assert wire.paused


def test_reading_is_paused_before_anybody_is_woken_who_may_resume_it(wire: _core.Wire) -> None:
    said: list[tuple[str, bool]] = []

    class Taker(Waiter):
        def set_result(self, result: None, /) -> None:
            wire.take()
            said.append(("woken", wire.paused))

    wire.pausing(lambda: said.append(("pause", wire.paused)))
    wire.wait(Taker())
    wire.feed(word(HIGH_WATER))
    assert said == [("pause", True), ("woken", False)]


def test_what_pausing_raises_is_raised_after_waking(wire: _core.Wire) -> None:
    def pause() -> None:
        raise ZeroDivisionError

    waiter = Waiter()
    wire.pausing(pause)
    wire.wait(waiter)
    with pytest.raises(ZeroDivisionError):
        wire.feed(word(HIGH_WATER))
    assert (waiter.woken, wire.paused, len(wire.take())) == (1, True, 1)


def test_of_two_failures_one_is_raised_and_one_is_reported(wire: _core.Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Waiter):
        def set_result(self, result: None, /) -> None:
            raise ZeroDivisionError

    def pause() -> None:
        raise KeyError("pause")

    reported: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda report: reported.append(report.exc_type))
    wire.pausing(pause)
    wire.wait(Broken())
    with pytest.raises(ZeroDivisionError):
        wire.feed(word(HIGH_WATER))
    assert reported == [KeyError]


# Time


def idle_since(wire: _core.Wire, act: Callable[[], object]) -> None:
    """The idle time starts while `act` runs: it lies between what passed since then and what passed since before."""
    before = time.monotonic()
    act()
    after = time.monotonic()
    while time.monotonic() < after + 0.02:
        pass
    least = time.monotonic() - after
    idle = wire.idle_seconds()
    assert least <= idle <= time.monotonic() - before


def test_idle_time_starts_with_the_request_and_with_every_byte(wire: _core.Wire) -> None:
    idle_since(wire, lambda: wire.feed(chunk(b": ping\n\n")))
    idle_since(wire, lambda: wire.feed(b"0\r\n\r\n"))
    idle_since(wire, lambda: wire.begin("GET", None))


def test_idle_time_starts_anew_when_somebody_begins_to_wait(wire: _core.Wire) -> None:
    idle_since(wire, lambda: wire.wait(Waiter()))


def test_something_is_pending_until_it_is_taken(wire: _core.Wire) -> None:
    assert not wire.pending
    wire.feed(word())
    assert wire.pending
    wire.take()
    assert not wire.pending
