"""One step: one model call, sent again or to another model where that is allowed, as batches of events.

Owns the order of attempts. What may be tried again is `transport.retry`'s to say, what one attempt does `_attempt`'s.
A tool loop is several of these.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Protocol

from ._attempt import Attempt
from ._clock_skew import Clocks
from ._costs import Costs, hosted_calls
from ._genai_prices import is_slow
from ._io import other_event_loop
from ._kept import Kept
from .errors import LLMError, StreamTimeoutError
from .events import Finish, LLMEvent, StepFinish
from .formats.body import long_characters
from .transport.limits import Watch
from .transport.retry import fails_over

if TYPE_CHECKING:
    from ._core import Incoming
    from ._io import Io
    from ._prepare import Prepared
    from ._routes import Place
    from ._telemetry import StepWatcher
    from .price_table import PriceTable
    from .request import LLMRequest
    from .response import LLMResponse
    from .transport.choice import Transports
    from .transport.limits import Timeouts
    from .transport.retry import Retrier

_LOGGER = logging.getLogger("zen_native.client")
_ENDS = (StepFinish, Finish)
_LARGE = 512 << 10
"""Characters of long texts, such as images. To write more would hold up an event loop for a millisecond and longer."""

__all__ = ["Engine", "Source", "Step"]


class Source(Protocol):
    """What a stream reads from. None of it suspends where the transport does not."""

    async def batch(self) -> list[LLMEvent]:
        """The next events, none at the end."""
        ...

    @property
    def incoming(self) -> Incoming | None:
        """What may be awaited instead for now, and `batch` again where it gives nothing."""
        ...

    def steady(self) -> Iterator[list[LLMEvent]]:
        """The next events without coroutines, as long as nothing but reading gives them. It may stop at any time."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...

    def abandon(self) -> None:
        """The same from a finalizer."""
        ...

    def response(self) -> LLMResponse:
        """The answer so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What the steps of a client share."""

    transports: Transports
    io: Io
    timeouts: Timeouts
    retrier: Retrier
    prepare: Callable[[LLMRequest, str], Prepared]
    clocks: Clocks
    prices: PriceTable | None = None
    """The user's own."""


