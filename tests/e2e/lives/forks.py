"""Forks a process whose client has a connection, in the way that the first argument names: parent and child ask."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from common import ARGUMENTS, ASK, options

import zen_native as zen
from zen_native.transport.native.idle import Idle

NAME, *FILES = ARGUMENTS
MORE = {"tls": zen.Tls(ca_file=FILES[0])} if FILES else {}
QUICK = zen.RetryPolicy(base=0.01)
FEW = zen.ConnectionLimits(max_connections=4)
ELSEWHERE = (type, ModuleType, FunctionType, asyncio.AbstractEventLoop)
"""What leads to all that there is."""


def joined(child: int) -> None:
    """Wait for the child, and tell how it ended."""
    print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def say(who: str, answer: zen.LLMResponse) -> None:
    """Tell who got what."""
    print(who, answer.text)


def with_a_kept_connection() -> None:
    """The child asks, closes the client, and ends as a process does that was started."""
    client = zen.Client(**options(**MORE))
    say("before", client.generate(*ASK))
    child = os.fork()
    if child == 0:
        say("inside", client.generate(*ASK))
        client.close()
        sys.exit(5)
    joined(child)
    say("after", client.generate(*ASK))
    client.close()


def in_a_stream() -> None:
    """The child asks with the client whose stream it has inherited, which it is not let read."""
    with zen.Client(**options(**MORE)) as client, client.stream(*ASK) as stream:
        next(stream)
        child = os.fork()
        if child == 0:
            say("inside", client.generate(*ASK))
            try:
                stream.until_done()
            except RuntimeError:
                sys.exit(5)
        joined(child)
        say("after", stream.until_done())


def beside_a_reader() -> None:
    """While another thread waits in a stream, which there is not in the child. The child closes what it inherited."""
    warnings.simplefilter("ignore", DeprecationWarning)  # what they say of a fork beside threads
    client = zen.Client(**options(**MORE))
    stream = client.stream(*ASK)
    began = threading.Event()
    said: list[str] = []

    def read() -> None:
        for event in stream:
            said.append(event.type)
            if event.type == "text-delta":
                began.set()

    thread = threading.Thread(target=read)
    thread.start()
    began.wait()
    child = os.fork()
    if child == 0:
        say("inside", client.generate(*ASK))
        stream.close()
        client.close()
        os._exit(5)
    joined(child)
    thread.join()
    print("after", said.count("text-delta"))
    client.close()


def beside_a_giver() -> None:
    """While another thread gives its connection back, and is in the middle of that: for good in the child."""
    warnings.simplefilter("ignore", DeprecationWarning)
    client = zen.Client(**options(**MORE))
    inside, go_on = threading.Event(), threading.Event()
    keep = Idle.put

    def put(*arguments: Any) -> Any:
        inside.set()
        go_on.wait()
        return keep(*arguments)

    Idle.put = put  # type: ignore[method-assign] - one that waits, until the fork
    thread = threading.Thread(target=lambda: say("before", client.generate(*ASK)))
    thread.start()
    inside.wait()
    Idle.put = keep  # type: ignore[method-assign] - the real one again, before the child needs it
    child = os.fork()
    if child == 0:
        say("inside", client.generate(*ASK))
        client.close()
        os._exit(5)
    joined(child)
    go_on.set()
    thread.join()
    say("after", client.generate(*ASK))
    client.close()


def beside_who_has_every_lock() -> None:
    """Of the client and an open stream: for good in the child, which asks, is refused and asks again, and closes."""
    warnings.simplefilter("ignore", DeprecationWarning)
    client = zen.Client(**options(retry=QUICK, connections=FEW, **MORE))
    stream = client.stream(*ASK)
    next(stream)
    with Holding(client, stream):
        child = os.fork()
        if child == 0:
            stream.close()
            say("inside", client.generate(*ASK))
            say("inside", client.generate(*ASK, generation={"temperature": 0.5}))
            client.close()
            os._exit(5)
        joined(child)
    say("after", stream.until_done())
    client.close()


def beside_who_has_every_lock_of_a_loop() -> None:
    """The same in a process with event loops, one after the other."""
    warnings.simplefilter("ignore", DeprecationWarning)
    client = zen.AsyncClient(**options(retry=QUICK, connections=FEW, **MORE))

    async def ask_twice() -> None:
        say("inside", await client.generate(*ASK))
        await ask_and_close("inside", client)

    with asyncio.Runner() as runner:
        say("before", runner.run(client.generate(*ASK)))
        with Holding(client):
            child = os.fork()
            if child == 0:
                asyncio.run(ask_twice())
                os._exit(5)
            joined(child)
        runner.run(ask_and_close("after", client))


class Holding:
    """In the block, another thread has all locks that can be reached from these."""

    def __init__(self, *roots: object) -> None:
        self._locks = locks_of(*roots)
        self._inside, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        self._locks = [lock for lock in self._locks if lock.acquire(blocking=False)]  # others are taken for good
        self._inside.set()
        self._over.wait()
        for lock in self._locks:
            lock.release()

    def __enter__(self) -> None:
        self._thread.start()
        self._inside.wait()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


def locks_of(*roots: object) -> list[Any]:
    """Every lock once, but those of httpcore itself, which are its own to mend."""
    seen: dict[int, object] = {}
    unseen = [*roots]
    while unseen:
        each = unseen.pop()
        if id(each) not in seen and not isinstance(each, ELSEWHERE) and type(each).__module__[:8] != "httpcore":
            seen[id(each)] = each
            unseen += gc.get_referents(each)
    return [each for each in seen.values() if isinstance(each, type(threading.Lock()) | type(threading.RLock()))]


def beside_a_loop() -> None:
    """The loop of the parent is not running, but open; the child has a fresh one."""
    client = zen.AsyncClient(**options(**MORE))
    with asyncio.Runner() as runner:
        say("before", runner.run(client.generate(*ASK)))
        child = os.fork()
        if child == 0:
            asyncio.run(ask_and_close("inside", client))
            os._exit(5)
        joined(child)
        runner.run(ask_and_close("after", client))


def on_a_loop() -> None:
    """The child goes on with its copy of the parent's loop."""
    client = zen.AsyncClient(**options(**MORE))
    with asyncio.Runner() as runner:
        say("before", runner.run(client.generate(*ASK)))
        child = os.fork()
        if child == 0:
            say("inside", runner.run(client.generate(*ASK)))
            os._exit(5)
        joined(child)
        runner.run(ask_and_close("after", client))


