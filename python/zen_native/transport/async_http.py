"""Sending over httpx, asynchronously, on asyncio and trio: connections of our own, or a caller's client or transport.

Owns the connections of each event loop, which cannot be shared between loops, and the limits of every wait. The limits
are cancel scopes around the waits, so that they are exact with a caller's own client too.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from zen_native._locks import Locks
from zen_native.errors import ConnectError, ReadError

from .base import INHERITED, BodyCutError, Exchange, HttpRequest, is_framed, plain_headers
from .choice import CLOSED, GIVEN_UP
from .connections import ConnectionLimits
from .failures import failure
from .foreign import Foreign
from .limits import Watch
from .tls import context_of

if TYPE_CHECKING:
    from .proxies import Proxies
    from .tls import TlsContext

__all__ = ["AsyncHttp"]

_T = TypeVar("_T")


class AsyncHttp:
    """The transport of `AsyncClient`. Usable from one event loop after another, and from several at a time."""

    def __init__(
        self,
        brought: Foreign | None = None,
        tls: TlsContext = context_of,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._brought = brought
        self._tls = tls
        self._limits = limits or ConnectionLimits()
        self._homes: dict[object, _Home] = {}
        self._locks = Locks()
        self._closed = False

    async def send(self, request: HttpRequest, watch: Watch) -> Exchange:
        """See `Transport`."""
        loop = _current_loop()
        if self._closed:
            raise RuntimeError(CLOSED)
        through = self._brought or await self._mine(loop, request.url)
        limits = {"connect": watch.connect, "pool": watch.connect, "read": None, "write": None}
        asked = through.request(request, limits)
        try:
            response = await _limited(lambda: through.send(asked), watch, body=False)
        except ConnectError:
            if self._has_closed():
                raise RuntimeError(CLOSED) from None
            raise
        except ReadError:
            self._check()
            raise
        return _AsyncExchange(response, watch, loop, self._check)

    async def close(self) -> None:
        """See `Transport`. What the caller brought is the caller's to close."""
        here = _current_loop()
        with self._locks.own():
            self._closed = True
            # Those of a parent process stay as they are: it goes on with its loops.
            homes = {loop: home for loop, home in self._homes.items() if home.process == os.getpid()}
            self._homes = {loop: home for loop, home in self._homes.items() if loop not in homes}
        for loop, home in homes.items():
            if loop == here:
                await home.close()
            elif _is_over(loop):
                home.shut()
            else:
                _start(loop, home.close)

    def _check(self) -> None:
        """See why a connection has ended.

        Raises:
            ReadError: it was closed with these.
        """
        if self._has_closed():
            raise ReadError(GIVEN_UP) from None

    def _has_closed(self) -> bool:
        """Whether connections end because these are closed."""
        return self._closed and self._brought is None

    async def _mine(self, loop: object, url: str) -> Foreign:
        home, fresh = self._home(loop)
        if fresh:
            await home.enter()
        return await home.transport(url, self._tls, self._limits)

    def _home(self, loop: object) -> tuple[_Home, bool]:
        """The connections of a loop, and whether they are new. Those of loops that are over are hung up on, where the
        loop was closed without ado, and forgotten."""
        with self._locks.own():
            if self._closed:  # by another thread, after `send` looked
                raise RuntimeError(CLOSED)
            home = self._homes.get(loop)
            if home is not None and not home.closed:
                return home, False
            for over in [known for known, other in self._homes.items() if other.closed or _is_over(known)]:
                self._homes.pop(over).shut()
            home = self._homes[loop] = _Home()
            return home, True


