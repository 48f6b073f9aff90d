"""HTTP clients that decode nothing: they find the times in the bytes as these come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from . import Ask, Seen
from .scan import Scan

PATH = "/v1/chat/completions"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}],"stream":true}'
HEADERS = {"content-type": "application/json"}


@asynccontextmanager
async def aiohttp_raw(base: str) -> AsyncGenerator[Ask, None]:
    """aiohttp, with what its buffer holds at each turn."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def ask(seen: Seen) -> None:
            scan = Scan(seen)
            async with session.post(base + PATH, data=BODY, headers=HEADERS) as response:
                async for piece in response.content.iter_any():
                    scan.feed(piece)

        yield ask


@asynccontextmanager
async def httpx2_raw(base: str) -> AsyncGenerator[Ask, None]:
    """httpx2, with the bytes as they come."""
    import httpx2

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(limits=limits, timeout=None) as client:

        async def ask(seen: Seen) -> None:
            scan = Scan(seen)
            async with client.stream("POST", base + PATH, content=BODY, headers=HEADERS) as response:
                async for piece in response.aiter_raw():
                    scan.feed(piece)

        yield ask
