"""How a connection of the native transport sends, in one write or as fast as the server takes it; when it takes a
request; and how it ends where the asyncio transport reads."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

import pytest

from zen_native.errors import ConnectError
from zen_native.runtimes import native
from zen_native.transport.native.connection import Connection, SecureConnection
from zen_native.transport.native.origin import Origin

pytestmark = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")

PIECE = 256 << 10
ORIGIN = Origin(secure=False, host="127.0.0.1", port=1)


class Socket:
    """The asyncio transport of a server that takes nothing by itself."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.held = 0
        self.reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def abort(self) -> None:
        """The loop says so later."""

    def write(self, data: bytes | memoryview) -> None:
        self.writes.append(bytes(data))
        self.held += len(data)

    def get_write_buffer_size(self) -> int:
        return self.held


def connected() -> tuple[Connection, Socket]:
    made, transport = Connection(ORIGIN, bytearray(1024), lambda _: None), Socket()
    shown: Any = transport
    made.connection_made(shown)
    return made, transport


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def in_a_loop(test: Callable[[], Any]) -> Callable[[], None]:
    return lambda: asyncio.run(test())


async def _short() -> None:
    made, transport = connected()
    made.send(b"head\r\n\r\n", b"body")
    assert transport.writes == [b"head\r\n\r\nbody"]


async def _long() -> None:
    made, transport = connected()
    body = bytes(range(256)) * (5 << 10)
    made.send(b"head", body)
    assert transport.writes == [b"head" + body[:PIECE]]
    await turns(1)
    assert len(transport.writes) == 2
    await turns(10)
    assert b"".join(transport.writes) == b"head" + body
    assert max(map(len, transport.writes)) == 4 + PIECE


async def _slow() -> None:
    made, transport = connected()
    body = bytes(4 * PIECE)
    made.send(b"head", body)
    made.pause_writing()
    await turns(10)
    assert transport.held == 4 + PIECE
    transport.held = 0
    assert not made.is_free
    made.resume_writing()
    await turns(10)
    assert transport.held == 3 * PIECE
    assert b"".join(transport.writes) == b"head" + body


async def _kept() -> None:
    """A connection in the pool holds no body."""
    made, transport = connected()
    body = bytes(2 * PIECE + 1)
    before = sys.getrefcount(body)
    made.send(b"head", body)
    await turns(10)
    assert transport.held == 4 + len(body)
    assert sys.getrefcount(body) == before


async def _lost() -> None:
    made, transport = connected()
    body = bytes(4 * PIECE)
    before = sys.getrefcount(body)
    made.send(b"head", body)
    made.connection_lost(None)
    await turns(10)
    assert transport.held == 4 + PIECE
    assert sys.getrefcount(body) == before


async def _unread() -> None:
    """The server answered before it had read all: what is still to be sent would come before the next request."""
    made, transport = connected()
    assert made.is_free
    made.send(b"head", b"body")
    assert not made.is_free
    transport.held = 0
    assert made.is_free


async def _aborted() -> None:
    made, _ = connected()
    made.abort()
    assert not made.is_free
    assert not made.refresh()


async def _enough() -> None:
    made, transport = connected()
    made.wire.begin("POST", None)
    made.pause()
    assert (made.paused, transport.reads) == (True, False)
    made.resume()
    assert (made.paused, transport.reads) == (False, True)


async def _ended() -> None:
    """Nobody asks for it then: it must not stay half open until somebody does."""
    gone = asyncio.Event()
    near, far = socket.socketpair()
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: Connection(ORIGIN, bytearray(1024), lambda _: gone.set()), sock=near)
    far.close()
    await asyncio.wait_for(gone.wait(), 5)
    assert near.fileno() == -1


async def _unshaken() -> None:
    """Who waits for the handshake hears of it, and not when its time is over."""
    near, far = socket.socketpair()
    context, buffer = ssl.create_default_context(), bytearray(1024)
    made = SecureConnection(ORIGIN, buffer, lambda _: None, context, memoryview(bytearray(1024)))
    await asyncio.get_running_loop().create_connection(lambda: made, sock=near)
    far.close()
    with pytest.raises(ConnectError, match="no TLS connection"):
        await asyncio.wait_for(made.shaken(), 5)


test_head_and_body_go_out_in_one_write = in_a_loop(_short)
test_a_long_body_goes_out_in_pieces_between_which_the_loop_goes_on = in_a_loop(_long)
test_a_slow_server_gets_no_more_than_it_takes = in_a_loop(_slow)
test_a_body_that_has_gone_out_is_let_go_of = in_a_loop(_kept)
test_what_a_lost_connection_had_to_send_is_let_go_of = in_a_loop(_lost)
test_what_has_not_gone_out_takes_no_request = in_a_loop(_unread)
test_what_was_aborted_takes_no_request = in_a_loop(_aborted)
test_a_transport_that_reads_stops_when_enough_has_come = in_a_loop(_enough)
test_a_server_that_hangs_up_ends_a_kept_connection = in_a_loop(_ended)
test_a_server_that_hangs_up_ends_the_handshake = in_a_loop(_unshaken)
