"""Connections that a `_core.Poller` reads: each is a pair of sockets and notes what it hears."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

from zen_native import _core

from .http1 import new_wire

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"


class Peer:
    """A connection and its other end."""

    def __init__(self, poller: _core.Poller, buffer: bytearray, *, wired: bool = True) -> None:
        self.poller, self.buffer = poller, buffer
        self.socket, self.far = socket.socketpair()
        self.wire = new_wire() if wired else None
        if self.wire is not None:
            self.wire.begin("POST", None)
        self.heard: list[Any] = []
        self.then: Callable[[], object] = bool
        """Is called for each read."""
        openssl: Any = self
        self.sink = self.wire or _core.TlsReader(openssl, openssl, openssl, memoryview(buffer), new_wire(), print)
        poller.add(self.socket.fileno(), self, self.sink)

    def body(self) -> bytes:
        assert self.wire is not None
        return self.wire.take_body()

    def waits(self) -> None:
        """`then` is called when the wire has something."""
        assert self.wire is not None
        self.wire.wait(self)

    def done(self) -> bool:
        return False

    def set_result(self, _: None) -> None:
        self.then()

    # What a reader over TLS asks of OpenSSL, where nothing is sealed and no record ever whole

    pending = 0

    def version(self) -> str:
        return "TLSv1.3"

    def write(self, data: memoryview) -> None:
        self.heard.append(bytes(data))
        self.then()

    def read(self, most: int, into: memoryview) -> int:
        raise ssl.SSLWantReadError

    def read_ended(self, error: OSError | None) -> None:
        self.heard.append(error)
        self.remove()
        self.then()

    def read_failed(self, error: BaseException) -> None:
        self.heard.append(error)
        self.remove()

    def remove(self) -> None:
        self.poller.remove(self.socket.fileno(), self)

    def close(self) -> None:
        self.remove()
        self.socket.close()
        self.far.close()


class Scene:
    """A poller and connections of it."""

    def __init__(self, size: int = 1 << 16) -> None:
        self.buffer = bytearray(size)
        self.poller = _core.Poller(self.buffer)
        self.peers: list[Peer] = []

    def peer(self, *, wired: bool = True) -> Peer:
        self.peers.append(made := Peer(self.poller, self.buffer, wired=wired))
        return made

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.poller.close()
