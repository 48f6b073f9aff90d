"""The connections of the synchronous client, as a transport of httpx whose waits ask the `Watch`.

Owns one thing that httpx has not: a time limit that changes while the answer is read. httpx takes one number for all
reads of a response; here the number stands at the request as a `Watch`, which every read on the socket asks anew.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from threading import Event
from typing import Any
from weakref import WeakSet

import httpcore
import httpx

from zen_native._locks import Locks
from zen_native.errors import ConnectError

from .choice import CLOSED
from .connections import ConnectionLimits
from .limits import Watch
from .pool_state import PoolState, Taken
from .proxies import Proxies

__all__ = ["WatchedTransport", "answered", "asked", "is_clean", "named", "pool_seconds", "proxy_of", "way_of"]


class WatchedTransport(httpx.BaseTransport):
    """Sends requests whose `timeout` extension has a `Watch` for reading and writing. Usable from several threads."""

    def __init__(self, context: ssl.SSLContext, limits: ConnectionLimits) -> None:
        self._ssl = context
        self._limits = limits
        self._pools: dict[str | None, _Pool] = {}
        self._proxies = Proxies()
        self._locks = Locks()
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and give the head of the answer with its body as a stream."""
        return self._pool(self._proxies.proxy_for(str(request.url))).send(request)

    def close(self) -> None:
        """Close every connection."""
        with self._locks.own():
            self._closed = True
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _pool(self, proxy: str | None) -> _Pool:
        with self._locks.own():
            if self._closed:
                raise RuntimeError(CLOSED)
            pool = self._pools.get(proxy)
            if pool is None:
                pool = self._pools[proxy] = _Pool(self._ssl, self._limits, proxy)
            return pool


class _Pool:
    """Connections that go the same way. httpcore makes them, and keeps no account of them."""

    def __init__(self, context: ssl.SSLContext, limits: ConnectionLimits, proxy: str | None) -> None:
        self._backend = _WatchedBackend()
        self._maker = httpcore.ConnectionPool(
            ssl_context=context,
            proxy=proxy_of(proxy),
            keepalive_expiry=limits.idle_seconds,
            network_backend=self._backend,
        )
        self._way = way_of(proxy)
        self._state = PoolState[httpcore.ConnectionInterface](limits)

    def send(self, request: httpx.Request) -> httpx.Response:
        put = asked(request)
        origin = str(put.url.origin)
        taken = self._take(origin, put)
        try:
            _close(taken.gone)
            with named(put, self._way):
                response = taken.connection.handle_request(put)
        except BaseException:
            self.release(origin, taken.connection)
            raise
        return answered(response, _Body(response, self, origin, taken.connection))

    def _take(self, origin: str, put: httpcore.Request) -> Taken[httpcore.ConnectionInterface]:
        make, turn = partial(self._maker.create_connection, put.url.origin), Event()
        taken = self._state.take(origin, make, turn)
        while taken is None:
            try:
                if not _is_called(turn, put):
                    raise httpcore.PoolTimeout
            except BaseException:
                self._state.leave(turn)
                raise
            taken = self._state.take(origin, make, turn, called=True)
        return taken

    def release(self, origin: str, connection: httpcore.ConnectionInterface) -> None:
        _close(self._state.give(origin, connection, is_clean=is_clean(connection)))

    def close(self) -> None:
        every = self._state.close()
        self._backend.shut()
        _close(every)


class _Body(httpx.SyncByteStream):
    def __init__(
        self, response: httpcore.Response, pool: _Pool, origin: str, connection: httpcore.ConnectionInterface
    ) -> None:
        self._response = response
        self._pool = pool
        self._origin = origin
        self._connection = connection
        self._released = False

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        if self._released:
            return
        self._released = True
        try:
            self._response.close()
        finally:
            self._pool.release(self._origin, self._connection)


def _is_called(turn: Event, put: httpcore.Request) -> bool:
    """Whether its turn comes in time, and somebody still wants an answer: another thread may not."""
    untyped: Any = put
    watch: object = untyped.extensions.get("timeout", {}).get("read")
    if not isinstance(watch, Watch):
        return turn.wait(pool_seconds(put))
    watch.wake_by(turn.set)
    return watch.left() != 0 and turn.wait(pool_seconds(put)) and watch.left() != 0


def _close(connections: list[httpcore.ConnectionInterface]) -> None:
    for connection in connections:
        with suppress(Exception):  # it is given up; how it dies does not matter
            connection.close()


