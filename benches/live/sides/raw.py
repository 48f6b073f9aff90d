"""Protocols on the event loop itself, without any HTTP library: what a client in Python cannot get below.

`buffered` and `plain` find the times and decode nothing; `decoding` takes the chunks apart and feeds our decoder, which
is what an expert would write by hand around it. All three keep their connections.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from live.marks import END

from . import Ask, Seen
from .chunks import Decoding
from .http import BODY, PATH
from .scan import Scan

READ = 64 << 10


class Reading:
    """What the protocols share: one answer at a time, and a future that says when it is over."""

    def __init__(self, body: Callable[[Seen], Any]) -> None:
        self._body = body
        self.transport: Any = None
        self.over: asyncio.Future[None] | None = None
        self.scan: Any = None

    def begin(self, seen: Seen) -> asyncio.Future[None]:
        """The next answer goes to `seen`."""
        self.scan = self._body(seen)
        self.over = asyncio.get_running_loop().create_future()
        return self.over

    def connection_made(self, transport: Any) -> None:
        """A part of asyncio's protocols, as those below."""
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Ends the answer that is under way."""
        if self.over is not None and not self.over.done():
            self.over.set_exception(error or ConnectionError("the server hung up"))

    def received(self, data: bytes | bytearray) -> None:
        """Bytes came."""
        self.scan.feed(data)
        rest = self.scan.rest
        ended = rest.endswith(END) and (rest == END or rest.endswith(b"\r\n" + END))
        if ended and self.over is not None and not self.over.done():
            self.over.set_result(None)

    def eof_received(self) -> None:
        """Lets the transport close."""


class Plain(Reading, asyncio.Protocol):
    """The loop makes a bytes object of each read."""

    data_received = Reading.received


class Buffered(Reading, asyncio.BufferedProtocol):
    """The loop reads into one buffer, which all connections share."""

    buffer = bytearray(READ)
    view = memoryview(buffer)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's
        """Where to read to."""
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        """That much was read."""
        self.received(self.buffer[:nbytes])


def opener(protocol: Callable[[], Reading]) -> Callable[[str], AbstractAsyncContextManager[Ask]]:
    """A side that is made of that protocol."""

    @asynccontextmanager
    async def open_side(base: str) -> AsyncGenerator[Ask, None]:
        url = urlsplit(base)
        context = ssl.create_default_context() if url.scheme == "https" else None
        head = f"POST {url.path}{PATH} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json\r\n"
        request = f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY
        loop, idle = asyncio.get_running_loop(), list[Any]()

        async def ask(seen: Seen) -> None:
            if not idle:
                idle.append((await loop.create_connection(protocol, url.hostname, url.port, ssl=context))[1])
            connection = idle.pop()
            over = connection.begin(seen)
            connection.transport.write(request)
            await over
            idle.append(connection)

        try:
            yield ask
        finally:
            for connection in idle:
                connection.transport.abort()

    return open_side


buffered = opener(lambda: Buffered(Scan))
plain = opener(lambda: Plain(Scan))
decoding = opener(lambda: Buffered(Decoding))
