"""A kept connection over the native transport that ends where the next request gets no answer: it goes out once more
only if nothing of it was taken, which Linux tells. Elsewhere time decides: see `test_native_reset`."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.kit.asking import NATIVE, WHOLE, ask_again, config
from tests.kit.authority import Authority
from tests.kit.byhand import ByHand, Play, read_request, reset
from tests.kit.http1 import counted

import zen_native as zen
from zen_native.transport.native import answer
from zen_native.transport.native.blocking import BlockingExchange
from zen_native.transport.native.exchange import AioExchange

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WHAT A SERVER HAS TAKEN NOT TESTED: only Linux says it"),
    pytest.mark.parametrize("kind", NATIVE),
    pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"]),
    pytest.mark.parametrize("end", [reset, socket.socket.close]),
]
FINE = counted(b"".join(WHOLE))


class Scene:
    """A server whose first connection is served by `play`, all others well."""

    def __init__(self, secure: bool, folder: Path) -> None:
        authority = Authority(folder) if secure else None
        self._context = authority and authority.server()
        self.options: dict[str, Any] = {"tls": zen.Tls(ca_file=authority.file)} if authority else {}

    def served(self, play: Play) -> ByHand:
        server = ByHand(self._over(play), self._over(answered))
        if self._context is not None:
            server.url = f"https://{server.address}"
        return server

    def _over(self, play: Play) -> Play:
        context = self._context
        if context is None:
            return play

        def secured(connection: socket.socket) -> None:
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as stream:
                play(stream)

        return secured


@pytest.fixture
def scene(secure: bool, tmp_path: Path) -> Scene:
    return Scene(secure, tmp_path)


def answered(connection: socket.socket) -> None:
    while read_request(connection):
        connection.sendall(FINE)


def acknowledge(connection: socket.socket) -> None:
    """What has come, at once, and not together with what is sent next."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def test_a_request_that_was_taken_does_not_go_out_again(kind: str, scene: Scene, end: Play) -> None:
    """However soon the connection ends."""

    def take(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(FINE)
        read_request(connection)
        acknowledge(connection)
        end(connection)

    with scene.served(take) as server:
        first, failed, last = ask_again(kind, config(server), 3, **scene.options)
        assert server.connections == 2
    assert (first.text, last.text) == ("Hello", "Hello")
    assert isinstance(failed.error, zen.ReadError)
    assert not failed.error.retryable


def test_nor_does_one_that_was_taken_in_part(kind: str, scene: Scene, end: Play) -> None:
    def take(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(FINE)
        connection.recv(100)
        acknowledge(connection)
        end(connection)

    with scene.served(take) as server:
        _, failed = ask_again(kind, config(server), 2, call={"messages": "x" * (1 << 20)}, **scene.options)
        assert server.connections == 1
    assert isinstance(failed.error, zen.ReadError)


def test_one_that_comes_too_late_does(kind: str, scene: Scene, end: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has closed the connection, and the client has not heard of it when it sends, however long ago."""
    monkeypatch.setattr(answer, "_STALE_SECONDS", 0.0)
    asked, ended = threading.Event(), threading.Event()

    def leave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(FINE)
        asked.wait(5)
        end(connection)
        ended.set()

    def late(ask: Any) -> Any:
        def asking(exchange: Any, *arguments: Any) -> Any:
            if exchange._connection.used:
                asked.set()
                assert ended.wait(5)
            return ask(exchange, *arguments)

        return asking

    for each in (AioExchange, BlockingExchange):
        monkeypatch.setattr(each, "ask", late(each.ask))
    with scene.served(leave) as server:
        heard = ask_again(kind, config(server), 2, **scene.options)
        assert server.connections == 2
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
