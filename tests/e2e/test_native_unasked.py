"""Servers that go on sending after their answer, over the native transport: nobody reads it, and the connection is
given up. On an event loop there and then, be there another request or not; in a thread when the next one comes."""

from __future__ import annotations

import asyncio
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.kit.asking import NATIVE, WHOLE, ask_again, config, is_sync, new_client, run
from tests.kit.authority import Authority
from tests.kit.byhand import ByHand, read_request
from tests.kit.chat import chunk, sse
from tests.kit.http1 import counted, head
from tests.kit.reads import Reads
from tests.kit.server import Reply, Server

import zen_native as zen
from zen_native.transport.native import connecting

ANSWER = counted(b"".join(WHOLE))
PIECE = 64 << 10
STALE = counted(sse(chunk({"content": "another's"})) + b"".join(WHOLE))
FLOOD = 64 << 20
"""What it sends at most: more than all buffers between two sockets take."""


class Answering(ByHand, ABC):
    """Answers every connection's first request, and has something more to do to the first connection."""

    def __init__(self, authority: Authority | None) -> None:
        super().__init__(self._first, lambda connection: self._answered(connection).close())
        self._context = None if authority is None else authority.server()
        if authority is not None:
            self.url = self.url.replace("http:", "https:")

    def _first(self, connection: socket.socket) -> None:
        stream = self._answered(connection)
        with suppress(OSError):  # of TLS as of the network
            self.go_on(stream)
        stream.close()

    @abstractmethod
    def go_on(self, stream: socket.socket) -> None:
        """What else is done."""

    def _answered(self, connection: socket.socket) -> socket.socket:
        stream = connection if self._context is None else self._context.wrap_socket(connection, server_side=True)
        read_request(stream)
        stream.sendall(ANSWER)
        return stream


class Chatty(Answering):
    """Goes on when `ended` is set, until it has sent all or is hung up on."""

    def __init__(self, authority: Authority | None) -> None:
        super().__init__(authority)
        self.ended = threading.Event()
        self.sent = 0
        self.over = threading.Event()

    def go_on(self, stream: socket.socket) -> None:
        """See `Answering`."""
        self.ended.wait(20)
        try:
            while self.sent < FLOOD:
                stream.sendall(bytes(PIECE))
                self.sent += PIECE
        finally:
            self.over.set()


class Hasty(Answering):
    """Sends something when `more` is set, or hangs up where it is nothing."""

    def __init__(self, authority: Authority | None, then: bytes) -> None:
        super().__init__(authority)
        self._then = then
        self.more, self.sent = threading.Event(), threading.Event()

    def go_on(self, stream: socket.socket) -> None:
        """See `Answering`."""
        self.more.wait(20)
        if self._then:
            stream.sendall(self._then)
        else:
            socket.socket.shutdown(stream, socket.SHUT_WR)  # of the network, without a word of TLS
        self.sent.set()
        stream.recv(1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def chatty(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Chatty]:
    with Chatty(authority if request.param else None) as running:
        yield running
        running.ended.set()


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_a_flood_that_nobody_asked_for(
    kind: str, chatty: Chatty, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)

    def before(number: int) -> None:
        if number:
            reads.sizes.clear()
            chatty.ended.set()
            assert chatty.over.wait(20)

    heard = ask_again(kind, config(chatty), 2, before=before, tls=zen.Tls(ca_file=authority.file))
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert chatty.connections == 2
    assert chatty.sent < FLOOD
    assert sum(reads.sizes) < 1 << 20


@pytest.mark.parametrize("then", [STALE, b""])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("polled", [True, False], ids=["poller", "transport"])
@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_what_lies_there_unread_is_not_the_next_answer(
    kind: str, polled: bool, secure: bool, then: bytes, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop was busy with something else when it came."""
    if not polled:
        monkeypatch.setattr(connecting, "poller_of", lambda *_: None)
    with Hasty(authority if secure else None, then) as hasty:

        async def main() -> list[str]:
            async with new_client(kind, config(hasty), tls=zen.Tls(ca_file=authority.file)) as client:
                first = await client.generate("mine/m", "hi")
                hasty.more.set()
                assert hasty.sent.wait(20)
                second = await client.generate("mine/m", "hi")
                return [first.text, second.text]

        assert run(kind, main) == ["Hello", "Hello"]
        assert hasty.connections == 2


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_a_connection_with_half_a_record_is_closed(
    kind: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can say what it holds, and without a poller nobody looks; nor does anybody else know the connection."""
    monkeypatch.setattr(connecting, "poller_of", lambda *_: None)

    class Halting(Hasty):
        def go_on(self, stream: socket.socket) -> None:
            self.more.wait(20)
            socket.socket.send(stream, b"\x17\x03\x03\x00\x40")
            self.sent.set()
            with suppress(ConnectionError):
                socket.socket.recv(stream, 1)
            left.set()

    left = threading.Event()
    with Halting(authority, b"") as halting:

        async def main() -> None:
            async with new_client(kind, config(halting), tls=zen.Tls(ca_file=authority.file)) as client:
                await client.generate("mine/m", "hi")
                halting.more.set()
                assert halting.sent.wait(20)
                assert (await client.generate("mine/m", "hi")).text == "Hello"
                assert await asyncio.to_thread(left.wait, 5)

        run(kind, main)


@pytest.mark.parametrize("reads", [2, 3, 4])
def test_what_lies_behind_a_long_rest_is_not_the_next_answer(reads: int) -> None:
    """Where the rest fills so many reads exactly: a thread gives up after a few."""
    body, rest = b"".join(WHOLE), b":" * (reads << 15)
    go_on, sent = threading.Event(), threading.Event()
    begun = head(f"content-length: {len(body + rest)}") + body
    replies = (
        Reply([begun, lambda: go_on.wait(20), rest + STALE, sent.set], raw=True, kept=True),
        Reply([ANSWER], raw=True),
    )

    def before(number: int) -> None:
        if number:
            go_on.set()
            assert sent.wait(20)

    with Server(*replies) as server:
        heard = ask_again("native-sync", config(server), 2, before=before)
        assert server.connections == 2
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
