"""What is over is forgotten by the native transport, however long its client lives: connections and timers."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest
from tests.kit.asking import NATIVE, WHOLE, ask_again, config, new_client, run
from tests.kit.http1 import counted
from tests.kit.server import Reply, Server, sse_reply

from zen_native.transport.native.blocking_connection import BlockingConnection
from zen_native.transport.native.connection import Connection


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> WeakSet[Any]:
    """The connections that something holds."""
    made = WeakSet[Any]()
    for kind in (Connection, BlockingConnection):
        init: Any = kind.__init__

        def noted(connection: Any, *args: Any, init: Any = init) -> None:
            init(connection, *args)
            made.add(connection)

        monkeypatch.setattr(kind, "__init__", noted)
    return made


@pytest.mark.parametrize("by_server", [False, True])
@pytest.mark.parametrize("kind", NATIVE)
def test_connections_that_are_over(kind: str, by_server: bool, server: Server, alive: WeakSet[Any]) -> None:
    if by_server:
        server.plays(Reply([counted(b"".join(WHOLE))], raw=True))
    found = list[int]()

    def before(number: int) -> None:
        assert server.wait_for(lambda: server.connections == number)
        gc.collect()
        found.append(len(alive))

    settings = config(server) if by_server else config(server, headers={"connection": "close"})
    heard = ask_again(kind, settings, 8, before=before)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 8
    assert max(found) <= 2  # the last one may have its end before it


def test_timers_of_a_client_that_is_closed(server: Server) -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        async with new_client("native-asyncio", config(server)) as client:
            await asyncio.gather(*(client.generate("mine/m", "hi") for _ in range(3)))
        assert [timer for timer in loop._scheduled if not timer.cancelled()] == []

    run("native-asyncio", main)
