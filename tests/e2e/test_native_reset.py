"""Connections over the native transport that are reset, in every phase: the right error with what came before, or a
second try in silence, where nothing can have been accepted. Those of both transports are in `test_faults`."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, ask_again, config, is_sync
from tests.kit.authority import Authority
from tests.kit.byhand import ByHand, read_request, reset
from tests.kit.http1 import chunked, counted, head
from tests.kit.reads import Reads
from tests.kit.server import CUT, RESET, Part, Reply, Server, sse_reply

import zen_native as zen
from zen_native.transport.native import answer, blocking_connection, connection
from zen_native.transport.native.connecting import Connector
from zen_native.transport.native.connection import Connection
from zen_native.transport.native.origin import Origin

BODY = b"".join(WHOLE)
BEGUN = head("transfer-encoding: chunked") + b"%x\r\n%b\r\n" % (len(TEXT[0]), TEXT[0])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def answered(connection: socket.socket) -> None:
    while read_request(connection):
        connection.sendall(counted(BODY))


# Before there is an answer


@pytest.mark.parametrize("kind", NATIVE)
def test_at_once(kind: str) -> None:
    """Where the client was told before it had a connection, nothing was sent. Else the request may have been on its
    way, and is not sent again."""
    with ByHand(reset, answered) as server:
        failed, fine = ask_again(kind, config(server), 2)
        assert server.connections == 2
    assert isinstance(failed.error, zen.ConnectError | zen.ReadError)
    assert failed.error.retryable is isinstance(failed.error, zen.ConnectError)
    assert fine.text == "Hello"


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
@pytest.mark.parametrize("secure", [False, True])
def test_between_the_connection_and_the_request(
    kind: str, secure: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The loop may hear of the end first: of a reset, or of a server that wants a certificate of the client's."""
    connected = Connector.connected

    async def late(connector: Connector, origin: Origin) -> Connection:
        found = await connected(connector, origin)
        while found.open:  # noqa: ASYNC110 - callbacks of the loop close it
            await asyncio.sleep(0)
        return found

    monkeypatch.setattr(Connector, "connected", late)
    if secure:
        authority = Authority(tmp_path)
        with Server(tls=authority.demanding(ssl.TLSVersion.TLSv1_3)) as server:
            (heard,) = ask_again(kind, config(server), 1, tls=zen.Tls(ca_file=authority.file))
        assert isinstance(heard.error, zen.TlsError)
    else:
        with ByHand(reset) as by_hand:
            (heard,) = ask_again(kind, config(by_hand), 1)
        assert isinstance(heard.error, zen.ConnectError | zen.ReadError)


@pytest.mark.parametrize("kind", NATIVE)
def test_while_the_request_is_written(kind: str) -> None:
    def break_off(connection: socket.socket) -> None:
        connection.recv(1000)
        reset(connection)

    with ByHand(break_off, answered) as server:
        failed, fine = ask_again(kind, config(server), 2, call={"messages": "x" * (16 << 20)})
        assert server.connections == 2
    assert isinstance(failed.error, zen.ReadError)
    assert not failed.error.retryable
    assert fine.text == "Hello"


