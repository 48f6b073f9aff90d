"""Recording and playing as transports of httpx, so that any client over it can be recorded; httpx2 has the same shape.

Owns how a request and an answer of the library become those of a cassette and back. A recorded request asks for an
answer without compression, where its signature allows that: then the cassette can be read. An answer that was cut, or
that its reader closed, ends with a read error when it is played: it is never a short answer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from .cassette import ENDED, RecordedResponse

if TYPE_CHECKING:
    from .recorder import Recorder, Tape

__all__ = ["AsyncRecordingTransport", "RecordingTransport"]

_CUT = "RemoteProtocolError"
"""What httpx calls a body that ends before its own framing says so."""


class _Wrapper:
    """What both kinds share: which answer is played or taped, and how it looks to the library."""

    def __init__(self, recorder: Recorder, inner: Any = None) -> None:
        self._recorder = recorder
        self._inner: Any = inner

    def _begin(self, request: Any, body: bytes) -> RecordedResponse | Tape:
        """The recorded answer where the recorder plays, else a tape for the answer to come."""
        said = (request.method, str(request.url), _headers(request), body)
        if self._recorder.mode == "replay":
            return self._recorder.answer_to(*said)
        tape = self._recorder.tape_for(*said)
        _ask_for_plain(request)
        return tape

    def _played(self, kind: type, request: Any, answer: RecordedResponse) -> Any:
        library = _library(request)
        return library.Response(
            answer.status,
            headers=list(answer.headers.items()),
            stream=_stream_class(kind, library)(answer, self._recorder.timings, library),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )


class RecordingTransport(_Wrapper, httpx.BaseTransport):
    """Sends through another transport and records, or plays and sends nothing."""

    def handle_request(self, request: Any) -> Any:
        """See httpx.

        Raises:
            NoMatchError: it plays, and the cassette has no such request.
        """
        if self._recorder.mode == "off":
            return self._through().handle_request(request)
        begun = self._begin(request, request.read())
        if isinstance(begun, RecordedResponse):
            if self._recorder.timings:
                time.sleep(begun.head_ms / 1000)
            return self._played(_SyncPlayed, request, begun)
        response = self._through().handle_request(request)
        begun.head(response.status_code, _headers(response))
        if response.is_closed:  # made from a whole body, which nobody will read again
            begun.whole(b"".join(response.stream))
        else:
            response.stream = _stream_class(_SyncTaped, _library(request))(response.stream, begun)
        return response

    def close(self) -> None:
        """Close the transport below."""
        if self._inner is not None:
            self._inner.close()

    def _through(self) -> Any:
        if self._inner is None:
            self._inner = httpx.HTTPTransport()
        return self._inner


class AsyncRecordingTransport(_Wrapper, httpx.AsyncBaseTransport):
    """The same for asynchronous clients."""

    async def handle_async_request(self, request: Any) -> Any:
        """See httpx.

        Raises:
            NoMatchError: it plays, and the cassette has no such request.
        """
        if self._recorder.mode == "off":
            return await self._through().handle_async_request(request)
        begun = self._begin(request, await request.aread())
        if isinstance(begun, RecordedResponse):
            if self._recorder.timings:
                await anyio.sleep(begun.head_ms / 1000)
            return self._played(_AsyncPlayed, request, begun)
        response = await self._through().handle_async_request(request)
        begun.head(response.status_code, _headers(response))
        if response.is_closed:
            begun.whole(b"".join([chunk async for chunk in response.stream]))
        else:
            response.stream = _stream_class(_AsyncTaped, _library(request))(response.stream, begun)
        return response

    async def aclose(self) -> None:
        """Close the transport below."""
        if self._inner is not None:
            await self._inner.aclose()

    def _through(self) -> Any:
        if self._inner is None:
            self._inner = httpx.AsyncHTTPTransport()
        return self._inner


# --- bodies


class _Taped:
    """A body that is noted while it is read."""

    def __init__(self, inner: Any, tape: Tape) -> None:
        self._inner = inner
        self._tape = tape


class _SyncTaped(_Taped):
    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                self._tape.chunk(chunk)
                yield chunk
        except Exception as error:
            self._tape.end("cut" if type(error).__name__ == _CUT else "failed")
            raise
        self._tape.end("complete")

    def close(self) -> None:
        self._tape.end("closed")
        self._inner.close()


class _AsyncTaped(_Taped):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                self._tape.chunk(chunk)
                yield chunk
        except Exception as error:
            self._tape.end("cut" if type(error).__name__ == _CUT else "failed")
            raise
        self._tape.end("complete")

    async def aclose(self) -> None:
        self._tape.end("closed")
        await self._inner.aclose()


class _Played:
    """A recorded body, chunk by chunk."""

    def __init__(self, answer: RecordedResponse, timings: bool, library: Any) -> None:
        self._answer = answer
        self._timings = timings
        self._library = library

    def _finish(self) -> None:
        reason = ENDED.get(self._answer.end)
        if reason is not None:
            kind = self._library.RemoteProtocolError if self._answer.end == "cut" else self._library.ReadError
            raise kind(reason)


class _SyncPlayed(_Played):
    def __iter__(self) -> Iterator[bytes]:
        for piece, ms in self._answer.pieces():
            if self._timings:
                time.sleep(ms / 1000)
            yield piece
        self._finish()

    def close(self) -> None:
        """There is nothing to close."""


class _AsyncPlayed(_Played):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece, ms in self._answer.pieces():
            if self._timings:
                await anyio.sleep(ms / 1000)
            yield piece
        self._finish()

    async def aclose(self) -> None:
        """There is nothing to close."""


# --- the library's own classes


def _library(request: Any) -> Any:
    """The library that made the request: httpx or httpx2."""
    return sys.modules[type(request).__module__.partition(".")[0]]


@lru_cache(maxsize=16)
def _stream_class(kind: type, library: Any) -> Any:
    """A body as the library's own kind of stream, which it insists on."""
    own = library.AsyncByteStream if hasattr(kind, "__aiter__") else library.SyncByteStream
    return type(kind.__name__, (kind, own), {})


def _headers(message: Any) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in message.headers.items()}


def _ask_for_plain(request: Any) -> None:
    signed = str(request.headers.get("authorization", ""))
    if "accept-encoding" not in signed:
        request.headers["accept-encoding"] = "identity"
