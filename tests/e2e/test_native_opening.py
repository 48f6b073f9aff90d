"""A client that is closed while tasks open connections over the native transport, which may take long: they are told
at once, and what they had opened is closed."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.kit.asking import NATIVE, WHOLE, config, is_sync, new_client, run
from tests.kit.full import Full
from tests.kit.server import Server, Silent, sse_reply

import zen_native as zen
from zen_native.transport import tls
from zen_native.transport.native.connecting import Connector
from zen_native.transport.native.connection import Connection
from zen_native.transport.native.origin import Origin
from zen_native.transport.tls import context_of

KINDS = [kind for kind in NATIVE if not is_sync(kind)]
LATE = zen.Timeouts(connect=60)
CLOSED = "the client is closed"


class Held:
    """Functions that wait, where a thread of the loop calls them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.called = threading.Event()
        self.over = threading.Event()
        self._monkeypatch = monkeypatch

    def hold(self, owner: object, name: str) -> None:
        """That one does, until it is over."""
        real = getattr(owner, name)

        def waiting(*arguments: Any, **keywords: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                self.called.set()
                assert self.over.wait(20)
            return real(*arguments, **keywords)

        self._monkeypatch.setattr(owner, name, waiting)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    made = Held(monkeypatch)
    yield made
    made.over.set()


async def told(client: Any, begun: Callable[[], Awaitable[object]], elsewhere: bool = False, count: int = 1) -> None:
    """Requests of a client that is closed when they have begun, in a thread and a loop of its own if `elsewhere`."""
    asked = [asyncio.create_task(client.generate("mine/m", "hi")) for _ in range(count)]
    await begun()
    await (asyncio.to_thread(asyncio.run, client.aclose()) if elsewhere else client.aclose())
    done, _ = await asyncio.wait(asked, timeout=5)
    assert {str(each.exception()) for each in done} == {CLOSED}
    assert {type(each.exception()) for each in done} == {RuntimeError}
    assert len(done) == count


async def soon() -> None:
    """By when a task waits for the server."""
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", KINDS)
def test_who_connects_is_told(kind: str, scheme: str, elsewhere: bool) -> None:
    context_of()  # or a thread would make it first
    with closing(Full(scheme=scheme)) as server:
        run(kind, lambda: told(new_client(kind, config(server), timeouts=LATE), soon, elsewhere, count=9))


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_who_shakes_hands_is_told(kind: str, elsewhere: bool) -> None:
    with Silent() as silent:

        async def main() -> None:
            client = new_client(kind, config(silent), timeouts=LATE)
            await told(client, lambda: asyncio.to_thread(silent.greeted.wait, 5), elsewhere)
            assert await asyncio.to_thread(silent.left.wait, 5)

        run(kind, main)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        *((kind, "the authorities") for kind in KINDS),
        ("native-asyncio", "a name"),  # uvloop asks the system itself
    ],
)
def test_who_waits_for_a_thread_is_told(kind: str, what: str, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which reads the authorities of the system, or looks up a name."""
    monkeypatch.setattr(tls, "_CONTEXTS", {})

    async def main() -> None:
        client = new_client(kind, settings, timeouts=LATE)
        try:
            await told(client, lambda: asyncio.to_thread(held.called.wait, 5))
        finally:
            held.over.set()

    with Server(sse_reply(*WHOLE)) as server:
        port = server.url.rpartition(":")[2].partition("/")[0]
        if what == "a name":
            held.hold(socket, "getaddrinfo")
            server.url = f"http://localhost:{port}"
        else:
            held.hold(ssl, "create_default_context")
            server.url = f"https://127.0.0.1:{port}"
        settings = config(server)
        run(kind, main)
        assert server.connections == 0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_sent_for_a_stream_that_was_closed_as_its_connection_came(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same turn of the loop."""
    connected = Connector.connected
    streams: list[zen.AsyncStream] = []

    async def closing_then(connector: Connector, origin: Origin) -> Connection:
        made = await connected(connector, origin)
        asyncio.get_running_loop().create_task(streams[0].aclose())
        await asyncio.sleep(0)
        return made

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            streams.append(client.stream("mine/m", "hi"))
            with pytest.raises(RuntimeError, match="the stream was closed"):
                await anext(streams[0])

    monkeypatch.setattr(Connector, "connected", closing_then)
    with Server(sse_reply(*WHOLE)) as server:
        run(kind, main)
        assert server.wait_for(lambda: server.connections == 1 and server.held_open == 0)
        assert server.requests == []
