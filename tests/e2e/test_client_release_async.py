"""However an asynchronous stream ends, the server sees it at once. Which loops and streams a client serves is in
`test_client_loops`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
import trio
from anyio import to_thread
from tests.kit.asking import NATIVE, TEXT, WAYS, WHOLE, cancelled, config, is_sync, new_client, new_loop, run
from tests.kit.credentials import Lookup
from tests.kit.server import HOLD, Reply, Server, Silent, sse_reply

import zen_native as zen

pytestmark = [
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
    # trio remarks on every generator that is left to the collector, which is what is tried here.
    pytest.mark.filterwarnings("ignore:Async generator 'zen_native:ResourceWarning"),
]

SOON = 0.25
ASYNC = [kind for kind in WAYS if not is_sync(kind)]
ASYNCIO = [kind for kind in ASYNC if kind != "trio"]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*TEXT, HOLD)) as running:
        yield running


class ProblemError(Exception):
    """Something goes wrong where the events are used."""


@asynccontextmanager
async def begun(kind: str, server: Server) -> AsyncIterator[zen.AsyncStream]:
    """A stream that has given one event; its client is closed at the end."""
    async with new_client(kind, config(server)) as client:
        stream = client.stream("mine/m", "hi")
        await anext(stream)
        yield stream


async def hung_up(server: Server) -> bool:
    """Whether the server sees the end soon; the loop goes on meanwhile."""
    for _ in range(25):
        if server.hung_up.is_set():
            return True
        await anyio.sleep(SOON / 25)
    return False


@pytest.mark.parametrize("kind", ASYNC)
def test_an_async_loop_that_is_left_hangs_up(kind: str, server: Server) -> None:
    async def main() -> bool:
        async with new_client(kind, config(server)) as client:
            async for _ in client.stream("mine/m", "hi"):
                break
            return await hung_up(server)

    assert run(kind, main)


@pytest.mark.parametrize("kind", ASYNC)
def test_an_error_in_an_async_loop_hangs_up(kind: str, server: Server) -> None:
    async def main() -> bool:
        async with begun(kind, server) as stream:
            with pytest.raises(ProblemError):  # noqa: PT012 - the loop is what is left
                async for _ in stream:
                    raise ProblemError
            return await hung_up(server)

    assert run(kind, main)


@pytest.mark.parametrize("kind", ASYNC)
def test_what_nobody_holds_hangs_up_asynchronously(kind: str, server: Server) -> None:
    async def main() -> bool:
        async with new_client(kind, config(server)) as client:
            stream = client.stream("mine/m", "hi")
            await anext(stream)
            del stream
            return await hung_up(server)

    assert run(kind, main)


@pytest.mark.parametrize("kind", [kind for kind in ASYNCIO if kind in NATIVE])
def test_what_nobody_holds_hangs_up_while_the_loop_stands_still(kind: str, server: Server) -> None:
    loop = new_loop(kind)
    client = new_client(kind, config(server))

    async def begin() -> zen.AsyncStream:
        stream = client.stream("mine/m", "hi")
        await anext(stream)
        return stream

    stream = loop.run_until_complete(begin())
    del stream
    assert server.hung_up.wait(SOON)
    loop.run_until_complete(client.aclose())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@pytest.mark.parametrize("kind", ASYNC)
def test_the_end_of_an_async_block_hangs_up(kind: str, server: Server) -> None:
    async def main() -> bool:
        async with begun(kind, server) as stream:
            async with stream:
                pass
            return await hung_up(server)

    assert run(kind, main)


@pytest.mark.parametrize("kind", ASYNCIO)
def test_a_cancelled_task_hangs_up(kind: str, server: Server) -> None:
    async def main() -> bool:
        async with new_client(kind, config(server)) as client:
            task = asyncio.create_task(client.generate("mine/m", "hi"))
            while not server.requests:  # noqa: ASYNC110 - the server is in other threads
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await hung_up(server)

    assert run(kind, main)


@pytest.mark.parametrize("kind", ASYNC)
@pytest.mark.parametrize("answered", [True, False])
def test_another_task_may_hang_up(kind: str, answered: bool, server: Server) -> None:
    """While the answer comes, and before there is one."""
    said: list[object] = []
    if not answered:
        server.plays(Reply([HOLD], raw=True))

    async def main() -> bool:
        async with new_client(kind, config(server)) as client, anyio.create_task_group() as group:
            stream = client.stream("mine/m", "hi")

            async def listen() -> None:
                try:
                    async for event in stream:
                        said.append(event)  # noqa: PERF401 - what came before counts
                except RuntimeError as error:
                    said.append(str(error))

            group.start_soon(listen)
            while not (said if answered else server.requests):  # noqa: ASYNC110 - the server is in other threads
                await anyio.sleep(0.01)
            await stream.aclose()
            return await hung_up(server)

    assert run(kind, main)
    assert said[-1] == "the stream was closed before its end"
    assert bool(said[:-1]) is answered


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_who_waits_for_the_connection_of_another_may_be_hung_up_on(kind: str, server: Server) -> None:
    """The answer before has ended, but the rest of its body does not come: nothing may go out afterwards."""
    server.plays(sse_reply(*WHOLE, HOLD), sse_reply(*WHOLE))

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            await client.generate("mine/m", "first")
            stream = client.stream("mine/m", "second")
            reading = asyncio.create_task(anext(stream))
            await asyncio.sleep(0)
            await stream.aclose()
            with pytest.raises(RuntimeError, match="the stream was closed before its end"):
                await reading
            await client.generate("mine/m", "third")

    run(kind, main)
    assert [b"second" in request.body for request in server.requests] == [False, False]


@pytest.mark.parametrize("kind", ASYNC)
def test_nothing_goes_out_that_was_hung_up_on_while_its_credentials_were_looked_up(
    kind: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though there is a connection, and so nothing more to wait for."""
    server.plays(sse_reply(*WHOLE))
    lookup = Lookup()

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            await client.generate("mine/m", "first")
            lookup.begin(monkeypatch)
            stream = client.stream("mine/m", "second")

            async def read() -> None:
                with pytest.raises(RuntimeError, match="the stream was closed before its end"):
                    await anext(stream)

            async with anyio.create_task_group() as group:
                group.start_soon(read)
                assert await to_thread.run_sync(lookup.asked.wait, 5)
                await stream.aclose()
                lookup.found.set()
            await client.generate("mine/m", "third")

    run(kind, main)
    assert [b"second" in request.body for request in server.requests] == [False, False]


