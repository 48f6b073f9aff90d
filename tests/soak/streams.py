"""The streams of a soak on asyncio: very many to their end, and many that are left at random points in every way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

from tests.soak.tally import EVENTS, MODEL, Tally

import zen_native as zen

__all__ = ["leave_many", "read_many"]

_TURNS = 80
"""Of the event loop: enough to connect, send and wait."""


async def read_many(client: zen.AsyncClient, tally: Tally, at_once: int) -> None:
    """So many streams at once, again and again; the first ones go on when all of them are open."""
    all_open = asyncio.Event()

    async def work() -> None:
        for _ in tally.numbers():
            failed = None
            try:
                await _read(client, tally, at_once, all_open)
            except zen.LLMError as error:
                failed = error
                all_open.set()
            tally.end(failed)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


async def _read(client: zen.AsyncClient, tally: Tally, at_once: int, all_open: asyncio.Event) -> None:
    async with client.stream(MODEL, "hi") as stream:
        await anext(stream)
        if tally.open(+1) == at_once:
            all_open.set()
        await all_open.wait()
        try:
            response = await stream.until_done()
        finally:
            tally.open(-1)
    tally.check(response)


async def leave_many(client: zen.AsyncClient, tally: Tally, at_once: int, seconds: float, seed: int) -> None:
    """Streams that are left; a whole one would take those seconds."""
    rng = Random(seed)
    ways = (_cancel_after_turns, _cancel_after_time, _break, _close_elsewhere, _drop)

    async def work() -> None:
        for _ in tally.numbers():
            failed = None
            try:
                await rng.choice(ways)(client, rng, seconds)
            except zen.LLMError as error:
                failed = error
            tally.end(failed)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


# --- ways to leave


async def _cancel_after_turns(client: zen.AsyncClient, rng: Random, seconds: float) -> None:
    turns = rng.randrange(_TURNS)

    async def wait() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    await _cancel(client, wait)


async def _cancel_after_time(client: zen.AsyncClient, rng: Random, seconds: float) -> None:
    await _cancel(client, lambda: asyncio.sleep(rng.random() * seconds))


async def _cancel(client: zen.AsyncClient, wait: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.create_task(client.generate(MODEL, "hi"))
    await wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _break(client: zen.AsyncClient, rng: Random, seconds: float) -> None:
    left = rng.randrange(EVENTS)
    async for _ in client.stream(MODEL, "hi"):
        if not left:
            break
        left -= 1


async def _close_elsewhere(client: zen.AsyncClient, rng: Random, seconds: float) -> None:
    stream = client.stream(MODEL, "hi")

    async def read() -> None:
        with suppress(RuntimeError):  # it was closed before its end
            await stream.until_done()

    task = asyncio.create_task(read())
    await asyncio.sleep(rng.random() * seconds)
    await stream.aclose()
    await task


async def _drop(client: zen.AsyncClient, rng: Random, seconds: float) -> None:
    stream = client.stream(MODEL, "hi")
    for _ in range(rng.randrange(EVENTS - 1)):
        await anext(stream)
    del stream
