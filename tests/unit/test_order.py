"""The checker of the order of events catches every broken order, and lets every good one pass."""

from __future__ import annotations

import pytest
from tests.kit.order import check_order

from zen_native.events import (
    Citation,
    Finish,
    FinishReason,
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
from zen_native.usage import Usage

STOP = FinishReason("stop")
TEXT: list[LLMEvent] = [TextStart("0"), TextDelta("0", "a"), TextEnd("0")]
REASONING: list[LLMEvent] = [ReasoningStart("1"), ReasoningDelta("1", "a"), ReasoningEnd("1")]
TOOL: list[LLMEvent] = [ToolInputStart("t", "f"), ToolInputDelta("t", "{}"), ToolInputEnd("t"), ToolCall("t", "f", {})]
RESULT = ToolResult("t", "f", 1)
HOSTED = ToolResult("h", "search", 1, provider_executed=True)


def step(*events: LLMEvent, index: int = 0, usage: Usage | None = None) -> list[LLMEvent]:
    return [StepStart(index), *events, StepFinish(index, STOP, usage)]


def whole(*events: LLMEvent) -> list[LLMEvent]:
    return [*step(*events), Finish(STOP, None, 1)]


GOOD: dict[str, list[LLMEvent]] = {
    "empty answer": whole(),
    "everything": whole(*REASONING, *TEXT, Citation("0"), Media("m", "image/png"), Raw("x", {}), *TOOL),
    "hosted tool": whole(*TOOL, HOSTED, *TEXT),
    "local result last": whole(*TEXT, *TOOL, RESULT),
    "parallel tools": whole(
        ToolInputStart("a", "f"), ToolInputStart("b", "f"), ToolInputDelta("b", "1"), ToolInputDelta("a", "1"),
        ToolInputEnd("b"), ToolCall("b", "f", 1), ToolInputEnd("a"), ToolInputError("a", "f", "1", "cut"),
    ),
    "tool inside text": whole(TextStart("0"), *TOOL, TextDelta("0", "a"), TextEnd("0")),
    "two steps": [
        *step(*TEXT, usage=Usage(1, 2)), *step(*TEXT, index=1, usage=Usage(3, None, 5)),
        Finish(STOP, Usage(4, 2, 5), 2),
    ],
    "a step without usage": [
        *step(usage=Usage(1)), *step(index=1), Finish(STOP, Usage(1), 2, ("step 1 reported no usage",)),
    ],
}  # fmt: skip

BROKEN: list[tuple[str, list[LLMEvent]]] = [
    ("step-start comes first", TEXT),
    ("step-start comes first", [Raw("x", 1)]),
    ("step-start comes first", [StepFinish(0, STOP)]),
    ("step-start comes first", [*step(), *TEXT]),
    ("a step starts after the one before it finished", [StepStart(0), StepStart(1)]),
    ("step index counts from 0", [StepStart(1)]),
    ("step index counts from 0", [*step(), StepStart(2)]),
    ("step-finish has the index of its step", [StepStart(0), StepFinish(1, STOP)]),
    ("no block is open when the step finishes", step(TextStart("0"))),
    ("no block is open when the step finishes", step(ReasoningStart("0"))),
    ("no block is open when the step finishes", step(ToolInputStart("t", "f"))),
    ("every tool input settles as call or error", step(*TOOL[:3])),
    ("finish comes after step-finish", [Finish(STOP, None, 0)]),
    ("finish comes after step-finish", [StepStart(0), Finish(STOP, None, 1)]),
    ("finish counts the steps", [*step(), Finish(STOP, None, 2)]),
    ("finish usage is the sum of the steps", [*step(usage=Usage(1)), Finish(STOP, Usage(2), 1)]),
    ("finish usage is the sum of the steps", [*step(usage=Usage(1)), Finish(STOP, None, 1)]),
    ("a sum that misses a step says so", [*step(usage=Usage(1)), *step(index=1), Finish(STOP, Usage(1), 2)]),
    ("nothing follows finish", [*whole(), Finish(STOP, None, 1)]),
    ("nothing follows finish", [*whole(), Raw("x", 1)]),
    ("finish ends the stream", step(*TEXT)),
    ("finish ends the stream", []),
    ("text and reasoning do not interleave", step(TextStart("0"), ReasoningStart("1"))),
    ("text and reasoning do not interleave", step(TextStart("0"), TextStart("1"))),
    ("ids are unique in a step", step(*TEXT, *TEXT)),
    ("ids are unique in a step", step(*TOOL, *TOOL)),
    ("ids are unique in a step", step(*TEXT, ToolInputStart("0", "f"))),
    ("ids are unique in a step", step(*TOOL, TextStart("t"))),
    ("a delta or end has an open block of its kind", step(TextDelta("0", "a"))),
    ("a delta or end has an open block of its kind", step(TextEnd("0"))),
    ("a delta or end has an open block of its kind", step(*TEXT, TextDelta("0", "a"))),
    ("a delta or end has an open block of its kind", step(TextStart("0"), TextDelta("1", "a"))),
    ("a delta or end has an open block of its kind", step(TextStart("0"), ReasoningDelta("0", "a"))),
    ("a delta or end has an open block of its kind", step(ReasoningStart("0"), TextEnd("0"))),
    ("a delta is never empty", step(TextStart("0"), TextDelta("0", ""))),
    ("a delta is never empty", step(ToolInputStart("t", "f"), ToolInputDelta("t", ""))),
    ("a tool delta or end has an open tool input", step(ToolInputDelta("t", "{"))),
    ("a tool delta or end has an open tool input", step(ToolInputEnd("t"))),
    ("a tool delta or end has an open tool input", step(*TOOL, ToolInputDelta("t", "{"))),
    ("a tool delta or end has an open tool input", step(*TOOL, ToolInputEnd("t"))),
    ("a call or input error follows its tool-input-end", step(ToolCall("t", "f", {}))),
    ("a call or input error follows its tool-input-end", step(*TOOL[:2], TOOL[3])),
    ("a call or input error follows its tool-input-end", step(ToolInputError("t", "f", "", ""))),
    ("a tool input settles once", step(*TOOL, TOOL[3])),
    ("a tool input settles once", step(*TOOL, ToolInputError("t", "f", "", ""))),
    ("a call has the name of its start", step(*TOOL[:3], ToolCall("t", "g", {}))),
    ("a call is executed by whom its start says", step(*TOOL[:3], ToolCall("t", "f", {}, provider_executed=True))),
    ("local results come after all blocks are closed", step(*TOOL, TextStart("0"), RESULT)),
    ("a local result follows its call", step(RESULT)),
    ("after local results only such or step-finish", step(*TOOL, RESULT, *TEXT)),
    ("after local results only such or step-finish", step(*TOOL, RESULT, HOSTED)),
    ("a citation names a block of its step", step(Citation("9"))),
    ("a citation names a block of its step", [*step(*TEXT), StepStart(1), Citation("0")]),
]


@pytest.mark.parametrize("events", GOOD.values(), ids=GOOD)
def test_good_order_passes(events: list[LLMEvent]) -> None:
    check_order(events)


@pytest.mark.parametrize("events", GOOD.values(), ids=GOOD)
def test_a_failed_stream_may_stop_anywhere(events: list[LLMEvent]) -> None:
    for length in range(len(events)):
        check_order(events[:length], failed=True)


@pytest.mark.parametrize(("rule", "events"), BROKEN)
def test_broken_order_is_caught(rule: str, events: list[LLMEvent]) -> None:
    with pytest.raises(AssertionError, match=rule):
        check_order(events)


def test_a_failed_stream_has_no_finish() -> None:
    with pytest.raises(AssertionError, match="a failed stream has no finish"):
        check_order(whole(), failed=True)
