"""A loop over an async stream: what the extension does for each event, and the same without it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import types
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from tests.kit.http1 import head, new_decoder, new_wire
from tests.kit.messages import Frame, block, delta, sse, start

import zen_native as zen
from zen_native import _core
from zen_native._kept import Kept
from zen_native.runtimes import native
from zen_native.transport.native.waiting import Waiter

Loop = AsyncGenerator[zen.LLMEvent, None] | _core.Iteration
CLOSED = "^the stream was closed before its end$"
TAKEN = "^another task or thread is reading this stream$"


def word(text: str) -> Frame:
    return delta(0, "text_delta", text=text)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Answer:
    """A source of which the reads go to the task that waits. Made in a loop."""

    def __init__(self) -> None:
        self.wire = new_wire()
        self.wire.begin("POST", new_decoder())
        first = sse(start(), block(0, "text", text=""), word("begun"))
        self.wire.feed(head("transfer-encoding: chunked") + chunk(first))
        self.waiter = Waiter(asyncio.get_running_loop())
        self.incoming = _core.Incoming(self.wire, self.waiter, [], 1000)
        self.ended = False
        self.closed = 0
        self.failure: Exception | None = None

    async def batch(self) -> list[zen.LLMEvent]:
        while not (events := self.wire.take()):
            if self.failure is not None:
                raise self.failure
            if self.ended or self.closed:
                return []
            self.waiter.expect()
            self.wire.wait(self.waiter)
            await self.waiter
        return events

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1
        self.incoming.close()
        self.waiter.set_result(None)

    def abandon(self) -> None:
        self.closed += 1

    def steady(self) -> Iterator[list[zen.LLMEvent]]:
        return iter(())

    def response(self) -> zen.LLMResponse:
        return Kept().response()

    def read(self, *words: str) -> None:
        """As a loop reads: in no task, soon."""
        data = b"".join(chunk(sse(word(text))) for text in words)
        asyncio.get_running_loop().call_soon(self.wire.feed, data)

    def end(self, failure: Exception | None = None) -> None:
        self.ended, self.failure = failure is None, failure
        self.waiter.set_result(None)


async def text_of_next(events: AsyncIterator[zen.LLMEvent]) -> str:
    return getattr(await anext(events), "text", "")


class Reading:
    """A stream over an answer of which the first events were given out; no loop has begun."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.stream = zen.AsyncStream(self.answer)

    async def next_of(self, events: AsyncIterator[zen.LLMEvent], *words: str) -> str:
        """The text of the next event, empty where it has none; these words are read meanwhile."""
        if words:
            self.answer.read(*words)
        async with asyncio.timeout(5):
            return await text_of_next(events)

    async def begun(self) -> Loop:
        """A loop that is in the middle of the text, with nothing pending."""
        events = aiter(self.stream)
        while await self.next_of(events) != "begun":
            pass
        return events

    async def waiting(self, events: Loop) -> asyncio.Task[str]:
        task = asyncio.create_task(text_of_next(events))
        await asyncio.sleep(0)
        assert self.answer.waiter.waiting
        return task


