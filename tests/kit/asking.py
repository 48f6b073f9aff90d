"""Asks a loopback server through a whole client, of each kind. Owns no expectation."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import trio
from anyio import to_thread
from tests.kit.byhand import ByHand
from tests.kit.chat import chunk, sse
from tests.kit.server import Server, Silent

import zen_native as zen
from zen_native._io import drive

__all__ = [
    "KEY", "KINDS", "NATIVE", "TEXT", "WAYS", "WHOLE",
    "Heard", "ask", "ask_again", "cancelled", "config", "in_turn", "is_sync", "new_client", "new_loop", "run",
]  # fmt: skip

KEY = "sk-sentinel-0123456789"
KINDS = ("sync", "asyncio", "trio")
"""Of clients over httpx."""
_UVLOOP: Any = importlib.import_module("uvloop") if importlib.util.find_spec("uvloop") else None  # not on Windows
if _UVLOOP:
    _UVLOOP.new_event_loop().close()  # the first one opens two files for all that follow
NATIVE = ("native-sync", "native-asyncio", *(["native-uvloop"] if _UVLOOP else []))
"""Of those over the native transport, which go with the native runtime alone."""
WAYS = (*KINDS, *NATIVE)

TEXT = [sse(chunk({"content": "Hel"})), sse(chunk({"content": "lo"}))]
"""An answer that has begun."""
WHOLE = [*TEXT, sse(chunk({}, "stop")), sse("[DONE]")]
"""A whole answer."""


@dataclass(frozen=True)
class Heard:
    """What came of a call."""

    events: list[zen.LLMEvent]
    error: zen.LLMError | None

    @property
    def text(self) -> str:
        """All text that came."""
        return "".join(event.text for event in self.events if isinstance(event, zen.TextDelta))


def config(server: Server | Silent | ByHand, other: Server | ByHand | None = None, **settings: Any) -> zen.Config:
    """A configuration in which `mine/...` is a server, and `other/...` another one."""
    servers = {"mine": server, "other": other or server}
    providers = {
        name: zen.ProviderSettings(**{"base_url": at.url, "api_key": KEY, "protocol": "openai-chat", **settings})
        for name, at in servers.items()
    }
    return zen.Config(providers=providers, environ={})


def is_sync(kind: str) -> bool:
    """Whether a client of that kind is the synchronous one."""
    return kind in ("sync", "native-sync")


def run(kind: str, main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """The result of a coroutine function on the event loop of that kind."""
    if kind == "trio":
        return trio.run(main)
    with asyncio.Runner(loop_factory=lambda: new_loop(kind)) as runner:
        return runner.run(main())


def in_turn(kind: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """The same for a client of any kind: with a synchronous one, the function suspends nowhere."""
    if is_sync(kind):
        drive(main())
    else:
        run(kind, main)


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    """An event loop of that kind, which is none of trio's."""
    make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if kind in ("uvloop", "native-uvloop"):
        make = _UVLOOP.new_event_loop
    return make()


def new_client(kind: str, settings: zen.Config, **options: Any) -> Any:
    """A fresh client of that kind."""
    transport = "native" if kind in NATIVE else "httpx"
    make: Any = zen.Client if is_sync(kind) else zen.AsyncClient
    return make(settings, **{"transport": transport, **options})


async def cancelled(kind: str, client: zen.AsyncClient, wait: Callable[[], Awaitable[object]]) -> None:
    """A call that is cancelled after that wait, as a task of asyncio or by a scope of trio."""
    if kind == "trio":
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.generate, "mine/m", "hi")
            await wait()
            nursery.cancel_scope.cancel()
        return
    task = asyncio.create_task(client.generate("mine/m", "hi"))
    await wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def ask(kind: str, settings: zen.Config, *, call: dict[str, Any] | None = None, **options: Any) -> Heard:
    """One call by a fresh client of that kind: what it gave, and what it raised. `call` goes to `stream`."""
    asked = {"request": "mine/m", "messages": "hi", **(call or {})}
    events: list[zen.LLMEvent] = []

    async def main() -> None:
        async with new_client(kind, settings, **options) as client:
            async for event in client.stream(**asked):
                events.append(event)  # noqa: PERF401 - what came before an error counts

    try:
        if is_sync(kind):
            with new_client(kind, settings, **options) as client:
                events.extend(client.stream(**asked))
        else:
            run(kind, main)
    except zen.LLMError as error:
        return Heard(events, error)
    return Heard(events, None)


def ask_again(
    kind: str,
    settings: zen.Config,
    count: int,
    *,
    before: Callable[[int], object] = int,
    call: dict[str, Any] | None = None,
    **options: Any,
) -> list[Heard]:
    """As many calls by one client of that kind, one after the other. `before` is called before each with its number, in
    a thread where the client has an event loop, which goes on."""
    asked = {"request": "mine/m", "messages": "hi", **(call or {})}
    options = {"retry": zen.RetryPolicy(attempts=1), **options}
    heard: list[Heard] = []

    async def main() -> None:
        async with new_client(kind, settings, **options) as client:
            for number in range(count):
                await to_thread.run_sync(before, number)
                events: list[zen.LLMEvent] = []
                try:
                    async for event in client.stream(**asked):
                        events.append(event)  # noqa: PERF401 - what came before an error counts
                except zen.LLMError as error:
                    heard.append(Heard(events, error))
                else:
                    heard.append(Heard(events, None))

    def main_sync() -> None:
        with new_client(kind, settings, **options) as client:
            for number in range(count):
                before(number)
                events: list[zen.LLMEvent] = []
                try:
                    events.extend(client.stream(**asked))
                except zen.LLMError as error:
                    heard.append(Heard(events, error))
                else:
                    heard.append(Heard(events, None))

    if is_sync(kind):
        main_sync()
    else:
        run(kind, main)
    return heard
