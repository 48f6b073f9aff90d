"""Servers that go on sending after their answer, over the native transport on an event loop: nobody reads it, and the
connection is given up there and then, be there another request or not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.kit.asking import NATIVE, WHOLE, ask_again, config, is_sync
from tests.kit.authority import Authority
from tests.kit.byhand import ByHand, read_request
from tests.kit.http1 import counted
from tests.kit.reads import Reads

import zen_native as zen

ANSWER = counted(b"".join(WHOLE))
PIECE = 64 << 10
FLOOD = 64 << 20
"""What it sends at most: more than all buffers between two sockets take."""


class Chatty(ByHand):
    """Answers, and on the first connection goes on when `ended` is set, until it has sent all or is hung up on."""

    def __init__(self, authority: Authority | None) -> None:
        super().__init__(self._flood, self._answer)
        self._context = None if authority is None else authority.server()
        if authority is not None:
            self.url = self.url.replace("http:", "https:")
        self.ended = threading.Event()
        self.sent = 0
        self.over = threading.Event()

    def _answer(self, connection: socket.socket) -> None:
        self._answered(connection).close()

    def _flood(self, connection: socket.socket) -> None:
        stream = self._answered(connection)
        self.ended.wait(20)
        with suppress(OSError):  # of TLS as of the network
            while self.sent < FLOOD:
                stream.sendall(bytes(PIECE))
                self.sent += PIECE
        self.over.set()
        stream.close()

    def _answered(self, connection: socket.socket) -> socket.socket:
        stream = connection if self._context is None else self._context.wrap_socket(connection, server_side=True)
        read_request(stream)
        stream.sendall(ANSWER)
        return stream


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
