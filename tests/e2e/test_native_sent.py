"""How a request leaves over the native transport: head and body in one call, and no segment waits for another."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from tests.kit.asking import NATIVE, WHOLE, ask_again, config
from tests.kit.authority import Authority
from tests.kit.server import Server, sse_reply

import zen_native as zen
from zen_native.transport.native.blocking_connection import BlockingConnection
from zen_native.transport.native.connection import Connection

BODY = "x" * 3000
"""More than a segment of most networks holds."""


@pytest.mark.parametrize("kind", NATIVE)
def test_nothing_waits_for_a_segment_to_fill(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    made, init = Connection.connection_made, BlockingConnection.__init__

    def noting(self: Connection, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        found.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def noting_sync(self: BlockingConnection, origin: Any, connected: socket.socket) -> None:
        init(self, origin, connected)
        found.append(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(Connection, "connection_made", noting)
    monkeypatch.setattr(BlockingConnection, "__init__", noting_sync)
    with Server(sse_reply(*WHOLE)) as server:
        (heard,) = ask_again(kind, config(server), 1)
    assert heard.text == "Hello"
    (set_,) = found
    assert set_ != 0


class Sends:
    """The calls that give bytes to a connected socket, by the thread of the client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data: list[bytes] = []
        self._ports = set[int]()
        for name in ("send", "sendall"):
            monkeypatch.setattr(socket.socket, name, self._noting(getattr(socket.socket, name)))

    def to(self, server: Server) -> None:
        """From now on, those to that server."""
        self._ports.add(int(server.url.rpartition(":")[2]))

    def _noting(self, call: Any) -> Any:
        def noting(sock: socket.socket, data: Any, *flags: int) -> Any:
            if sock.family == socket.AF_INET and sock.getpeername()[1] in self._ports:
                self.data.append(bytes(data))
            return call(sock, data, *flags)

        return noting


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if kind != "native-uvloop"])
def test_head_and_body_are_sent_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sends = Sends(monkeypatch)
    with Server(sse_reply(*WHOLE)) as server:
        sends.to(server)
        heard = ask_again(kind, config(server), 2, call={"messages": BODY})
        assert [each.text for each in heard] == ["Hello"] * 2
        assert server.connections == 1
    assert len(sends.data) == 2
    for sent in sends.data:
        head, _, body = sent.partition(b"\r\n\r\n")
        assert head.startswith(b"POST ")
        assert BODY.encode() in body


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if kind != "native-uvloop"])
def test_head_and_body_are_sealed_together(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over TLS, behind the handshake, there is one call for each request as well."""
    authority = Authority(tmp_path_factory.mktemp("tls"))
    sends, counts = Sends(monkeypatch), list[int]()

    def before(number: int) -> None:
        assert number == len(counts)
        counts.append(len(sends.data))

    with Server(sse_reply(*WHOLE), tls=authority.server()) as server:
        sends.to(server)
        tls = zen.Tls(ca_file=authority.file)
        heard = ask_again(kind, config(server), 3, call={"messages": BODY}, before=before, tls=tls)
        assert [each.text for each in heard] == ["Hello"] * 3
    _, second, third = counts
    assert (third - second, len(sends.data) - third) == (1, 1)
    assert all(len(sent) > len(BODY) for sent in sends.data[-2:])
