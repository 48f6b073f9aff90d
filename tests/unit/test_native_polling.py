"""A connection that a poller reads, on a loop that watches it: who reads, when that stops, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from tests.kit.asking import NATIVE, is_sync, run
from tests.kit.process import open_files

from zen_native import _core
from zen_native.runtimes import native
from zen_native.transport.native.connection import Connection
from zen_native.transport.native.origin import Origin
from zen_native.transport.native.polling import end_polling, has_come, poller_of

if native.CAUSE is not None or sys.platform != "linux":
    pytest.skip(f"the poller is NOT TESTED: {native.CAUSE or sys.platform}", allow_module_level=True)

ORIGIN = Origin(secure=False, host="127.0.0.1", port=1)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n"


class Noting:
    """A poller, and who was added and removed."""

    def __init__(self, poller: _core.Poller) -> None:
        self.poller = poller
        self.calls: list[str] = []
        self.full = False
        """Whether the system watches no more files."""

    def add(self, fd: int, connection: Connection, wire: Any) -> None:
        self.calls.append("add")
        if self.full:
            raise OSError(28, "No space left on device")
        self.poller.add(fd, connection, wire)

    def remove(self, fd: int, connection: Connection) -> None:
        self.calls.append("remove")
        self.poller.remove(fd, connection)

    def look(self, fd: int) -> None:
        self.poller.look(fd)


class Pair:
    """A connection of this loop and its other end."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.buffer = bytearray(1 << 16)
        made = poller_of(self.loop, self.buffer)
        assert made is not None
        self.poller = made
        self.noting: Any = Noting(made)
        self._gone = asyncio.Event()
        self.connection = Connection(ORIGIN, self.buffer, lambda _: self._gone.set())
        self.near, self.far = socket.socketpair()
        self.transport: Any = None

    async def open(self) -> Pair:
        self.transport, _ = await self.loop.create_connection(lambda: self.connection, sock=self.near)
        self.connection.read_by(self.noting)
        self.connection.wire.begin("POST", None)
        return self

    async def lost(self) -> None:
        await self._gone.wait()

    async def body(self, size: int) -> bytes:
        """So much of it, which comes by and by."""
        body = b""
        while len(body) < size:
            await asyncio.sleep(0.001)
            body += self.connection.wire.take_body()
        return body

    async def close(self) -> None:
        self.far.close()
        self.connection.abort()
        await self.lost()
        end_polling(self.loop, self.poller)


def with_a_pair(test: Callable[[Pair], Coroutine[None, None, None]]) -> Callable[[str], None]:
    async def main() -> None:
        pair = Pair()
        try:
            await asyncio.wait_for(test(pair), 20)
        finally:
            await pair.close()

    @pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
    def on_each_loop(kind: str) -> None:
        run(kind, main)

    return on_each_loop


@with_a_pair
async def test_the_poller_reads_in_the_transports_place(pair: Pair) -> None:
    await pair.open()
    assert not pair.transport.is_reading()
    pair.far.send(HEAD + b"hello")
    assert await pair.body(5) == b"hello"
    assert pair.connection.wire.head == (200, {"content-length": "10000000"})
    pair.connection.send(b"head", b"body")
    assert pair.far.recv(100) == b"headbody"


@with_a_pair
async def test_reading_stops_and_goes_on(pair: Pair) -> None:
    await pair.open()
    pair.far.setblocking(False)
    rest = HEAD + b"x" * (2 << 20)
    pair.far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    sending = asyncio.create_task(pair.loop.sock_sendall(pair.far, rest))
    while not pair.connection.paused:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not sending.done()
    body = pair.connection.wire.take_body()
    assert len(body) < 1 << 20
    while len(body) < 2 << 20:
        if pair.connection.paused:
            pair.connection.resume()
        await asyncio.sleep(0)
        body += pair.connection.wire.take_body()
    await sending
    assert body == b"x" * (2 << 20)


@with_a_pair
async def test_who_has_stopped_reading_takes_no_request(pair: Pair) -> None:
    await pair.open()
    pair.far.setblocking(False)
    size = (256 << 10) + 1  # so that the read which is too much is the last one
    await pair.loop.sock_sendall(pair.far, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)
    while not pair.connection.wire.ended:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)
    assert pair.connection.paused
    assert not pair.connection.refresh()
    assert pair.connection.wire.take_body() == b"x" * size
    pair.connection.resume()
    assert pair.connection.refresh()


@with_a_pair
async def test_what_the_system_does_not_watch_the_transport_reads(pair: Pair) -> None:
    pair.noting.full = True
    await pair.open()
    pair.far.send(HEAD + b"hello")
    assert await pair.body(5) == b"hello"


@with_a_pair
async def test_nor_what_it_watches_no_more(pair: Pair) -> None:
    await pair.open()
    pair.far.send(HEAD + b"x" * 50_000)
    assert await pair.body(50_000)
    pair.connection.wire.wait(None)
    pair.far.setblocking(False)
    sending = asyncio.create_task(pair.loop.sock_sendall(pair.far, b"y" * (1 << 20)))
    while not pair.connection.paused:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)
    pair.noting.full = True
    taken = len(pair.connection.wire.take_body())
    pair.connection.resume()
    assert not pair.connection.paused
    while taken < 1 << 20:
        if pair.connection.paused:
            pair.connection.resume()
        taken += len(await pair.body(1))
    await sending
    assert pair.noting.calls == ["add", "remove", "add"]


