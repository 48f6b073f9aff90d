"""Who reads a stream: one at a time, and whoever comes meanwhile is told so and spoils nothing."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import zen_native as zen
from zen_native._io import drive
from zen_native._kept import Kept

TAKEN = "^another task or thread is reading this stream$"
EVENT = zen.TextDelta("0", "Hello")

READ: dict[str, Callable[[zen.Stream], object]] = {
    "a loop": list,
    "next": next,
    "batches": lambda stream: list(stream.batches()),
    "until_done": zen.Stream.until_done,
}


async def all_of(stream: zen.AsyncStream) -> list[zen.LLMEvent]:
    return [event async for event in stream]


async def batches_of(stream: zen.AsyncStream) -> list[list[zen.LLMEvent]]:
    return [batch async for batch in stream.batches()]


READ_ASYNC: dict[str, Callable[[zen.AsyncStream], Awaitable[object]]] = {
    "a loop": all_of,
    "next": anext,
    "batches": batches_of,
    "until_done": zen.AsyncStream.until_done,
}


class Slow:
    """A source of one event, which comes when `wait` returns."""

    incoming = None

    def __init__(self, wait: Callable[[], Awaitable[object]]) -> None:
        self.closed = 0
        self._wait = wait
        self._left = [[EVENT]]

    async def batch(self) -> list[zen.LLMEvent]:
        if not self._left:
            return []
        await self._wait()
        return [*self._left.pop()]

    async def close(self) -> None:
        self.closed += 1

    def abandon(self) -> None:
        self.closed += 1

    def steady(self) -> Iterator[list[zen.LLMEvent]]:
        return iter(())

    def response(self) -> zen.LLMResponse:
        return Kept().response()


class Steady(Slow):
    """The same, with an event before that, and one that takes no coroutine: all but the first come when `wait`
    returns."""

    def __init__(self, wait: Callable[[], Awaitable[object]]) -> None:
        super().__init__(wait)
        self._began = self._gave = False

    async def batch(self) -> list[zen.LLMEvent]:
        if self._began:
            return await super().batch()
        self._began = True
        return [EVENT]

    def steady(self) -> Iterator[list[zen.LLMEvent]]:
        return iter(()) if self._gave else self._one()

    def _one(self) -> Iterator[list[zen.LLMEvent]]:
        self._gave = True
        drive(self._waited())
        yield [EVENT]

    async def _waited(self) -> None:
        await self._wait()


@pytest.mark.parametrize(("kind", "count"), [(Slow, 1), (Steady, 3)], ids=["slow", "steady"])
@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_a_second_thread(read: Callable[[zen.Stream], object], kind: type[Slow], count: int) -> None:
    inside, go = threading.Event(), threading.Event()

    async def wait() -> None:
        inside.set()
        assert go.wait(20)

    source = kind(wait)
    stream = zen.Stream(source)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(lambda: list(stream))
        assert inside.wait(20)
        with pytest.raises(RuntimeError, match=TAKEN):
            read(stream)
        assert source.closed == 0
        go.set()
        assert first.result(20) == [EVENT] * count
    assert source.closed == 1


@pytest.mark.parametrize("kind", [Slow, Steady], ids=["slow", "steady"])
@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_another_thread_hangs_up(read: Callable[[zen.Stream], object], kind: type[Slow]) -> None:
    inside, go = threading.Event(), threading.Event()

    async def wait() -> None:
        inside.set()
        assert go.wait(20)

    source = kind(wait)
    stream = zen.Stream(source)
    if kind is Steady:
        assert next(stream) == EVENT
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(lambda: read(stream))
        assert inside.wait(20)
        stream.close()
        go.set()
        with pytest.raises(RuntimeError, match=r"^the stream was closed before its end$"):
            first.result(20)
    assert source.closed == 1


@pytest.mark.parametrize("read", READ_ASYNC.values(), ids=READ_ASYNC)
def test_a_second_task(read: Callable[[zen.AsyncStream], Awaitable[object]]) -> None:
    async def main() -> None:
        go = asyncio.Event()
        source = Slow(go.wait)
        stream = zen.AsyncStream(source)
        first = asyncio.create_task(all_of(stream))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=TAKEN):
            await read(stream)
        assert source.closed == 0
        go.set()
        assert await first == [EVENT]
        assert source.closed == 1

    asyncio.run(main())


def test_a_task_may_read_on_where_another_was_cancelled() -> None:
    """`anext` in a task of its own was cancelled: that hangs up, and is no other reader."""

    async def main() -> None:
        stream = zen.AsyncStream(Slow(asyncio.Event().wait))
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(RuntimeError, match=r"^the stream was closed before its end$"):
            await anext(stream)

    asyncio.run(main())


def test_what_has_come_to_its_end_is_asked_for_anew() -> None:
    """Behind the batch that somebody looked at, the next events need no coroutine again."""

    class Again(Slow):
        asked = batches = 0

        async def batch(self) -> list[zen.LLMEvent]:
            self.batches += 1
            return [] if self.batches > 3 else [EVENT]

        def steady(self) -> Iterator[list[zen.LLMEvent]]:
            self.asked += 1
            return iter([[EVENT, EVENT]])

    source = Again(asyncio.Event().wait)
    assert list(zen.Stream(source)) == [EVENT] * 9
    assert (source.asked, source.batches) == (3, 4)


def test_what_is_no_longer_the_way_is_not_taken() -> None:
    """Another thread has looked at what came, and begun anew, just before this one's turn."""

    class Ways(Slow):
        def __init__(self) -> None:
            super().__init__(asyncio.Event().wait)
            self.ways: list[Iterator[list[zen.LLMEvent]]] = []

        async def batch(self) -> list[zen.LLMEvent]:
            return [EVENT]

        def steady(self) -> Iterator[list[zen.LLMEvent]]:
            self.ways.append(iter([[EVENT]] * 2))
            return self.ways[-1]

    class Turn(list[None]):
        def pop(self, *_: object) -> None:
            if len(source.ways) == 1:
                source.ways.append(iter(()))
                stream._turn = [None]
                drive(stream._batch())
                stream._turn = self
            return super().pop()

    source = Ways()
    stream = zen.Stream(source)
    next(stream)
    stream._turn = Turn([None])
    next(stream)
    assert [len(list(way)) for way in source.ways] == [2, 0, 1]


def test_what_a_closed_stream_read_from_is_let_go_of() -> None:
    """It may be held for its response long after: not with a connection and a buffer."""

    class Reading(Slow):
        def steady(self) -> Iterator[list[zen.LLMEvent]]:
            found = ([EVENT] for _ in range(9))
            self.held = weakref.ref(found)
            return found

    async def at_once() -> None:
        return

    source = Reading(at_once)
    stream = zen.Stream(source)
    assert [next(stream), next(stream)] == [EVENT, EVENT]
    assert source.held() is not None
    stream.close()
    assert source.held() is None
