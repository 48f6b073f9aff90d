"""A connection outlives the request that opened it, and does not keep what that knew: its context variables, and with
them spans, sessions, whole users."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, config, is_sync, new_client, run
from tests.kit.authority import Authority
from tests.kit.chat import chunk, sse
from tests.kit.server import HOLD, Reply, Server, sse_reply

import zen_native as zen
from zen_native.transport.native.connection import Connection

KINDS = [kind for kind in NATIVE if not is_sync(kind)]


class Span:
    """What a request knows."""


SPAN: ContextVar[Span] = ContextVar("SPAN")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Server]:
    with Server(tls=authority.server() if request.param else None) as running:
        yield running


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """The connections whose reading has been paused."""
    paused: list[Connection] = []
    pause = Connection.pause

    def noted(connection: Connection) -> None:
        paused.append(connection)
        pause(connection)

    monkeypatch.setattr(Connection, "pause", noted)
    return paused


async def ask(client: zen.AsyncClient, pauses: list[Connection]) -> weakref.ref[Span]:
    """One request, with a span of its own."""
    span = Span()
    SPAN.set(span)
    pauses.clear()
    with suppress(zen.LLMError):
        async with client.stream("mine/m", "hi") as stream:
            async for event in stream:
                if isinstance(event, zen.TextDelta) and event.text == "stop":
                    break
                while isinstance(event, zen.TextDelta) and len(event.text) == LONG and not pauses:  # noqa: ASYNC110 - counts turns
                    await asyncio.sleep(0)
    return weakref.ref(span)


LONG = 100_000
ANSWERS: dict[str, Reply] = {
    "whole": sse_reply(*WHOLE),
    "with a pause": sse_reply(*[sse(chunk({"content": "x" * LONG}))] * 20, *WHOLE),
    "left": sse_reply(TEXT[0], sse(chunk({"content": "stop"})), HOLD),
    "refused": Reply([b"{}"], status=400),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ANSWERS)
def test_nothing_of_a_request_is_kept(
    kind: str, name: str, pauses: list[Connection], server: Server, authority: Authority
) -> None:
    """Not of the first one, which opens the connection, and not of the second, which finds it open."""
    server.plays(ANSWERS[name])

    async def main() -> None:
        tls = zen.Tls(ca_file=authority.file)
        async with new_client(kind, config(server), tls=tls) as client:
            for _ in range(2):
                span = await asyncio.create_task(ask(client, pauses))
                for _ in range(5):
                    await asyncio.sleep(0)
                gc.collect()
                assert span() is None, gc.get_referrers(span())

    run(kind, main)
    assert server.connections == (2 if name == "left" else 1)
