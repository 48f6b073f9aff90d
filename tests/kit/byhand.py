"""A server on the loopback interface whose connections are served by hand: one function for each, in a thread.

For what `tests.kit.server` cannot do, because it reads requests.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress

from tests.kit.listener import Listener

__all__ = ["ByHand", "Play", "read_request", "reset"]

Play = Callable[[socket.socket], object]
"""Serves a connection, which is closed when it returns."""


class ByHand(Listener):
    """Each connection goes to the next function; the last one serves all that follow."""

    def __init__(self, *plays: Play) -> None:
        super().__init__()
        self._plays = plays
        self.url = f"http://{self.address}"

    def serve(self, connection: socket.socket, number: int) -> None:
        """See `Listener`."""
        with suppress(ConnectionError, ssl.SSLError):
            self._plays[min(number, len(self._plays) - 1)](connection)


def reset(connection: socket.socket) -> None:
    """Close it with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_request(connection: socket.socket) -> bytes:
    """One request, which is not followed by another one before it is answered; nothing where there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((line.split(b":")[1] for line in head.lower().splitlines() if line.startswith(b"content-length:")), 0)
    missing = int(length) - len(body)
    while missing > 0:
        missing -= len(connection.recv(min(missing, 65536)))
    return data
