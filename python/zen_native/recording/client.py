"""Recording and playing as a transport of this package's own clients, whatever moves the bytes below.

Owns how their requests and exchanges become those of a cassette and back; `transports` does the same for httpx. Limits
of time are the transport's below, so a played answer has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from zen_native._io import AsyncIo, Io, SyncIo
from zen_native.errors import ReadError
from zen_native.transport.base import BodyCutError

from .cassette import ENDED, RecordedResponse

if TYPE_CHECKING:
    from zen_native.transport.base import Exchange, HttpRequest, Transport
    from zen_native.transport.limits import Watch

    from .recorder import Recorder, Tape

__all__ = ["RecordedTransport"]


class RecordedTransport:
    """Sends through another transport and records, or plays and sends nothing."""

    def __init__(self, recorder: Recorder, inner: Transport, *, is_async: bool) -> None:
        self._recorder = recorder
        self._inner = inner
        self._io: Io = AsyncIo() if is_async else SyncIo()

    async def send(self, request: HttpRequest, watch: Watch) -> Exchange:
        """See `Transport`.

        Raises:
            NoMatchError: it plays, and the cassette has no such request.
        """
        said = (request.method, request.url, request.headers, request.body)
        if self._recorder.mode == "off":
            return await self._inner.send(request, watch)
        if self._recorder.mode == "replay":
            answer = self._recorder.answer_to(*said)
            waits = self._io if self._recorder.timings else None
            if waits is not None:
                await waits.sleep(answer.head_ms / 1000)
            return _Played(answer, waits)
        tape = self._recorder.tape_for(*said)
        exchange = await self._inner.send(request, watch)
        tape.head(exchange.status, exchange.headers)
        return _Taped(exchange, tape)

    async def close(self) -> None:
        """See `Transport`."""
        await self._inner.close()


class _Taped:
    """An exchange that is noted while it is read."""

    def __init__(self, inner: Exchange, tape: Tape) -> None:
        self._inner = inner
        self._tape = tape
        self.status = inner.status
        self.headers: Mapping[str, str] = inner.headers

    async def read(self) -> bytes:
        try:
            data = await self._inner.read()
        except Exception as error:
            self._tape.end("cut" if isinstance(error, BodyCutError) else "failed")
            raise
        if data:
            self._tape.chunk(data)
        else:
            self._tape.end("complete")
        return data

    async def close(self) -> None:
        self._tape.end("closed")
        await self._inner.close()

    def abandon(self) -> None:
        self._tape.end("closed")
        self._inner.abandon()


class _Played:
    """A recorded exchange."""

    def __init__(self, answer: RecordedResponse, waits: Io | None) -> None:
        self._pieces: Iterator[tuple[bytes, int]] = answer.pieces()
        self._end = answer.end
        self._waits = waits
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers

    async def read(self) -> bytes:
        piece, ms = next(self._pieces, (b"", 0))
        if piece and self._waits is not None:
            await self._waits.sleep(ms / 1000)
        if not piece and self._end == "cut":
            raise BodyCutError(ENDED["cut"])
        if not piece and self._end in ENDED:
            raise ReadError(ENDED[self._end])
        return piece

    async def close(self) -> None:
        """There is nothing to close."""

    def abandon(self) -> None:
        """There is nothing to close."""
