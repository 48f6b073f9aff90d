"""Ways to a server that our own transport does not go, over clients of httpx and httpx2 that the caller brings: a
socket of the file system, and HTTP/2. The native decoder reads what comes there, too."""

from __future__ import annotations

import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import httpx2
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded
from tests.kit.asking import KEY, KINDS, WHOLE, run
from tests.kit.authority import Authority
from tests.kit.byhand import read_request
from tests.kit.http1 import counted
from tests.kit.listener import Listener

import zen_native as zen
from zen_native.gate import Reason
from zen_native.runtimes import native

pytestmark = [
    pytest.mark.parametrize("kind", KINDS),
    pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda module: module.__name__),
]

DECISION = ("native" if native.CAUSE is None else "python", "httpx", Reason.CUSTOM_TRANSPORT)


class Handler(socketserver.BaseRequestHandler):
    """Answers one request."""

    def handle(self) -> None:
        read_request(self.request)
        self.request.sendall(counted(b"".join(WHOLE), "connection: close"))


@contextmanager
def listening_at(path: Path) -> Iterator[None]:
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class Second(Listener):
    """Speaks HTTP/2 and nothing else."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        context.set_alpn_protocols(["h2"])
        self._context = context
        self.spoken: list[str | None] = []

    def wrapped(self, connection: socket.socket) -> socket.socket:
        secure = self._context.wrap_socket(connection, server_side=True)
        self.spoken.append(secure.selected_alpn_protocol())
        return secure

    def serve(self, connection: socket.socket, number: int) -> None:
        two = H2Connection(H2Configuration(client_side=False))
        two.initiate_connection()
        connection.sendall(two.data_to_send())
        with suppress(OSError):
            while data := connection.recv(1 << 16):
                for event in two.receive_data(data):
                    if isinstance(event, StreamEnded):
                        two.send_headers(event.stream_id, [(":status", "200"), ("content-type", "text/event-stream")])
                        two.send_data(event.stream_id, b"".join(WHOLE), end_stream=True)
                connection.sendall(two.data_to_send())


def answered(kind: str, make: Callable[[str], Any], url: str) -> list[Any]:
    """The decisions of two calls over a client of the caller's, which is made with either prefix of its class."""
    settings = zen.Config(
        providers={"mine": zen.ProviderSettings(base_url=url, api_key=KEY, protocol="openai-chat")}, environ={}
    )

    async def main() -> list[Any]:
        async with make("Async") as own, zen.AsyncClient(settings, transport=own) as client:
            assert [(await client.generate("mine/m", "hi")).text for _ in range(2)] == ["Hello"] * 2
            return list(client.decisions.counts())

    if kind != "sync":
        found: list[Any] = run(kind, main)
        return found
    with make("") as own, zen.Client(settings, transport=own) as client:
        assert [client.generate("mine/m", "hi").text for _ in range(2)] == ["Hello"] * 2
        return list(client.decisions.counts())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no sockets in its file system that Python serves")
def test_a_socket_of_the_file_system(kind: str, library: Any) -> None:
    with TemporaryDirectory() as folder:  # the path of a test is longer than that of a socket may be
        path = Path(folder, "socket")

        def make(prefix: str) -> Any:
            transport = getattr(library, f"{prefix}HTTPTransport")(uds=str(path))
            return getattr(library, f"{prefix}Client")(transport=transport)

        with listening_at(path):
            assert answered(kind, make, "http://localhost") == [DECISION]


def test_http_2(kind: str, library: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority.file))

    def make(prefix: str) -> Any:
        return getattr(library, f"{prefix}Client")(http2=True, verify=trusting)

    with Second(authority.server()) as server:
        assert answered(kind, make, f"https://{server.address}") == [DECISION]
        assert server.spoken == ["h2"]