@pytest.fixture(params=["extension", "python"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ZEN_NATIVE", "0" if request.param == "python" else "")
    return str(request.param)


def running(test: Callable[[Reading], Coroutine[None, None, None]]) -> Callable[[], None]:
    async def main() -> None:
        async with asyncio.timeout(10):
            await test(Reading())

    return lambda: asyncio.run(main())


@running
async def test_one_event_a_read_and_several(reading: Reading) -> None:
    events = await reading.begun()
    assert await reading.next_of(events, "one") == "one"
    assert [await reading.next_of(events, "two", "three", "four")] == ["two"]
    assert [await reading.next_of(events), await reading.next_of(events)] == ["three", "four"]
    assert await reading.next_of(events, "five") == "five"
    assert reading.answer.closed == 0


@running
async def test_what_came_with_another_event_is_given_without_a_stop(reading: Reading) -> None:
    events = await reading.begun()
    assert await reading.next_of(events, "one", "two") == "one"
    with pytest.raises(StopIteration) as ended:
        events.__anext__().__await__().__next__()
    assert ended.value.value == zen.TextDelta("text-0", "two")


@running
async def test_single_events_and_loops_share_what_was_read(reading: Reading) -> None:
    events = await reading.begun()
    assert await reading.next_of(events, "one", "two", "three", "four") == "one"
    assert await reading.next_of(reading.stream) == "two"
    assert await reading.next_of(aiter(reading.stream)) == "three"


@running
async def test_a_second_loop_goes_on_with_what_the_first_left_pending(reading: Reading) -> None:
    first = await reading.begun()
    second = aiter(reading.stream)
    assert await reading.next_of(first, "one", "two", "three") == "one"
    assert await reading.next_of(second) == "two"
    assert await reading.next_of(first) == "three"
    assert await reading.next_of(second, "four") == "four"


@running
async def test_the_end_closes_and_stays_the_end(reading: Reading) -> None:
    events = await reading.begun()
    task = await reading.waiting(events)
    reading.answer.end()
    with pytest.raises(StopAsyncIteration):
        await task
    assert reading.answer.closed == 1
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert [event async for event in reading.stream] == []


@running
async def test_a_failure_closes_before_it_is_raised_and_ends_the_loop(reading: Reading) -> None:
    events = await reading.begun()
    task = await reading.waiting(events)
    reading.answer.end(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await task
    assert reading.answer.closed == 1
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    step: Any = events.__anext__().__await__()
    with pytest.raises(KeyError, match="thrown"):
        step.throw(KeyError("thrown"))


async def left_by_break(stream: zen.AsyncStream) -> None:
    async for _ in stream:
        break


async def left_by_return(stream: zen.AsyncStream) -> zen.LLMEvent | None:
    async for event in stream:
        return event
    return None


async def left_by_an_error(stream: zen.AsyncStream) -> None:
    async def fail() -> None:
        async for _ in stream:
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await fail()


async def dropped(stream: zen.AsyncStream) -> None:
    await anext(aiter(stream))


@pytest.mark.parametrize("leave", [left_by_break, left_by_return, left_by_an_error, dropped])
@pytest.mark.parametrize("middle", [False, True])
def test_who_leaves_hangs_up(leave: Callable[[zen.AsyncStream], Coroutine[None, None, object]], middle: bool) -> None:
    """At the first events, and in a second loop over those that were read before."""

    async def main() -> None:
        reading = Reading()
        held = None
        if middle:
            held = await reading.begun()
            assert await reading.next_of(held, "one", "two") == "one"
        await asyncio.wait_for(leave(reading.stream), 10)
        for _ in range(3):
            await asyncio.sleep(0)
        assert reading.answer.closed == 1
        with pytest.raises(RuntimeError, match=CLOSED):
            await anext(reading.stream)

    asyncio.run(main())


@running
async def test_a_loop_that_never_began_hangs_up_on_nobody(reading: Reading) -> None:
    await anext(reading.stream)
    aiter(reading.stream)
    events = aiter(reading.stream)
    await events.aclose()
    await asyncio.sleep(0)
    assert reading.answer.closed == 0
    with pytest.raises(StopAsyncIteration):
        await anext(events)


@running
async def test_who_is_cancelled_hangs_up_first(reading: Reading) -> None:
    events = await reading.begun()
    closed: list[int] = []

    async def wait() -> None:
        try:
            await anext(events)
        finally:
            closed.append(reading.answer.closed)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert closed == [1]
    with pytest.raises(StopAsyncIteration):
        await anext(events)


@running
async def test_a_second_loop_that_is_cancelled_at_its_first_wait_hangs_up(reading: Reading) -> None:
    held = await reading.begun()
    task = await reading.waiting(aiter(reading.stream))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reading.answer.closed == 1
    del held


@running
async def test_a_second_loop_is_refused_and_over_and_the_first_goes_on(reading: Reading) -> None:
    first, second = await reading.begun(), aiter(reading.stream)
    task = await reading.waiting(first)
    with pytest.raises(RuntimeError, match=TAKEN):
        await anext(second)
    reading.answer.read("one", "two")
    assert await task == "one"
    with pytest.raises(StopAsyncIteration):
        await anext(second)
    assert await reading.next_of(first) == "two"
    assert reading.answer.closed == 0


@pytest.mark.parametrize("early", [False, True], ids=["waits for a read", "waits for the first events"])
def test_a_second_task_in_the_same_loop_is_refused_and_the_first_goes_on(early: bool) -> None:
    @running
    async def test(reading: Reading) -> None:
        events: Loop = aiter(reading.stream)
        if early:
            reading.answer.wire.take()
        else:
            events = await reading.begun()
        task = await reading.waiting(events)
        with pytest.raises(RuntimeError):
            await anext(events)
        with pytest.raises(RuntimeError):
            await events.aclose()
        reading.answer.read("one")
        assert await task == "one"
        assert reading.answer.closed == 0

    test()


@running
async def test_another_task_hangs_up(reading: Reading) -> None:
    events = await reading.begun()
    task = await reading.waiting(events)
    await reading.stream.aclose()
    with pytest.raises(RuntimeError, match=CLOSED):
        await task
    assert reading.answer.closed == 1


@running
async def test_the_iterator_can_be_closed(reading: Reading) -> None:
    async with aclosing(aiter(reading.stream)) as events:
        await anext(events)
    assert reading.answer.closed == 1
    with pytest.raises(StopAsyncIteration):
        await anext(events)


@running
async def test_a_waiting_task_that_nobody_holds_is_collected_with_its_loop(reading: Reading) -> None:
    task = await reading.waiting(await reading.begun())
    gone = weakref.ref(task)
    source = weakref.ref(reading.answer)
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # it says that the task was pending
    reading.__dict__.clear()
    del task
    for _ in range(3):
        gc.collect()
        await asyncio.sleep(0)
    assert gone() is None
    assert source() is None


@running
async def test_a_wait_that_is_left_before_it_began_is_nothing(reading: Reading) -> None:
    held = await reading.begun()
    events = aiter(reading.stream)
    step: Any = events.__anext__().__await__()
    step.close()
    assert await reading.next_of(events, "one") == "one"
    del events, step
    for _ in range(3):
        await asyncio.sleep(0)
    assert reading.answer.closed == 1
    del held


class Elsewhere(Answer):
    """Another way of waiting than a future."""

    incoming: Any

    def __init__(self) -> None:
        self.incoming = None
        self.closed = 0
        self.got: list[object] = []

    async def batch(self) -> list[zen.LLMEvent]:
        @types.coroutine
        def suspended() -> Generator[str, object, None]:
            self.got.append((yield "waits"))

        await suspended()
        return [zen.TextDelta("0", "one")]

    async def close(self) -> None:
        self.closed += 1


def test_what_waits_in_its_own_way_is_sent_and_thrown_what_comes() -> None:
    source = Elsewhere()
    events = aiter(zen.AsyncStream(source))
    step: Any = events.__anext__().__await__()
    assert step.send(None) == "waits"
    with pytest.raises(StopIteration) as ended:
        step.send("a value")
    assert ended.value.value == zen.TextDelta("0", "one")
    assert source.got == ["a value"]
    step = events.__anext__().__await__()
    assert next(step) == "waits"
    with pytest.raises(KeyError, match="thrown"):
        step.throw(KeyError("thrown"))
    assert source.closed == 1


def test_it_is_the_extension_s_where_that_is_there_and_wanted(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def made() -> object:
        return aiter(Reading().stream)

    assert (type(asyncio.run(made())) is _core.Iteration) is (way == "extension")
    monkeypatch.setattr(native, "_core", None)
    stream = zen.AsyncStream(Elsewhere())
    assert inspect.isasyncgen(aiter(stream))
