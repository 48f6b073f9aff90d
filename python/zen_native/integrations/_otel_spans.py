"""Sources of events with a span around each, and the span of a model call.

Owns when a span begins, what is its parent, and that it ends once and with the right status, however its stream ends.
Owns no name of an attribute (`_otel_attributes`) and no content (`_otel_content`); operations of several calls are
`_otel_loop`'s. What goes wrong here goes to the log and nowhere else.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from zen_native._locks import Locks
from zen_native.errors import LLMError
from zen_native.events import Finish, LLMEvent, StepFinish

from ._otel_attributes import (
    Attributes,
    decision_attributes,
    error_attributes,
    error_type,
    finish_attributes,
    request_attributes,
    route_attributes,
)

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context

    from zen_native._prepare import Prepared
    from zen_native._step import Source
    from zen_native._telemetry import StepWatcher
    from zen_native.request import LLMRequest
    from zen_native.response import LLMResponse
    from zen_native.route import Route

    from ._otel_content import Said
    from .otel import Instruments

__all__ = ["Spanned", "StepSpan", "apart", "attached", "detached", "quiet"]

_LOGGER = logging.getLogger("zen_native.integrations.otel")

_P = ParamSpec("_P")
_T = TypeVar("_T")


def quiet(call: Callable[_P, _T]) -> Callable[_P, _T | None]:
    """A call whose failure ends nothing but itself."""

    @functools.wraps(call)
    def safe(*args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        try:
            return call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - an exporter or provider may raise anything
            # Without its message, which may hold what was to be exported.
            _LOGGER.warning("telemetry failed in %s: %s", call.__name__, type(error).__name__)
            return None

    return safe


@dataclass(frozen=True, slots=True)
class _Now:
    clock: float = field(default_factory=perf_counter)
    wall: int = field(default_factory=time_ns)


class Spanned:
    """A source and its span, which begins with the first read, below what was current when the stream was made."""

    def __init__(self, instruments: Instruments, request: LLMRequest, route: Callable[[str], Route]) -> None:
        self._instruments = instruments
        self._request = request
        self._find_route = route
        self._route: Route | None = None
        self._context = context.get_current()
        self._span: Span | None = None
        self._began: float | None = None
        self._locks = Locks()  # a stream may be closed by another thread than the one that reads
        self._over = False
        self._left = False
        self._source: Source

    # What a stream asks of its source

    incoming = None
    """What comes is looked at here."""

    async def batch(self) -> list[LLMEvent]:
        """The next events of the source, read within the span."""
        if self._began is None:
            self._begin()
        token = attached(self._context)
        try:
            events = await self._source.batch()
        except GeneratorExit:  # the collector ends this coroutine, in a context where the token is not valid
            self._dropped()
            raise
        except BaseException as error:
            detached(token)
            self._end(None if self._left else error)
            raise
        detached(token)
        self._read(events)
        return events

    def steady(self) -> Iterator[list[LLMEvent]]:
        """See `Source`: here something is done with every read."""
        return iter(())

    async def close(self) -> None:
        """Close the source, and end the span where it has not ended."""
        self._left = True
        try:
            await self._source.close()
        finally:
            self._end()

    def abandon(self) -> None:
        """`close` for finalizers."""
        self._source.abandon()
        self._dropped()

    def response(self) -> LLMResponse:
        """The answer so far."""
        return self._source.response()

    # The span

    def _begin(self) -> None:
        with self._locks.own():
            if self._over:
                return
            self._began = perf_counter()
            with suppress(Exception):  # the call will fail of it, and say so
                self._route = self._find_route(self._request.model)
            self._span = self._started()
            if self._span is not None:
                self._context = trace.set_span_in_context(self._span, self._context)

    def _dropped(self) -> None:
        self._left = True
        apart(functools.partial(self._end, None, _Now()))

    def _end(self, error: BaseException | None = None, now: _Now | None = None) -> None:
        now = now or _Now()
        with self._locks.own():
            if self._over:
                return
            self._over = True
        if self._span is not None:
            self._describe(self._span, error)
            quiet(self._span.end)(now.wall)
        self._count(now.clock, error)

    def _started(self) -> Span | None:
        raise NotImplementedError

    def _read(self, events: list[LLMEvent]) -> None:
        raise NotImplementedError

    @quiet
    def _describe(self, span: Span, error: BaseException | None) -> None:
        if not span.is_recording():
            return
        if error is not None:
            said = self._said()
            message = error.message if isinstance(error, LLMError) else str(error)
            span.set_status(Status(StatusCode.ERROR, None if said is None else said.message(message)))
            span.set_attributes(error_attributes(error))
        elif self._left:
            span.set_attribute("zen.left_early", True)
        span.set_attributes(self._told())

    def _told(self) -> Attributes:
        raise NotImplementedError

    def _said(self) -> Said | None:
        raise NotImplementedError

    def _count(self, now: float, error: BaseException | None) -> None:
        """Nothing: of an operation, its steps are counted."""


class StepSpan(Spanned):
    """A model call. All its sendings are one span, with an event for each that failed."""

    def __init__(
        self,
        instruments: Instruments,
        request: LLMRequest,
        route: Callable[[str], Route],
        open_step: Callable[[StepWatcher], Source],
    ) -> None:
        super().__init__(instruments, request, route)
        self._place: Attributes = {}
        self._first: float | None = None
        self._last = 0.0
        self._finish: StepFinish | None = None
        self._content: Said | None = None
        self._retries = 0
        self._fallbacks = 0
        self._source = open_step(self)

    # What the step does besides giving events

    @quiet
    def prepared(self, prepared: Prepared) -> None:
        """See `StepWatcher`."""
        self._route = prepared.route
        self._place = route_attributes(prepared.route, prepared.route.model)
        span = self._span
        if span is None or not span.is_recording():
            return
        span.update_name(_named(self._place))
        span.set_attributes({**self._place, **request_attributes(prepared.request, prepared.route)})
        span.set_attributes(decision_attributes(prepared.decision))
        self._content = self._instruments.said(prepared.secrets)
        if self._content is not None:
            span.set_attributes(self._content.request(prepared.request))

    @quiet
    def sent_again(self, error: LLMError, seconds: float) -> None:
        """See `StepWatcher`."""
        self._retries += 1
        if self._span is not None:
            self._span.add_event("zen.retry", {"error.type": error_type(error), "zen.delay": seconds})

    @quiet
    def fell_back(self, model: str, instead: str, error: LLMError) -> None:
        """See `StepWatcher`."""
        self._fallbacks += 1
        if self._span is not None:
            told = {"error.type": error_type(error), "zen.model": model, "zen.instead": instead}
            self._span.add_event("zen.fallback", told)

    # The span

    @quiet
    def _started(self) -> Span | None:
        self._place = route_attributes(self._route, self._request.model)
        told: Attributes = {**self._place, "gen_ai.request.stream": True}
        told |= request_attributes(self._request, self._route)
        return self._instruments.tracer.start_span(_named(self._place), self._context, SpanKind.CLIENT, told)

    @quiet
    def _read(self, events: list[LLMEvent]) -> None:
        if not events:
            self._end()
            return
        now = perf_counter()
        if self._first is None:
            self._first = now
        else:
            self._instruments.per_chunk.record(now - self._last, self._place, self._context)
        self._last = now
        if isinstance(events[-1], StepFinish | Finish):
            self._finish = next((event for event in events if isinstance(event, StepFinish)), self._finish)
            if isinstance(events[-1], Finish):
                self._end()

    def _told(self) -> Attributes:
        told: Attributes = {} if self._finish is None else finish_attributes(self._finish)
        if self._first is not None and self._began is not None:
            told["gen_ai.response.time_to_first_chunk"] = self._first - self._began
        if self._retries:
            told["zen.retries"] = self._retries
        if self._fallbacks:
            told["zen.fallbacks"] = self._fallbacks
        if self._content is not None:
            told |= self._content.answer(self._source.response())
        return told

    def _said(self) -> Said | None:
        return self._content

    @quiet
    def _count(self, now: float, error: BaseException | None) -> None:
        if self._began is None:
            return
        place, finish, instruments = dict(self._place), self._finish, self._instruments
        if finish is not None and finish.model is not None:
            place["gen_ai.response.model"] = finish.model
        ended: Attributes = place if error is None else {**place, "error.type": error_type(error)}
        instruments.duration.record(now - self._began, ended, self._context)
        if self._first is not None:
            instruments.first_chunk.record(self._first - self._began, place, self._context)
        if finish is None or finish.usage is None:
            return
        usage = finish.usage
        for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            if count is not None:
                instruments.tokens.record(count, {**place, "gen_ai.token.type": kind}, self._context)


# --- OpenTelemetry's context, and its locks


@quiet
def attached(current: Context) -> Token[Context]:
    """Make a context the current one."""
    return context.attach(current)


@quiet
def detached(token: Token[Context] | None) -> None:
    """Make the one before it the current one again."""
    if token is not None:
        context.detach(token)


def _named(place: Attributes) -> str:
    return f"{place['gen_ai.operation.name']} {place['gen_ai.request.model']}"


def apart(call: Callable[[], None]) -> None:
    """Make a call for a finalizer. Where the collector runs in the middle of OpenTelemetry, this thread may hold a lock
    that the call waits for: then another thread makes it."""
    frame = inspect.currentframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("opentelemetry."):
            with suppress(RuntimeError):  # the process ends
                Thread(target=call, name="zen-native telemetry").start()
            return
        frame = frame.f_back
    call()
