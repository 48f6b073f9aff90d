"""A blocking socket read by hand, our decoder behind it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

from live.marks import END

from . import AskBlocking, Seen
from .chunks import Decoding
from .http import BODY, PATH

READ = 64 << 10


@contextmanager
def decoding(base: str) -> Generator[AskBlocking, None, None]:
    """One connection for each thread that asks at the same time."""
    url = urlsplit(base)
    context = ssl.create_default_context() if url.scheme == "https" else None
    head = f"POST {url.path}{PATH} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY
    idle: list[tuple[socket.socket, bytearray]] = []

    def connected() -> tuple[socket.socket, bytearray]:
        made = socket.create_connection((url.hostname, url.port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return (context.wrap_socket(made, server_hostname=url.hostname) if context else made), bytearray(READ)

    def ask(seen: Seen) -> None:
        connection, buffer = idle.pop() if idle else connected()
        answer = Decoding(seen)
        connection.sendall(request)
        while not (answer.rest == END or answer.rest.endswith(b"\r\n" + END)):
            count = connection.recv_into(buffer)
            if not count:
                raise ConnectionError("the server hung up")
            answer.feed(buffer[:count])
        idle.append((connection, buffer))

    try:
        yield ask
    finally:
        for connection, _ in idle:
            connection.close()