@with_a_pair
async def test_a_transport_that_shows_no_socket_reads_by_itself(pair: Pair) -> None:
    class Shy:
        def __init__(self, transport: Any) -> None:
            self.transport = transport

        def __getattr__(self, name: str) -> Any:
            return getattr(self.transport, name)

        def get_extra_info(self, _: str) -> None:
            return None

    made = pair.connection.connection_made
    pair.connection.connection_made = lambda transport: made(cast("Any", Shy(transport)))  # type: ignore[method-assign]  # of this connection alone
    await pair.open()
    pair.far.send(HEAD + b"hello")
    assert await pair.body(5) == b"hello"
    assert pair.noting.calls == []


@with_a_pair
async def test_the_end_of_what_comes_ends_the_connection(pair: Pair) -> None:
    await pair.open()
    pair.far.send(HEAD + b"hello")
    pair.far.close()
    await pair.lost()
    wire = pair.connection.wire
    assert (wire.take_body(), wire.ended, wire.kind) == (b"hello", True, "body")
    assert pair.connection.failure is None
    assert pair.near.fileno() == -1


@with_a_pair
async def test_the_end_is_heard_once_while_a_request_goes_out(pair: Pair) -> None:
    """The transport writes on, as the server may only have said that it sends nothing more."""
    await pair.open()
    pair.connection.send(b"head", bytes(64 << 20))
    pair.far.shutdown(socket.SHUT_WR)
    while not pair.connection.wire.ended:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    assert select.select([pair.poller.fileno()], [], [], 0)[0] == []
    assert pair.noting.calls == ["add", "remove"]


@with_a_pair
async def test_what_cannot_be_taken_in_ends_the_connection_and_the_loop_says_so(pair: Pair) -> None:
    said: list[dict[str, Any]] = []
    pair.loop.set_exception_handler(lambda _, context: said.append(context))
    await pair.open()
    error = ZeroDivisionError("mine")
    pair.connection.wire.wait(_Refusing(error))
    pair.far.send(HEAD)
    await pair.lost()
    assert [(context["exception"], context["protocol"]) for context in said] == [(error, pair.connection)]
    assert pair.connection.failure is error


class _Refusing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def done(self) -> bool:
        return False

    def set_result(self, _: None) -> None:
        raise self.error


@with_a_pair
async def test_it_is_read_no_more_once_it_is_aborted(pair: Pair) -> None:
    await pair.open()
    pair.far.send(HEAD)
    pair.connection.abort()
    pair.poller.ready()  # before the loop has closed the socket
    assert pair.connection.wire.head is None
    await pair.lost()


@with_a_pair
async def test_it_is_read_no_more_once_its_transport_has_given_up(pair: Pair) -> None:
    await pair.open()
    pair.transport.abort()
    await pair.lost()
    assert pair.noting.calls == ["add", "remove"]
    pair.connection.resume()
    pair.connection.read_by(pair.noting)
    assert pair.noting.calls == ["add", "remove"]


@with_a_pair
async def test_what_ended_it_first_is_told(pair: Pair) -> None:
    await pair.open()
    first = pair.connection.failure = ConnectionAbortedError("closed here")
    pair.connection.read_ended(ConnectionResetError("reset by peer"))
    await pair.lost()
    assert pair.connection.failure is first


@with_a_pair
async def test_another_process_leaves_the_poller_alone(pair: Pair) -> None:
    """To the system, a forked child's is its parent's."""
    await pair.open()
    pair.connection._process = -1
    pair.connection.resume()
    pair.connection.abort()
    assert pair.noting.calls == ["add"]
    pair.connection._process = os.getpid()
    pair.connection.open = True


@pytest.mark.parametrize("error", [NotImplementedError(), OSError(28, "No space left on device")], ids=repr)
def test_a_loop_that_watches_no_files_has_no_poller(error: Exception) -> None:
    class Loop(asyncio.SelectorEventLoop):
        def add_reader(self, *_: Any) -> None:
            raise error

    loop = Loop()
    before = open_files()
    assert poller_of(loop, bytearray(10)) is None
    assert open_files() == before
    loop.close()


def test_where_there_are_no_files_left_there_is_no_poller(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: bytearray) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(_core, "Poller", none_left)
    loop = asyncio.new_event_loop()
    assert poller_of(loop, bytearray(10)) is None
    loop.close()


def test_it_ends_with_or_after_its_loop() -> None:
    gc.collect()
    before = open_files()
    for closed in (False, True):
        loop = asyncio.new_event_loop()
        poller = poller_of(loop, bytearray(10))
        assert poller is not None
        number = poller.fileno()
        if closed:
            loop.close()
        end_polling(loop, poller)
        assert not loop.remove_reader(number)
        loop.close()
    assert open_files() == before


def test_in_a_daemon_thread_the_transport_reads() -> None:
    """See `QuietWire`: there nothing but Python may call what goes on."""
    reads: list[bool] = []

    def live() -> None:
        async def main() -> None:
            pair = await Pair().open()
            reads.append(pair.transport.is_reading())
            await pair.close()

        asyncio.run(main())

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    thread.join(20)
    assert reads == [sys.version_info < (3, 14)]


@pytest.mark.parametrize("polls", [True, False])
def test_what_has_come_is_seen(polls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not polls:
        monkeypatch.delattr(select, "poll")
    near, far = socket.socketpair()
    with near, far:
        assert not has_come(near)
        far.send(b"x")
        assert has_come(near)
        near.recv(1)
        assert not has_come(near)
        far.close()
        assert has_come(near)
    assert not has_come(None)
