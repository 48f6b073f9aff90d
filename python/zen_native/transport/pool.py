"""The connections of the synchronous client: an httpx transport over httpcore whose waits ask the `Watch`.

Owns one thing that httpx has not: a time limit that changes while the answer is read. httpx takes one number for all
reads of a response; here the number stands at the request as a `Watch`, which every read on the socket asks anew.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from threading import Lock
from typing import Any

import httpcore
import httpx

from .connections import ConnectionLimits
from .limits import Watch
from .proxies import Proxies

__all__ = ["WatchedTransport"]


class WatchedTransport(httpx.BaseTransport):
    """Sends requests whose `timeout` extension has a `Watch` for reading and writing. Usable from several threads."""

    def __init__(self, context: ssl.SSLContext, limits: ConnectionLimits) -> None:
        self._ssl = context
        self._limits = limits
        self._pools: dict[str | None, httpcore.ConnectionPool] = {}
        self._proxies = Proxies()
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and give the head of the answer with its body as a stream."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        response = self._pool(self._proxies.proxy_for(str(url))).handle_request(
            httpcore.Request(
                method=request.method,
                url=target,
                headers=request.headers.raw,
                content=request.content,
                extensions=request.extensions,
            )
        )
        untyped: Any = response
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=untyped.extensions
        )

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _pool(self, proxy: str | None) -> httpcore.ConnectionPool:
        with self._lock:
            pool = self._pools.get(proxy)
            if pool is None:
                pool = self._pools[proxy] = _new_pool(self._ssl, self._limits, proxy)
            return pool


def _new_pool(context: ssl.SSLContext, limits: ConnectionLimits, proxy: str | None) -> httpcore.ConnectionPool:
    through = None
    if proxy is not None:
        parts = httpx.Proxy(proxy)  # takes the user name and password out of the URL
        url = httpcore.URL(
            scheme=parts.url.raw_scheme, host=parts.url.raw_host, port=parts.url.port, target=parts.url.raw_path
        )
        through = httpcore.Proxy(url, auth=parts.raw_auth)
    return httpcore.ConnectionPool(
        ssl_context=context,
        proxy=through,
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_idle,
        keepalive_expiry=limits.idle_seconds,
        network_backend=_WatchedBackend(),
    )


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _WatchedBackend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **keywords: Any) -> httpcore.NetworkStream:
        return _WatchedStream(super().connect_tcp(*args, **keywords))


class _WatchedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | Watch | None = None) -> bytes:
        return self._stream.read(max_bytes, _seconds(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | Watch | None = None) -> None:
        self._stream.write(buffer, _seconds(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _WatchedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _seconds(timeout: float | Watch | None, expired: type[Exception]) -> float | None:
    if not isinstance(timeout, Watch):
        return timeout
    left = timeout.left()
    if left == 0:  # which a socket would take for "do not wait", and call another error
        raise expired
    return left