@pytest.mark.parametrize("kind", [kind for kind in ASYNCIO if kind in NATIVE])
def test_another_task_may_hang_up_at_any_turn(kind: str, server: Server) -> None:
    """While it connects, has just connected, sends, waits."""
    server.plays(Reply([HOLD], raw=True))

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            for turns in range(60):
                stream = client.stream("mine/m", "hi")
                waiting = asyncio.create_task(stream.until_done())
                for turn in range(turns):
                    await asyncio.sleep(0.001 if turn % 8 == 7 else 0)
                await stream.aclose()
                with pytest.raises(RuntimeError, match="closed before its end"):
                    await waiting
            assert await asyncio.to_thread(server.wait_for, lambda: server.held_open == 0)

    run(kind, main)


def test_a_cancelled_scope_hangs_up(server: Server) -> None:
    async def asked() -> None:
        while not server.requests:  # noqa: ASYNC110 - the server is in other threads
            await trio.sleep(0.01)

    async def main() -> bool:
        async with new_client("trio", config(server)) as client:
            await cancelled("trio", client, asked)
            return await hung_up(server)

    assert trio.run(main)


@pytest.mark.parametrize("kind", ASYNCIO)
def test_a_task_that_is_cancelled_between_events_hangs_up(kind: str, server: Server) -> None:
    async def main() -> bool:
        async with new_client(kind, config(server)) as client:

            async def listen() -> None:
                async for _ in client.stream("mine/m", "hi"):
                    await asyncio.sleep(60)

            task = asyncio.create_task(listen())
            while not server.requests:  # noqa: ASYNC110 - the server is in other threads
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await hung_up(server)

    assert run(kind, main)


async def pass_turns(count: int, nap: float) -> None:
    for turn in range(count):
        await anyio.sleep(nap if turn % 8 == 7 else 0)


@pytest.mark.parametrize("kind", ASYNC)
def test_streams_that_are_cancelled_anywhere_leave_nothing_behind(kind: str, server: Server) -> None:
    """At each turn of the loop: while it connects, sends, waits for the head, reads."""

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            for turns in range(60):
                await cancelled(kind, client, partial(pass_turns, turns, 0))
                await cancelled(kind, client, partial(pass_turns, turns, 0.001))
            while server.held_open:  # noqa: ASYNC110 - the server is in other threads
                await anyio.sleep(0.01)
            server.plays(sse_reply(*WHOLE))
            assert (await client.generate("mine/m", "hi")).text == "Hello"

    run(kind, main)
    assert server.requests


@pytest.mark.parametrize("kind", ASYNC)
def test_who_is_cancelled_in_a_handshake_hangs_up(kind: str) -> None:
    async def main(silent: Silent) -> bool:
        async with new_client(kind, config(silent)) as client:
            await cancelled(kind, client, lambda: to_thread.run_sync(silent.greeted.wait, 5))
            return await to_thread.run_sync(silent.left.wait, SOON)

    with Silent() as silent:
        assert run(kind, partial(main, silent))
