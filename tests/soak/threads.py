"""The streams of a soak in threads, over the synchronous client: the same as `tests.soak.streams` has on asyncio."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

from tests.soak.tally import EVENTS, MODEL, Tally

import zen_native as zen

__all__ = ["leave_many", "read_many"]

_PATIENCE = 120.0


def read_many(client: zen.Client, tally: Tally, at_once: int) -> None:
    """So many streams at once, again and again; the first ones go on when all of them are open."""
    all_open = threading.Event()

    def read() -> None:
        with client.stream(MODEL, "hi") as stream:
            next(stream)
            if tally.open(+1) == at_once:
                all_open.set()
            all_open.wait(_PATIENCE)
            try:
                response = stream.until_done()
            finally:
                tally.open(-1)
        tally.check(response)

    def work() -> None:
        for _ in tally.numbers():
            _counted(tally, read)

    _in_threads(work, at_once)


def leave_many(client: zen.Client, tally: Tally, at_once: int, seconds: float, seed: int) -> None:
    """Streams that are left; a whole one would take those seconds."""
    rng = Random(seed)
    ways = (_break, _fail, _close_elsewhere, _drop)

    def work() -> None:
        for _ in tally.numbers():
            way = rng.choice(ways)
            _counted(tally, lambda: way(client, rng, seconds))  # noqa: B023 - it is called at once

    _in_threads(work, at_once)


def _counted(tally: Tally, call: Callable[[], None]) -> None:
    failed = None
    try:
        call()
    except zen.LLMError as error:
        failed = error
    tally.end(failed)


def _in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- ways to leave


class _EnoughError(Exception):
    """Goes wrong where the events are used."""


def _break(client: zen.Client, rng: Random, seconds: float) -> None:
    left = rng.randrange(EVENTS)
    for _ in client.stream(MODEL, "hi"):
        if not left:
            break
        left -= 1


def _fail(client: zen.Client, rng: Random, seconds: float) -> None:
    left = rng.randrange(EVENTS)
    with suppress(_EnoughError):
        for _ in client.stream(MODEL, "hi"):
            if not left:
                raise _EnoughError
            left -= 1


def _close_elsewhere(client: zen.Client, rng: Random, seconds: float) -> None:
    stream = client.stream(MODEL, "hi")

    def close() -> None:
        time.sleep(rng.random() * seconds)
        stream.close()

    thread = threading.Thread(target=close)
    thread.start()
    with suppress(RuntimeError):  # it was closed before its end
        stream.until_done()
    thread.join()


def _drop(client: zen.Client, rng: Random, seconds: float) -> None:
    stream = client.stream(MODEL, "hi")
    for _ in range(rng.randrange(EVENTS - 1)):
        next(stream)
    del stream
