"""A scripted HTTP/1.1 server on the loopback interface, in threads, with the standard library alone.

Owns what goes over the socket and what was seen of it: requests, connections, and when a client hung up. Replies are
played in the order in which requests come; the last is played again and again.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.kit.listener import Listener

__all__ = ["CUT", "HOLD", "RESET", "Reply", "Request", "Server", "Silent", "sse_reply"]

CUT = "cut"
"""Close without the end of the body."""
HOLD = "hold"
"""Send nothing more, and wait until the client hangs up."""
RESET = "reset"
"""Close with a RST."""

Part = bytes | float | str | Callable[[], object]
"""Bytes to send (one chunk), seconds to wait, one of the words above, or what is done before the next part."""

_PATIENCE = 20.0


@dataclass(frozen=True)
class Reply:
    """One answer. `raw` is sent as it is instead of status line, headers and chunks; its connection is closed behind it
    where it is not `kept`."""

    parts: Sequence[Part] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    kept: bool = False


@dataclass(frozen=True)
class Request:
    """What a client sent; `connection` counts connections from 0."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


def sse_reply(*parts: Part, **fields: object) -> Reply:
    """A reply that is an event stream."""
    return Reply(parts, headers={"content-type": "text/event-stream"}, **fields)  # type: ignore[arg-type]


class Server(Listener):
    """Plays replies until it is closed. `hung_up` is set when a client closes before an answer has ended."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self._tls = tls
        self._script: list[Reply] = list(replies)
        self.requests: list[Request] = []
        self.hung_up = threading.Event()
        self.hung_up_at: list[float] = []
        self.url = f"{'https' if tls else 'http'}://{self.address}"

    def plays(self, *replies: Reply) -> None:
        """Set what comes next."""
        with self.changed:
            self._script = list(replies)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Wait until something holds that a connection changes."""
        with self.changed:
            return self.changed.wait_for(condition, seconds)

    def wrapped(self, connection: socket.socket) -> socket.socket:
        """See `Listener`."""
        if self._tls is None:
            return connection
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def serve(self, connection: socket.socket, number: int) -> None:
        """See `Listener`."""
        # Errors are the network's, those of TLS, or one that comes too late for either.
        with suppress(OSError), connection.makefile("rb") as stream:
            if isinstance(connection, ssl.SSLSocket):
                _shake(connection)
            while (request := _read_request(stream, number)) is not None:
                if not self._answer(connection, self._next(request)):
                    break

    def _next(self, request: Request) -> Reply:
        with self.changed:
            self.requests.append(request)
            reply = self._script[0] if len(self._script) == 1 else self._script.pop(0)
            self.changed.notify_all()
            return reply

    def _answer(self, connection: socket.socket, reply: Reply) -> bool:
        """Whether the connection can take another request."""
        try:
            return self._play(connection, reply)
        except (ConnectionError, ssl.SSLError):  # a client may be gone before all parts are sent
            self._note_hang_up()
            return False

    def _play(self, connection: socket.socket, reply: Reply) -> bool:
        if not reply.raw:
            headers = {"transfer-encoding": "chunked", **reply.headers}
            lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
            connection.sendall("\r\n".join(lines).encode("latin-1"))
        for part in reply.parts:
            if isinstance(part, bytes):
                connection.sendall(part if reply.raw else b"%x\r\n%b\r\n" % (len(part), part))
            elif isinstance(part, float | int):
                time.sleep(part)
            elif callable(part):
                part()
            elif part == HOLD:
                self._hold(connection)
                return False
            else:
                if part == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
        if not reply.raw:
            connection.sendall(b"0\r\n\r\n")
        return reply.kept or not reply.raw

    def _hold(self, connection: socket.socket) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            connection.recv(1)
        self._note_hang_up()

    def _note_hang_up(self) -> None:
        if not self.stopping:
            self.hung_up_at.append(time.monotonic())
            self.hung_up.set()


class Silent:
    """Takes one connection, says nothing on it, not even in TLS, and waits until the client hangs up."""

    def __init__(self) -> None:
        self.greeted = threading.Event()
        self.left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(5)
        self._listener.close()

    def _listen(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(_PATIENCE)
        with connection:
            try:
                while connection.recv(4096):
                    self.greeted.set()
            except TimeoutError:
                return
            except ConnectionError:
                pass
        self.left.set()


def _shake(connection: ssl.SSLSocket) -> None:
    try:
        connection.do_handshake()
    except ssl.SSLError:
        # A reset could overtake the alert that says why: what the client sends is read, until it hangs up.
        connection.settimeout(_PATIENCE)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            while socket.socket.recv(connection, 4096):
                pass
        raise


def _read_request(stream, number: int) -> Request | None:  # type: ignore[no-untyped-def]
    head: list[str] = []
    while (line := stream.readline().decode("latin-1")) not in ("\r\n", ""):
        head.append(line.rstrip("\r\n"))
    if not head:
        return None
    method, path, _ = head[0].split(" ", 2)
    headers = dict(text.split(": ", 1) for text in head[1:])
    headers = {name.lower(): value for name, value in headers.items()}
    body = stream.read(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, number)
