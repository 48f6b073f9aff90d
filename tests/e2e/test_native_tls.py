"""Connections of the native transport over TLS: they are used again, carry what is large, and break like others. Whom
the clients trust is in `test_client_tls`, for both transports."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, ask_again, config
from tests.kit.authority import Authority
from tests.kit.byhand import ByHand, Play, read_request
from tests.kit.chat import chunk, sse
from tests.kit.http1 import counted, head
from tests.kit.reads import Reads
from tests.kit.server import CUT, RESET, Reply, Server, sse_reply

import zen_native as zen

pytestmark = pytest.mark.parametrize("kind", NATIVE)

BODY = b"".join(WHOLE)
BEGUN = head("transfer-encoding: chunked") + b"%x\r\n%b\r\n" % (len(TEXT[0]), TEXT[0])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(authority: Authority) -> zen.Tls:
    return zen.Tls(ca_file=authority.file)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def context(authority: Authority, request: pytest.FixtureRequest) -> ssl.SSLContext:
    made = authority.server()
    made.minimum_version = made.maximum_version = request.param
    return made


@pytest.fixture
def server(context: ssl.SSLContext) -> Iterator[Server]:
    with Server(sse_reply(*WHOLE), tls=context) as running:
        yield running


def test_a_connection_is_used_again(kind: str, server: Server, tls: zen.Tls) -> None:
    assert [each.text for each in ask_again(kind, config(server), 3, tls=tls)] == ["Hello"] * 3
    assert [request.connection for request in server.requests] == [0, 0, 0]


def test_much_is_sent(kind: str, server: Server, tls: zen.Tls) -> None:
    """More than is sealed at a time, and more than a socket takes."""
    long = "".join(f"{number} " for number in range(1_000_000))
    heard = ask_again(kind, config(server), 2, call={"messages": long}, tls=tls)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    for request in server.requests:
        assert json.loads(request.body)["messages"][0]["content"] == long


def test_much_comes(kind: str, server: Server, tls: zen.Tls) -> None:
    """Many records in one read, and events of many records."""
    long = "x" * 1_000_000
    server.plays(sse_reply(sse(chunk({"content": long})), *[TEXT[0]] * 2000, *WHOLE))
    heard = ask_again(kind, config(server), 2, tls=tls)
    assert [(each.error, each.text) for each in heard] == [(None, f"{long}{'Hel' * 2000}Hello")] * 2
    assert [request.connection for request in server.requests] == [0, 0]


@pytest.mark.parametrize("end", [RESET, CUT])
def test_a_kept_connection_that_ended(kind: str, end: str, server: Server, tls: zen.Tls) -> None:
    go_on = threading.Event()
    idle = Reply([counted(BODY), lambda: go_on.wait(5), end], raw=True, kept=True)
    server.plays(idle, sse_reply(*WHOLE))

    def before(number: int) -> None:
        if number:
            go_on.set()
            assert server.wait_for(lambda: server.held_open == 0)

    heard = ask_again(kind, config(server), 2, before=before, tls=tls)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert [request.connection for request in server.requests] == [0, 1]


# By hand


def secured(context: ssl.SSLContext, play: Play) -> Play:
    """For one request, over TLS."""

    def shaken(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as stream:
            read_request(stream)
            play(stream)

    return shaken


def answered(stream: socket.socket) -> None:
    stream.sendall(counted(BODY))


def at(server: ByHand) -> zen.Config:
    return config(server, base_url=server.url.replace("http:", "https:"))


def test_a_goodbye_behind_an_answer(kind: str, context: ssl.SSLContext, tls: zen.Tls) -> None:
    """The connection is not used again, and closed."""
    left: list[bytes] = []

    def goodbye(stream: socket.socket) -> None:
        assert isinstance(stream, ssl.SSLSocket)
        answered(stream)
        with suppress(OSError):  # nobody need answer it
            stream.unwrap()
        left.append(socket.socket.recv(stream, 1))

    with ByHand(secured(context, goodbye)) as server:
        heard = ask_again(kind, at(server), 2, tls=tls)
        assert server.connections == 2
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert left == [b"", b""]


def test_bytes_that_are_no_record(kind: str, context: ssl.SSLContext, tls: zen.Tls, reads: Reads) -> None:
    """What came before them counts."""
    read = reads.next()

    def break_in(stream: socket.socket) -> None:
        stream.sendall(BEGUN)
        assert read.wait(5)
        socket.socket.sendall(stream, b"this is no record")
        stream.recv(1)

    with ByHand(secured(context, break_in), secured(context, answered)) as server:
        failed, fine = ask_again(kind, at(server), 2, tls=tls)
    assert isinstance(failed.error, zen.ReadError)
    assert "SSL" in failed.error.message
    assert (failed.text, fine.text) == ("Hel", "Hello")


def test_what_tls_says_by_itself_waits_for_the_end_of_a_request(kind: str, authority: Authority, reads: Reads) -> None:
    """The server asks for a certificate in the middle of one, and takes no more of it until that has been read."""
    demanding = authority.demanding(ssl.TLSVersion.TLSv1_3)
    showing = ssl.create_default_context(cafile=authority.file)
    showing.load_cert_chain(*authority.client())
    demanding.post_handshake_auth = showing.post_handshake_auth = True
    shown: list[object] = []

    def demand(connection: socket.socket) -> None:
        with demanding.wrap_socket(connection, server_side=True) as stream:
            stream.recv(1)
            read = reads.next()
            stream.verify_client_post_handshake()
            stream.sendall(b"HTTP/1.1 102 X\r\n\r\n")
            assert read.wait(5)
            assert read_request(stream)
            stream.settimeout(0.05)
            while not stream.getpeercert():  # where it lies behind the request, it takes a read to find it
                with suppress(TimeoutError):
                    stream.recv(1)
                    return  # the client has hung up
            shown.append(stream.getpeercert())
            answered(stream)

    with ByHand(demand) as server:
        heard = ask_again(kind, at(server), 1, call={"messages": "x" * (32 << 20)}, tls=showing)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")]
    assert len(shown) == 1


def test_a_server_that_takes_another_protocol_is_refused(
    kind: str, context: ssl.SSLContext, server: Server, authority: Authority
) -> None:
    """Who brings a context may have offered one."""
    context.set_alpn_protocols(["h2"])
    offering = ssl.create_default_context(cafile=str(authority.file))
    offering.set_alpn_protocols(["h2", "http/1.1"])
    (heard,) = ask_again(kind, config(server), 1, tls=offering)
    assert isinstance(heard.error, zen.ConnectError)
    assert "took it" in heard.error.message
    assert server.requests == []
