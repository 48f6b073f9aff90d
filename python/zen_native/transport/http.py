"""Sending over httpx, synchronously: connections of our own, or a client or transport that the caller brings.

Owns when a connection is released, also by a finalizer, and how a wait is limited. With connections of our own every
limit is exact. With a caller's own client the wait for the head of the answer is looser: every read of it may take the
longest of `first_event` and `idle`, also when another thread closes the stream meanwhile. Over HTTP/2 that is so for
the body too, and a charge behind an answer is not waited for; the sum is still checked between reads.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from zen_native._locks import Locks
from zen_native.errors import ConnectError, ReadError

from .base import INHERITED, Exchange, HttpRequest, is_framed, plain_headers
from .choice import CLOSED, GIVEN_UP
from .connections import ConnectionLimits
from .failures import failure
from .foreign import Foreign
from .limits import Watch
from .patient import Patient
from .tls import context_of

if TYPE_CHECKING:
    from .tls import TlsContext

__all__ = ["SyncHttp"]

_PLAIN = nullcontext()
_BUSY = threading.local()
"""`inside`: this thread is in the middle of the HTTP library, which a finalizer must not enter then: it has locks."""


class SyncHttp:
    """The transport of `Client`. Usable from several threads; a forked child gets connections of its own."""

    def __init__(
        self,
        brought: Foreign | None = None,
        tls: TlsContext = context_of,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._brought = brought
        self._tls = tls
        self._limits = limits or ConnectionLimits()
        self._own: tuple[int, Foreign] | None = None
        self._locks = Locks()
        self._abandoned: deque[_SyncExchange] = deque()
        self._closed = False

    async def send(self, request: HttpRequest, watch: Watch) -> Exchange:
        """See `Transport`."""
        await self._reap()
        if self._closed:
            raise RuntimeError(CLOSED)
        through = self._brought or self._mine()
        failed: Exception
        try:
            with _Inside():
                response = through.send(through.request(request, self._timeouts(watch)))
        except Exception as error:
            found = failure(error, watch)
            if found is None:
                raise
            failed = found
            if self._has_closed() and isinstance(found, ConnectError):
                failed = RuntimeError(CLOSED)
            elif self._has_closed() and isinstance(found, ReadError):
                failed = ReadError(GIVEN_UP)
        else:
            exact = self._brought is None
            return _SyncExchange(response, watch, self._abandoned, self._has_closed, exact=exact)
        raise failed  # here, so that the error brings no frames with it that hold the request

    async def close(self) -> None:
        """See `Transport`. What the caller brought is the caller's to close."""
        await self._reap()
        with self._locks.own():
            self._closed = True
            self._drop()

    def _has_closed(self) -> bool:
        """Whether connections end because these are closed."""
        return self._closed and self._brought is None

    def _timeouts(self, watch: Watch) -> Mapping[str, object]:
        wait: object = watch if self._brought is None else watch.longest()
        return {"connect": watch.connect, "pool": watch.connect, "read": wait, "write": wait}

    def _mine(self) -> Foreign:
        with self._locks.own():
            if self._closed:  # by another thread, after `send` looked
                raise RuntimeError(CLOSED)
            if self._own is None or self._own[0] != os.getpid():
                import httpx

                from .pool import WatchedTransport

                self._drop()
                self._own = (os.getpid(), Foreign(WatchedTransport(self._tls(), self._limits), False, False, httpx))
            return self._own[1]

    def _drop(self) -> None:
        """Close what there is, under the lock. Of what a parent process opened only this process's copies are closed,
        and the server hears nothing of it."""
        own, self._own = self._own, None
        if own is not None:
            with _Inside():
                own[1].given.close()

    async def _reap(self) -> None:
        while self._abandoned:
            with suppress(IndexError):
                await self._abandoned.popleft().close()


class _Inside:
    """Marks that this thread is in the HTTP library."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = getattr(_BUSY, "inside", False)
        _BUSY.inside = True

    def __exit__(self, *error: object) -> None:
        _BUSY.inside = self._before


class _SyncExchange:
    __slots__ = (
        "_abandoned",
        "_chunks",
        "_closed",
        "_exact",
        "_has_closed",
        "_locks",
        "_patient",
        "_process",
        "_reading",
        "_released",
        "_response",
        "_watch",
        "headers",
        "status",
    )

    def __init__(
        self,
        response: Any,
        watch: Watch,
        abandoned: deque[_SyncExchange],
        has_closed: Callable[[], bool],
        *,
        exact: bool,
    ) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = plain_headers(response)
        self._response = response
        self._watch = watch
        self._patient = None if exact else Patient.over(response, watch)
        self._exact = exact or self._patient is not None
        self._closed = False
        self._reading = False
        self._process = os.getpid()
        self._released = False
        self._locks = Locks()
        self._abandoned = abandoned
        self._has_closed = has_closed
        # A response that was made from a text has been read from the beginning.
        whole = response.is_stream_consumed
        self._chunks: Iterator[bytes] = iter((response.content,)) if whole else response.iter_raw()

    async def read(self) -> bytes:
        if self._process != os.getpid():
            raise RuntimeError(INHERITED)
        if not self._exact:
            self._check()
        failed: Exception
        _BUSY.inside = self._reading = True  # `_Inside` costs more, and this is done for every read
        try:
            if self._closed:
                return b""
            with self._patient or _PLAIN:
                data = next(filter(None, self._chunks), b"")
            if data or is_framed(self.headers) or not self._has_closed():
                return data
            failed = ReadError(GIVEN_UP)
        except Exception as error:
            found = failure(error, self._watch, body=True)
            if found is None:
                raise
            failed = ReadError(GIVEN_UP) if self._has_closed() else found
        finally:
            _BUSY.inside = self._reading = False
            if self._closed:
                self._release()
        raise failed

    async def close(self) -> None:
        self._close()

    def abandon(self) -> None:
        if self._closed:
            return
        if not getattr(_BUSY, "inside", False):
            self._close()
            return
        # The collector runs in the middle of the library: the server sees the end now, the pool later.
        sock = self._socket()
        if sock is not None:
            with suppress(OSError):
                sock.close()
        self._abandoned.append(self)

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True  # before `_reading` is looked at, as a reader says first that it reads, and then looks here
        with self._locks.own():
            # A forked child has no such thread; its parent may, and would lose the connection.
            if self._reading and self._process == os.getpid():
                self._wake()
                return
        self._release()

    def _wake(self) -> None:
        """For a thread that reads, and closes in the end: to close under its hands would not wake it, and its number
        of the file could be another's by then."""
        sock = self._socket()
        with suppress(OSError):
            if isinstance(sock, socket.socket):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _release(self) -> None:
        with self._locks.own():
            if self._released:
                return
            self._released = True
        if self._patient is not None:
            self._patient.leave()
        with _Inside(), suppress(Exception):  # it is given up; how it dies does not matter
            self._response.close()

    def _socket(self) -> Any:
        stream = self._response.extensions.get("network_stream")
        return None if stream is None else stream.get_extra_info("socket")

    def _check(self) -> None:
        """What can be said before a read that nothing limits exactly."""
        stalls = self._response.extensions.get("network_stream") is not None
        if self._watch.left() == 0 or (self._watch.brief and stalls):
            raise self._watch.expired()
