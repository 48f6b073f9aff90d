"""However a stream ends, the server sees it at once; connections are kept where they can be used again; and a client
serves several threads. The synchronous half; the other is in the file beside."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from types import FrameType, ModuleType
from typing import Any, Self

import pytest
from tests.kit.asking import TEXT, WHOLE, config, new_client
from tests.kit.chat import chunk, sse
from tests.kit.server import HOLD, Reply, Server, Silent, sse_reply

import zen_native as zen
from zen_native import _attempt, _step, streams
from zen_native._io import SyncIo
from zen_native._operation import _Steps
from zen_native._prepare import Prepared

SOON = 0.25


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*TEXT, HOLD)) as running:
        yield running


def weather(city: str) -> str:
    """The weather in a city."""
    return f"mild in {city}"


class ProblemError(Exception):
    """Something goes wrong where the events are used."""


@pytest.fixture(params=["sync", "native-sync"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def client(kind: str, server: Server) -> Iterator[zen.Client]:
    with new_client(kind, config(server)) as made:
        yield made


def test_a_loop_that_is_left_hangs_up(client: zen.Client, server: Server) -> None:
    for _ in client.stream("mine/m", "hi"):
        break
    assert server.hung_up.wait(SOON)


def test_a_loop_that_is_left_hangs_up_while_the_stream_is_held(client: zen.Client, server: Server) -> None:
    stream = client.stream("mine/m", "hi")
    for _ in stream:
        break
    assert server.hung_up.wait(SOON)
    with pytest.raises(RuntimeError, match="closed before its end"):
        next(stream)


def test_an_error_in_a_loop_hangs_up(client: zen.Client, server: Server) -> None:
    stream = client.stream("mine/m", "hi")
    with pytest.raises(ProblemError):  # noqa: PT012 - the loop is what is left
        for _ in stream:
            raise ProblemError
    assert server.hung_up.wait(SOON)


def test_the_end_of_a_block_hangs_up(client: zen.Client, server: Server) -> None:
    with client.stream("mine/m", "hi") as stream:
        next(stream)
    assert server.hung_up.wait(SOON)


def test_what_nobody_holds_hangs_up(client: zen.Client, server: Server) -> None:
    stream = client.stream("mine/m", "hi")
    next(stream)
    del stream
    assert server.hung_up.wait(SOON)


def test_what_is_garbage_hangs_up(client: zen.Client, server: Server) -> None:
    stream = client.stream("mine/m", "hi")
    next(stream)
    circle: list[object] = [stream]
    circle.append(circle)
    del stream, circle
    gc.collect()
    assert server.hung_up.wait(SOON)


@pytest.mark.parametrize("kind", ["sync"])
def test_a_finalizer_in_the_middle_of_the_library_hangs_up_too(
    client: zen.Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector may run while this thread holds a lock of the pool, which closing in order would wait for."""
    stream = client.stream("mine/m", "hi")
    next(stream)
    monkeypatch.setattr("zen_native.transport.http._BUSY", _Busy())
    del stream
    assert server.hung_up.wait(SOON)
    monkeypatch.undo()
    server.plays(sse_reply(*WHOLE))
    assert client.generate("mine/m", "hi").text == "Hello"


class _Busy:
    inside = True


def test_next_and_loops_take_turns(server: Server, client: zen.Client) -> None:
    server.plays(sse_reply(*WHOLE))
    stream = client.stream("mine/m", "hi")
    first = [next(stream), next(stream)]
    rest = list(stream)
    assert [event.type for event in first] == ["step-start", "text-start"]
    assert [event.type for event in rest][:2] == ["text-delta", "text-delta"]
    assert list(stream) == []
    assert stream.response.text == "Hello"


def test_batches_are_the_reads(server: Server, client: zen.Client) -> None:
    server.plays(sse_reply(sse(chunk({"content": "a"}), chunk({"content": "b"})), 0.1, *WHOLE[2:]))
    batches = list(client.stream("mine/m", "hi").batches())
    assert [event.type for event in batches[0]] == ["step-start", "text-start", "text-delta", "text-delta"]


def test_connections_are_used_again(server: Server, client: zen.Client) -> None:
    server.plays(sse_reply(*WHOLE))
    for _ in range(3):
        client.generate("mine/m", "hi")
    assert server.connections == 1


def test_connections_are_used_again_after_a_refusal(server: Server, client: zen.Client) -> None:
    server.plays(Reply([b"{}"], status=400))
    for _ in range(3):
        with pytest.raises(zen.InvalidRequestError):
            client.generate("mine/m", "hi")
    assert server.connections == 1


