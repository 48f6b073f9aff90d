"""The Python runtime: the pure decoder behind the same guard that the extension has.

Owns the guard against a second user and the rule when a failure is raised; `runtimes.pure` owns the decoding.
"""

from __future__ import annotations

from threading import Lock

from zen_native.errors import LLMError
from zen_native.events import LLMEvent
from zen_native.runtimes.pure.decoder import Decoder
from zen_native.runtimes.pure.options import Options

__all__ = ["GuardedDecoder"]


class GuardedDecoder:
    """One response; the interface of `zen_native.Decoder`."""

    __slots__ = ("_decoder", "_ended", "_lock", "_plan")

    def __init__(self, protocol: str, framing: str, options: Options) -> None:
        self._plan = (protocol, framing, options)
        self._decoder = Decoder(protocol, framing, options)
        self._ended = False
        self._lock = Lock()

    @property
    def error(self) -> LLMError | None:
        """What ended the decoding, None while nothing did."""
        return self._decoder.error

    @property
    def done(self) -> bool:
        """Whether nothing more can come: the finish was given out, or the stream failed."""
        return self._decoder.done

    @property
    def answered(self) -> bool:
        """Whether the answer is complete. Until `done`, a charge may follow it."""
        return self._decoder.answered

    def feed(self, data: bytes | bytearray | memoryview, /) -> list[LLMEvent]:
        """The events of the next bytes."""
        if not self._lock.acquire(False):
            raise _in_use()
        try:
            decoder = self._decoder
            if decoder.error is not None:
                raise decoder.error
            if self._ended:
                raise RuntimeError("feed() after finish()")
            return decoder.feed(data if isinstance(data, bytes) else _copied(data))
        finally:
            self._lock.release()

    def finish(self) -> list[LLMEvent]:
        """The events of the end of the body."""
        if not self._lock.acquire(blocking=False):
            raise _in_use()
        try:
            self._raise_failure()
            self._ended = True
            events = self._decoder.finish()
            if not events:
                self._raise_failure()
            return events
        finally:
            self._lock.release()

    def fresh(self) -> GuardedDecoder:
        """Another one of the same kind, for another response."""
        return GuardedDecoder(*self._plan)

    def _raise_failure(self) -> None:
        if self._decoder.error is not None:
            raise self._decoder.error


def _in_use() -> RuntimeError:
    return RuntimeError("the decoder is in use by another thread")


def _copied(data: object) -> bytes:
    if isinstance(data, bytearray):
        return bytes(data)
    if isinstance(data, memoryview):
        return data.tobytes()
    raise TypeError("data must be bytes, bytearray or memoryview")
