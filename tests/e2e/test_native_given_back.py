"""An answer over the native transport is given back once, in whatever order its ends are called: a turn more would be a
connection more than there may be, and a connection that is kept twice would have two answers at a time."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, config, in_turn, is_sync, new_client, run
from tests.kit.http1 import counted
from tests.kit.server import CUT, HOLD, Reply, Server, sse_reply

import zen_native as zen
from zen_native.transport.base import HttpRequest
from zen_native.transport.limits import Watch
from zen_native.transport.native import waiting
from zen_native.transport.native.aio import AioTransport
from zen_native.transport.native.blocking import BlockingTransport

TWO = zen.ConnectionLimits(max_connections=2)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


@pytest.mark.parametrize("first", ["close", "finish", "abandon"])
@pytest.mark.parametrize("then", ["close", "finish", "abandon"])
@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize("kind", NATIVE)
def test_an_answer_is_given_back_once(kind: str, is_read: bool, first: str, then: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE) if is_read else sse_reply(HOLD), sse_reply(TEXT[0], HOLD))
    request = HttpRequest("POST", server.url, {}, b"")

    async def main() -> None:
        transport: Any = BlockingTransport(limits=TWO) if is_sync(kind) else AioTransport(limits=TWO)
        exchange = await transport.send(request, Watch(zen.Timeouts()))
        while is_read and await exchange.read():
            pass
        for name in (first, then, then):
            if inspect.isawaitable(ended := getattr(exchange, name)()):
                await ended
        others = [await transport.send(request, Watch(zen.Timeouts())) for _ in range(2)]
        with pytest.raises(zen.PoolTimeoutError):
            await transport.send(request, Watch(zen.Timeouts(connect=0.05)))
        if inspect.isawaitable(ended := getattr(exchange, then)()):  # when others may have the connection
            await ended
        assert [await each.read() for each in others] == [TEXT[0]] * 2
        with pytest.raises(zen.PoolTimeoutError):
            await transport.send(request, Watch(zen.Timeouts(connect=0.05)))
        await transport.close()

    in_turn(kind, main)
    assert len({request.connection for request in server.requests[1:]}) == 2


async def whole(client: zen.AsyncClient) -> None:
    await client.generate("mine/m", "hi")


async def closed(client: zen.AsyncClient) -> None:
    stream = client.stream("mine/m", "hi")
    await anext(stream)
    await stream.aclose()


async def abandoned(client: zen.AsyncClient) -> None:
    stream = client.stream("mine/m", "hi")
    await anext(stream)
    del stream
    gc.collect()


@pytest.mark.parametrize("end", [whole, closed, abandoned])
@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_a_timer_goes_on_from_one_answer_to_the_next(
    kind: str,
    end: Callable[[zen.AsyncClient], Coroutine[Any, Any, None]],
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A limit of minutes would hold what the request was for as long."""
    if end is not whole:
        server.plays(sse_reply(*TEXT, HOLD))
    made, init = list[None](), waiting._Bell.__init__

    def noted(bell: Any, *args: Any) -> None:
        made.append(None)
        init(bell, *args)

    monkeypatch.setattr(waiting._Bell, "__init__", noted)

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            for _ in range(5):
                await end(client)

    run(kind, main)
    assert len(server.requests) == 5
    assert len(made) <= 2  # who abandons one has it given back soon


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_a_connection_that_is_over_takes_the_place_of_no_other(kind: str, server: Server) -> None:
    """Two of three may be kept, and the server hangs up on the second."""
    whole, end = counted(b"".join(WHOLE)), threading.Event()
    turns = [threading.Event() for _ in range(3)]
    first, second, third = ([partial(turn.wait, 20), whole] for turn in turns)
    cut = Reply([*second, partial(end.wait, 20), CUT], raw=True)
    server.plays(Reply(first, raw=True, kept=True), cut, Reply(third, raw=True, kept=True), sse_reply(*WHOLE))

    async def main() -> None:
        async with new_client(kind, config(server), connections=zen.ConnectionLimits(max_idle=2)) as client:
            asked = []
            for count in range(1, 4):
                asked.append(asyncio.create_task(client.generate("mine/m", "hi")))
                assert await asyncio.to_thread(server.wait_for, lambda count=count: len(server.requests) == count)
            for turn, answer in zip(turns, asked, strict=True):
                if turn is turns[2]:
                    end.set()
                    assert await asyncio.to_thread(server.wait_for, lambda: server.held_open == 2)
                turn.set()
                await answer
            await asyncio.gather(*(client.generate("mine/m", "hi") for _ in range(2)))

    run(kind, main)
    assert server.connections == 3
