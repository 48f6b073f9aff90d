"""Reads over TLS without a network: what comes goes to the wire however it was cut, and what is seldom is told. The
same of the reader in Rust and of the loop in Python, which threads and quiet wires have."""

from __future__ import annotations

import asyncio
import gc
import ssl
import sys
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

import pytest
from tests.kit.authority import Authority
from tests.kit.feeding import BODY, PROTOCOL, text
from tests.kit.http1 import Waiter, chunked, new_decoder
from tests.kit.process import heap_bytes, least_growth, measures_heap
from tests.kit.tls_peer import ORIGIN, ROOM, Peer

from zen_native import decode
from zen_native.runtimes import native
from zen_native.transport.native import connection
from zen_native.transport.native.connection import Connection
from zen_native.transport.native.quiet import QuietWire

pytestmark = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")

RECORD = 16 << 10
ANSWER = chunked(BODY)
EVENTS = decode(BODY, PROTOCOL, provider="kit")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def server(authority: Authority, request: pytest.FixtureRequest) -> ssl.SSLContext:
    made = authority.server()
    made.minimum_version = made.maximum_version = request.param
    return made


@pytest.fixture
def client(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """One that runs, for the connections ask for it; the reads are made by hand."""
    made = asyncio.new_event_loop()
    asyncio._set_running_loop(made)
    yield
    asyncio._set_running_loop(None)
    made.close()


@pytest.fixture(params=["rust", "python"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What reads, by the wires of the connections that are made."""
    if request.param == "python":
        monkeypatch.setattr(connection, "wire_for_this_thread", QuietWire)
    return request.param


@pytest.fixture
def peer(kind: str, server: ssl.SSLContext, client: ssl.SSLContext) -> Peer:
    """Hands are shaken, and an answer is waited for."""
    made = Peer(server, client).shake()
    assert ("buffer_updated" in vars(made.connection)) == (kind == "rust")
    made.wire.begin("POST", new_decoder())
    return made


def functions_of(act: Callable[[], object]) -> list[str]:
    """The functions of Python that run meanwhile."""
    found: list[str] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            found.append(frame.f_code.co_qualname)

    sys.setprofile(watch)
    try:
        act()
    finally:
        sys.setprofile(None)
    return found


def test_a_read_calls_no_more_of_python_than_it_must(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    made = Peer(server, client).shake()
    made.wire.begin("POST", new_decoder())
    made.read(made.sealed(ANSWER[:100]))
    sealed = made.sealed(ANSWER[100:200], ANSWER[200:])
    made.room[: len(sealed)] = sealed
    assert functions_of(partial(made.connection.buffer_updated, len(sealed))) == ["SSLObject.read"] * 2
    assert made.wire.take() == EVENTS


@pytest.mark.parametrize("size", [1, 2, 7, 100, ROOM])
@pytest.mark.parametrize("record", [1, 50, ROOM])
def test_however_it_is_cut(peer: Peer, size: int, record: int) -> None:
    pieces = [ANSWER[at : at + record] for at in range(0, len(ANSWER), record)]
    peer.read(peer.sealed(*pieces), size)
    assert (peer.wire.ended, peer.wire.error, peer.wire.take()) == (True, None, EVENTS)
    assert (peer.socket.writes, peer.connection.failure, peer.connection.is_free) == ([], None, True)


@pytest.mark.parametrize("size", [1, 100, ROOM])
@pytest.mark.usefixtures("kind")
def test_a_handshake_however_it_is_cut(size: int, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    made = Peer(server, client)
    read = made.read
    made.read = lambda data, _=0: read(data, size)  # type: ignore[method-assign]  # of this one, which reads in pieces
    made.shake()
    made.wire.begin("POST", new_decoder())
    made.read(made.sealed(ANSWER))
    assert made.wire.take() == EVENTS


@pytest.mark.usefixtures("kind")
def test_an_answer_behind_the_handshake(authority: Authority, client: ssl.SSLContext) -> None:
    """In one read with its last piece: it counts, which the next request then sees."""
    context = authority.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # the server's word is the last one
    made = Peer(context, client)
    made.take_in()
    with pytest.raises(ssl.SSLWantReadError):
        made.tls.do_handshake()
    made.read(made.outgoing.read())
    made.take_in()
    made.tls.do_handshake()
    made.read(made.sealed(b"HTTP/1.1 200 OK\r\n"))
    assert (made.wire.reusable, made.connection.is_free) == (False, False)


@pytest.mark.parametrize("size", [RECORD - 1, RECORD, RECORD + 1, 3 * RECORD])
@pytest.mark.parametrize("alone", [False, True])
def test_records_that_are_full(peer: Peer, size: int, alone: bool) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    peer.wire.wait(waiter := Waiter())
    head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n" % size
    if alone:
        peer.read(peer.sealed(head))
        peer.read(peer.sealed(body))
    else:
        peer.read(peer.sealed(head, body))
    assert (peer.wire.take_body(), peer.wire.ended, waiter.woken) == (body, True, 1)


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("size", [RECORD, 1000, 64])
def test_a_wire_with_little_room(size: int, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """One record in several pieces."""
    made = Peer(server, client, size).shake()
    made.wire.begin("POST", new_decoder())
    made.read(made.sealed(ANSWER))
    assert (made.wire.ended, made.wire.take()) == (True, EVENTS)


# What is told


def test_tickets_are_no_news(peer: Peer) -> None:
    """The first bytes behind the handshake of TLS 1.3."""
    assert (peer.socket.writes, peer.socket.aborted, peer.connection.open) == ([], 0, True)


@pytest.mark.parametrize("together", [False, True])
def test_a_goodbye(peer: Peer, together: bool) -> None:
    answer, goodbye = peer.sealed(ANSWER[:-5]), peer.goodbye()
    for data in [answer + goodbye] if together else [answer, goodbye]:
        peer.read(data)
    assert (peer.wire.take(), peer.wire.ended, peer.wire.kind) == (EVENTS, True, "body")
    assert (peer.socket.aborted, peer.connection.open, peer.connection.failure) == (1, False, None)


def test_an_end_that_is_raised(server: ssl.SSLContext, client: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ssl` says it may."""

    def ended(*_: Any) -> None:
        raise ssl.SSLZeroReturnError

    made = Peer(server, client).shake()
    monkeypatch.setattr(ssl.SSLObject, "read", ended)
    made.read(made.sealed(ANSWER))
    assert (made.socket.aborted, made.connection.open, made.connection.failure) == (1, False, None)


def test_bytes_that_are_no_record(peer: Peer) -> None:
    """What came before them counts; the server is told."""
    peer.read(peer.sealed(ANSWER[:-5]) + b"this is no record")
    assert isinstance(peer.connection.failure, ssl.SSLError)
    assert (peer.wire.take(), peer.socket.aborted, len(peer.socket.writes)) == (EVENTS, 1, 1)


def test_a_record_that_was_changed(peer: Peer) -> None:
    sealed = bytearray(peer.sealed(ANSWER))
    sealed[-1] ^= 1
    peer.read(bytes(sealed))
    assert isinstance(peer.connection.failure, ssl.SSLError)
    assert (peer.wire.received, peer.socket.aborted) == (False, 1)


@pytest.mark.usefixtures("kind")
def test_what_a_read_has_to_answer(authority: Authority) -> None:
    """A server of TLS 1.3 that wants a certificate later: what it is sent goes out within the read."""
    context = authority.demanding(ssl.TLSVersion.TLSv1_3)
    context.verify_mode = ssl.CERT_OPTIONAL
    client = ssl.create_default_context(cafile=str(authority.file))
    client.load_cert_chain(*authority.client())
    client.post_handshake_auth = context.post_handshake_auth = True
    context.verify_mode = ssl.CERT_REQUIRED
    made = Peer(context, client).shake()
    made.wire.begin("POST", new_decoder())
    assert made.tls.getpeercert() is None
    made.tls.verify_client_post_handshake()
    made.read(made.sealed(ANSWER))
    assert (made.wire.take(), len(made.socket.writes)) == (EVENTS, 1)
    made.take_in()
    with pytest.raises(ssl.SSLWantReadError):
        made.tls.read(1)
    assert made.tls.getpeercert()


def test_more_bytes_than_there_are(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    made = Peer(server, client).shake()
    for count in (ROOM + 1, 1 << 40):
        with pytest.raises(ValueError, match=r"^more bytes than the buffer has$"):
            made.connection.buffer_updated(count)
    with pytest.raises(OverflowError):
        made.connection.buffer_updated(-1)
    assert not made.wire.received


# From within


class Acting(Waiter):
    """A task that is resumed within the read."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act = act

    def set_result(self, result: None, /) -> None:
        super().set_result(result)
        self.act()


def test_the_connection_is_given_up_within_a_read(peer: Peer) -> None:
    """With more to come of it."""
    sealed = peer.sealed(ANSWER[:200], ANSWER[200:]) + peer.goodbye()
    peer.wire.wait(waiter := Acting(peer.connection.abort))
    peer.read(sealed)
    assert (waiter.woken, peer.connection.open, peer.socket.writes) == (1, False, [])
    assert not peer.connection.is_free


def test_the_connection_is_lost_within_a_read(peer: Peer) -> None:
    peer.wire.wait(waiter := Acting(lambda: peer.connection.connection_lost(None)))
    peer.read(peer.sealed(ANSWER[:200], ANSWER[200:]) + b"this is no record")
    assert (waiter.woken, peer.connection.open, peer.socket.aborted) == (1, False, 0)


def test_what_is_left_in_the_middle_of_a_read_is_no_next_answer(peer: Peer) -> None:
    free: list[tuple[bool, bool]] = []
    peer.wire.wait(Acting(lambda: free.append((peer.wire.reusable, peer.connection.is_free))))
    peer.read(peer.sealed(ANSWER, b"more"))
    assert (free, peer.wire.take()) == ([(True, False)], EVENTS)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, ZeroDivisionError, BrokenPipeError])
def test_what_is_raised_within_a_read_passes(peer: Peer, raised: type[BaseException]) -> None:
    def act() -> None:
        raise raised

    peer.wire.wait(Acting(act))
    with pytest.raises(raised):
        peer.read(peer.sealed(ANSWER[:200], ANSWER[200:-5]))
    assert (peer.connection.open, peer.connection.failure, peer.socket.aborted) == (True, None, 0)
    peer.read(peer.sealed(ANSWER[-5:]))
    assert peer.wire.take() == EVENTS


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_loop_leaves_nothing_of_a_read_unheard(peer: Peer, raised: type[BaseException]) -> None:
    """The loop may be run again, and the server have no more to say."""

    def act() -> None:
        raise raised

    peer.wire.wait(Acting(act))
    with pytest.raises(raised):
        peer.read(peer.sealed(ANSWER[:200], ANSWER[200:300], ANSWER[300:]) + b"this is no record")
    assert (peer.wire.ended, peer.wire.take(), peer.connection.open) == (True, EVENTS, True)
    peer.read(b"nor is this")
    assert (peer.connection.open, peer.socket.aborted) == (False, 1)


def test_a_signal_while_a_record_is_opened_breaks_the_answer_off(
    server: ssl.SSLContext, client: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was opened is lost, and nobody would see that something is missing."""
    made = Peer(server, client).shake()
    made.wire.begin("POST", new_decoder())
    read = ssl.SSLObject.read

    def interrupted(*arguments: Any) -> None:
        read(*arguments)
        raise KeyboardInterrupt

    sealed = made.sealed(ANSWER[:200])
    monkeypatch.setattr(ssl.SSLObject, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.read(sealed)
    assert (made.connection.open, made.socket.aborted) == (False, 1)
    assert isinstance(made.connection.failure, KeyboardInterrupt)


# What it holds


def test_a_connection_that_was_lost_needs_no_collector(peer: Peer) -> None:
    watched = weakref.ref(peer.connection)
    peer.connection.connection_lost(None)
    gc.disable()
    try:
        del peer.connection
        assert watched() is None
    finally:
        gc.enable()


def test_a_connection_that_was_forgotten_is_collected(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    made = Peer(server, client).shake()
    watched = weakref.ref(made.connection)
    del made
    gc.collect()
    assert watched() is None


def test_memory_does_not_grow(peer: Peer) -> None:
    def work() -> None:
        peer.read(peer.sealed(ANSWER), 100)
        assert text(peer.wire.take()) == "Hello"
        peer.wire.begin("POST", new_decoder())

    objects, size = least_growth(work, rounds=5, times=50)
    assert (objects < 20, size < 5_000) == (True, True), (objects, size)


@pytest.mark.usefixtures("kind")
@pytest.mark.skipif(not measures_heap, reason="the heap is NOT TESTED: the C library does not measure it")
def test_tickets_behind_a_request_leave_nothing(authority: Authority, client: ssl.SSLContext) -> None:
    """OpenSSL makes room for a record when they come, and keeps it until something is written."""
    context = authority.server()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    made = Peer(context, client)
    made.take_in()
    with pytest.raises(ssl.SSLWantReadError):
        made.tls.do_handshake()
    made.read(made.outgoing.read())
    made.connection.send(b"POST / HTTP/1.1\r\n\r\n", b"")
    made.wire.begin("POST", new_decoder())
    made.take_in()
    made.tls.do_handshake()
    made.read(made.sealed(ANSWER[:200]))
    before = heap_bytes()
    made.connection.send(b"", b"")
    assert before - heap_bytes() < RECORD // 2


def test_nothing_is_written_where_tickets_belong_to_the_handshake(peer: Peer) -> None:
    """Up to TLS 1.2. There a write would go on with a handshake that the server has begun anew, and fail."""
    sealed = peer.sealed(ANSWER[:100])
    first = functions_of(lambda: peer.read(sealed))
    assert first.count("SSLObject.write") == (peer.tls.version() == "TLSv1.3")
    sealed = peer.sealed(ANSWER[100:])
    assert "SSLObject.write" not in functions_of(lambda: peer.read(sealed))
    assert peer.wire.take() == EVENTS


def test_a_plain_connection_has_no_reader() -> None:
    made = Connection(ORIGIN, bytearray(100), lambda _: None)
    assert made.buffer_updated == made.wire.buffer_updated
