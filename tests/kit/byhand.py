"""A server on the loopback interface whose connections are served by hand: one function for each, in a thread.

For what `tests.kit.server` cannot do, because it reads requests. Owns the sockets, and that they end with the block.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["ByHand", "Play", "read_request", "reset"]

Play = Callable[[socket.socket], object]
"""Serves a connection, which is closed when it returns."""


class ByHand:
    """Each connection goes to the next function; the last one serves all that follow."""

    def __init__(self, *plays: Play) -> None:
        self._plays = list(plays)
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in [*self._open]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _run(self, call: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=call, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            play = self._plays[min(self.connections, len(self._plays) - 1)]
            self.connections += 1
            self._open.add(connection)
            self._run(self._serve, connection, play)

    def _serve(self, connection: socket.socket, play: Play) -> None:
        try:
            with connection, suppress(ConnectionError, ssl.SSLError):
                play(connection)
        finally:
            self._open.discard(connection)


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