@dataclass(slots=True)
class _Home:
    """The connections of one event loop, by proxy. A loop that ends in order closes its asynchronous generators: that
    is how it closes these."""

    closed: bool = False
    process: int = field(default_factory=os.getpid)
    _transports: dict[str | None, Foreign] = field(default_factory=dict[str | None, Foreign])
    _proxies: Proxies | None = None
    _finalizer: AsyncGenerator[None, None] | None = None

    async def enter(self) -> None:
        self._finalizer = self._lifespan()
        await anext(self._finalizer)

    async def _lifespan(self) -> AsyncGenerator[None, None]:
        """Until the generator is closed, with which these are."""
        try:
            yield
        finally:
            self.closed = True
            for transport in self._transports.values():
                await transport.given.aclose()

    async def close(self) -> None:
        self.closed = True  # also where it is entered later
        if self._finalizer is not None:
            await self._finalizer.aclose()

    def shut(self) -> None:
        if not self.closed:
            self.closed = True
            for transport in self._transports.values():
                transport.given.shut()

    async def transport(self, url: str, tls: TlsContext, limits: ConnectionLimits) -> Foreign:
        if self._proxies is None:
            from .proxies import Proxies

            self._proxies = Proxies()
        if self.closed:  # while it was entered
            raise RuntimeError(CLOSED)
        proxy = self._proxies.proxy_for(url)
        if proxy not in self._transports:
            import httpx

            from .async_pool import AsyncPool

            made = AsyncPool(tls(), limits, proxy)
            self._transports[proxy] = Foreign(made, True, False, httpx)
        return self._transports[proxy]


class _AsyncExchange:
    __slots__ = ("_check", "_chunks", "_closed", "_loop", "_process", "_response", "_watch", "headers", "status")

    def __init__(self, response: Any, watch: Watch, loop: object, check: Callable[[], None]) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = plain_headers(response)
        self._response = response
        self._watch = watch
        self._loop = loop
        self._check = check
        self._process = os.getpid()
        self._closed = False
        whole = response.is_stream_consumed
        self._chunks: AsyncIterator[bytes] = _once(response.content) if whole else response.aiter_raw()

    async def read(self) -> bytes:
        if self._process != os.getpid():
            raise RuntimeError(INHERITED)
        chunk = b""
        while not chunk:
            try:
                found = await _limited(self._next, self._watch, body=True)
            except (BodyCutError, ReadError):
                self._check()
                raise
            if found is None:
                if not is_framed(self.headers):
                    self._check()
                return b""
            chunk = found
        return chunk

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)

    async def close(self) -> None:
        # A forked child has its parent's selector, too: what it takes out there, its parent misses.
        if self._closed or self._process != os.getpid():
            return
        self._closed = True
        import anyio

        # A task that is being cancelled still has to hang up.
        with anyio.CancelScope(shield=True), suppress(Exception):
            await self._response.aclose()

    def abandon(self) -> None:
        if not self._closed and self._process == os.getpid():
            _start(self._loop, self.close)


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _limited(call: Callable[[], Awaitable[_T]], watch: Watch, *, body: bool) -> _T:
    import anyio

    failed: Exception | None = None
    with anyio.move_on_after(watch.left()) as scope:
        watch.wake_by(scope.cancel)
        try:
            return await call()
        except Exception as error:
            failed = failure(error, watch, body=body)
            if failed is None:
                raise
    raise failed or watch.expired()  # here, so that the error brings no frames with it that hold the request


# --- event loops


def _current_loop() -> object:
    """The running loop of asyncio, or what stands for it in trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return sys.modules["trio"].lowlevel.current_trio_token()


def _is_over(loop: object) -> bool:
    return isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()


_STARTED: set[asyncio.Task[None]] = set()


def _start(loop: object, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run that on its loop soon, from any thread; a loop that is over has no connections any more."""
    with suppress(RuntimeError):
        if isinstance(loop, asyncio.AbstractEventLoop):
            loop.call_soon_threadsafe(_spawn, loop, call)
        else:
            trio: Any = sys.modules["trio"]
            loop_token: Any = loop
            loop_token.run_sync_soon(trio.lowlevel.spawn_system_task, call)


def _spawn(loop: asyncio.AbstractEventLoop, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = loop.create_task(call())
    _STARTED.add(task)  # a loop holds its tasks weakly
    task.add_done_callback(_STARTED.discard)
