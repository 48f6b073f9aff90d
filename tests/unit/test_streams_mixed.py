"""A stream that is read in several ways at once: every event goes to one reader, in order, whichever way it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

import zen_native as zen

EVENTS: list[zen.LLMEvent] = [zen.TextDelta("text-0", str(number)) for number in range(9)]


class Counting:
    """A source of batches of three events, of which all but the first need no coroutine where it is steady."""

    incoming = None

    def __init__(self, steady: bool) -> None:
        self._steady = steady
        self._left = iter([EVENTS[at : at + 3] for at in range(0, len(EVENTS), 3)])

    async def batch(self) -> list[zen.LLMEvent]:
        return next(self._left, [])

    def steady(self) -> Iterator[list[zen.LLMEvent]]:
        return self._left if self._steady else iter(())

    async def close(self) -> None:
        """There is nothing to let go of."""

    def abandon(self) -> None:
        """There is nothing to let go of."""

    def response(self) -> zen.LLMResponse:
        return zen.LLMResponse()


def a_loop_that_takes_more(stream: zen.Stream) -> list[zen.LLMEvent]:
    seen: list[zen.LLMEvent] = []
    for event in stream:
        seen.append(event)
        seen += [more for more in (next(stream, None),) if more]
    return seen


def batches_that_take_more(stream: zen.Stream) -> list[zen.LLMEvent]:
    seen: list[zen.LLMEvent] = []
    for batch in stream.batches():
        seen += batch
        seen += [more for more in (next(stream, None),) if more]
    return seen


WAYS: dict[str, Callable[[zen.Stream], list[zen.LLMEvent]]] = {
    "a loop that takes more": a_loop_that_takes_more,
    "batches that take more": batches_that_take_more,
    "one, and a loop": lambda stream: [next(stream), *stream],
    "one, and batches": lambda stream: [next(stream), *sum(stream.batches(), list[zen.LLMEvent]())],
    "four, and batches": lambda stream: [next(stream) for _ in range(4)] + sum(stream.batches(), list[zen.LLMEvent]()),
}


@pytest.mark.parametrize("steady", [False, True], ids=["slow", "steady"])
@pytest.mark.parametrize("read", WAYS.values(), ids=WAYS)
def test_no_event_is_lost(read: Callable[[zen.Stream], list[zen.LLMEvent]], steady: bool) -> None:
    assert read(zen.Stream(Counting(steady))) == EVENTS


async def an_async_loop_that_takes_more(stream: zen.AsyncStream) -> list[zen.LLMEvent]:
    seen: list[zen.LLMEvent] = []
    async for event in stream:
        seen.append(event)
        seen += [more for more in (await anext(stream, None),) if more]
    return seen


async def async_batches_that_take_more(stream: zen.AsyncStream) -> list[zen.LLMEvent]:
    seen: list[zen.LLMEvent] = []
    async for batch in stream.batches():
        seen += batch
        seen += [more for more in (await anext(stream, None),) if more]
    return seen


async def some_and_a_loop(stream: zen.AsyncStream) -> list[zen.LLMEvent]:
    return [await anext(stream)] + [event async for event in stream]


async def some_and_batches(stream: zen.AsyncStream) -> list[zen.LLMEvent]:
    first = [await anext(stream) for _ in range(4)]
    return first + [event async for batch in stream.batches() for event in batch]


ASYNC_WAYS: dict[str, Callable[[zen.AsyncStream], Awaitable[list[zen.LLMEvent]]]] = {
    "a loop that takes more": an_async_loop_that_takes_more,
    "batches that take more": async_batches_that_take_more,
    "one, and a loop": some_and_a_loop,
    "four, and batches": some_and_batches,
}


@pytest.mark.parametrize("read", ASYNC_WAYS.values(), ids=ASYNC_WAYS)
def test_no_event_is_lost_on_an_event_loop(
    read: Callable[[zen.AsyncStream], Awaitable[list[zen.LLMEvent]]],
) -> None:
    async def main() -> None:
        assert await read(zen.AsyncStream(Counting(steady=False))) == EVENTS

    asyncio.run(main())
