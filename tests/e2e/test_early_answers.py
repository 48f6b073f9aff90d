"""Servers that answer before they have the whole request, or say more than one answer at once: whatever they do, no
request and no answer gets into another one. Over the native transport: on event loops it writes while it reads, in a
thread it sends until something comes."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR, SHUT_WR, create_server, socket
from typing import Any

import pytest
from tests.kit.asking import KEY, NATIVE, WHOLE, is_sync, new_client, run
from tests.kit.authority import Authority
from tests.kit.chat import chunk, sse

import zen_native as zen

LARGE = "x" * (32 << 20)
"""More than the buffers of both sides hold."""


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


WHOLE_ANSWER = answer(b"".join(WHOLE))
STALE = answer(sse(chunk({"content": "stale"}), chunk({}, "stop"), "[DONE]"))


class Listening:
    """Accepts, and leaves each connection to a thread that runs `serve`."""

    def __init__(self, serve: Callable[[socket, Listening], None], scheme: str) -> None:
        self._serve = serve
        self._listener = create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.bodies: list[bytes] = []
        """Of each request that was read to its end."""
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                made, _ = self._listener.accept()
                self.connections += 1
                self.threads.append(threading.Thread(target=self._run, args=(made,), daemon=True))
                self.threads[-1].start()

    def _run(self, made: socket) -> None:
        with suppress(OSError, EOFError), made:
            self._serve(made, self)

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):  # closed already
            self._listener.shutdown(SHUT_RDWR)
        self._listener.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def listening() -> Iterator[Callable[..., Listening]]:
    opened: list[Listening] = []

    def listen(serve: Callable[[socket, Listening], None], scheme: str = "http") -> Listening:
        opened.append(Listening(serve, scheme))
        return opened[-1]

    yield listen
    for each in opened:
        each.close()


def texts(kind: str, url: str, authority: Authority | None, *asked: str) -> list[str]:
    """The answers to one question after the other."""
    mine = zen.ProviderSettings(base_url=url, api_key=KEY, protocol="openai-chat")
    options: dict[str, Any] = {"timeouts": zen.Timeouts(first_event=10)}
    if authority is not None:
        options["tls"] = zen.Tls(ca_file=authority.file)

    settings = zen.Config(providers={"mine": mine}, environ={})
    if is_sync(kind):
        with new_client(kind, settings, **options) as client:
            return [client.generate("mine/m", each).text for each in asked]

    async def main() -> list[str]:
        async with new_client(kind, settings, **options) as client:
            return [(await client.generate("mine/m", each)).text for each in asked]

    found: list[str] = run(kind, main)
    return found


@pytest.mark.parametrize("reads_on", [True, False], ids=["reads on", "reads no more"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("kind", NATIVE)
def test_an_answer_before_the_request_has_gone_out(
    kind: str, secure: bool, reads_on: bool, tmp_path: Path, listening: Callable[..., Listening]
) -> None:
    authority = Authority(tmp_path) if secure else None
    context = authority.server() if authority else None

    def serve(made: socket, seen: Listening) -> None:
        connection = made if context is None else context.wrap_socket(made, server_side=True)
        with connection, connection.makefile("rb") as stream:
            while (length := length_of(stream)) is not None:
                connection.sendall(WHOLE_ANSWER)
                if length > len(LARGE) and not reads_on:
                    seen.over.wait(20)
                    return
                body = stream.read(length)
                if len(body) == length:
                    seen.bodies.append(body)

    server = listening(serve, "https" if secure else "http")
    assert texts(kind, server.url, authority, LARGE, "second", "third") == ["Hello"] * 3
    server.close()
    assert not [body for body in server.bodies if b"POST " in body]
    assert [body.count(b"second") + body.count(b"third") for body in server.bodies if len(body) < len(LARGE)] == [1, 1]
    assert server.connections == 2 or (reads_on and server.connections == 1)


def length_of(stream: Any) -> int | None:
    """What the head of the next request says, None where there is none."""
    lines: list[bytes] = []
    while (line := stream.readline(1 << 16)) not in (b"\r\n", b""):
        lines.append(line)
    if not lines:
        return None
    assert lines[0].startswith(b"POST /"), lines[0][:100]
    return int(next(line for line in lines if line.startswith(b"content-length:")).split(b":")[1])


@pytest.mark.parametrize("kind", NATIVE)
def test_a_second_record_is_not_the_next_answer(kind: str, tmp_path: Path, listening: Callable[..., Listening]) -> None:
    authority = Authority(tmp_path)
    context = authority.server()

    def serve(made: socket, seen: Listening) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(incoming, outgoing, server_side=True)

        def done(step: Callable[[], Any]) -> Any:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    made.sendall(outgoing.read())
                    data = made.recv(1 << 16)
                    if not data:
                        raise EOFError from None
                    incoming.write(data)

        done(secured.do_handshake)
        first = seen.connections == 1
        while done(lambda: secured.read(1 << 16)):
            secured.write(WHOLE_ANSWER)
            if first:
                secured.write(STALE)  # a record of its own, in the same segment
            made.sendall(outgoing.read())

    server = listening(serve, "https")
    assert texts(kind, server.url, authority, "first", "second", "third") == ["Hello"] * 3
    assert server.connections == 2


@pytest.mark.parametrize("ends", [False, True], ids=["stays", "says no more"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("kind", NATIVE)
def test_a_refusal_before_the_request_has_gone_out(
    kind: str, secure: bool, ends: bool, tmp_path: Path, listening: Callable[..., Listening]
) -> None:
    """Also where informational answers come before, and it comes in pieces."""
    authority = Authority(tmp_path) if secure else None
    context = authority.server() if authority else None
    refusal = b'HTTP/1.1 413 X\r\ncontent-length: 31\r\n\r\n{"error":{"message":"too big"}}'

    def serve(made: socket, seen: Listening) -> None:
        connection = made if context is None else context.wrap_socket(made, server_side=True)
        with connection, connection.makefile("rb") as stream:
            length_of(stream)
            for piece in (b"HTTP/1.1 103 X\r\n\r\n", refusal[:20], refusal[20:]):
                seen.over.wait(0.05)
                connection.sendall(piece)
            if ends:
                socket.shutdown(connection, SHUT_WR)
            seen.over.wait(20)

    server = listening(serve, "https" if secure else "http")
    with pytest.raises(zen.PayloadTooLargeError, match="too big"):
        texts(kind, server.url, authority, LARGE)


@pytest.mark.parametrize("kind", NATIVE)
def test_an_informational_answer_does_not_end_the_request(kind: str, listening: Callable[..., Listening]) -> None:
    def serve(made: socket, seen: Listening) -> None:
        with made.makefile("rb") as stream:
            while (length := length_of(stream)) is not None:
                made.sendall(b"HTTP/1.1 102 X\r\n\r\n")
                seen.over.wait(0.2)
                seen.bodies.append(stream.read(length))
                made.sendall(WHOLE_ANSWER)

    server = listening(serve)
    assert texts(kind, server.url, None, LARGE, "second") == ["Hello"] * 2
    assert (len(server.bodies), server.connections) == (2, 1)
