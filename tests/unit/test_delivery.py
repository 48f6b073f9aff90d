"""What the system says of a request that was never answered: whether anything of it was taken."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any, Self

import pytest

from zen_native.transport.native.delivery import was_taken

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="WHAT WAS TAKEN NOT TESTED: only Linux says it")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as near:
        far, _ = listener.accept()
        with far:
            yield near, far


class Said:
    """A socket of a system that says so."""

    def __init__(self, info: bytes) -> None:
        self._info = info

    def dup(self) -> Any:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def getsockopt(self, *_: int) -> bytes:
        return self._info


def info(acknowledged: int) -> bytes:
    return struct.pack("=120xQ", acknowledged)


def test_what_was_read_is_taken(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    assert was_taken(near, 0) is False
    near.send(b"hello")
    assert far.recv(5) == b"hello"
    far.send(b"!")  # and with it that it has come
    assert near.recv(1) == b"!"
    assert was_taken(near, 0) is True
    assert was_taken(near, 4) is True
    assert was_taken(near, 5) is False


@pytest.mark.parametrize(("acknowledged", "expected"), [(101, False), (102, True), (1, False)])
def test_the_syn_counts_as_one(acknowledged: int, expected: bool) -> None:
    assert was_taken(Said(info(acknowledged)), 100) is expected


@pytest.mark.parametrize("said", [info(0), b"", info(7)[:-1]])
def test_a_system_that_does_not_count_has_not_said_it(said: bytes) -> None:
    """Some that stand in for Linux answer with zeros."""
    assert was_taken(Said(said), 0) is None


def test_what_is_no_tcp_or_is_closed_says_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    one, other = socket.socketpair()
    with one, other:
        assert was_taken(one, 0) is None
    pair[0].close()
    assert was_taken(pair[0], 0) is None
    assert was_taken(None, 0) is None


def test_other_systems_say_nothing(pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert was_taken(pair[0], 0) is None
