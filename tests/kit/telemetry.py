"""A wire without a network, and what is kept of spans and metrics. Owns no expectation."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import anyio
from anyio.lowlevel import checkpoint
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.kit.asking import config
from tests.kit.chat import DONE, call, chunk, sse, tail

import zen_native as zen
from zen_native.integrations.otel import Telemetry

__all__ = ["ANSWER", "CONFIG", "STALL", "USAGE", "Answer", "Seen", "Wire", "below", "calls", "said", "told"]

CONFIG = config(SimpleNamespace(url="https://mine.example:8443/v1"))  # type: ignore[arg-type]  # its address is all that is asked
"""A configuration in which `mine/...` and `other/...` are served at `https://mine.example:8443/v1`."""

STALL = "stall"
"""Nothing more comes until the reader is hung up on."""

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


@dataclass(frozen=True)
class Answer:
    """What a server says: bytes, an error, `STALL`, or something to await, one for each read."""

    parts: Sequence[Any] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})


def said(*texts: str, reason: str = "stop") -> Answer:
    """An answer of texts, each a chunk of its own, and the end with its usage as another."""
    chunks = [sse(chunk({"content": text})) for text in texts]
    return Answer([*chunks, sse(chunk({}, reason), tail(usage=USAGE), DONE)])


def calls(name: str, *arguments: str) -> Answer:
    """An answer that calls a tool."""
    frames = [chunk(call(given, name=name, call_id=f"c{place}", index=place)) for place, given in enumerate(arguments)]
    return Answer([sse(*frames, chunk({}, "tool_calls"), tail(usage=USAGE), DONE)])


ANSWER = said("Hel", "lo")


class Wire:
    """A transport of both kinds of client: gives the answers in turn, the last again and again.

    `spans` are those that were current when something was sent; `on_stall` is called when a reader waits for ever.
    """

    def __init__(self, *answers: Answer | BaseException, on_stall: Callable[[], None] = lambda: None) -> None:
        self._answers = list(answers)
        self.on_stall = on_stall
        self.spans: list[Any] = []
        self.bodies: list[Any] = []

    async def send(self, request: Any, watch: Any) -> _Exchange:
        self.spans.append(trace.get_current_span())
        self.bodies.append(json.loads(request.body))
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return _Exchange(answer, self)

    async def close(self) -> None:
        pass


class _Exchange:
    def __init__(self, answer: Answer, wire: Wire) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self._parts = list(answer.parts)
        self._wire = wire
        self._stalled: anyio.Event | None = None

    async def read(self) -> bytes:
        part = self._parts.pop(0) if self._parts else b""
        if isinstance(part, BaseException):
            raise part
        if isinstance(part, str):
            self._stalled = anyio.Event()
            self._wire.on_stall()
            await self._stalled.wait()
            raise zen.ReadError("hung up")
        return part if isinstance(part, bytes) else await part

    async def close(self) -> None:
        if self._stalled is not None:  # as of a socket, of which the reader hears before who closes it goes on
            self._stalled.set()
            with anyio.CancelScope(shield=True):
                await checkpoint()

    def abandon(self) -> None:
        pass


class Seen(SpanProcessor):
    """Keeps spans and metrics, and knows which spans have not ended."""

    def __init__(self, **options: Any) -> None:
        self._changed = threading.Condition()
        self._open = 0
        self._begun: list[int] = []  # clocks are too coarse to tell who was first
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False, **options)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracers.add_span_processor(self)
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        with self._changed:
            self._open += 1
            self._begun.append(span.context.span_id)

    def on_end(self, span: ReadableSpan) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    @property
    def all_ended(self) -> bool:
        """Whether no span is open."""
        return self._open == 0

    def telemetry(self, **options: Any) -> Telemetry:
        """What a client is given."""
        return Telemetry(tracer_provider=self.tracers, meter_provider=self.meters, **options)

    def spans(self, name: str = "") -> list[ReadableSpan]:
        """The spans whose names begin so, in the order in which they began, when all have ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._open == 0, 5), f"{self._open} spans were not ended"
        found = [span for span in self._exporter.get_finished_spans() if span.name.startswith(name)]
        return sorted(found, key=lambda span: self._begun.index(span.get_span_context().span_id))

    def span(self, name: str = "") -> ReadableSpan:
        """The only one."""
        (found,) = self.spans(name)
        return found

    def points(self, name: str) -> list[Any]:
        """The data points of a metric of `gen_ai.client`."""
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        metrics = [metric for scope in scopes for metric in scope.metrics]
        return [point for each in metrics if each.name == f"gen_ai.client.{name}" for point in each.data.data_points]

    def text(self) -> str:
        """All that was told, as text."""
        data = self._reader.get_metrics_data()
        return "".join(span.to_json() for span in self.spans()) + ("" if data is None else data.to_json())


def told(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of a span that do not depend on time."""
    return {name: value for name, value in (span.attributes or {}).items() if not name.endswith("time_to_first_chunk")}


def below(parent: ReadableSpan, child: ReadableSpan) -> bool:
    """Whether one span is the parent of another."""
    assert parent.context is not None
    return child.parent is not None and child.parent.span_id == parent.context.span_id
