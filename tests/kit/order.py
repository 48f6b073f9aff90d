"""Checks the order of events: every rule of the contract that events alone show, by name. For streams of every test.

Not shown by events: that blocks left open close in the order of opening, and that an input cut short is an error, not a
call. Both need to know what the provider closed; `test_end_of_step` sees to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from zen_native.events import (
    Citation,
    Finish,
    LLMEvent,
    Media,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    StepFinish,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCall,
    ToolInputDelta,
    ToolInputEnd,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)
from zen_native.usage import sum_usage

__all__ = ["check_order"]


def check_order(events: Sequence[LLMEvent], *, failed: bool = False) -> None:
    """Raise `AssertionError` with the rule's name if `events` break one.

    `failed`: the stream raised, so that it may stop anywhere and has no finish.
    """
    order = _Order()
    for position, event in enumerate(events):
        try:
            order.take(event)
        except AssertionError as error:
            raise AssertionError(f"{error} (event {position}: {event!r})") from None
    order.end(failed=failed)


def _rule(name: str, kept: bool) -> None:
    if not kept:
        raise AssertionError(name)


@dataclass
class _Tool:
    name: str
    provider_executed: bool
    text: list[str] = field(default_factory=list[str])
    ended: bool = False


@dataclass
class _Step:
    index: int
    text: dict[str, bool] = field(default_factory=dict[str, bool])
    """Text and reasoning blocks: whether they are reasoning."""
    open_text: str | None = None
    tools: dict[str, _Tool] = field(default_factory=dict[str, _Tool])
    settled: set[str] = field(default_factory=set[str])
    """Tools whose call or input error came."""
    opened: list[str] = field(default_factory=list[str])
    closing: bool = False
    """A local tool result came: only such may follow."""


class _Order:
    def __init__(self) -> None:
        self.step: _Step | None = None
        self.finished_steps: list[StepFinish] = []
        self.finish: Finish | None = None
        self.handlers: dict[type, Callable[..., None]] = {
            TextStart: self.on_start,
            ReasoningStart: self.on_start,
            TextDelta: self.on_delta,
            ReasoningDelta: self.on_delta,
            TextEnd: self.on_end,
            ReasoningEnd: self.on_end,
            ToolInputStart: self.on_tool_start,
            ToolInputDelta: self.on_tool_delta,
            ToolInputEnd: self.on_tool_end,
            ToolCall: self.on_tool_settled,
            ToolInputError: self.on_tool_settled,
            ToolResult: self.on_tool_result,
            Citation: self.on_other,
            Media: self.on_other,
            Raw: self.on_other,
            StepFinish: self.on_step_finish,
        }

    def take(self, event: LLMEvent) -> None:
        _rule("nothing follows finish", self.finish is None)
        if isinstance(event, StepStart):
            self.on_step_start(event)
        elif isinstance(event, Finish):
            self.on_finish(event)
        else:
            _rule("step-start comes first", self.step is not None)
            self.handlers[type(event)](self.step, event)

    def end(self, *, failed: bool) -> None:
        _rule("a failed stream has no finish", not (failed and self.finish is not None))
        _rule("finish ends the stream", failed or self.finish is not None)

    # Steps

    def on_step_start(self, event: StepStart) -> None:
        _rule("a step starts after the one before it finished", self.step is None)
        _rule("step index counts from 0", event.index == len(self.finished_steps))
        self.step = _Step(event.index)

    def on_step_finish(self, step: _Step, event: StepFinish) -> None:
        _rule("step-finish has the index of its step", event.index == step.index)
        _rule("no block is open when the step finishes", step.open_text is None and not step.opened)
        _rule("every tool input settles as call or error", step.tools.keys() == step.settled)
        self.finished_steps.append(event)
        self.step = None

    def on_finish(self, event: Finish) -> None:
        _rule("finish comes after step-finish", self.step is None and bool(self.finished_steps))
        _rule("finish counts the steps", event.steps == len(self.finished_steps))
        _rule("finish usage is the sum of the steps", event.usage == sum_usage(s.usage for s in self.finished_steps))
        silent = event.usage is not None and any(step.usage is None for step in self.finished_steps)
        _rule("a sum that misses a step says so in warnings", not silent or any("usage" in w for w in event.warnings))
        self.finish = event

    # Text and reasoning

    def on_start(self, step: _Step, event: TextStart | ReasoningStart) -> None:
        self._still_content(step)
        _rule("text and reasoning do not interleave", step.open_text is None)
        _rule("ids are unique in a step", event.id not in step.text and event.id not in step.tools)
        step.text[event.id] = isinstance(event, ReasoningStart)
        step.open_text = event.id
        step.opened.append(event.id)

    def on_delta(self, step: _Step, event: TextDelta | ReasoningDelta) -> None:
        self._open(step, event.id, isinstance(event, ReasoningDelta))
        _rule("a delta is never empty", bool(event.text))

    def on_end(self, step: _Step, event: TextEnd | ReasoningEnd) -> None:
        self._open(step, event.id, isinstance(event, ReasoningEnd))
        step.open_text = None
        step.opened.remove(event.id)

    def _open(self, step: _Step, id: str, reasoning: bool) -> None:
        self._still_content(step)
        _rule("a delta or end has an open block of its kind", step.open_text == id and step.text[id] == reasoning)

    # Tools

    def on_tool_start(self, step: _Step, event: ToolInputStart) -> None:
        self._still_content(step)
        _rule("ids are unique in a step", event.id not in step.text and event.id not in step.tools)
        step.tools[event.id] = _Tool(event.name, event.provider_executed)
        step.opened.append(event.id)

    def on_tool_delta(self, step: _Step, event: ToolInputDelta) -> None:
        self._open_tool(step, event.id).text.append(event.text)
        _rule("a delta is never empty", bool(event.text))

    def on_tool_end(self, step: _Step, event: ToolInputEnd) -> None:
        self._open_tool(step, event.id).ended = True
        step.opened.remove(event.id)

    def on_tool_settled(self, step: _Step, event: ToolCall | ToolInputError) -> None:
        self._still_content(step)
        tool = step.tools.get(event.id)
        _rule("a call or input error follows its tool-input-end", tool is not None and tool.ended)
        _rule("a tool input settles once", event.id not in step.settled)
        _rule("a call has the name of its start", tool is not None and tool.name == event.name)
        same = isinstance(event, ToolInputError) or (
            tool is not None and tool.provider_executed == event.provider_executed
        )
        _rule("a call is executed by whom its start says", same)
        step.settled.add(event.id)

    def on_tool_result(self, step: _Step, event: ToolResult) -> None:
        if event.provider_executed:
            self._still_content(step)
            return
        _rule("local results come after all blocks are closed", not step.opened)
        _rule("a local result follows its call", event.id in step.settled)
        step.closing = True

    def _open_tool(self, step: _Step, id: str) -> _Tool:
        self._still_content(step)
        tool = step.tools.get(id)
        if tool is None or tool.ended:
            raise AssertionError("a tool delta or end has an open tool input")
        return tool

    # The rest

    def on_other(self, step: _Step, event: Citation | Media | Raw) -> None:
        self._still_content(step)
        if isinstance(event, Citation) and event.block_id is not None:
            _rule("a citation names a block of its step", event.block_id in step.text)

    def _still_content(self, step: _Step) -> None:
        _rule("after local results only such or step-finish", not step.closing)
