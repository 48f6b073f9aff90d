"""Spans and metrics of a client for OpenTelemetry, by its conventions for generative AI (extra `zen-native[otel]`).

Owns `Telemetry` and its instruments. Content is left out unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

try:
    from opentelemetry import metrics, trace
except ImportError as error:
    raise ImportError('OpenTelemetry is missing; install "zen-native[otel]"', name="opentelemetry") from error

from ._otel_attributes import SCHEMA_URL
from ._otel_loop import LoopSpan
from ._otel_spans import StepSpan

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

    from zen_native._step import Source
    from zen_native._telemetry import StepWatcher
    from zen_native._tool_loop import Around
    from zen_native.request import LLMRequest
    from zen_native.route import Route

    from ._otel_content import Said

__all__ = ["Telemetry"]

_NAME = "zen_native"
# The boundaries that the conventions ask for.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What spans and metrics are made with."""

    tracer: Tracer
    duration: Histogram
    first_chunk: Histogram
    per_chunk: Histogram
    tokens: Histogram
    content: bool

    def said(self, secrets: tuple[str, ...]) -> Said | None:
        """What puts content into attributes, where that is wanted."""
        if not self.content:
            return None
        from ._otel_content import Said

        return Said(secrets)


class Telemetry:
    """Tells OpenTelemetry of every call of the clients it is given to, as `Client(telemetry=Telemetry())`.

    A span for each model call, with one around those of an operation with tools or an output type, and one for each
    tool that runs here; durations and tokens as metrics. Usable by several clients and threads.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        content: bool = False,
    ) -> None:
        """Nothing is exported but by what the application has set up.

        Args:
            tracer_provider: where spans go; by default what is set for the process.
            meter_provider: where metrics go; by default what is set for the process.
            content: put prompts, answers, the arguments and results of tools and the messages of errors into spans,
                without the secrets that are known or look like ones. Who reads spans then reads all of it.
        """
        release = version("zen-native")
        meter = metrics.get_meter(_NAME, release, meter_provider, SCHEMA_URL)

        def histogram(name: str, unit: str, description: str) -> Histogram:
            boundaries = _SECONDS if unit == "s" else _TOKENS
            return meter.create_histogram(
                f"gen_ai.client.{name}", unit, description, explicit_bucket_boundaries_advisory=boundaries
            )

        self._instruments = Instruments(
            tracer=trace.get_tracer(_NAME, release, tracer_provider, SCHEMA_URL),
            duration=histogram("operation.duration", "s", "GenAI operation duration."),
            first_chunk=histogram("operation.time_to_first_chunk", "s", "Time to receive the first chunk."),
            per_chunk=histogram("operation.time_per_output_chunk", "s", "Time per chunk after the first one."),
            tokens=histogram("token.usage", "{token}", "Number of input and output tokens used."),
            content=content,
        )

    def step(
        self, request: LLMRequest, route: Callable[[str], Route], open_step: Callable[[StepWatcher], Source]
    ) -> Source:
        """One model call, watched; clients ask for it."""
        return StepSpan(self._instruments, request, route, open_step)

    def loop(self, request: LLMRequest, route: Callable[[str], Route], open_loop: Callable[[Around], Source]) -> Source:
        """An operation of several model calls, watched; clients ask for it."""
        return LoopSpan(self._instruments, request, route, open_loop)
