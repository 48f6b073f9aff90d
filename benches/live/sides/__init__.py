"""The clients. Each opens against a base URL whose path says how the server plays, and then asks as often as told.

Owns the list, in the order of the tables. A side gives every delta's text to the callable it is asked with, once. What
it needs is imported when it opens: a process should hold nothing of the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

Seen = Callable[[str], None]
Ask = Callable[[Seen], Awaitable[None]]
AskBlocking = Callable[[Seen], None]
Open = Callable[[str], AbstractAsyncContextManager[Ask]]
OpenBlocking = Callable[[str], AbstractContextManager[AskBlocking]]

Loop = Literal["asyncio", "uvloop", "threads", "epoll"]

NATIVE = "zen native"
NATIVE_UVLOOP = "zen native, uvloop"
NATIVE_SYNC = "zen native, sync"
OVER_HTTPX = "zen over httpx"
BUFFERED = "BufferedProtocol"
BUFFERED_UVLOOP = "BufferedProtocol, uvloop"
DECODING = "BufferedProtocol + Decoder"
SOCKET = "blocking socket + Decoder"
AIOHTTP = "aiohttp, raw"
HTTPX2 = "httpx2, raw"
OPENAI = "openai on httpx2"
OPENAI_AIOHTTP = "openai on aiohttp"
FLOOR = "epoll (Rust)"


@dataclass(frozen=True)
class Side:
    """A client: where it is, which packages it is made of (the first gives its version), what its streams run on."""

    name: str
    place: str
    packages: tuple[str, ...]
    loop: Loop = "asyncio"
    raw: bool = False
    """Written by hand for the bench: no client that somebody would use."""

    @property
    def ours(self) -> bool:
        """Whether its absence is a failure of the bench."""
        return self.place.startswith("ours:")

    def open(self) -> Open | OpenBlocking:
        """What opens it; importing what it needs may fail."""
        module, _, name = self.place.partition(":")
        found: Open | OpenBlocking = getattr(import_module(f"{__name__}.{module}"), name)
        return found


SIDES = (
    Side(FLOOR, "", (), "epoll", raw=True),
    Side(BUFFERED_UVLOOP, "raw:buffered", ("uvloop",), "uvloop", raw=True),
    Side(BUFFERED, "raw:buffered", (), raw=True),
    Side("Protocol", "raw:plain", (), raw=True),
    Side(DECODING, "raw:decoding", ("zen-native",), raw=True),
    Side(NATIVE_UVLOOP, "ours:native", ("zen-native", "uvloop"), "uvloop"),
    Side(NATIVE, "ours:native", ("zen-native",)),
    Side(OVER_HTTPX, "ours:over_httpx", ("zen-native", "httpx")),
    Side(AIOHTTP, "http:aiohttp_raw", ("aiohttp",)),
    Side(HTTPX2, "http:httpx2_raw", ("httpx2",)),
    Side(OPENAI_AIOHTTP, "sdks:openai_aiohttp", ("openai", "aiohttp")),
    Side(OPENAI, "sdks:openai_httpx2", ("openai", "httpx2")),
    Side("anthropic", "sdks:anthropic_sdk", ("anthropic", "httpx2")),
    Side("litellm", "sdks:litellm_sdk", ("litellm",)),
    Side(SOCKET, "blocking:decoding", ("zen-native",), "threads", raw=True),
    Side(NATIVE_SYNC, "ours:native_sync", ("zen-native",), "threads"),
)
BY_NAME = {side.name: side for side in SIDES}
