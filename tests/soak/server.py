"""A cheap server for very many streams, in a process of its own: asyncio protocols, and one clock for all streams.

Every POST is answered with the same event stream over a kept connection, one event a tick. Owns what it counted, which
it writes as a line of JSON for every line that it reads: nothing, or a new pace. It ends with its input. Its first line
is its port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import ssl
import sys
from collections import deque
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kit.chat import chunk, sse, tail
from tests.kit.process import raise_limit

__all__ = ["PIECES", "TEXT"]

_WORDS = ("The ", "tide ", "turns ", "at ", "six, ", "says ", "the ", "almanac.")
TEXT = "".join(_WORDS)
PIECES = len(_WORDS) + 1
"""What is written of one answer: its words, and its end."""

_BACKLOG = 4096
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_USAGE = {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17}


def _pieces() -> list[bytes]:
    bodies = [sse(chunk({"content": word})) for word in _WORDS]
    bodies.append(sse(chunk({}, "stop"), tail(usage=_USAGE), "[DONE]"))
    framed = [b"%x\r\n%b\r\n" % (len(body), body) for body in bodies]
    return [_HEAD + framed[0], *framed[1:-1], framed[-1] + b"0\r\n\r\n"]


class Counts:
    """What the server has seen."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.streams = 0
        self.most_streams = 0
        self.cut = 0
        """Answers whose client hung up before their end."""

    def stream(self, change: int) -> None:
        """An answer began or ended."""
        self.requests += change > 0
        self.streams += change
        self.most_streams = max(self.most_streams, self.streams)


class Clock:
    """Writes the pieces of all streams when they are due, which is in the order in which they were put in, as long
    as the pace is the same."""

    def __init__(self) -> None:
        self.pace = 0.1
        """Seconds between two pieces."""
        self._pieces = _pieces()
        self._due: deque[tuple[float, Connection, int, int]] = deque()
        self._loop = asyncio.get_running_loop()
        self._is_set = False

    def begin(self, connection: Connection) -> None:
        """A new answer, whose first piece goes out now."""
        self._write(connection, connection.number, 0)

    def _write(self, connection: Connection, number: int, at: int) -> None:
        if connection.number != number:
            return  # that client is gone
        is_last = at + 1 == len(self._pieces)
        if is_last:
            connection.ended()
        connection.write(self._pieces[at])
        if not is_last:
            self._due.append((self._loop.time() + self.pace, connection, number, at + 1))
            self._set()

    def _set(self) -> None:
        if self._due and not self._is_set:
            self._is_set = True
            self._loop.call_at(self._due[0][0], self._tick)

    def _tick(self) -> None:
        self._is_set = False
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            _, connection, number, at = self._due.popleft()
            self._write(connection, number, at)
        self._set()


class Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, clock: Clock, counts: Counts) -> None:
        self._clock = clock
        self._counts = counts
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._answers = False
        self.number = 0
        """Of the answer under way."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._counts.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._received = b""
        self.number += 1
        self._answers = True
        self._counts.stream(+1)
        self._clock.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.cut += self._answers
        self.ended()
        self.number += 1
        self._transport = None
        self._counts.connections -= 1

    def write(self, data: bytes) -> None:
        """The next piece."""
        if self._transport is not None:
            self._transport.write(data)

    def ended(self) -> None:
        """No piece follows, or only one."""
        if self._answers:
            self._answers = False
            self._counts.stream(-1)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(certificate: Path | None) -> None:
    loop = asyncio.get_running_loop()
    clock, counts, context = Clock(), Counts(), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await loop.create_server(lambda: Connection(clock, counts), "127.0.0.1", 0, backlog=_BACKLOG, ssl=context)
    _say(server.sockets[0].getsockname()[1])
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    while line := await asked.readline():
        clock.pace = float(line.strip() or clock.pace)
        _say(vars(counts))


def _say(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, required=True, help="how many there may be")
    parser.add_argument("--certificate", type=Path, help="speak TLS, with what that file holds")
    args = parser.parse_args()
    raise_limit(args.connections)
    asyncio.run(_serve(args.certificate))


if __name__ == "__main__":
    main()
