"""The rest of a body behind an answer that is whole, over the native transport on an event loop: who waits for it, and
who does not have to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, config, is_sync, new_client, run
from tests.kit.http1 import chunked
from tests.kit.server import HOLD, Reply, Server, sse_reply

from zen_native.transport.native import aio, rest

pytestmark = pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])


@pytest.fixture
def go_on() -> threading.Event:
    """The first answer goes on."""
    return threading.Event()


@pytest.fixture
def server(go_on: threading.Event) -> Iterator[Server]:
    """Sends the rest of its first answer when it may, and all others at once."""
    with Server(sse_reply(*WHOLE, lambda: go_on.wait(20)), sse_reply(*WHOLE)) as running:
        yield running
        go_on.set()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rest may take long."""
    monkeypatch.setattr(rest, "REST_SECONDS", 20.0)


def test_one_request_at_most_waits_for_it(kind: str, server: Server, go_on: threading.Event) -> None:
    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            await client.generate("mine/m", "first")
            heir = asyncio.create_task(client.generate("mine/m", "second"))
            await asyncio.sleep(0)
            third = await asyncio.wait_for(client.generate("mine/m", "third"), 5)
            assert third.text == "Hello"
            assert not heir.done()
            go_on.set()
            assert (await asyncio.wait_for(heir, 5)).text == "Hello"

    run(kind, main)
    assert server.connections == 2


def test_a_stream_that_waits_for_it_may_be_closed_by_another_task(kind: str, server: Server) -> None:
    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            await client.generate("mine/m", "hi")
            heir = client.stream("mine/m", "hi")
            waiting = asyncio.ensure_future(anext(heir))
            await asyncio.sleep(0)
            await heir.aclose()
            ended = await asyncio.wait_for(asyncio.gather(waiting, return_exceptions=True), 5)
            assert isinstance(ended[0], Exception)

    run(kind, main)
    assert (len(server.requests), server.connections) == (1, 1)


def test_nobody_waits_for_that_of_another_origin(kind: str, server: Server) -> None:
    async def main() -> None:
        with Server(sse_reply(*WHOLE)) as other:
            async with new_client(kind, config(server, other)) as client:
                await client.generate("mine/m", "hi")
                answer = await asyncio.wait_for(client.generate("other/m", "hi"), 5)
                assert answer.text == "Hello"

    run(kind, main)


def test_nobody_waits_for_a_connection_that_carries_no_other_request(
    kind: str, server: Server, go_on: threading.Event
) -> None:
    async def main() -> None:
        async with new_client(kind, config(server, headers={"connection": "close"})) as client:
            for _ in range(2):
                assert (await asyncio.wait_for(client.generate("mine/m", "hi"), 5)).text == "Hello"
            go_on.set()
            assert await asyncio.to_thread(server.wait_for, lambda: server.held_open == 0)

    run(kind, main)
    assert server.connections == 2


@pytest.mark.parametrize("seconds", [0.05, 20.0], ids=["it takes too long", "it is cut"])
def test_one_that_does_not_come_is_left(
    kind: str, seconds: float, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever waits for its connection has another one."""
    monkeypatch.setattr(rest, "REST_SECONDS", seconds)
    cut = threading.Event()
    server.plays(sse_reply(*WHOLE, HOLD if seconds < 1 else lambda: cut.wait(20), "cut"), sse_reply(*WHOLE))

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            await client.generate("mine/m", "hi")
            heir = asyncio.create_task(client.generate("mine/m", "hi"))
            await asyncio.sleep(0)
            cut.set()
            assert (await asyncio.wait_for(heir, 5)).text == "Hello"
            assert await asyncio.to_thread(server.wait_for, lambda: server.held_open == 1)

    run(kind, main)
    assert [request.connection for request in server.requests] == [0, 1]
    assert caplog.records == []


def test_nothing_is_opened_in_its_place_for_a_client_that_is_closed(kind: str, server: Server) -> None:
    async def main() -> None:
        client = new_client(kind, config(server))
        await client.generate("mine/m", "hi")
        heir = asyncio.create_task(client.generate("mine/m", "hi"))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(RuntimeError, match="the client is closed"):
            await asyncio.wait_for(heir, 5)

    run(kind, main)
    assert (len(server.requests), server.connections) == (1, 1)


def test_nobody_inherits_a_connection_of_a_client_that_is_being_closed(
    kind: str, server: Server, go_on: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes a while where there are many, and the rest may come meanwhile."""
    monkeypatch.setattr(aio, "_AT_A_TIME", 1)
    sent = threading.Event()
    answer = chunked(*WHOLE)
    first = [answer[:-5], lambda: go_on.wait(20), answer[-5:], sent.set]
    server.plays(Reply(first, raw=True, kept=True), sse_reply(TEXT[0], HOLD))

    async def main() -> None:
        with Server(sse_reply(TEXT[0], HOLD)) as other:
            client = new_client(kind, config(server, other))
            streams = [client.stream("other/m", "hi") for _ in range(40)]
            for stream in streams:
                await anext(stream)
            await client.generate("mine/m", "hi")
            heir = asyncio.create_task(client.generate("mine/m", "hi"))
            await asyncio.sleep(0)
            closing = asyncio.create_task(client.aclose())
            for _ in range(2):
                await asyncio.sleep(0)
            go_on.set()
            assert sent.wait(5)  # the loop hears of it in its next turn
            await closing
            with pytest.raises(RuntimeError, match="the client is closed"):
                await asyncio.wait_for(heir, 5)

    run(kind, main)
    assert len(server.requests) == 1