# --- between httpx and httpcore


def asked(request: httpx.Request) -> httpcore.Request:
    """The request in the words of httpcore."""
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.content,
        extensions=request.extensions,
    )


def answered(response: httpcore.Response, body: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
    """The answer in the words of httpx."""
    untyped: Any = response
    return httpx.Response(response.status, headers=response.headers, stream=body, extensions=untyped.extensions)


def is_clean(connection: object) -> bool:
    """Whether nothing was read behind the answer: httpcore takes that for the answer to the next request."""
    inner: Any = connection
    while (deeper := getattr(inner, "_connection", None)) is not None:
        inner = deeper
    parser = getattr(inner, "_h11_state", None)
    return parser is not None and not parser.trailing_data[0]


def pool_seconds(request: httpcore.Request) -> float | None:
    """How long a request may wait for a connection that others use."""
    untyped: Any = request
    seconds: float | None = untyped.extensions.get("timeout", {}).get("pool")
    return seconds


def proxy_of(url: str | None) -> httpcore.Proxy | None:
    """A proxy in the words of httpcore; user name and password are taken out of the URL.

    Raises:
        ConnectError: it is of a kind that cannot be used here.
    """
    if url is None:
        return None
    failed = f"no connection{way_of(url)}"
    if url.lower().startswith(("socks5://", "socks5h://")) and find_spec("socksio") is None:
        raise ConnectError(f"{failed}: SOCKS needs the package socksio", retryable=False)
    try:
        parts = httpx.Proxy(url)
    except (ValueError, httpx.InvalidURL):  # which may show a piece of the password
        raise ConnectError(f"{failed}: httpx knows no such proxy", retryable=False) from None
    at = httpcore.URL(
        scheme=parts.url.raw_scheme, host=parts.url.raw_host, port=parts.url.port, target=parts.url.raw_path
    )
    return httpcore.Proxy(at, auth=parts.raw_auth)


def way_of(proxy: str | None) -> str:
    """What to say of it in an error, without its user name and password."""
    if proxy is None:
        return ""
    scheme, _, rest = proxy.partition("://")
    return f" through the proxy {scheme}://{rest.rpartition('@')[2].partition('/')[0]}"


@contextmanager
def named(put: httpcore.Request, way: str) -> Generator[None]:
    """Has what cannot connect say where to."""
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError) as error:
        host, port = put.url.host.decode("ascii"), put.url.port
        said = "" if isinstance(error, httpcore.ConnectTimeout) else f": {error}"
        raise type(error)(f"no connection to {host}{'' if port is None else f':{port}'}{way}{said}") from error


class _WatchedBackend(httpcore.SyncBackend):
    def __init__(self) -> None:
        self._streams: WeakSet[_WatchedStream] = WeakSet()
        self._is_shut = False
        self._locks = Locks()

    def connect_tcp(self, *args: Any, **keywords: Any) -> httpcore.NetworkStream:
        return self.watched(super().connect_tcp(*args, **keywords))

    def watched(self, stream: httpcore.NetworkStream) -> _WatchedStream:
        made = _WatchedStream(stream, self)
        with self._locks.own():
            self._streams.add(made)
            is_shut = self._is_shut
        if is_shut:  # while it was being made: nothing is sent any more
            made.close()
            raise httpcore.ConnectError(CLOSED)
        return made

    def shut(self) -> None:
        """Wake all who read, for good."""
        with self._locks.own():
            self._is_shut = True
            streams = list(self._streams)
        for stream in streams:
            stream.shut()


class _WatchedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, backend: _WatchedBackend) -> None:
        self._stream = stream
        self._backend = backend
        self._process = os.getpid()

    def read(self, max_bytes: int, timeout: float | Watch | None = None) -> bytes:
        if isinstance(timeout, Watch):
            timeout.wake_by(self.shut)
        return self._stream.read(max_bytes, _seconds(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | Watch | None = None) -> None:
        self._stream.write(buffer, _seconds(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return self._backend.watched(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def shut(self) -> None:
        """Wakes whoever reads, which closing does not; in a forked child nobody does."""
        if self._process != os.getpid():
            return
        sock = self.get_extra_info("socket")
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _seconds(timeout: float | Watch | None, expired: type[Exception]) -> float | None:
    if not isinstance(timeout, Watch):
        return timeout
    left = timeout.left()
    if left == 0:  # which a socket would take for "do not wait", and call another error
        raise expired
    return left
