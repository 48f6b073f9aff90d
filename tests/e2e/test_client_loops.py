"""A client serves several event loops, one after another and at a time, and many streams on each; which connections are
used again meanwhile. How a stream is left is in `test_client_release_async`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.kit.asking import NATIVE, TEXT, WAYS, WHOLE, config, is_sync, new_client, new_loop, run
from tests.kit.authority import Authority
from tests.kit.server import Reply, Server, sse_reply

import zen_native as zen
from zen_native.transport.native import connecting
from zen_native.transport.native.connection import Connection

pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

ASYNC = [kind for kind in WAYS if not is_sync(kind)]
ASYNCIO = [kind for kind in ASYNC if kind != "trio"]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


def test_one_client_serves_one_loop_after_another(server: Server) -> None:
    """Over the transport that each takes by itself."""
    server.plays(sse_reply(*WHOLE))
    client = zen.AsyncClient(config(server))

    async def main() -> str:
        await client.generate("mine/m", "hi")
        return (await client.generate("mine/m", "hi")).text

    for kind in ("asyncio", "trio", "asyncio"):
        assert run(kind, main) == "Hello"
        assert server.wait_for(lambda: server.held_open == 0), "a loop that is over leaves a connection behind"
    assert [request.connection for request in server.requests] == [0, 0, 1, 1, 2, 2]
    asyncio.run(client.aclose())


@pytest.mark.parametrize("kind", ASYNCIO)
def test_one_client_serves_several_loops_at_a_time(kind: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE))
    client = new_client(kind, config(server))
    texts: list[str] = []

    async def main() -> None:
        answers = [client.generate("mine/m", "hi") for _ in range(5)]
        texts.extend(answer.text for answer in await asyncio.gather(*answers))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["Hello"] * 30
    assert server.wait_for(lambda: server.held_open == 0)
    asyncio.run(client.aclose())


@pytest.mark.filterwarnings("ignore:asynchronous generator:ResourceWarning")
@pytest.mark.parametrize("kind", [kind for kind in ASYNCIO if kind in NATIVE])
def test_a_loop_that_has_closed_its_generators_goes_on(kind: str, server: Server) -> None:
    """And with them its connections, but not the client."""
    client = new_client(kind, config(server))
    with contextlib.closing(new_loop(kind)) as loop:
        for _ in range(2):
            for _ in range(2):
                assert loop.run_until_complete(client.generate("mine/m", "hi")).text == "Hello"
            loop.run_until_complete(loop.shutdown_asyncgens())
            assert server.wait_for(lambda: server.held_open == 0)
        loop.run_until_complete(client.aclose())
    assert [request.connection for request in server.requests] == [0, 0, 1, 1]


@pytest.mark.parametrize("kind", ASYNCIO)
def test_a_client_is_closed_from_another_loop(kind: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE))
    client = new_client(kind, config(server))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(client.generate("mine/m", "hi"), loop).result(5)
        assert server.held_open == 1
        asyncio.run(client.aclose())
        assert server.wait_for(lambda: server.held_open == 0)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("kind", ASYNC)
def test_many_streams_at_once(kind: str, server: Server) -> None:
    """More than the hundred connections that httpx allows by default."""
    server.plays(sse_reply(TEXT[0], 0.5, *WHOLE[1:]))

    async def main() -> int:
        done: list[str] = []
        async with new_client(kind, config(server)) as client, anyio.create_task_group() as group:

            async def one() -> None:
                done.append((await client.generate("mine/m", "hi")).text)

            for _ in range(150):
                group.start_soon(one)
        return done.count("Hello")

    assert run(kind, main) == 150


@pytest.mark.parametrize("kind", ASYNCIO)
def test_a_connection_is_used_again_however_many_others_there_are(kind: str, server: Server) -> None:
    go_on = threading.Event()
    server.plays(sse_reply(TEXT[0], lambda: go_on.wait(20), *WHOLE[1:]))

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            streams = [asyncio.create_task(client.generate("mine/m", "hi")) for _ in range(120)]
            while len(server.requests) < 120:  # noqa: ASYNC110 - the server is in other threads
                await asyncio.sleep(0.01)
            server.plays(sse_reply(*WHOLE))
            for _ in range(5):
                await client.generate("mine/m", "hi")
            go_on.set()
            await asyncio.gather(*streams)

    run(kind, main)
    assert [request.connection for request in server.requests[120:]] == [120] * 5


def in_one(*fields: str) -> Reply:
    """A whole answer, in one piece."""
    body = b"".join(WHOLE)
    lines = ["HTTP/1.1 200 X", "content-type: text/event-stream", *fields, f"content-length: {len(body)}"]
    return Reply(["\r\n".join([*lines, "", ""]).encode() + body], raw=True, kept=True)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("kind", [kind for kind in ASYNCIO if kind in NATIVE])
def test_a_connection_is_free_with_the_last_events(kind: str, secure: bool, tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def main() -> None:
        async with new_client(kind, config(server), tls=zen.Tls(ca_file=authority.file)) as client:
            async for event in client.stream("mine/m", "hi"):
                if isinstance(event, zen.Finish):
                    await client.generate("mine/m", "hi")

    with Server(in_one(), in_one(), tls=authority.server() if secure else None) as server:
        run(kind, main)
    assert [request.connection for request in server.requests] == [0, 0]


@pytest.mark.parametrize("kind", [kind for kind in ASYNCIO if kind in NATIVE])
@pytest.mark.parametrize("parts", [1, 2])
def test_a_kept_connection_holds_no_headers(kind: str, parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    class Noted(Connection):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            assert (await client.generate("mine/m", "hi")).text == "Hello"
            assert [each.wire.head for each in made] == [(200, {})]

    monkeypatch.setattr(connecting, "Connection", Noted)
    answer = in_one("set-cookie: session=secret")
    whole: bytes = answer.parts[0]
    answer = Reply([whole] if parts == 1 else [whole[:-20], whole[-20:]], raw=True, kept=True)
    with Server(answer) as server:
        run(kind, main)