@pytest.mark.parametrize("kind", NATIVE)
def test_an_answer_to_half_a_request(kind: str) -> None:
    """A server that refuses what is too large says so, and hangs up; what it says counts."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(counted(b"{}", status="413 Content Too Large"))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    with ByHand(refuse) as server:
        (heard,) = ask_again(kind, config(server), 1, call={"messages": "x" * (16 << 20)})
    assert heard.error is not None
    assert heard.error.status == 413


# In the answer

PHASES: dict[str, tuple[bytes, type[zen.LLMError] | None, str]] = {
    "in the head": (BEGUN[:20], zen.ReadError, ""),
    "behind the head": (head("transfer-encoding: chunked"), zen.ReadError, ""),
    "behind an event": (BEGUN, zen.ReadError, "Hel"),
    "in a chunk": (BEGUN + b"400\r\ndata: ", zen.ReadError, "Hel"),
    "in a length": (head(f"content-length: {len(BODY)}") + BODY[: len(TEXT[0]) + 9], zen.ReadError, "Hel"),
    "behind the answer": (chunked(*WHOLE)[:-5], None, "Hello"),
    "behind the answer, in a length": (head(f"content-length: {len(BODY) + 9}") + BODY, None, "Hello"),
}


@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.parametrize("name", PHASES)
def test_in_the_answer(kind: str, name: str, server: Server, reads: Reads) -> None:
    """What had been read by then is given out."""
    sent, expected, text = PHASES[name]
    read = reads.next()
    server.plays(Reply([sent, lambda: read.wait(5), RESET], raw=True), sse_reply(*WHOLE))
    failed, fine = ask_again(kind, config(server), 2)
    assert type(failed.error) is (expected or type(None))
    assert failed.text == text
    assert failed.error is None or not failed.error.retryable
    assert fine.text == "Hello"
    assert [request.connection for request in server.requests] == [0, 1]


# On a connection that was kept


def kept(*then: Part) -> Reply:
    return Reply([counted(BODY), *then], raw=True, kept=True)


@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.parametrize("end", [RESET, CUT])
def test_while_nobody_uses_it(kind: str, end: str, server: Server) -> None:
    go_on = threading.Event()
    server.plays(kept(lambda: go_on.wait(5), end), sse_reply(*WHOLE))

    def before(number: int) -> None:
        if number:
            go_on.set()
            assert server.wait_for(lambda: server.held_open == 0)

    heard = ask_again(kind, config(server), 2, before=before)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert [request.connection for request in server.requests] == [0, 1]


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that does not say what the server has taken; `test_native_taken` is about the others."""
    for module in (connection, blocking_connection):
        monkeypatch.setattr(module, "was_taken", lambda *_: None)


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.parametrize("end", [RESET, CUT])
def test_when_the_next_request_comes(kind: str, end: str, server: Server) -> None:
    """Nothing came back: it is sent once more, over a new connection."""
    server.plays(kept(), Reply([end], raw=True), sse_reply(*WHOLE))
    heard = ask_again(kind, config(server), 2)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert [request.connection for request in server.requests] == [0, 0, 1]


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize("kind", NATIVE)
def test_again_on_the_new_connection(kind: str, server: Server) -> None:
    """It is sent twice, and not a third time."""
    server.plays(kept(), Reply([RESET], raw=True), Reply([RESET], raw=True), sse_reply(*WHOLE))
    _, failed, fine = ask_again(kind, config(server), 3)
    assert isinstance(failed.error, zen.ReadError)
    assert fine.text == "Hello"
    assert [request.connection for request in server.requests] == [0, 0, 1, 2]


@pytest.mark.parametrize("kind", NATIVE)
def test_when_an_answer_has_begun(kind: str, server: Server, reads: Reads) -> None:
    """Somebody has accepted the request."""
    read: list[threading.Event] = []
    half = Reply([BEGUN[:20], lambda: read[-1].wait(5), RESET], raw=True)
    server.plays(kept(), half, sse_reply(*WHOLE))
    _, failed, fine = ask_again(kind, config(server), 3, before=lambda _: read.append(reads.next()))
    assert isinstance(failed.error, zen.ReadError)
    assert fine.text == "Hello"
    assert [request.connection for request in server.requests] == [0, 0, 1]


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize("kind", NATIVE)
def test_long_after_the_request(kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have been at work on it."""
    monkeypatch.setattr(answer, "_STALE_SECONDS", 0.0)
    server.plays(kept(), Reply([RESET], raw=True), sse_reply(*WHOLE))
    _, failed, fine = ask_again(kind, config(server), 3)
    assert isinstance(failed.error, zen.ReadError)
    assert fine.text == "Hello"
    assert [request.connection for request in server.requests] == [0, 0, 1]
