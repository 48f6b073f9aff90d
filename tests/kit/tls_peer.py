"""A server of TLS in memory, and the connection of the native transport to it. Reads are made by hand."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any

import pytest

from zen_native.transport.native.connection import SecureConnection
from zen_native.transport.native.origin import Origin

__all__ = ["ORIGIN", "ROOM", "Peer"]

ORIGIN = Origin(secure=True, host="127.0.0.1", port=1)
ROOM = 64 << 10


class Socket:
    """The asyncio transport."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.aborted = 0

    def write(self, data: bytes) -> None:
        self.writes.append(bytes(data))

    def abort(self) -> None:
        self.aborted += 1

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """The reads here are made by hand."""


class Peer:
    """A server in memory, and the connection to it."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext, size: int = ROOM) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.room, self.socket = memoryview(bytearray(ROOM)), Socket()
        self.connection = SecureConnection(ORIGIN, bytearray(size), lambda _: None, client, self.room)
        self.wire: Any = self.connection.wire
        shown: Any = self.socket
        self.connection.connection_made(shown)

    def shake(self) -> Peer:
        for _ in range(3):
            self.take_in()
            with suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            self.read(self.outgoing.read())
        return self

    def take_in(self) -> None:
        """What the connection sent."""
        self.incoming.write(b"".join(self.socket.writes))
        self.socket.writes.clear()

    def sealed(self, *records: bytes) -> bytes:
        for record in records:
            self.tls.write(record)
        return self.outgoing.read()

    def goodbye(self) -> bytes:
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.outgoing.read()

    def read(self, data: bytes, size: int = ROOM) -> None:
        """The connection reads that, so much at a time."""
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            self.room[: len(piece)] = piece
            self.connection.buffer_updated(len(piece))
