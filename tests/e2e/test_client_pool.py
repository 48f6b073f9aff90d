"""Connections where there are limits, over both transports: who waits for whom, how long, and what becomes of turns
that nobody takes; how long connections are kept, and how many."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from anyio import create_task_group, to_thread
from tests.kit.asking import KINDS, NATIVE, TEXT, WAYS, WHOLE, ask_again, config, is_sync, new_client, run
from tests.kit.byhand import ByHand
from tests.kit.http1 import counted, head
from tests.kit.server import RESET, Reply, Server, sse_reply

import zen_native as zen
from zen_native import _attempt
from zen_native.transport.native import blocking_connection, rest

pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

ASYNC = [kind for kind in WAYS if not is_sync(kind) and kind != "trio"]
SYNC = [kind for kind in WAYS if is_sync(kind)]
ONE = zen.ConnectionLimits(max_connections=1)


@pytest.fixture
def go_on() -> threading.Event:
    """What an answer waits for that has begun."""
    return threading.Event()


@pytest.fixture
def server(go_on: threading.Event) -> Iterator[Server]:
    """Its first answer takes its time."""
    with Server(sse_reply(TEXT[0], lambda: go_on.wait(20), *WHOLE[1:]), sse_reply(*WHOLE)) as running:
        yield running
        go_on.set()


async def asked(server: Server, count: int = 1) -> None:
    """Wait until the server has so many requests."""
    assert await asyncio.to_thread(server.wait_for, lambda: len(server.requests) == count)


async def turns(count: int = 20) -> None:
    """Let the loop go on, so that what can begin has."""
    for _ in range(count):
        await asyncio.sleep(0)


def client_of(kind: str, server: Server, **options: Any) -> Any:
    return new_client(kind, config(server), **{"connections": ONE, "retry": zen.RetryPolicy(attempts=1), **options})


# Waiting for a turn


@pytest.mark.parametrize("kind", ASYNC)
def test_requests_wait_for_their_turn(kind: str, server: Server, go_on: threading.Event) -> None:
    """In their order, and over the one connection there may be."""

    async def main() -> list[str]:
        async with client_of(kind, server) as client:
            tasks = []
            for name in "abcd":
                tasks.append(asyncio.create_task(client.generate("mine/m", name)))
                await (asked(server) if name == "a" else turns())
            assert len(server.requests) == 1
            go_on.set()
            return [answer.text for answer in await asyncio.gather(*tasks)]

    assert run(kind, main) == ["Hello"] * 4
    assert [request.connection for request in server.requests] == [0] * 4
    assert [json.loads(request.body)["messages"][0]["content"] for request in server.requests] == list("abcd")


@pytest.mark.parametrize("kind", ASYNC)
@pytest.mark.parametrize(
    ("timeouts", "expected", "phase"),
    [
        (zen.Timeouts(connect=0.1), zen.PoolTimeoutError, "connect"),
        (zen.Timeouts(total=0.1), zen.StreamTimeoutError, "total"),
    ],
)
def test_nobody_waits_for_ever(
    kind: str,
    timeouts: zen.Timeouts,
    expected: type[zen.StreamTimeoutError],
    phase: str,
    server: Server,
    go_on: threading.Event,
) -> None:
    async def main() -> None:
        async with client_of(kind, server, timeouts=timeouts) as client:
            first = client.stream("mine/m", "hi")
            await anext(first)
            with pytest.raises(zen.StreamTimeoutError) as caught:
                await client.generate("mine/m", "hi")
            assert type(caught.value) is expected
            assert caught.value.phase == phase
            await first.aclose()
            assert (await client.generate("mine/m", "hi")).text == "Hello"

    run(kind, main)
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", [kind for kind in ASYNC if kind in NATIVE])
def test_the_wait_for_a_turn_is_none_for_the_first_event(kind: str, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], 0.6, *WHOLE[1:]), sse_reply(0.1, *WHOLE))

    async def main() -> list[str]:
        async with client_of(kind, server, timeouts=zen.Timeouts(first_event=0.4)) as client:
            asked = [asyncio.create_task(client.generate("mine/m", "hi")) for _ in range(2)]
            return [answer.text for answer in await asyncio.gather(*asked)]

    assert run(kind, main) == ["Hello"] * 2


@pytest.mark.parametrize("kind", ASYNC)
@pytest.mark.parametrize("at_once", [True, False])
def test_who_is_cancelled_gives_the_turn_on(kind: str, at_once: bool, server: Server) -> None:
    """Before it comes, and in the very moment in which it does."""

    async def main() -> str:
        async with client_of(kind, server) as client:
            first = client.stream("mine/m", "hi")
            await anext(first)
            second = asyncio.create_task(client.generate("mine/m", "hi"))
            await turns()
            third = asyncio.create_task(client.generate("mine/m", "hi"))
            await turns()
            if at_once:
                await first.aclose()
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            await first.aclose()
            text: str = (await third).text
            return text

    assert run(kind, main) == "Hello"
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", ASYNC)
def test_a_stream_that_waits_may_be_closed_by_another_task(kind: str, server: Server, go_on: threading.Event) -> None:
    async def main() -> None:
        async with client_of(kind, server, timeouts=zen.Timeouts(connect=None)) as client:
            first = client.stream("mine/m", "hi")
            await anext(first)
            second = client.stream("mine/m", "hi")
            waiting = asyncio.create_task(second.until_done())
            await turns()
            await second.aclose()
            with pytest.raises(RuntimeError, match="closed before its end"):
                await waiting
            go_on.set()
            assert (await first.until_done()).text == "Hello"
            assert (await client.generate("mine/m", "hi")).text == "Hello"

    run(kind, main)
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", SYNC)
def test_threads_wait_for_their_turn(kind: str, server: Server, go_on: threading.Event) -> None:
    with client_of(kind, server) as client, ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(client.generate, "mine/m", "hi") for _ in range(8)]
        server.wait_for(lambda: len(server.requests) == 1)
        go_on.set()
        assert [answer.result(20).text for answer in answers] == ["Hello"] * 8
    assert [request.connection for request in server.requests] == [0] * 8


@pytest.mark.parametrize("kind", SYNC)
def test_no_thread_waits_for_ever(kind: str, server: Server) -> None:
    with client_of(kind, server, timeouts=zen.Timeouts(connect=0.1)) as client:
        first = client.stream("mine/m", "hi")
        next(first)
        with pytest.raises(zen.PoolTimeoutError):
            client.generate("mine/m", "hi")
        first.close()
        assert client.generate("mine/m", "hi").text == "Hello"
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", SYNC)
def test_a_stream_that_waits_may_be_closed_by_another_thread(kind: str, server: Server, go_on: threading.Event) -> None:
    with client_of(kind, server, timeouts=zen.Timeouts(connect=None)) as client, ThreadPoolExecutor(1) as thread:
        first = client.stream("mine/m", "hi")
        next(first)
        second, began = client.stream("mine/m", "hi"), threading.Event()

        def wait() -> None:
            began.set()
            second.until_done()

        waiting = thread.submit(wait)
        began.wait()
        second.close()
        try:
            with pytest.raises(RuntimeError, match="closed before its end"):
                waiting.result(5)
        finally:
            go_on.set()
        assert first.until_done().text == "Hello"
        assert client.generate("mine/m", "hi").text == "Hello"
    assert len(server.requests) == 2


# Turns are given back


@pytest.mark.parametrize("kind", WAYS)
def test_a_connection_that_did_not_come_about_takes_no_turn(kind: str, server: Server) -> None:
    with Server(sse_reply(*WHOLE)) as gone:
        settings = config(gone)
    heard = ask_again(kind, settings, 3, connections=ONE)
    assert [type(each.error) for each in heard] == [zen.ConnectError] * 3


@pytest.mark.parametrize("kind", WAYS)
def test_a_second_try_has_the_turn_of_the_first(kind: str, server: Server) -> None:
    server.plays(Reply([counted(b"".join(WHOLE))], raw=True, kept=True), Reply([RESET], raw=True), sse_reply(*WHOLE))
    heard = ask_again(kind, config(server), 3, connections=ONE)
    assert heard[-1].text == "Hello"


@pytest.mark.parametrize("kind", KINDS)
def test_over_httpx_nothing_is_sent_again_where_one_ends_with_the_next_request(kind: str, server: Server) -> None:
    server.plays(Reply([counted(b"".join(WHOLE))], raw=True, kept=True), Reply([RESET], raw=True), sse_reply(*WHOLE))
    _, failed, fine = ask_again(kind, config(server), 3, retry=zen.RetryPolicy())
    assert isinstance(failed.error, zen.ReadError)
    assert fine.text == "Hello"
    assert [request.connection for request in server.requests] == [0, 0, 1]


@pytest.mark.parametrize("kind", WAYS)
def test_one_that_nobody_uses_makes_way_for_another_origin(kind: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE))
    with Server(sse_reply(*WHOLE)) as other:
        settings = config(server, other)

        async def main() -> None:
            async with new_client(kind, settings, connections=ONE) as client:
                for model in ("mine/m", "other/m", "mine/m"):
                    assert (await client.generate(model, "hi")).text == "Hello"

        if is_sync(kind):
            with new_client(kind, settings, connections=ONE) as client:
                for model in ("mine/m", "other/m", "mine/m"):
                    assert client.generate(model, "hi").text == "Hello"
        else:
            run(kind, main)
        assert (server.connections, other.connections) == (2, 1)


def heard_in_rounds(kind: str, client: Any, *rounds: tuple[str, int, Callable[[], object]]) -> list[str]:
    """What so many calls at once to a model gave, one round after the other. The function of a round is called while
    they are under way."""
    heard: list[str] = []

    def ask(model: str) -> None:
        try:
            heard.append(client.generate(model, "hi").text)
        except zen.ConnectError:
            heard.append("no connection")

    async def ask_async(model: str) -> None:
        try:
            heard.append((await client.generate(model, "hi")).text)
        except zen.ConnectError:
            heard.append("no connection")

    async def main() -> None:
        async with client:
            for model, count, look in rounds:
                async with create_task_group() as group:
                    for _ in range(count):
                        group.start_soon(ask_async, model)
                    await to_thread.run_sync(look)

    if not is_sync(kind):
        run(kind, main)
        return heard
    with client:
        for model, count, look in rounds:
            with ThreadPoolExecutor(count) as threads:
                threads.map(ask, [model] * count)
                look()
    return heard


@pytest.mark.parametrize("kind", WAYS)
def test_connections_that_are_being_opened_count(kind: str, server: Server) -> None:
    """As many are kept as there may be; then some to another origin wait for its handshake."""
    looked = threading.Event()

    def look() -> None:
        try:
            with other.changed:
                assert other.changed.wait_for(lambda: other.connections == 3, 5)
            assert server.wait_for(lambda: server.held_open == 1)
        finally:
            looked.set()

    server.plays(sse_reply(lambda: server.wait_for(lambda: len(server.requests) == 4), *WHOLE))
    with ByHand(lambda _: looked.wait(20)) as other:
        other.url = other.url.replace("http:", "https:")
        settings, limits = config(server, other), zen.ConnectionLimits(max_connections=4)
        client = new_client(kind, settings, connections=limits, retry=zen.RetryPolicy(attempts=1))
        heard = heard_in_rounds(kind, client, ("mine/m", 4, int), ("other/m", 3, look))
    assert heard == ["Hello"] * 4 + ["no connection"] * 3


# What is kept


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize(
    "limits", [zen.ConnectionLimits(idle_seconds=0), zen.ConnectionLimits(max_idle=0)], ids=["no time", "none"]
)
def test_nothing_is_kept(kind: str, limits: zen.ConnectionLimits, server: Server) -> None:
    server.plays(sse_reply(*WHOLE))
    assert [each.text for each in ask_again(kind, config(server), 3, connections=limits)] == ["Hello"] * 3
    assert server.connections == 3


@pytest.mark.parametrize("kind", ["native-asyncio", "native-uvloop"])
def test_what_was_kept_too_long_is_closed_by_itself(kind: str, server: Server) -> None:
    """While the client lives, and has nothing to do."""
    server.plays(sse_reply(*WHOLE))
    limits = zen.ConnectionLimits(idle_seconds=0.05)

    def closed(number: int) -> None:
        assert server.wait_for(lambda: server.held_open == 0)

    ask_again(kind, config(server), 3, before=closed, connections=limits)
    assert server.connections == 3


@pytest.mark.parametrize("kind", ASYNC)
def test_as_many_are_kept_as_may_be(kind: str, server: Server, go_on: threading.Event) -> None:
    server.plays(sse_reply(TEXT[0], lambda: go_on.wait(20), *WHOLE[1:]))

    async def main() -> None:
        async with client_of(kind, server, connections=zen.ConnectionLimits(max_idle=2)) as client:
            tasks = [asyncio.create_task(client.generate("mine/m", "hi")) for _ in range(5)]
            await asked(server, 5)
            go_on.set()
            await asyncio.gather(*tasks)
            assert await asyncio.to_thread(server.wait_for, lambda: server.held_open == 2)

    run(kind, main)


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize(("size", "connections"), [(60 << 10, 1), (192 << 10, 2)])
def test_how_much_of_a_rest_a_connection_is_worth(
    kind: str, size: int, connections: int, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the read of its end brings is not counted. However long it may take, and in however many reads it comes."""
    for module in (_attempt, blocking_connection, rest):
        monkeypatch.setattr(module, "REST_SECONDS", 20.0)
    monkeypatch.setattr(blocking_connection, "_ROUNDS", 1000)
    begun, ended = b"".join(WHOLE) + b":" * size, b"::"

    def pause() -> None:
        if connections > 1:
            server.wait_for(lambda: server.connections > 1)

    first = head(f"content-length: {len(begun + ended)}") + begun
    server.plays(Reply([first, pause, ended], raw=True, kept=True), sse_reply(*WHOLE))
    assert [each.text for each in ask_again(kind, config(server), 2)] == ["Hello"] * 2
    assert server.connections == connections
