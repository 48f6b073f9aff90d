"""The span of an operation of several model calls, and those of the tools that run in it.

Owns what is around a call of a tool: a span that is current while it runs, and its end. How a span ends with its stream
is `_otel_spans`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from zen_native._prepare import secrets_of
from zen_native.events import Finish, LLMEvent, ToolCall, ToolResult

from ._otel_attributes import (
    Attributes,
    error_type,
    finish_reason,
    request_attributes,
    route_attributes,
    usage_attributes,
)
from ._otel_spans import Spanned, apart, attached, detached, quiet

if TYPE_CHECKING:
    from zen_native._step import Source
    from zen_native._tool_loop import Around
    from zen_native.request import LLMRequest
    from zen_native.route import Route

    from ._otel_content import Said
    from .otel import Instruments

__all__ = ["LoopSpan"]

_TOOL_FAILED = "tool_error"


class LoopSpan(Spanned):
    """An operation of several steps, whose spans and those of its tools are children of this one."""

    def __init__(
        self,
        instruments: Instruments,
        request: LLMRequest,
        route: Callable[[str], Route],
        open_loop: Callable[[Around], Source],
    ) -> None:
        super().__init__(instruments, request, route)
        self._descriptions = {tool.name: tool.description for tool in request.tools}
        self._finish: Finish | None = None
        self._source = open_loop(self.around)

    @contextmanager
    def around(self, call: ToolCall) -> Generator[Callable[[ToolResult], None], None, None]:
        """A span for a call of a local tool, current while it runs."""
        span = self._tool_started(call)
        token = None if span is None else attached(trace.set_span_in_context(span))
        results: list[ToolResult] = []
        try:
            yield results.append
        except GeneratorExit:  # see `batch`
            apart(functools.partial(self._tool_ended, span, results, None, time_ns()))
            raise
        except BaseException as error:
            detached(token)
            self._tool_ended(span, results, error)
            raise
        detached(token)
        self._tool_ended(span, results)

    @quiet
    def _tool_started(self, call: ToolCall) -> Span | None:
        told: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.call.id": call.id,
            "gen_ai.tool.type": "function",
        }
        description = self._descriptions.get(call.name)
        if description is not None:
            told["gen_ai.tool.description"] = description
        span = self._instruments.tracer.start_span(f"execute_tool {call.name}", None, SpanKind.INTERNAL, told)
        said = self._said()
        if said is not None and span.is_recording():
            span.set_attributes(said.call(call))
        return span

    def _tool_ended(
        self, span: Span | None, results: list[ToolResult], error: BaseException | None = None, at: int | None = None
    ) -> None:
        if span is not None:
            self._tool_described(span, results, error)
            quiet(span.end)(at)

    @quiet
    def _tool_described(self, span: Span, results: list[ToolResult], error: BaseException | None) -> None:
        if not span.is_recording():
            return
        failed = error is not None or any(result.is_error for result in results)
        if failed:
            span.set_attribute("error.type", _TOOL_FAILED if error is None else error_type(error))
            span.set_status(Status(StatusCode.ERROR))
        said = self._said()
        if said is not None:
            for result in results:
                span.set_attributes(said.result(result))

    # The span

    @quiet
    def _started(self) -> Span | None:
        place = route_attributes(self._route, self._request.model)
        told: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": place["gen_ai.provider.name"],
            "gen_ai.request.model": place["gen_ai.request.model"],
            **request_attributes(self._request),
        }
        return self._instruments.tracer.start_span("invoke_agent", self._context, SpanKind.INTERNAL, told)

    @quiet
    def _read(self, events: list[LLMEvent]) -> None:
        if events and isinstance(events[-1], Finish):
            self._finish = events[-1]
        if not events or self._finish is not None:
            self._end()

    def _told(self) -> Attributes:
        if self._finish is None:
            return {}
        reasons = (finish_reason(self._finish.reason),)
        told: Attributes = {"gen_ai.response.finish_reasons": reasons, "zen.steps": self._finish.steps}
        return {**told, **usage_attributes(self._finish.usage)}

    def _said(self) -> Said | None:
        return self._instruments.said(() if self._route is None else secrets_of(self._request, self._route))
