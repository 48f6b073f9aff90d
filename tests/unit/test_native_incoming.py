"""`Incoming`: what of an answer a task gets by awaiting it alone, and what it leaves for others to look at."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine

import pytest
from tests.kit.feeding import text
from tests.kit.http1 import chunk, head, new_decoder
from tests.kit.messages import STOP, block, delta, end, json_delta, sse, start, stop
from tests.kit.under_way import COMPLETE, OTHERS, begun, new_waiter, word

import zen_native as zen
from zen_native import _core
from zen_native._kept import Kept
from zen_native.response import fold

HIGH_WATER = 256 << 10


class Answer:
    """One under way, with nothing pending, and who waits for it. Made in a loop."""

    def __init__(self, most: int = 1000) -> None:
        self.wire = begun()
        self.waiter = new_waiter()
        self.kept = Kept()
        self.incoming = _core.Incoming(self.wire, self.waiter, self.kept.events, most)

    async def next(self) -> list[zen.LLMEvent]:
        return await self.incoming

    async def waiting(self) -> asyncio.Task[list[zen.LLMEvent]]:
        """A task that waits for the next."""
        task = asyncio.create_task(self.next())
        await asyncio.sleep(0)
        assert self.incoming.waiting
        return task

    async def read(self, data: bytes) -> None:
        """As a loop reads: in no task."""
        read = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: read.set_result(self.wire.feed(data)))
        await read


def running(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    return lambda: asyncio.run(test())


@running
async def test_the_events_of_a_read_come_within_the_read_and_are_kept() -> None:
    answer = Answer()
    log: list[str] = []

    async def consume() -> None:
        log.append(text(await answer.incoming))

    def read() -> None:
        answer.wire.feed(word("one ") + word("two "))
        log.append("the read is over")

    task = asyncio.create_task(consume())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(read)
    await task
    await asyncio.sleep(0)
    assert log == ["one two ", "the read is over"]
    assert text(answer.kept.whole()) == "one two "


@running
async def test_what_came_meanwhile_is_given_without_a_stop() -> None:
    answer = Answer()
    for each in ("one ", "two "):
        answer.wire.feed(word(each))
    with pytest.raises(StopIteration) as ended:
        next(answer.incoming)
    assert text(ended.value.value) == "one two "
    assert not answer.incoming.waiting
    assert not answer.wire.pending


# What is kept


@running
async def test_of_more_deltas_of_a_block_the_texts_are_kept() -> None:
    answer = Answer()
    given: list[zen.LLMEvent] = []
    reads = [
        [delta(0, "text_delta", text="a "), delta(0, "text_delta", text="b ")],
        [block(1, "thinking", thinking=""), delta(1, "thinking_delta", thinking="c ")],
        [delta(1, "thinking_delta", thinking="d ")],
        [delta(0, "text_delta", text="e "), delta(0, "text_delta", text="f ")],
        [block(2, "tool_use", id="toolu_1", name="look", input={}), json_delta(2, "{"), json_delta(2, "}")],
        [delta(0, "text_delta", text="g "), delta(1, "thinking_delta", thinking="h ")],
        [delta(1, "thinking_delta", thinking="i "), stop(1)],
    ]
    for frames in reads:
        answer.wire.feed(chunk(sse(*frames)))
        given += await answer.incoming
    assert [event for event in answer.kept.events if isinstance(event, str)] == ["b ", "d ", "f ", "i "]
    assert fold(answer.kept.whole()) == fold(given)
    assert answer.kept.response() == fold(given)
    assert not [event for event in answer.kept.whole() if isinstance(event, zen.ToolInputDelta)]


@running
async def test_a_text_goes_with_the_delta_before_it_whoever_kept_that() -> None:
    answer = Answer()
    answer.wire.feed(word("one "))
    assert text(await answer.incoming) == "one "
    answer.waiter.remind()
    assert await answer.incoming == []
    answer.kept.add([zen.ReasoningDelta("reasoning-7", "hm")])
    answer.wire.feed(word("two ") + word("three "))
    given = await answer.incoming
    assert [type(event) for event in answer.kept.events] == [zen.TextDelta, zen.ReasoningDelta, zen.TextDelta, str]
    assert text(answer.kept.whole()) == "one two three "
    assert text(given) == "two three "


def test_a_text_without_its_delta_is_an_error() -> None:
    kept = Kept()
    kept.events.append("lost")
    with pytest.raises(ValueError, match="belongs to no delta"):
        kept.response()


def test_another_thread_may_look_at_what_is_kept() -> None:
    kept, said = Kept(), 0
    over, lost = threading.Event(), list[str]()

    def look() -> None:
        while not over.is_set():
            least = said
            found = text(kept.whole())
            if len(found) < least or set(found) - {"x"}:
                lost.append(found)

    looking, before = threading.Thread(target=look), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    looking.start()
    try:
        for _ in range(100):
            kept.add([zen.TextDelta("t", "x")])
            kept.events += [zen.TextDelta("t", ""), *"x" * 1000]
            said += 1001
    finally:
        over.set()
        looking.join()
        sys.setswitchinterval(before)
    assert lost == []
    assert text(kept.whole()) == "x" * said


@running
async def test_the_collector_has_nothing_to_look_for() -> None:
    answer = Answer(most=10_000)
    gc.collect()
    gc.disable()
    try:
        before = gc.get_count()[0]
        for _ in range(2_000):
            answer.wire.feed(word())
            await answer.incoming
        assert gc.get_count()[0] - before < 100
    finally:
        gc.enable()
    assert text(answer.kept.whole()) == "word" * 2_000


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("happens", OTHERS.values(), ids=OTHERS)
def test_everything_else_is_left_alone(happens: Callable[[_core.Wire], object], waits: bool) -> None:
    async def main() -> None:
        answer = Answer()
        if waits:
            task = await answer.waiting()
            asyncio.get_running_loop().call_soon(happens, answer.wire)
            assert await asyncio.wait_for(task, 5) == []
        else:
            happens(answer.wire)
            assert await asyncio.wait_for(answer.next(), 5) == []
        assert answer.kept.events == []
        assert answer.wire.pending is (happens is OTHERS[COMPLETE])

    asyncio.run(main())


@running
async def test_who_is_woken_for_nothing_looks() -> None:
    answer = Answer()
    task = await answer.waiting()
    asyncio.get_running_loop().call_soon(answer.waiter.set_result, None)
    assert await asyncio.wait_for(task, 5) == []


@running
async def test_who_comes_after_a_reminder_looks_once() -> None:
    answer = Answer()
    answer.wire.feed(word())
    answer.waiter.remind()
    assert await answer.next() == []
    assert text(await answer.next()) == "word"


@running
async def test_a_connection_whose_reading_was_paused_is_resumed_by_who_takes_the_events() -> None:
    answer = Answer()
    for _ in range(1 + HIGH_WATER // (8 << 10)):
        answer.wire.feed(word("x" * (8 << 10)))
    assert answer.wire.paused
    assert await answer.next() == []
    assert answer.wire.pending


@running
async def test_after_so_many_events_who_keeps_them_may_look() -> None:
    answer = Answer(most=3)
    given: list[int] = []
    for _ in range(6):
        answer.wire.feed(word() + word())
        given.append(len(await answer.next()))
    assert given == [2, 2, 0, 4, 0, 4]
    assert len(answer.kept.events) == 12


@running
async def test_a_second_task_gets_nothing_and_does_not_disturb_the_first() -> None:
    answer = Answer()
    task = await answer.waiting()
    assert await answer.next() == []
    assert answer.incoming.waiting
    await answer.read(word())
    assert text(await task) == "word"


@running
async def test_a_task_that_was_cancelled_takes_nothing_with_it() -> None:
    answer = Answer()
    task = await answer.waiting()
    task.cancel("enough")
    await answer.read(word())
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert not answer.incoming.waiting
    assert text(await answer.next()) == "word"


@running
async def test_a_timeout_around_it_is_its_own() -> None:
    answer = Answer()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await answer.incoming
    answer.wire.feed(word())
    assert text(await answer.next()) == "word"


@running
async def test_when_it_was_closed_it_does_not_touch_the_next_answer() -> None:
    answer = Answer()
    answer.wire.feed(chunk(sse(stop(0), end("end_turn", {}), STOP)) + b"0\r\n\r\n")
    answer.incoming.close()
    answer.wire.begin("POST", new_decoder())
    answer.wire.feed(head("transfer-encoding: chunked") + chunk(sse(start(), block(0, "text", text=""))) + word())
    assert await answer.next() == []
    assert text(answer.wire.take()) == "word"


@running
async def test_a_waiting_task_that_nobody_holds_is_collected_with_what_it_waits_for() -> None:
    answer = Answer()
    task = await answer.waiting()
    gone = weakref.ref(task)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it says that the task was pending
    del task, answer
    gc.collect()
    assert gone() is None
