"""One operation of several steps: tools run between model calls, a paused answer goes on, an output is asked for again.

Owns what becomes of each step's events, when there is another step, the one finish with its sums, and the history that
the next step is asked with. Owns no model call (its source), no tool (`_tool_crew`) and no check of an output
(`structured`).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from ._kept import Kept
from ._tool_calls import LocalTool, failed, run_call, unknown_tool
from .errors import IncompleteStreamError, LLMError, ToolLoopError, TransportError
from .events import (
    Finish,
    FinishReason,
    LLMEvent,
    StepFinish,
    StepStart,
    ToolCall,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)
from .formats.common import is_alternative
from .response import LLMResponse
from .usage import sum_usage

if TYPE_CHECKING:
    from ._step import Source
    from ._tool_crew import Crew, Handle, Work
    from .request import LLMRequest, Message, Tool
    from .structured import Output
    from .tools import ToolLoop

__all__ = ["Around", "Loop"]

_CUT = ("length", "content-filter", "error")
"""Reasons after which the model was not done, and would not be by an answer to its calls."""


Around = Callable[[ToolCall], AbstractContextManager[Callable[[ToolResult], None]]]
"""What is done around each call of a local tool; it is told the result."""


class Loop:
    """The events of the whole operation, in batches, from steps that `open_step` makes of requests."""

    def __init__(
        self,
        open_step: Callable[[LLMRequest], Source],
        request: LLMRequest,
        options: ToolLoop,
        crew: Crew,
        output: Callable[[], Output] | None = None,
        around: Around | None = None,
    ) -> None:
        self._open_step = open_step
        self._request = request
        self._options = options
        self._crew = crew
        self._make_output = output
        self._output: Output | None = None
        self._around = around
        self._tools = {tool.name: tool for tool in request.tools}
        self._local: dict[str, LocalTool] = {}
        self._turn = asyncio.Lock()
        self._done = LLMResponse()
        self._warnings: dict[str, None] = {}
        self._failure: LLMError | None = None
        self._over = False
        self._index = -1
        self._source: Source | None = None
        self._reset()

    def _reset(self) -> None:
        """What is known of one step."""
        self._kept = Kept()
        self._step_finish: StepFinish | None = None
        self._is_read = False
        self._is_ended = False
        self._hosted: set[str] = set()
        self._waiting: deque[ToolResult | Handle] = deque()
        self._answered = False
        self._foreign = False

    # What a stream asks of its source

    incoming = None
    """What comes is looked at here."""

    async def batch(self) -> list[LLMEvent]:
        """The next events, none at the end.

        Raises:
            LLMError: a step failed, or the loop may not go on; what was given out before is in its `partial`.
        """
        if self._over:
            return []
        try:
            events = await self._next()
        except BaseException as error:
            if isinstance(error, LLMError):
                error.partial = self.response()
            await self.close()
            raise
        self._kept.add(events)
        return events

    def steady(self) -> Iterator[list[LLMEvent]]:
        """See `Source`: here something is done with every read."""
        return iter(())

    async def close(self) -> None:
        """Cancel the tools and let go of the connection."""
        self._over = True
        source, self._source = self._source, None
        try:
            await self._crew.close()
        finally:
            if source is not None:
                await source.close()

    def abandon(self) -> None:
        """`close` for finalizers."""
        self._over = True
        self._crew.abandon()
        if self._source is not None:
            self._source.abandon()

    def response(self) -> LLMResponse:
        """The answer so far, of all steps."""
        answer = _joined(self._done, self._kept.response())
        return answer if self._output is None else replace(answer, output=self._output.value)

    # One step

    async def _next(self) -> list[LLMEvent]:
        while not self._is_read:
            events = await self._read()
            if events:
                return events
        self._check()
        if self._waiting:
            return await self._results()
        finish = self._step_finish
        if finish is None:
            raise IncompleteStreamError("the step had a finish, but no step-finish")
        if not self._is_ended:
            self._is_ended = True
            return [finish]
        return await self._after_step(finish)

    async def _read(self) -> list[LLMEvent]:
        """The events of one read. The end of the step is held back: the results of tools come before it."""
        source = self._source
        if source is None:
            if self._make_output is not None and self._output is None:
                self._output = self._make_output()
                self._request = self._output.asked(self._request)
            self._index += 1
            source = self._source = self._open_step(self._request)
        if self._over:
            # Another thread closed this meanwhile, and may have found no step; `batch` closes this one.
            raise TransportError("the request was given up")
        self._check()
        events = await source.batch()
        if not events:
            raise IncompleteStreamError("the step ended without a finish")
        out: list[LLMEvent] = []
        for event in events:
            match event:
                case StepStart():
                    out.append(StepStart(self._index))
                case StepFinish():
                    self._step_finish = replace(event, index=self._index)
                case Finish():
                    await self._on_finish(event)
                case _:
                    self._on_content(event)
                    out.append(event)
        return out

    async def _on_finish(self, event: Finish) -> None:
        """The step is whole: its connection goes back before the tools are waited for."""
        self._is_read = True
        self._warnings |= dict.fromkeys(event.warnings)
        source, self._source = self._source, None
        if source is not None:
            await source.batch()  # nothing: the source sees its end
            await source.close()

    def _on_content(self, event: LLMEvent) -> None:
        match event:
            case ToolInputStart(id, _, provider_executed):
                if provider_executed:
                    self._hosted.add(id)
            case ToolCall(metadata=metadata) if is_alternative(metadata):
                pass
            case ToolCall(provider_executed=False) | ToolInputError() if event.id not in self._hosted:
                self._on_call(event)
            case _:
                pass

    # Calls

    def _on_call(self, call: ToolCall | ToolInputError) -> None:
        tool = self._tools.get(call.name)
        if self._output is not None and call.name == self._output.tool_name:
            self._answer(self._output.take(call))
        elif tool is not None and tool.handler is None:
            self._foreign = True
        elif isinstance(call, ToolInputError):
            self._answer(failed(call.id, call.name, call.message))
        elif tool is not None:
            self._answer(self._crew.start(self._work(call, self._local_tool(tool))))
        else:
            self._answer(unknown_tool(call, self._tools))
            if self._options.unknown == "raise":
                self._failure = ToolLoopError(f"the model called {call.name!r}, which is no tool of the request")

    def _work(self, call: ToolCall, tool: LocalTool) -> Work:
        work = functools.partial(run_call, call, tool, self._options, self._turn)
        return work if self._around is None else functools.partial(_told, self._around, call, work)

    def _local_tool(self, tool: Tool) -> LocalTool:
        local = self._local.get(tool.name)
        if local is None:
            local = self._local[tool.name] = LocalTool(tool)
        return local

    def _answer(self, result: ToolResult | Handle) -> None:
        self._answered = True
        self._waiting.append(result)

    def _check(self) -> None:
        """Fail as soon as it is known that the operation will."""
        if self._failure is not None:
            raise self._failure
        for entry in self._waiting:
            if not isinstance(entry, ToolResult) and entry.done() and (error := entry.exception()) is not None:
                raise error

    async def _results(self) -> list[LLMEvent]:
        """The next results in the order of their calls: the first one that is not there is waited for."""
        out: list[LLMEvent] = []
        while self._waiting:
            entry = self._waiting[0]
            if not isinstance(entry, ToolResult):
                if out and not entry.done():
                    break
                entry = await self._crew.wait(entry)
            self._waiting.popleft()
            out.append(entry)
        return out

    # Between steps

    async def _after_step(self, finish: StepFinish) -> list[LLMEvent]:
        """Begin another step, or finish."""
        step = self._kept.response()
        self._done = _joined(self._done, step)
        self._kept = Kept()
        repair = self._repair(step, finish.reason)
        if repair or await self._goes_on(finish.reason):
            self._request = self._followed(step, repair)
            self._reset()
            return await self._next()
        return [await self._finish(finish.reason)]

    def _repair(self, step: LLMResponse, reason: FinishReason) -> tuple[Message, ...]:
        """What the model is told of an output that is not valid, where it may try again.

        Raises:
            InvalidProviderOutputError: it may not.
        """
        if self._output is None or self._foreign or reason.normalized == "pause":
            return ()
        return self._output.settle(step, ended=not self._wants_more(reason), reason=reason)

    def _wants_more(self, reason: FinishReason) -> bool:
        if self._foreign or reason.normalized in _CUT or (self._output is not None and self._output.found):
            return False
        return self._answered or reason.normalized == "pause"

    async def _goes_on(self, reason: FinishReason) -> bool:
        options = self._options
        if not self._wants_more(reason) or await self._is_stopped():
            return False
        repairs = 0 if self._output is None else self._output.repairs
        if self._index + 1 < options.max_steps + repairs:
            return True
        said = f"the limit of {options.max_steps} steps was reached before the model was done"
        if options.on_limit == "raise":
            raise ToolLoopError(said)
        self._warnings[said] = None
        return False

    async def _is_stopped(self) -> bool:
        if self._options.stop is None:
            return False
        said = self._options.stop(self.response())
        answer = await self._crew.settle(said) if inspect.isawaitable(said) else said
        if not isinstance(cast("object", answer), bool):
            raise TypeError(f"ToolLoop.stop must say True or False, not {answer!r}")
        return answer

    def _followed(self, step: LLMResponse, repair: tuple[Message, ...]) -> LLMRequest:
        """The request with what was said since."""
        request = self._request
        update: dict[str, object] = {"messages": (*request.messages, *step.to_messages(), *repair)}
        choice = request.tool_choice
        forced = choice is not None and choice.mode in ("required", "tool")
        if choice is not None and forced and (self._output is None or self._output.tool_name is None):
            update["tool_choice"] = choice.model_copy(update={"mode": "auto", "name": None})
        return request.model_copy(update=update)

    async def _finish(self, reason: FinishReason) -> Finish:
        steps = self._done.steps
        silent = [step.index for step in steps if step.usage is None]
        if silent and len(steps) > 1:
            self._warnings[f"no usage was reported for {_named(silent)}"] = None
        usage = sum_usage(step.usage for step in steps)
        unpaid = [step.index for step in steps if step.usage is None or step.usage.cost is None]
        if 0 < len(unpaid) < len(steps):
            self._warnings[f"the cost of the whole is not known: that of {_named(unpaid)} is not"] = None
        if self._output is not None and self._output.found and reason.normalized == "tool-calls":
            reason = FinishReason("stop", reason.raw)
        finish = Finish(reason, usage, len(steps), tuple(self._warnings))
        await self.close()
        return finish


async def _told(around: Around, call: ToolCall, work: Work) -> ToolResult:
    with around(call) as tell:
        result = await work()
        tell(result)
        return result


def _joined(before: LLMResponse, step: LLMResponse) -> LLMResponse:
    """Two answers that follow each other, as one."""
    steps = (*before.steps, *step.steps)
    reason = step.reason or before.reason
    usage = sum_usage(one.usage for one in steps)
    return LLMResponse((*before.parts, *step.parts), usage, reason, steps, step.warnings or before.warnings)


def _named(indexes: list[int]) -> str:
    return ("step " if len(indexes) == 1 else "steps ") + ", ".join(map(str, indexes))
