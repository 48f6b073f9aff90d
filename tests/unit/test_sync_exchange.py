"""A synchronous stream that one thread reads and another closes: the socket is woken, and closed by whoever reads."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from zen_native._io import drive
from zen_native.transport.http import _SyncExchange
from zen_native.transport.limits import Timeouts, Watch


class Response:
    """A response of httpx over a socket."""

    status_code = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    is_stream_consumed = False

    def __init__(self, sock: socket.socket) -> None:
        self.extensions: Any = {"network_stream": self}
        self.reads = threading.Event()
        self.closed = 0
        self.closed_while_reading = False
        self._sock = sock
        self._inside = False

    def get_extra_info(self, name: str) -> socket.socket:
        return self._sock

    def iter_raw(self) -> Iterator[bytes]:
        self._inside = True
        self.reads.set()
        data = self._sock.recv(100)
        self._inside = False
        yield data

    def close(self) -> None:
        self.closed += 1
        self.closed_while_reading |= self._inside


@pytest.fixture
def response() -> Iterator[Response]:
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(20)
        yield Response(here)


@pytest.fixture
def exchange(response: Response) -> _SyncExchange:
    return _SyncExchange(response, Watch(Timeouts()), deque(), lambda: False, exact=True)


def test_a_reader_is_woken_and_closes_itself(exchange: _SyncExchange, response: Response) -> None:
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(drive(exchange.read())))
    reader.start()
    assert response.reads.wait(5)
    drive(exchange.close())
    reader.join(5)
    assert read == [b""]
    assert (response.closed, response.closed_while_reading) == (1, False)


def test_what_is_closed_is_not_read(exchange: _SyncExchange, response: Response) -> None:
    drive(exchange.close())
    assert drive(exchange.read()) == b""
    assert not response.reads.is_set()
    assert response.closed == 1


def test_it_is_closed_once(exchange: _SyncExchange, response: Response) -> None:
    for _ in range(2):
        drive(exchange.close())
        exchange.abandon()
    assert response.closed == 1