def out_of_a_loop() -> None:
    """The child ends its copy of the parent's loop on its way out, and with it what the client has there."""
    client = zen.AsyncClient(**options(**MORE))
    with asyncio.Runner() as runner:
        say("before", runner.run(client.generate(*ASK)))
        child = os.fork()
        if child == 0:
            sys.exit(5)
        joined(child)
        runner.run(ask_and_close("after", client))


async def ask_and_close(who: str, client: zen.AsyncClient) -> None:
    """One request, the last of this client."""
    async with client:
        say(who, await client.generate(*ASK))


def in_a_loop() -> None:
    """The loop of the parent is running, with an open stream; the child leaves it alone, and has a fresh one."""
    asyncio.run(fork_in_a_loop())


async def fork_in_a_loop() -> None:
    """In a task of the loop."""
    async with zen.AsyncClient(**options(**MORE)) as client, client.stream(*ASK) as stream:
        await anext(stream)
        child = os.fork()
        if child == 0:
            # A task has no other loop than its own, but another thread has.
            thread = threading.Thread(target=asyncio.run, args=(ask_and_close("inside", client),))
            thread.start()
            thread.join()
            os._exit(5)
        joined(child)
        say("after", await stream.until_done())


NAMES: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        with_a_kept_connection,
        in_a_stream,
        beside_a_reader,
        beside_a_giver,
        beside_who_has_every_lock,
        beside_who_has_every_lock_of_a_loop,
        beside_a_loop,
        on_a_loop,
        out_of_a_loop,
        in_a_loop,
    )
}

if __name__ == "__main__":
    NAMES[NAME]()
