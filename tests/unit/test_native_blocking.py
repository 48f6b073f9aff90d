"""What a synchronous connection tells who reads it when another thread closes it, whatever the system says of that, and
when time passes, here or in the network."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
from tests.kit.http1 import head, new_decoder

from zen_native import _core
from zen_native.runtimes import native
from zen_native.transport.limits import Timeouts, Watch
from zen_native.transport.native.blocking_connection import BlockingConnection, shut
from zen_native.transport.native.origin import Origin

pytestmark = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")

ORIGIN = Origin(secure=False, host="127.0.0.1", port=1)


class Socket:
    """One whose read ends in that way, where it `closes` after another thread has closed the connection."""

    def __init__(self, sock: socket.socket, ends: Callable[[], int], *, closes: bool = True) -> None:
        self._sock = sock
        self._ends = ends
        self._closes = closes
        self.connection: BlockingConnection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv_into(self, *_: object) -> int:
        if self._closes:
            self.connection.close()
        return self._ends()


def refused() -> int:
    raise ConnectionResetError("Connection reset by peer")


def gone() -> int:
    raise OSError("Bad file descriptor")


def timed_out() -> int:
    raise TimeoutError(110, "Connection timed out")


WAYS: dict[str, Callable[[BlockingConnection], object]] = {
    "read": lambda made: made.read(5),
    "steady": lambda made: list(made.steady(_core.Steady(made.wire, [], 1000), Watch(Timeouts()))),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("ends", [int, refused, gone])
def test_a_connection_that_was_closed_here_says_so(
    way: Callable[[BlockingConnection], object], ends: Callable[[], int]
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        shown: Any = Socket(ours, ends)
        made = shown.connection = BlockingConnection(ORIGIN, shown)
        made.wire.begin("POST", new_decoder())
        made.wire.feed(head("transfer-encoding: chunked"))
        way(made)
        assert made.wire.ended
        assert made.wire.error == "ConnectionAbortedError: the connection was closed with its client"
        assert isinstance(made.failure, ConnectionAbortedError)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_timeout_of_the_network_is_no_limit_that_passed(way: Callable[[BlockingConnection], object]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        shown: Any = Socket(ours, timed_out, closes=False)
        made = shown.connection = BlockingConnection(ORIGIN, shown)
        made.wire.begin("POST", new_decoder())
        made.wire.feed(head("transfer-encoding: chunked"))
        way(made)
        assert made.wire.error == "TimeoutError: [Errno 110] Connection timed out"
        assert not made.is_late


def test_a_limit_that_passes_in_the_middle_of_an_answer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made = BlockingConnection(ORIGIN, ours)
        made.wire.begin("POST", new_decoder())
        made.wire.feed(head("transfer-encoding: chunked"))
        watch = Watch(Timeouts())
        watch.each("idle", 0.05)
        assert list(made.steady(_core.Steady(made.wire, [], 1000), watch)) == []
        assert made.is_late
        assert not made.wire.ended
        with pytest.raises(TimeoutError):
            made.read(0.05)


def test_what_another_process_opens_is_not_hung_up_on_here() -> None:
    near, far = socket.socketpair()
    with near, far:
        shut(near, os.getpid() + 1)
        far.send(b"x")
        assert near.recv(1) == b"x"
        shut(near, os.getpid())
        assert far.recv(1) == b""
