"""Ends while an answer still comes, or lies about unread, in the way that the first argument names."""

from __future__ import annotations

import asyncio
import atexit
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from common import ARGUMENTS, ASK, options, run

import zen_native as zen

kept: list[object] = []
"""As a module's variables are: until the interpreter takes the module apart."""


def leave() -> NoReturn:
    """End with a code that no accident has."""
    print("left")
    sys.exit(3)


# Without an event loop


def in_a_loop() -> None:
    """In a loop over the events, inside of `with`."""
    with zen.Client(**options()) as client:
        for _ in client.stream(*ASK):
            leave()


def with_a_client_that_nobody_closes() -> None:
    """In a loop, with a client that lives as long as the module."""
    kept.append(client := zen.Client(**options()))
    for _ in client.stream(*ASK):
        leave()


def with_an_iterator_that_is_kept() -> None:
    """With an iterator that lives as long as the module."""
    events = iter(zen.Client(**options()).stream(*ASK))
    next(events)
    kept.append(events)
    leave()


def with_a_stream_that_is_kept() -> None:
    """With a stream that lives as long as the module."""
    stream = zen.Client(**options()).stream(*ASK)
    next(stream)
    kept.append(stream)
    leave()


def with_a_generator_in_a_cycle() -> None:
    """With a generator that only the collector finds, at the end."""
    generator = zen.Client(**options()).stream(*ASK).batches()
    cycle: list[object] = [generator]
    cycle.append(cycle)
    next(generator)
    del generator
    leave()


def beside_a_daemon() -> None:
    """While a thread that nobody waits for reads."""
    began = threading.Event()

    def read() -> None:
        for _ in zen.Client(**options()).stream(*ASK):
            began.set()

    threading.Thread(target=read, daemon=True).start()
    began.wait()
    leave()


def beside_a_daemon_that_reads_on() -> None:
    """While a thread that nobody waits for is about to read on, as it does when all that was to close has closed."""
    began, reads_on = threading.Event(), threading.Event()
    atexit.register(time.sleep, 0.2)  # what is registered first is called last
    atexit.register(reads_on.set)

    def read() -> None:
        for _ in zen.Client(**options()).stream(*ASK):
            began.set()
            reads_on.wait()

    threading.Thread(target=read, daemon=True).start()
    began.wait()
    leave()


# With one


async def begun(client: zen.AsyncClient) -> zen.AsyncStream:
    """A stream that has given one event."""
    stream = client.stream(*ASK)
    await anext(stream)
    return stream


async def in_an_async_loop() -> None:
    """In a loop over the events, inside of `async with`."""
    async with zen.AsyncClient(**options()) as client:
        async for _ in client.stream(*ASK):
            leave()


async def with_an_open_stream() -> None:
    """The main coroutine returns, and nobody holds the stream any more."""
    kept.append(zen.AsyncClient(**options()))
    await begun(zen.AsyncClient(**options()))
    leave()


async def with_an_async_stream_that_is_kept() -> None:
    """The main coroutine returns; the stream lives as long as the module."""
    kept.append(await begun(zen.AsyncClient(**options())))
    leave()


async def with_an_async_generator_in_a_cycle() -> None:
    """With a generator that only the collector finds, at the end."""
    stream = zen.AsyncClient(**options()).stream(*ASK).batches()
    await anext(stream)
    cycle: list[object] = [stream]
    cycle.append(cycle)
    leave()


async def beside_a_task() -> None:
    """The main coroutine returns; `asyncio.run` cancels the task that reads."""
    began = asyncio.Event()

    async def read() -> None:
        async for _ in zen.AsyncClient(**options()).stream(*ASK):
            began.set()

    kept.append(asyncio.create_task(read()))
    await began.wait()
    leave()


def beside_a_daemon_with_a_loop() -> None:
    """While the event loop of a thread reads that nobody waits for."""
    began = threading.Event()

    async def read() -> None:
        async for _ in zen.AsyncClient(**options()).stream(*ASK):
            began.set()

    threading.Thread(target=run, args=(read(),), daemon=True).start()
    began.wait()
    leave()


SYNC: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        in_a_loop,
        with_a_client_that_nobody_closes,
        with_an_iterator_that_is_kept,
        with_a_stream_that_is_kept,
        with_a_generator_in_a_cycle,
        beside_a_daemon,
        beside_a_daemon_that_reads_on,
        beside_a_daemon_with_a_loop,
    )
}
ASYNC: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    each.__name__: each
    for each in (
        in_an_async_loop,
        with_an_open_stream,
        with_an_async_stream_that_is_kept,
        with_an_async_generator_in_a_cycle,
        beside_a_task,
    )
}

if __name__ == "__main__":
    (name,) = ARGUMENTS
    if name in SYNC:
        SYNC[name]()
    else:
        run(ASYNC[name]())
