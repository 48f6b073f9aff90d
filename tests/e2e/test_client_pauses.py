"""A call that waits to be sent again, for as long as its provider asked: it ends at once when its stream or its
client is closed, whatever thread, task or event loop does that."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest
from tests.kit.asking import WAYS, WHOLE, config, is_sync, new_client, run
from tests.kit.server import Reply, Server, sse_reply

import zen_native as zen
from zen_native._io import AsyncIo
from zen_native.transport.limits import Watch

CLOSED = {"client": "the client is closed", "stream": "the stream was closed before its end"}


@pytest.fixture(params=[429, 503])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Of a rate limit there is a second wait, which all who have the key share."""
    with Server(sse_reply(*WHOLE)) as running:
        running.plays(Reply((b"{}",), status=request.param, headers={"retry-after": "50"}), sse_reply(*WHOLE))
        yield running


def until_it_waits(client: Any) -> None:
    """Between two sendings."""
    until = time.monotonic() + 5
    while not client._transports._waiting:
        assert time.monotonic() < until
        time.sleep(0.001)


def checked(client: Any, server: Server, error: BaseException | None, who: str, began: float) -> None:
    """It was told at once, and nothing is left of it."""
    assert (type(error), str(error)) == (RuntimeError, CLOSED[who])
    assert time.monotonic() - began < 10
    assert not client._transports._waiting
    assert len(server.requests) == 1


@pytest.mark.parametrize("who", CLOSED)
@pytest.mark.parametrize("kind", WAYS)
def test_who_waits_to_send_again_is_told_at_once(kind: str, who: str, server: Server) -> None:
    """By another thread, or another task."""
    client, began = new_client(kind, config(server)), time.monotonic()
    stream = client.stream("mine/m", "hi")
    closed = client if who == "client" else stream
    errors: list[BaseException] = []

    def ask() -> None:
        with pytest.raises(RuntimeError) as caught:
            stream.until_done()
        errors.append(caught.value)

    async def close() -> None:
        await anyio.to_thread.run_sync(until_it_waits, client)
        await closed.aclose()

    async def ask_and_close() -> None:
        async with client, anyio.create_task_group() as others:
            others.start_soon(close)
            with pytest.raises(RuntimeError) as caught:
                await stream.until_done()
            errors.append(caught.value)

    if is_sync(kind):
        asking = threading.Thread(target=ask)
        asking.start()
        until_it_waits(client)
        closed.close()
        asking.join(10)
        client.close()
    else:
        run(kind, ask_and_close)
    checked(client, server, errors[0], who, began)


@pytest.mark.parametrize("kind", [way for way in WAYS if not is_sync(way) and way != "trio"])
def test_who_waits_on_another_event_loop_is_told_at_once(kind: str, server: Server) -> None:
    client, began = new_client(kind, config(server)), time.monotonic()

    def close() -> None:
        until_it_waits(client)
        run(kind, client.aclose)

    async def ask() -> BaseException | None:
        try:
            await client.stream("mine/m", "hi").until_done()
        except RuntimeError as error:
            return error
        return None

    closing = threading.Thread(target=close)
    closing.start()
    error = run(kind, ask)
    closing.join(10)
    checked(client, server, error, "client", began)


def test_a_loop_that_ended_meanwhile_is_told_nothing() -> None:
    """Without ado: its task waits for good."""
    watch, loop = Watch(zen.Timeouts()), asyncio.new_event_loop()
    waiting = loop.create_task(AsyncIo().pause(50, watch))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    watch.hang_up()
    assert not waiting.done()
