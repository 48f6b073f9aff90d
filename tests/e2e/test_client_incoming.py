"""Live answers whose events an async client takes straight from the read: who else may read, and what is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.kit.asking import WAYS, WHOLE, config, is_sync, new_client, run
from tests.kit.chat import chunk, sse
from tests.kit.server import HOLD, Server, sse_reply

import zen_native as zen

pytestmark = pytest.mark.parametrize("kind", [kind for kind in WAYS if kind != "trio" and not is_sync(kind)])

WORDS = 3000


async def drained(events: AsyncIterator[object]) -> None:
    async for _ in events:
        pass


READ: dict[str, Callable[[zen.AsyncStream], Awaitable[object]]] = {
    "a loop": lambda stream: drained(aiter(stream)),
    "next": anext,
    "batches": lambda stream: drained(stream.batches()),
    "until_done": zen.AsyncStream.until_done,
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_a_second_reader_is_told_and_the_first_reads_on(
    kind: str, read: Callable[[zen.AsyncStream], Awaitable[object]]
) -> None:
    goes_on = threading.Event()

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            stream = client.stream("mine/m", "Hi")
            begun = asyncio.Event()

            async def consume() -> str:
                texts: list[str] = []
                async for event in stream:
                    if isinstance(event, zen.TextDelta):
                        texts.append(event.text)
                        begun.set()
                return "".join(texts)

            first = asyncio.create_task(consume())
            await begun.wait()
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match=r"^another task or thread is reading this stream$"):
                await read(stream)
            goes_on.set()
            assert await first == "Hello"
            assert stream.response.text == "Hello"

    with Server(sse_reply(WHOLE[0], lambda: goes_on.wait(20), *WHOLE[1:])) as server:
        run(kind, main)


def test_of_a_long_answer_all_is_told_and_little_kept(kind: str) -> None:
    words = [f"{number} " for number in range(WORDS)]
    parts = [sse(chunk({"content": word})) for word in words]

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            stream = client.stream("mine/m", "Hi")
            texts = [event.text async for event in stream if isinstance(event, zen.TextDelta)]
            assert texts == words
            assert stream.response.text == "".join(words)
            assert len(stream._source._kept.events) < WORDS // 2

    with Server(sse_reply(*parts, *WHOLE[2:])) as server:
        run(kind, main)


def test_an_error_in_mid_stream_brings_all_that_was_given_out(kind: str) -> None:
    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            with pytest.raises(zen.LLMError) as failed:
                await drained(aiter(client.stream("mine/m", "Hi")))
            assert failed.value.partial is not None
            assert failed.value.partial.text == "word " * 50

    parts = [sse(chunk({"content": "word "}))] * 50
    with Server(sse_reply(*parts, sse('{"error":{"message":"overloaded","type":"server_error"}}'))) as server:
        run(kind, main)


@pytest.mark.parametrize(("phase", "seconds"), [("idle", 0.2), ("total", 1.0)])
@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_a_limit_that_passes_while_nobody_waits_counts_for_who_waits_next(
    kind: str, read: Callable[[zen.AsyncStream], Awaitable[object]], phase: str, seconds: float
) -> None:
    """The consumer takes longer over an event than any wait may, and then the server says no more."""
    limits = zen.Timeouts(**{phase: seconds})

    async def main() -> None:
        async with new_client(kind, config(server), timeouts=limits) as client:
            stream = client.stream("mine/m", "Hi")
            while not isinstance(await anext(stream), zen.TextDelta):
                pass
            await asyncio.sleep(1.5 * seconds)
            with pytest.raises(zen.StreamTimeoutError) as failed:
                await asyncio.wait_for(read(stream), 10)
            assert failed.value.phase == phase

    with Server(sse_reply(WHOLE[0], HOLD)) as server:
        run(kind, main)
