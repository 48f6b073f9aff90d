"""A client that is closed while it has something to do: it sends nothing any more, keeps nothing open, and says why."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from tests.kit.asking import NATIVE, TEXT, WAYS, WHOLE, config, in_turn, is_sync, new_client, new_loop, run
from tests.kit.credentials import Lookup
from tests.kit.server import HOLD, Reply, Server, sse_reply

import zen_native as zen
from zen_native._io import drive
from zen_native.transport.async_http import AsyncHttp
from zen_native.transport.base import HttpRequest
from zen_native.transport.foreign import Foreign, foreign
from zen_native.transport.http import SyncHttp
from zen_native.transport.limits import Watch
from zen_native.transport.native.blocking import BlockingTransport

CLOSED = "the client is closed"
RETRY = zen.RetryPolicy(base=0.5)
ASYNCIO_WAYS = [way for way in WAYS if way != "trio"]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


@pytest.fixture
def failed() -> Iterator[threading.Event]:
    """Set when a client says that it will send again."""
    said = threading.Event()

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.set()

    logger, handler = logging.getLogger("zen_native.client"), Noting()
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)  # which forgets what others found out about it
    yield said
    logger.setLevel(before)
    logger.removeHandler(handler)


async def awaited(kind: str, made: Any) -> Any:
    """What both kinds of clients give."""
    return made if is_sync(kind) else await made


class Asked:
    """A question in a task or thread of its own, and what came of it."""

    def __init__(self, kind: str, client: Any) -> None:
        self.error: BaseException | None = None
        self._kind, self._client = kind, client
        self._work: Any = asyncio.create_task(self._ask()) if not is_sync(kind) else threading.Thread(target=self._call)
        if is_sync(kind):
            self._work.start()

    async def over(self) -> BaseException | None:
        """Its error, once it has ended."""
        if is_sync(self._kind):
            self._work.join(5)
            assert not self._work.is_alive()
        else:
            await asyncio.wait_for(self._work, 5)
        return self.error

    async def _ask(self) -> None:
        try:
            await self._client.generate("mine/m", "hi")
        except (zen.LLMError, RuntimeError) as error:
            self.error = error

    def _call(self) -> None:
        try:
            self._client.generate("mine/m", "hi")
        except (zen.LLMError, RuntimeError) as error:
            self.error = error


async def until(kind: str, server: Server, requests: int) -> None:
    """The server has so many requests."""

    def wait() -> bool:
        return server.wait_for(lambda: len(server.requests) == requests)

    assert wait() if is_sync(kind) else await asyncio.to_thread(wait)


@pytest.mark.parametrize("kind", WAYS)
def test_a_stream_that_has_not_begun_is_not_sent(kind: str, server: Server) -> None:
    async def main() -> None:
        client = new_client(kind, config(server))
        stream = client.stream("mine/m", "hi")
        await awaited(kind, client.close())
        with pytest.raises(RuntimeError, match=CLOSED):
            await awaited(kind, stream.until_done())

    in_turn(kind, main)
    assert server.connections == 0


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("kind", WAYS)
def test_nothing_is_opened_by_who_had_the_transport_already(
    kind: str, used: bool, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed between the two, as by another thread."""

    async def main() -> None:
        client = new_client(kind, config(server))
        if used:
            await awaited(kind, client.generate("mine/m", "hi"))
        transport = client._transports.of("native" if kind in NATIVE else "httpx")
        send = transport.send

        async def late(*args: Any) -> Any:
            await transport.close()
            return await send(*args)

        monkeypatch.setattr(transport, "send", late)
        for _ in range(2):
            with pytest.raises(RuntimeError, match=CLOSED):
                await awaited(kind, client.generate("mine/m", "hi"))
        await awaited(kind, client.close())

    in_turn(kind, main)
    assert (len(server.requests), server.connections) == (int(used), int(used))
    assert server.wait_for(lambda: server.held_open == 0)


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_nothing_is_sent_over_what_the_caller_brought(kind: str, server: Server) -> None:
    """That is open all the same."""

    async def main() -> None:
        brought: Any = httpx.Client() if is_sync(kind) else httpx.AsyncClient()
        make: Any = SyncHttp if is_sync(kind) else AsyncHttp
        transport = make(foreign(brought, is_async=not is_sync(kind)))
        await transport.close()
        with pytest.raises(RuntimeError, match=CLOSED):
            await transport.send(HttpRequest("POST", server.url, {}, b""), Watch(zen.Timeouts()))
        await awaited(kind, brought.close() if is_sync(kind) else brought.aclose())

    in_turn(kind, main)
    assert server.connections == 0


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_nothing_is_opened_by_who_had_the_connections_already(
    kind: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are closed between the two, as by another thread."""

    async def main() -> None:
        transport: Any = SyncHttp() if is_sync(kind) else AsyncHttp()
        request = Foreign.request

        def late(*args: Any) -> Any:
            closing = transport.close()
            if is_sync(kind):
                drive(closing)
            else:  # of which the first step closes all where nothing is open
                with suppress(StopIteration):
                    closing.send(None)
            return request(*args)

        monkeypatch.setattr(Foreign, "request", late)
        with pytest.raises(RuntimeError, match=CLOSED):
            await transport.send(HttpRequest("POST", server.url, {}, b""), Watch(zen.Timeouts()))

    in_turn(kind, main)
    assert server.connections == 0


def test_a_closed_transport_of_another_process_is_closed_here_too(server: Server) -> None:
    transport = BlockingTransport()
    drive(transport.close())
    transport._pool.process = -1
    with pytest.raises(RuntimeError, match=CLOSED):
        drive(transport.send(HttpRequest("POST", server.url, {}, b""), Watch(zen.Timeouts())))
    assert server.connections == 0


@pytest.mark.parametrize("kind", ASYNCIO_WAYS)
def test_nothing_is_sent_again(kind: str, server: Server, failed: threading.Event) -> None:
    server.plays(Reply((b"{}",), status=503, headers={"retry-after": "0.5"}), sse_reply(*WHOLE))

    async def main() -> None:
        client = new_client(kind, config(server), retry=RETRY)
        asked = Asked(kind, client)
        assert failed.wait(5) if is_sync(kind) else await asyncio.to_thread(failed.wait, 5)
        await awaited(kind, client.close())
        error = await asked.over()
        assert isinstance(error, RuntimeError)
        assert CLOSED in str(error)

    in_turn(kind, main)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ASYNCIO_WAYS)
def test_nothing_is_sent_whose_credentials_were_looked_up_meanwhile(
    kind: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = Lookup()
    lookup.begin(monkeypatch)

    async def main() -> None:
        client = new_client(kind, config(server))
        asking = Asked(kind, client)
        assert lookup.asked.wait(5) if is_sync(kind) else await asyncio.to_thread(lookup.asked.wait, 5)
        await awaited(kind, client.close() if is_sync(kind) else client.aclose())
        lookup.found.set()
        error = await asking.over()
        assert isinstance(error, RuntimeError)
        assert CLOSED in str(error)

    in_turn(kind, main)
    assert (len(server.requests), server.connections) == (0, 0)


@pytest.mark.parametrize("kind", ASYNCIO_WAYS)
def test_who_waits_for_a_turn_is_told(kind: str, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], HOLD), sse_reply(*WHOLE))

    async def main() -> None:
        one = zen.ConnectionLimits(max_connections=1)
        client = new_client(kind, config(server), connections=one, retry=RETRY)
        stream = client.stream("mine/m", "hi")
        await awaited(kind, next(stream) if is_sync(kind) else anext(stream))
        asked = Asked(kind, client)
        if not is_sync(kind):
            await asyncio.sleep(0)
        await awaited(kind, client.close())
        error = await asked.over()
        assert isinstance(error, RuntimeError)
        assert CLOSED in str(error)

    in_turn(kind, main)
    assert (len(server.requests), server.connections) == (1, 1)


@pytest.mark.parametrize("kind", ASYNCIO_WAYS)
@pytest.mark.parametrize("parts", [[TEXT[0], HOLD], [HOLD]], ids=["in the body", "before the head"])
def test_who_reads_is_told(kind: str, parts: list[Any], server: Server) -> None:
    server.plays(sse_reply(*parts) if len(parts) > 1 else Reply(parts, raw=True), sse_reply(*WHOLE))

    async def main() -> None:
        client = new_client(kind, config(server), retry=RETRY)
        asked = Asked(kind, client)
        await until(kind, server, 1)
        await awaited(kind, client.close())
        error = await asked.over()
        assert isinstance(error, zen.ReadError)
        assert "was closed with its client" in str(error)

    in_turn(kind, main)
    assert len(server.requests) == 1
    assert server.wait_for(lambda: server.held_open == 0)


@pytest.mark.parametrize("kind", ASYNCIO_WAYS)
def test_who_has_not_read_yet_is_told(kind: str, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], HOLD))

    async def main() -> None:
        client = new_client(kind, config(server), retry=RETRY)
        stream = client.stream("mine/m", "hi")
        await awaited(kind, next(stream) if is_sync(kind) else anext(stream))
        await awaited(kind, client.close())
        with pytest.raises(zen.ReadError, match="was closed with its client"):
            await awaited(kind, stream.until_done())

    in_turn(kind, main)
    assert server.wait_for(lambda: server.held_open == 0)


@pytest.mark.parametrize("kind", NATIVE)
def test_a_kept_connection_that_was_closed_here_is_no_reason_to_send_again(kind: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE), Reply([HOLD], raw=True), sse_reply(*WHOLE))

    async def main() -> None:
        client = new_client(kind, config(server), retry=RETRY)
        await awaited(kind, client.generate("mine/m", "hi"))
        asked = Asked(kind, client)
        await until(kind, server, 2)
        await awaited(kind, client.close())
        error = await asked.over()
        assert isinstance(error, RuntimeError)
        assert CLOSED in str(error)

    in_turn(kind, main)
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
@pytest.mark.parametrize("turns", range(12))
def test_who_opens_a_connection_is_told(kind: str, turns: int, server: Server) -> None:
    async def main() -> None:
        client = new_client(kind, config(server))
        asking = asyncio.create_task(client.generate("mine/m", "hi"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await client.aclose()
        with suppress(zen.LLMError):  # it had been sent
            try:
                answer = await asking
            except RuntimeError as error:
                assert str(error) == CLOSED  # noqa: PT017 - it may just as well be answered
            else:
                assert answer.text == "Hello"
        for _ in range(3):  # in which the loop closes the socket
            await asyncio.sleep(0)
        assert server.wait_for(lambda: server.held_open == 0)

    run(kind, main)


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
@pytest.mark.parametrize("cancelled", [False, True])
def test_who_closes_it_meanwhile_waits_for_the_end(kind: str, cancelled: bool, server: Server) -> None:
    server.plays(*[sse_reply(TEXT[0], HOLD)] * 30)

    async def main() -> None:
        client = new_client(kind, config(server))
        streams = [client.stream("mine/m", "hi") for _ in range(30)]
        for stream in streams:
            while not isinstance(await anext(stream), zen.TextDelta):
                pass
        asked = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await asyncio.sleep(0)
        first = asyncio.create_task(client.aclose())
        await asyncio.sleep(0)
        if cancelled:
            first.cancel()
        await client.aclose()
        assert all(each.done() for each in asked)
        assert {type(each.exception()) for each in asked} == {zen.ReadError}
        await asyncio.wait([first])
        assert first.cancelled() is cancelled

    run(kind, main)


@pytest.mark.parametrize("kind", [way for way in NATIVE if not is_sync(way)])
def test_a_loop_that_stands_still_closes_all_in_one_turn(
    kind: str, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have no more than that."""
    loop = new_loop(kind)
    client = new_client(kind, config(server))

    async def ask() -> None:
        await asyncio.gather(*(client.generate("mine/m", "hi") for _ in range(10)))

    loop.run_until_complete(ask())
    assert server.held_open > 4  # as are closed in a turn of one that goes on
    asyncio.run(client.aclose())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert server.wait_for(lambda: server.held_open == 0)
    assert caplog.records == []
