"""Requests to the server that are no streams. Apart, because clients make them too and should import little else."""

from __future__ import annotations

import socket


def request(port: int, what: str) -> bytes:
    """`go` starts the streams that wait, `stats` tells what they took; the answer's body."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET /control/{what} HTTP/1.1\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            received = connection.recv(4_096)
            if not received:
                raise ConnectionError(f"the server ended in its answer to {what}")
            answer += received
    return answer.partition(b"\r\n\r\n")[2]