class Step:
    """One model call. `total_until` is the limit of the whole operation, by the retrier's clock."""

    def __init__(
        self,
        engine: Engine,
        request: LLMRequest,
        fallbacks: tuple[str, ...] = (),
        total_until: float | None = None,
        watcher: StepWatcher | None = None,
    ) -> None:
        self._engine = engine
        self._watcher = watcher
        self._request = request
        self._models = (request.model, *fallbacks)
        if total_until is None and engine.timeouts.total is not None:
            total_until = engine.retrier.clock() + engine.timeouts.total
        self._total_until = total_until
        self._attempt: Attempt | None = None
        self._pause: Watch | None = None
        """What ends the wait for the next one."""
        self._begun = False
        self._closed = False
        self._notes: tuple[str, ...] = ()
        self._kept = Kept()
        self._costs: Costs | None = None

    @property
    def prepared(self) -> Prepared | None:
        """What is or was sent, None before."""
        return None if self._attempt is None else self._attempt.prepared

    async def batch(self) -> list[LLMEvent]:
        """The next events, none at the end.

        Raises:
            LLMError: the call failed; what was given out before is in its `partial`.
        """
        if self._closed:
            return []
        try:
            if self._attempt is None or not self._begun:
                events = await (self._first() if len(self._models) > 1 else self._try(self._models[0]))
                self._begun = True
            else:
                events = await self._attempt.batch()
        except LLMError as error:
            self._closed = True
            error.partial = self._kept.response()
            raise
        if events and isinstance(events[-1], _ENDS):
            events = self._finished(events)
            if self._attempt is not None:
                events = await self._priced(events, self._attempt.prepared.place)
                if self._attempt.over:
                    self._closed = True
        self._kept.add(events)
        return events

    @property
    def incoming(self) -> Incoming | None:
        """See `Source`."""
        if self._attempt is None or not self._begun or self._closed:
            return None
        return self._attempt.incoming(self._kept.events, Kept.LOOSE)

    def steady(self) -> Iterator[list[LLMEvent]]:
        """See `Source`. What ends something is not among them: it has a cost."""
        if self._attempt is None or not self._begun or self._closed:
            return iter(())
        return self._attempt.steady(self._kept.events, Kept.LOOSE)

    async def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        if self._pause is not None:
            self._pause.hang_up()
        if self._attempt is not None and not self._attempt.over:
            await self._attempt.close()

    def abandon(self) -> None:
        """`close` for finalizers."""
        self._closed = True
        if self._attempt is not None:
            self._attempt.abandon()

    def response(self) -> LLMResponse:
        """The answer so far."""
        return self._kept.response()

    # Attempts

    async def _first(self) -> list[LLMEvent]:
        """The first events, of whichever model gives them."""
        for model, instead in zip(self._models, (*self._models[1:], None), strict=True):
            try:
                return await self._try(model)
            except LLMError as error:
                if instead is None or not fails_over(error) or self._is_late():
                    for note in self._notes:
                        error.add_note(note)
                    raise
                _LOGGER.info("%s failed, %s is asked: %s", model, instead, type(error).__name__)
                if self._watcher is not None:
                    self._watcher.fell_back(model, instead, error)
                self._notes += (f"{instead} was asked, for {model} failed: {_short(error)}",)
        return []

    async def _try(self, model: str) -> list[LLMEvent]:
        """The first events of one model, by as many attempts as are allowed."""
        engine = self._engine
        prepared = await self._prepare(model)
        if self._watcher is not None:
            self._watcher.prepared(prepared)
        place = prepared.place
        key = (place.origin, place.route.api_key or place.route.aws)
        for number in count(1):
            if not self._closed and (wait := engine.retrier.before(key)) > 0:
                self._check_time(wait, prepared)
                await self._wait(wait)
            if self._closed:
                break
            try:
                events = await self._send(prepared)
            except LLMError as error:
                delay = engine.retrier.after(error, key, number)
                if delay is None or self._is_late(delay):
                    raise
                _LOGGER.info("%s failed, sent again in %.2f seconds: %s", model, delay, type(error).__name__)
                if self._watcher is not None:
                    self._watcher.sent_again(error, delay)
            else:
                engine.retrier.succeeded()
                return events
            await self._wait(delay)
        return []

    async def _prepare(self, model: str) -> Prepared:
        prepare, request = self._engine.prepare, self._request
        # On trio it is done here: what decides in a thread would not know that trio is there.
        if long_characters(request) < _LARGE or other_event_loop() is not None:
            return prepare(request, model)
        left = None if self._total_until is None else max(0.0, self._total_until - self._engine.retrier.clock())
        try:
            return await self._engine.io.blocking(partial(prepare, request, model), left)
        except TimeoutError:
            if left is None:
                raise  # it is its own
            raise StreamTimeoutError("the time limit passed: total", phase="total", model=model) from None

    async def _send(self, prepared: Prepared) -> list[LLMEvent]:
        """Send; once more, with the other side's time, where the clock here was what was wrong."""
        origin, clocks = prepared.place.origin, self._engine.clocks
        known = clocks.ahead(origin)
        try:
            return await self._attempted(replace(prepared, ahead=known) if known else prepared).batch()
        except LLMError:
            ahead = None if self._attempt is None else self._attempt.ahead
            if ahead is None or self._is_late():
                raise
            clocks.learn(origin, ahead)
            side = "behind" if ahead > 0 else "ahead of"
            _LOGGER.warning("the clock here is %.0f minutes %s that of %s; sent again", abs(ahead) / 60, side, origin)
        return await self._attempted(replace(prepared, ahead=ahead)).batch()

    def _attempted(self, prepared: Prepared) -> Attempt:
        engine = self._engine
        watch = Watch(engine.timeouts, self._total_until, engine.retrier.clock)
        attempt = self._attempt = Attempt(prepared, engine.transports, engine.io, engine.timeouts, watch)
        if self._closed:
            attempt.give_up()  # another thread closed this meanwhile, and found no attempt, or the one before
        return attempt

    async def _wait(self, seconds: float) -> None:
        """Wait, and no longer than until the stream is closed.

        Raises:
            RuntimeError: the client is.
        """
        engine = self._engine
        watch = self._pause = Watch(engine.timeouts)
        try:
            with engine.transports.watched(watch):
                if not self._closed:  # behind that, as `close` looks for the pause when it has said so
                    await engine.io.pause(seconds, watch)
        finally:
            watch.answered()

    def _check_time(self, seconds: float, prepared: Prepared) -> None:
        """See that there is so much of it.

        Raises:
            StreamTimeoutError: there is not.
        """
        if self._is_late(seconds):
            route = prepared.route
            raise StreamTimeoutError(
                "the time limit passed: total", phase="total", provider=route.provider, model=route.model
            )

    def _is_late(self, seconds: float = 0.0) -> bool:
        """Whether the limit of the whole operation is over by then, or nobody waits for it any more."""
        if self._closed or self._total_until is None:
            return self._closed
        return self._engine.retrier.clock() + seconds >= self._total_until

    async def _priced(self, events: list[LLMEvent], place: Place) -> list[LLMEvent]:
        """With their cost: the last of them ends something."""
        route = place.route
        if self._costs is None:
            self._costs = Costs(route, self._engine.prices, place)
        counts = route.protocol == "openai-responses"
        calls = hosted_calls((*self._kept.whole(), *events)) if counts else {}
        if is_slow(route.provider):
            return await self._engine.io.blocking(partial(self._costs.told, events, calls))
        return self._costs.told(events, calls)

    def _finished(self, events: list[LLMEvent]) -> list[LLMEvent]:
        """With what was left out of the request, and who was asked before, among the warnings of the finish."""
        if not isinstance(last := events[-1], Finish):
            return events
        left_out = () if self._attempt is None else self._attempt.prepared.lowered.warnings
        more = (*left_out, *self._notes)
        return [*events[:-1], replace(last, warnings=(*more, *last.warnings))] if more else events


def _short(error: LLMError) -> str:
    return f"{type(error).__name__}: {error.message[:200]}"
