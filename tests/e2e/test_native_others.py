"""One thread or task reads a stream over the native transport, and another one closes it, at moments that are made here
by a delay: nothing of one answer comes to who waits for another, and nothing is left behind. The moments that need none
are in `test_client_release`."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, config, is_sync, new_client, run
from tests.kit.chat import sse
from tests.kit.interrupts import interrupted
from tests.kit.server import HOLD, Reply, Server, Silent, sse_reply

import zen_native as zen
from zen_native import _core
from zen_native.transport.native import blocking
from zen_native.transport.native.blocking_connection import BlockingConnection
from zen_native.transport.native.idle import Idle
from zen_native.transport.tls import context_of

LOOPS = [kind for kind in NATIVE if not is_sync(kind)]
ONE = zen.ConnectionLimits(max_connections=1)
CLOSED = "the stream was closed before its end"
ONCE = zen.RetryPolicy(attempts=1)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


class Reader(threading.Thread):
    """Reads a stream to its end, and keeps what it says then."""

    def __init__(self, stream: zen.Stream) -> None:
        super().__init__(daemon=True)
        self.said = ""
        self._stream = stream
        self.start()

    def run(self) -> None:
        try:
            self._stream.until_done()
            self.said = "whole"
        except (zen.LLMError, RuntimeError) as error:
            self.said = str(error)

    def last(self) -> str:
        self.join(5)
        return self.said


@pytest.mark.parametrize("taken", ["before the next answer", "in the middle of it"])
def test_what_a_reader_has_not_taken_is_no_part_of_the_next_answer(
    taken: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He has read the last bytes, and is held up, when his stream is closed: its connection is nobody else's."""
    read, go_on = threading.Event(), threading.Event()

    class Held:
        def __init__(self, *arguments: Any) -> None:
            self._steady = _core.Steady(*arguments)

        def take(self) -> object:
            read.set()
            assert go_on.wait(5)
            return self._steady.take()

    monkeypatch.setattr(blocking, "Steady", Held)
    begun = threading.Event()
    server.plays(sse_reply(TEXT[0], begun.wait, *WHOLE[1:]))
    with new_client("native-sync", config(server)) as client:
        stream = client.stream("mine/m", "hi")
        next(stream)
        reader = Reader(stream)
        begun.set()
        assert read.wait(5)
        stream.close()
        monkeypatch.setattr(blocking, "Steady", _core.Steady)
        if taken == "before the next answer":
            go_on.set()
            assert reader.last() == CLOSED
        server.plays(sse_reply(TEXT[0], go_on.set, 0.05, *WHOLE[1:]))
        assert client.generate("mine/m", "hi").text == "Hello"
        server.plays(sse_reply(*WHOLE))
        assert client.generate("mine/m", "hi").text == "Hello"
    assert reader.last() == CLOSED
    assert [request.connection for request in server.requests] == [0, 1, 1]


def test_a_stream_is_closed_while_what_came_is_decoded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make an error runs Python, within the wire."""
    inside, go_on = threading.Event(), threading.Event()
    made = zen.errors.classify_error

    def slowly(*arguments: Any, **keywords: Any) -> Any:
        inside.set()
        assert go_on.wait(5)
        return made(*arguments, **keywords)

    monkeypatch.setattr(zen.errors, "classify_error", slowly)
    server.plays(sse_reply(*TEXT, sse({"error": {"message": "no", "code": 500}}), HOLD))
    limits = zen.Timeouts(connect=1)
    with new_client("native-sync", config(server), connections=ONE, timeouts=limits, retry=ONCE) as client:
        stream = client.stream("mine/m", "hi")
        reader = Reader(stream)
        assert inside.wait(5)
        stream.close()
        go_on.set()
        assert reader.last() == CLOSED
        monkeypatch.undo()
        server.plays(sse_reply(*WHOLE))
        assert client.generate("mine/m", "hi").text == "Hello"  # the one connection is free


def test_an_error_in_an_answer_that_was_whole_leaves_its_connection(server: Server) -> None:
    failed = b"".join([*TEXT, sse({"error": {"message": "no", "code": 500}})])
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(failed)
    server.plays(Reply([head + failed], raw=True, kept=True), sse_reply(*WHOLE))
    with new_client("native-sync", config(server), retry=ONCE) as client:
        with pytest.raises(zen.LLMError):
            client.generate("mine/m", "hi")
        assert client.generate("mine/m", "hi").text == "Hello"
    assert [request.connection for request in server.requests] == [0, 0]


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("waits_for", ["a turn", "a handshake"])
def test_a_stream_is_closed_when_its_time_is_over_already(kind: str, waits_for: str, server: Server) -> None:
    """The loop was held up, and the task has not run since its limit passed."""
    server.plays(sse_reply(*TEXT, HOLD))
    context_of()  # or a thread would make it first

    async def main(at: Server | Silent) -> None:
        async with new_client(kind, config(at), connections=ONE, timeouts=zen.Timeouts(connect=0.2)) as client:
            first = client.stream("mine/m", "hi")
            if waits_for == "a turn":
                await anext(first)
            late = client.stream("mine/m", "hi")
            waiting = asyncio.create_task(anext(late))
            loop = asyncio.get_running_loop()
            loop.call_later(0.15, time.sleep, 0.1)
            await asyncio.sleep(0.19)
            await late.aclose()
            with pytest.raises(RuntimeError, match=CLOSED):
                await waiting
            await first.aclose()

    if waits_for == "a turn":
        run(kind, lambda: main(server))
    else:
        with Silent() as silent:
            run(kind, lambda: main(silent))


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (blocking.BlockingExchange, "ask"),
        (blocking.BlockingExchange, "keep_headers"),
        (blocking.BlockingExchange, "finish"),
        (BlockingConnection, "rest"),
        (Idle, "put"),
    ],
)
def test_ctrl_c_while_a_connection_changes_hands_leaves_it_to_others(
    owner: type, name: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    limits = zen.Timeouts(connect=1)
    with new_client("native-sync", config(server), connections=ONE, timeouts=limits, retry=ONCE) as client:
        monkeypatch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.generate("mine/m", "hi")
        monkeypatch.undo()
        gc.collect()  # the error has held the frames
        assert client.generate("mine/m", "hi").text == "Hello"


@pytest.mark.parametrize("module", ["blocking.py", "blocking_pool.py", "blocking_turns.py", "idle.py"])
def test_ctrl_c_between_any_two_steps_leaves_a_client_that_goes_on(module: str, server: Server) -> None:
    """Each time one that has kept a connection."""
    for step in itertools.count(1):
        limits = zen.Timeouts(connect=1)
        with new_client("native-sync", config(server), connections=ONE, timeouts=limits, retry=ONCE) as client:
            client.generate("mine/m", "hi")
            cut = interrupted(lambda client=client: client.generate("mine/m", "hi"), module, step)  # type: ignore[misc] - mypy infers none
            gc.collect()
            assert client.generate("mine/m", "hi").text == "Hello"
        if not cut:
            break
    assert step > 5
    assert server.wait_for(lambda: server.held_open == 0)


def test_a_client_is_closed_while_hands_are_shaken() -> None:
    """However long that might take."""
    with Silent() as silent:
        client = new_client("native-sync", config(silent), timeouts=zen.Timeouts(connect=None), retry=ONCE)
        reader = Reader(client.stream("mine/m", "hi"))
        assert silent.greeted.wait(5)
        client.close()
        assert reader.last() == "the client is closed"
        assert silent.left.wait(5)
