"""A loopback HTTP server that plays recorded answers in chunks.

Owns the listening socket, the cuts and the pace. Speaks just as much HTTP/1.1 as the demo asks for: one request a
connection, one chunked response. Never leaves this machine.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager

from zen_native._cli.exchange import Exchange

__all__ = ["serve"]

_MIN_CHUNK, _MAX_CHUNK = 30, 230
_MAX_REQUEST = 1 << 20


@asynccontextmanager
async def serve(recordings: Mapping[str, Exchange], pace: float) -> AsyncGenerator[str, None]:
    """Serve `/<id>/...` until the block is left; gives the URL to begin with. `pace` is in seconds between chunks."""
    player = _Player(recordings, pace)
    server = await asyncio.start_server(player.connected, "127.0.0.1", 0, limit=_MAX_REQUEST)
    try:
        port: int = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        await player.stop()
        await server.wait_closed()


class _Player:
    def __init__(self, recordings: Mapping[str, Exchange], pace: float) -> None:
        self._recordings = recordings
        self._pace = pace
        # Every answer is cut elsewhere, and the same in every run.
        self._cuts = random.Random(7)  # noqa: S311 - cuts, not keys
        self._answers: set[asyncio.Task[None]] = set()
        self._stopping = False

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client came. The task is kept here, so that it can end before the loop does."""
        answer = asyncio.create_task(self._answer(reader, writer))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def stop(self) -> None:
        """End what is still playing: a client that has its answer hangs up before the last byte."""
        self._stopping = True
        await asyncio.gather(*self._answers)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = await _request_path(reader)
            recording = self._recordings.get(path.split("/")[1])
            if recording is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            else:
                await self._play(recording, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has read enough
        finally:
            writer.close()

    async def _play(self, recording: Exchange, writer: asyncio.StreamWriter) -> None:
        headers = {**recording.headers, "transfer-encoding": "chunked", "connection": "close"}
        lines = [f"HTTP/1.1 {recording.status} OK", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for chunk in self._chunks(recording.body):
            if self._stopping:
                return
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
            await asyncio.sleep(self._pace)
        writer.write(b"0\r\n\r\n")

    def _chunks(self, body: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(body):
            size = self._cuts.randint(_MIN_CHUNK, _MAX_CHUNK)
            yield body[at : at + size]
            at += size


async def _request_path(reader: asyncio.StreamReader) -> str:
    """The path of a request whose head and body have been read."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *fields = head.split("\r\n")
    named = dict(field.lower().split(": ", 1) for field in fields if ": " in field)
    await reader.readexactly(int(named.get("content-length", "0")))
    return first.split(" ")[1]
