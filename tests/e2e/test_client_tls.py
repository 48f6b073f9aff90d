"""The clients over TLS: whom they trust, what they show of themselves, and that limits and hanging up work the same."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.kit.asking import TEXT, WAYS, WHOLE, ask, config
from tests.kit.authority import MONTH, Authority
from tests.kit.byhand import ByHand, Play, read_request
from tests.kit.http1 import head
from tests.kit.server import HOLD, Server, Silent, sse_reply

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", WAYS),
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    with Server(sse_reply(*WHOLE), tls=authority.server()) as running:
        yield running


@pytest.fixture
def tls(authority: Authority) -> zen.Tls:
    return zen.Tls(ca_file=authority.file)


def refused(kind: str, context: ssl.SSLContext, tls: zen.Tls | None) -> str:
    """What is said where a server is not talked to; it must not hear of the request, and not be asked again."""
    with Server(sse_reply(*WHOLE), tls=context) as server:
        heard = ask(kind, config(server), tls=tls, retry=zen.RetryPolicy(attempts=3, base=0))
        assert isinstance(heard.error, zen.TlsError)
        assert not heard.error.retryable
        assert (server.requests, server.connections) == ([], 1)
        return heard.error.message


def test_an_answer_comes(kind: str, server: Server, tls: zen.Tls) -> None:
    assert ask(kind, config(server), tls=tls).text == "Hello"


def test_the_environment_may_name_the_authorities(
    kind: str, server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert ask(kind, config(server)).text == "Hello"


def test_a_context_of_the_callers_is_taken_as_it_is(kind: str, server: Server, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.file)
    assert ask(kind, config(server), tls=context).text == "Hello"


def test_a_stall_ends(kind: str, server: Server, tls: zen.Tls) -> None:
    server.plays(sse_reply(TEXT[0], HOLD))
    heard = ask(kind, config(server), tls=tls, timeouts=zen.Timeouts(idle=0.1))
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert (heard.text, heard.error.phase) == ("Hel", "idle")
    assert server.hung_up.wait(0.25)


# Who is not talked to


def test_a_stranger(kind: str, authority: Authority) -> None:
    assert "unable to get local issuer certificate" in refused(kind, authority.server(), None)


def test_a_stranger_to_the_authorities_of_the_caller(kind: str, authority: Authority, tmp_path: Path) -> None:
    other = zen.Tls(ca_file=Authority(tmp_path).file)
    assert "CERTIFICATE_VERIFY_FAILED" in refused(kind, authority.server(), other)


def test_whoever_asks_several_is_told_which_one_is_not_trusted(kind: str, authority: Authority) -> None:
    with Server(sse_reply(*WHOLE), tls=authority.server()) as server:
        heard = ask(kind, config(server))
    assert heard.error is not None
    assert f"connection to {server.address}: " in heard.error.message


def test_another_host(kind: str, authority: Authority, tls: zen.Tls) -> None:
    assert "IP address mismatch" in refused(kind, authority.server("elsewhere.example"), tls)


def test_the_server_hears_which_host_is_meant(kind: str, authority: Authority, tls: zen.Tls) -> None:
    """By SNI (RFC 6066 section 3), which knows names and no addresses."""
    context = authority.server("localhost")
    heard: list[str | None] = []
    context.sni_callback = lambda _, name, __: heard.append(name)
    with Server(sse_reply(*WHOLE), tls=context) as server:
        server.url = server.url.replace("127.0.0.1", "localhost")
        assert ask(kind, config(server), tls=tls).text == "Hello"
    assert heard == ["localhost"]


def test_a_certificate_that_expired(kind: str, authority: Authority, tls: zen.Tls) -> None:
    assert "certificate has expired" in refused(kind, authority.server(since=-2 * MONTH), tls)


def test_a_certificate_of_the_future(kind: str, authority: Authority, tls: zen.Tls) -> None:
    assert "certificate is not yet valid" in refused(kind, authority.server(since=MONTH), tls)


def test_a_certificate_that_signs_itself(kind: str, authority: Authority) -> None:
    assert "self-signed certificate" in refused(kind, authority.self_signed(), None)


class Plain(socketserver.BaseRequestHandler):
    """Answers whatever comes in plain text."""

    def handle(self) -> None:
        self.request.recv(1)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.request.recv(4096)


def test_a_server_without_tls(kind: str, server: Server) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Plain) as plain:
        thread = threading.Thread(target=plain.handle_request)
        thread.start()
        at = f"https://127.0.0.1:{plain.server_address[1]}"
        heard = ask(kind, config(server, base_url=at), retry=zen.RetryPolicy(attempts=3, base=0))
        thread.join()
    assert isinstance(heard.error, zen.TlsError)
    assert "wrong version number" in heard.error.message.lower().replace("_", " ")


def test_a_context_that_allows_nothing(kind: str, server: Server) -> None:
    context = ssl.create_default_context()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
    heard = ask(kind, config(server), tls=context, retry=zen.RetryPolicy(attempts=3, base=0))
    assert isinstance(heard.error, zen.TlsError)
    assert server.wait_for(lambda: server.connections == 1)


def test_an_environment_that_names_a_file_in_vain(
    kind: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
    heard = ask(kind, config(server), retry=zen.RetryPolicy(attempts=3, base=0))
    assert isinstance(heard.error, zen.TlsError)
    assert "nowhere" in heard.error.message


# Certificates of the client


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_a_client_shows_its_certificate(kind: str, version: ssl.TLSVersion, authority: Authority) -> None:
    certificate, key = authority.client()
    tls = zen.Tls(ca_file=authority.file, certificate=certificate, key=key)
    with Server(sse_reply(*WHOLE), tls=authority.demanding(version)) as server:
        assert ask(kind, config(server), tls=tls).text == "Hello"


@VERSIONS
def test_a_client_without_one_is_refused(
    kind: str, version: ssl.TLSVersion, authority: Authority, tls: zen.Tls
) -> None:
    said = refused(kind, authority.demanding(version), tls).lower().replace("_", " ")
    assert ("handshake failure" if version is ssl.TLSVersion.TLSv1_2 else "certificate required") in said


def test_a_server_that_hangs_up_within_a_handshake(kind: str) -> None:
    def play(stream: socket.socket) -> None:
        stream.recv(1 << 16)

    with ByHand(play) as server:
        at = server.url.replace("http:", "https:")
        heard = ask(kind, config(server, base_url=at), retry=zen.RetryPolicy(attempts=1))
    assert type(heard.error) is zen.ConnectError
    assert f"connection to {server.url.removeprefix('http://')}" in heard.error.message


def test_a_handshake_without_an_end_is_given_up(kind: str) -> None:
    with Silent() as silent:
        heard = ask(
            kind,
            config(silent),
            timeouts=zen.Timeouts(connect=0.3),
            retry=zen.RetryPolicy(attempts=1),
        )
        assert isinstance(heard.error, zen.StreamTimeoutError)
        assert heard.error.phase == "connect"
        assert heard.error.message.endswith(f": connect; no connection to {silent.url.removeprefix('https://')}")
        assert silent.left.wait(0.25)


# The end of an answer that lasts until the connection is closed: RFC 9112 section 9.8 takes it for whole only where TLS
# says so, too. Many servers never do, and every protocol has an end of its own: that is what counts.


def ending(context: ssl.SSLContext, sent: bytes, *, politely: bool) -> Play:
    """Answers, and closes the connection, with or without the alert that says so."""

    def play(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            read_request(secured)
            secured.sendall(sent)
            if politely:
                with suppress(OSError):  # nobody need answer it
                    secured.unwrap()

    return play


@pytest.mark.parametrize("politely", [True, False])
@pytest.mark.parametrize("events", [1, 2, 3, 4])
def test_an_answer_that_lasts_until_the_connection_is_closed(
    kind: str, events: int, politely: bool, authority: Authority, tls: zen.Tls
) -> None:
    sent = head("content-type: text/event-stream") + b"".join(WHOLE[:events])
    with ByHand(ending(authority.server(), sent, politely=politely)) as server:
        heard = ask(kind, config(server, base_url=server.url.replace("http:", "https:")), tls=tls)
    assert heard.text == ("Hel" if events == 1 else "Hello")
    assert type(heard.error) is (zen.IncompleteStreamError if events < 3 else type(None))