def test_threads_share_a_client(server: Server, client: zen.Client) -> None:
    server.plays(sse_reply(*WHOLE))
    texts: list[str] = []

    def work() -> None:
        texts.extend(client.generate("mine/m", "hi").text for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["Hello"] * 40


class Listener:
    """Reads a stream in a thread of its own."""

    def __init__(self, stream: zen.Stream) -> None:
        self.begun = threading.Event()
        self.said: list[object] = []
        self._stream = stream
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for event in self._stream:
                self.said.append(event)
                self.begun.set()
            self.said.append("the end")
        except RuntimeError as error:
            self.said.append(str(error))

    def last(self) -> object:
        self._thread.join(SOON)
        return self.said[-1]


def test_another_thread_may_hang_up(client: zen.Client, server: Server) -> None:
    stream = client.stream("mine/m", "hi")
    listener = Listener(stream)
    assert listener.begun.wait(5)
    stream.close()
    assert server.hung_up.wait(SOON)
    assert listener.last() == "the stream was closed before its end"


def test_another_thread_may_hang_up_before_there_is_an_answer(client: zen.Client, server: Server) -> None:
    server.plays(Reply([HOLD], raw=True))
    stream = client.stream("mine/m", "hi")
    listener = Listener(stream)
    assert server.wait_for(lambda: bool(server.requests))
    stream.close()
    assert server.hung_up.wait(SOON)
    assert listener.last() == "the stream was closed before its end"
    server.plays(sse_reply(*WHOLE))
    assert client.generate("mine/m", "hi").text == "Hello"


@pytest.mark.parametrize(
    ("owner", "name", "tools"),
    [(Prepared, "decoder", []), (Prepared, "decoder", [weather]), (_Steps, "open", [weather])],
    ids=["a step", "a step of a loop", "a loop"],
)
def test_another_thread_may_hang_up_while_the_request_is_prepared(
    kind: str, owner: type, name: str, tools: list[Any], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare: Any = getattr(owner, name)
    server.plays(sse_reply(*WHOLE))
    one = zen.ConnectionLimits(max_connections=1)
    with new_client(kind, config(server), connections=one, timeouts=zen.Timeouts(connect=1)) as client:

        def closed_meanwhile(*given: Any) -> Any:
            other = threading.Thread(target=stream.close)
            other.start()
            other.join()
            return prepare(*given)

        monkeypatch.setattr(owner, name, closed_meanwhile)
        stream = client.stream("mine/m", "hi", tools=tools)
        with pytest.raises(RuntimeError, match="the stream was closed before its end"):
            next(stream)
        monkeypatch.undo()
        assert server.requests == []
        assert client.generate("mine/m", "hi").text == "Hello"


@pytest.mark.parametrize("kind", ["native-sync"])
@pytest.mark.parametrize("module", [streams, _step, _attempt])
def test_another_thread_may_hang_up_at_any_line(kind: str, module: ModuleType, server: Server) -> None:
    said = set[str]()
    with new_client(kind, config(server), connections=zen.ConnectionLimits(max_connections=1)) as client:
        for number in count(1):
            stream = client.stream("mine/m", "hi")
            with Meanwhile(stream.close, module, number) as meanwhile:
                try:
                    next(stream)
                except RuntimeError as error:
                    said.add(str(error))
            if not meanwhile.done:
                break
    assert number > 20
    assert said == {"the stream was closed before its end"}


class Meanwhile:
    """Does something in another thread when this one comes to the line of that number in a module."""

    def __init__(self, call: Callable[[], None], module: ModuleType, number: int) -> None:
        self.done = False
        self._call = call
        self._file = module.__file__
        self._left = number

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, what: str, _: object) -> Any:
        if frame.f_code.co_filename != self._file:
            return None
        self._left -= what == "line"
        if self._left == 0 and not self.done:
            self.done = True
            other = threading.Thread(target=self._call)
            other.start()
            other.join()
        return self._trace


def test_another_thread_may_hang_up_in_a_handshake() -> None:
    with Silent() as silent, new_client("native-sync", config(silent)) as client:
        stream = client.stream("mine/m", "hi")
        listener = Listener(stream)
        assert silent.greeted.wait(5)
        stream.close()
        assert silent.left.wait(SOON)
        assert listener.last() == "the stream was closed before its end"


def test_nothing_is_sent_again_for_a_stream_that_was_closed(
    client: zen.Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.plays(Reply([b"{}"], status=500), sse_reply(*WHOLE))
    stream = client.stream("mine/m", "hi", fallbacks=["mine/n"])

    async def pause(self: object, seconds: float, watch: object) -> None:
        stream.close()

    monkeypatch.setattr(SyncIo, "pause", pause)
    with pytest.raises(RuntimeError, match="closed before its end"):
        next(stream)
    assert len(server.requests) == 1


def test_a_closed_client_closes_its_connections(kind: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE))
    with new_client(kind, config(server)) as client:
        client.generate("mine/m", "hi")
        assert server.held_open == 1
    assert server.wait_for(lambda: server.held_open == 0, SOON)
    with pytest.raises(RuntimeError, match="closed"):
        client.generate("mine/m", "hi")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_connections_of_its_own(server: Server, client: zen.Client) -> None:
    server.plays(sse_reply(*WHOLE))
    client.generate("mine/m", "hi")
    child = os.fork()
    if child == 0:
        os._exit(0 if client.generate("mine/m", "hi").text == "Hello" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client.generate("mine/m", "hi").text == "Hello"
    assert [request.connection for request in server.requests] == [0, 1, 0]
