"""What a caller holds while an answer comes: `Stream` and `AsyncStream`.

Owns iteration and every way in which a stream ends. A loop that is left, by `break` or an error, ends it: an answer is
read to its end, or it is hung up on; `next()` takes single events. Where the events come from is a `Source`'s business.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from ._io import drive
from .errors import LLMError

if TYPE_CHECKING:
    from ._core import Incoming
    from ._step import Source
    from .events import LLMEvent
    from .response import LLMResponse

__all__ = ["AsyncStream", "Stream"]

_CLOSED = "the stream was closed before its end"


class _TakenError(RuntimeError):
    """Who comes while another one waits for more: the stream goes on for that one."""

    def __init__(self) -> None:
        super().__init__("another task or thread is reading this stream")


class _Held:
    """What both kinds share: the source, and that it ends with the last who holds it."""

    __slots__ = ("_ended", "_incoming", "_open", "_pending", "_source", "_turn")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pending: Iterator[LLMEvent] = iter(())
        """What has come and was not given out yet, by whichever way it will be."""
        self._incoming: Incoming | None = None
        """What is awaited instead of `_batch`, as long as nobody awaits that."""
        self._open = True
        self._ended = False
        self._turn: list[None] = [None]
        """Of who reads: taking it out is one step, and a fraction of a lock's time. Nobody waits for it."""

    @property
    def response(self) -> LLMResponse:
        """The answer so far; it has a `reason` when it is whole."""
        return self._source.response()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} has a connection and cannot be copied or pickled")

    def __del__(self) -> None:
        self._drop()

    def _drop(self) -> None:
        """Hang up from a finalizer."""
        if getattr(self, "_open", False):
            self._end()
            self._source.abandon()

    def _end(self) -> None:
        self._open = False
        self._pending = iter(())
        self._incoming = None

    async def _batch(self) -> list[LLMEvent]:
        if not self._open:
            if self._ended:
                return []
            raise RuntimeError(_CLOSED)
        incoming, self._incoming = self._incoming, None
        if incoming is not None and incoming.waiting:
            self._incoming = incoming
            raise _TakenError
        try:
            self._turn.pop()
        except IndexError:
            raise _TakenError from None
        try:
            batch = await self._source.batch()
            if batch:
                self._take_shortcut()
        except LLMError:
            if self._open:
                raise
            raise RuntimeError(_CLOSED) from None  # somebody else hung up meanwhile
        finally:
            self._turn.append(None)
        self._check_open()
        self._ended = not batch
        return batch

    def _check_open(self) -> None:
        if not self._open:
            self._end()  # whoever hung up meanwhile may have done so before `_take_shortcut`
            raise RuntimeError(_CLOSED)

    def _take_shortcut(self) -> None:
        """Have the next events given in a shorter way than by `_batch`, where there is one. Whoever does it has the
        turn: of an earlier shorter way nobody takes any more."""
        self._incoming = self._source.incoming


class Stream(_Held):
    """The events of one answer, as they come; nothing is sent before the first is asked for.

    An iterator, and a context manager that hangs up. It also hangs up when the loop over it is left, and when nobody
    holds it any more. It may be read in several ways in turn: each event is given once.
    """

    __slots__ = ("_steady",)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._steady: Iterator[list[LLMEvent]] | None = None
        """See `Source`. There from the first events on."""

    def batches(self) -> Generator[list[LLMEvent], None, None]:
        """The same events in lists, one for every read from the network that brought any."""
        try:
            while batch := list(self._pending) or self._read():
                yield batch
        except _TakenError:
            raise
        except GeneratorExit:
            self._drop()
            raise
        except BaseException:
            self.close()
            raise
        self.close()

    def __iter__(self) -> Generator[LLMEvent, None, None]:
        try:
            while batch := list(self._pending) or self._read():
                self._pending = iter(batch)
                yield from self._pending
        except _TakenError:
            raise
        except GeneratorExit:  # the loop was left, or the collector is at work
            self._drop()
            raise
        except BaseException:
            self.close()
            raise
        self.close()

    def __next__(self) -> LLMEvent:
        for event in self._pending:
            return event
        try:
            batch = self._read()
        except _TakenError:
            raise
        except BaseException:
            self.close()
            raise
        if not batch:
            self.close()
            raise StopIteration
        self._pending = pending = iter(batch)
        return next(pending)  # not of `_pending`, which another thread may empty: that were an end in peace

    def _end(self) -> None:
        super()._end()
        self._steady = None

    def _read(self) -> list[LLMEvent]:
        """The next events, none at the end. Those that come without a coroutine cost half as much."""
        if self._steady is not None:
            try:
                self._turn.pop()
            except IndexError:
                raise _TakenError from None
            try:
                batch = self._steady_batch()
            finally:
                self._turn.append(None)
            if batch is not None and self._open:
                return batch
        return drive(self._batch())

    def _steady_batch(self) -> list[LLMEvent] | None:
        steady = self._steady  # the last one: nobody else makes another while this thread has the turn
        return None if steady is None else next(steady, None)

    def _take_shortcut(self) -> None:
        self._steady = self._source.steady()

    def until_done(self) -> LLMResponse:
        """Read to the end, and give the whole answer."""
        for _ in self.batches():
            pass
        return self.response

    def close(self) -> None:
        """Hang up. May be called again."""
        if self._open:
            self._end()
            drive(self._source.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncStream(_Held):
    """`Stream` for asyncio and trio."""

    __slots__ = ()

    async def batches(self) -> AsyncGenerator[list[LLMEvent], None]:
        """The same events in lists, one for every read from the network that brought any."""
        try:
            while batch := list(self._pending) or (self._incoming and await self._incoming) or await self._batch():
                yield batch
        except _TakenError:
            raise
        except BaseException:
            await self.aclose()
            raise
        await self.aclose()

    async def __aiter__(self) -> AsyncGenerator[LLMEvent, None]:
        try:
            while batch := list(self._pending) or (self._incoming and await self._incoming) or await self._batch():
                self._pending = iter(batch)
                for event in self._pending:
                    yield event
        except _TakenError:
            raise
        except BaseException:
            await self.aclose()
            raise
        await self.aclose()

    async def __anext__(self) -> LLMEvent:
        for event in self._pending:
            return event
        try:
            batch = (self._incoming and await self._incoming) or await self._batch()
        except _TakenError:
            raise
        except BaseException:
            await self.aclose()
            raise
        if not batch:
            await self.aclose()
            raise StopAsyncIteration
        self._pending = iter(batch)
        return next(self._pending)

    async def until_done(self) -> LLMResponse:
        """Read to the end, and give the whole answer."""
        try:
            while (self._incoming and await self._incoming) or await self._batch():
                pass
        except _TakenError:
            raise
        except BaseException:
            await self.aclose()
            raise
        await self.aclose()
        return self.response

    async def aclose(self) -> None:
        """Hang up. May be called again."""
        if self._open:
            self._end()
            await self._source.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
