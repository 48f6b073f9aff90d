"""Many threads: all with one client, or each with an event loop and a client of its own, or with a loop of its own and
one client for all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from common import ARGUMENTS, ASK, options

import zen_native as zen

THREADS = 8
TURNS = 5

texts: list[str] = []


def at_once(work: Callable[..., object], *arguments: Any) -> None:
    """Let the threads go, and wait for all."""
    start = threading.Barrier(THREADS)

    def begin() -> None:
        start.wait()
        work(*arguments)

    threads = [threading.Thread(target=begin) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ask(client: zen.Client) -> None:
    """Several requests, one after the other."""
    texts.extend(client.generate(*ASK).text for _ in range(TURNS))


async def ask_in_a_loop(client: zen.AsyncClient) -> None:
    """Several requests, at the same time."""
    answers = await asyncio.gather(*(client.generate(*ASK) for _ in range(TURNS)))
    texts.extend(answer.text for answer in answers)


async def ask_alone() -> None:
    """The same with a client of one's own."""
    async with zen.AsyncClient(**options()) as client:
        await ask_in_a_loop(client)


def main(how: str) -> None:
    """As the argument says."""
    if how == "one-client":
        with zen.Client(**options()) as client:
            at_once(ask, client)
    elif how == "clients":
        at_once(lambda: asyncio.run(ask_alone()))
    else:
        shared = zen.AsyncClient(**options())
        at_once(lambda: asyncio.run(ask_in_a_loop(shared)))
        asyncio.run(shared.aclose())
    print(len(texts), set(texts))


if __name__ == "__main__":
    main(*ARGUMENTS)
