"""The connections of the asynchronous client on one event loop, as a transport of httpx.

Owns that a connection is closed or kept whenever a request ends, also by cancellation at any await of httpcore's.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakSet

import anyio
import httpcore
import httpx

from .choice import CLOSED
from .connections import ConnectionLimits
from .pool import answered, asked, is_clean, named, pool_seconds, proxy_of, way_of
from .pool_state import PoolState, Taken

__all__ = ["AsyncPool"]


class AsyncPool(httpx.AsyncBaseTransport):
    """Connections that go the same way. httpcore makes them, and keeps no account of them."""

    def __init__(self, context: ssl.SSLContext, limits: ConnectionLimits, proxy: str | None) -> None:
        self._backend = _Backend()
        self._maker = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=proxy_of(proxy),
            keepalive_expiry=limits.idle_seconds,
            network_backend=self._backend,
        )
        self._way = way_of(proxy)
        self._state = PoolState[httpcore.AsyncConnectionInterface](limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and give the head of the answer with its body as a stream."""
        put = asked(request)
        origin = str(put.url.origin)
        taken = await self._take(origin, put)
        try:
            await _close(taken.gone)
            with named(put, self._way):
                response = await taken.connection.handle_async_request(put)
        except BaseException:
            await self.release(origin, taken.connection)
            raise
        return answered(response, _Body(response, self, origin, taken.connection))

    async def _take(self, origin: str, put: httpcore.Request) -> Taken[httpcore.AsyncConnectionInterface]:
        make, turn = partial(self._maker.create_connection, put.url.origin), anyio.Event()
        taken = self._state.take(origin, make, turn)
        while taken is None:
            try:
                with anyio.move_on_after(pool_seconds(put)):
                    await turn.wait()
                if not turn.is_set():
                    raise httpcore.PoolTimeout
            except BaseException:
                self._state.leave(turn)
                raise
            taken = self._state.take(origin, make, turn, called=True)
        return taken

    async def release(self, origin: str, connection: httpcore.AsyncConnectionInterface) -> None:
        """Its request has ended."""
        await _close(self._state.give(origin, connection, is_clean=is_clean(connection)))

    async def aclose(self) -> None:
        """Close every connection, for good."""
        self._backend.is_shut = True
        await _close(self._state.close())

    def shut(self) -> None:
        """Hang up on every server, where the loop is over and nothing can be closed any more. The collector closes the
        sockets."""
        for stream in self._backend.streams:
            stream.shut()


class _Body(httpx.AsyncByteStream):
    def __init__(
        self,
        response: httpcore.Response,
        pool: AsyncPool,
        origin: str,
        connection: httpcore.AsyncConnectionInterface,
    ) -> None:
        self._response = response
        self._pool = pool
        self._origin = origin
        self._connection = connection
        self._released = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        body: Any = self._response.stream
        return aiter(body)

    async def aclose(self) -> None:
        if self._released:
            return
        self._released = True
        try:
            await self._response.aclose()
        finally:
            await self._pool.release(self._origin, self._connection)


async def _close(connections: Iterable[httpcore.AsyncConnectionInterface]) -> None:
    """All of them, also where the task is cancelled meanwhile."""
    cancelled: BaseException | None = None
    with anyio.CancelScope(shield=True):
        for connection in connections:
            try:
                await connection.aclose()
            except Exception:  # noqa: BLE001, S110 - it is given up; how it dies does not matter
                pass
            except BaseException as error:  # noqa: BLE001 - asyncio knows no shield
                cancelled = error
    if cancelled is not None:
        raise cancelled


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._inner: Any = httpcore.AnyIOBackend()
        self.streams: WeakSet[_Stream] = WeakSet()
        self.is_shut = False

    async def connect_tcp(self, *args: Any, **keywords: Any) -> httpcore.AsyncNetworkStream:
        made = _Stream(await self._inner.connect_tcp(*args, **keywords), self)
        await made.check()
        return made


class _Stream(httpcore.AsyncNetworkStream):
    """A socket that is closed where TLS does not come about, whatever the reason; httpcore forgets it then."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, backend: _Backend) -> None:
        self._stream = stream
        self._backend = backend
        backend.streams.add(self)

    async def check(self) -> None:
        """See that nobody has closed all of them while this one was being made: nothing is sent any more then.

        Raises:
            httpcore.ConnectError: somebody has.
        """
        if self._backend.is_shut:
            with anyio.CancelScope(shield=True):
                await self.aclose()
            raise httpcore.ConnectError(CLOSED)

    async def start_tls(self, *args: Any, **keywords: Any) -> httpcore.AsyncNetworkStream:
        try:
            made = _Stream(await self._stream.start_tls(*args, **keywords), self._backend)
            await made.check()
            return made
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise

    async def read(self, *args: Any, **keywords: Any) -> bytes:
        return await self._stream.read(*args, **keywords)

    async def write(self, *args: Any, **keywords: Any) -> None:
        await self._stream.write(*args, **keywords)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def shut(self) -> None:
        # uvloop shows no socket that can do this; it closes all it has when it is closed.
        with suppress(AttributeError, OSError, TypeError):
            self.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
