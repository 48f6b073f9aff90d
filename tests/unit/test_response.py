"""The fold of events to a response."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_events import EXAMPLES

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
from zen_native.response import LLMResponse, ReasoningPart, Step, TextPart, fold
from zen_native.usage import Usage

STOP = FinishReason("stop", "end_turn")
CALL = ToolCall("t", "f", {"a": 1})
BAD = ToolInputError("u", "f", "{", "cut")
RESULT = ToolResult("t", "f", 2)
CITED = Citation("1", "https://a.example")
IMAGE = Media("m", "image/png", url="https://a.example/i.png")

ANSWER: list[LLMEvent] = [
    StepStart(0),
    ReasoningStart("0", {"p": {"item": 1}}),
    ReasoningDelta("0", "be"),
    ReasoningDelta("0", "cause"),
    ReasoningEnd("0", "sig", {"p": {"done": True}}),
    TextStart("1"),
    TextDelta("1", "he"),
    CITED,
    ToolInputStart("t", "f"),
    ToolInputDelta("t", '{"a":1}'),
    TextDelta("1", "llo"),
    TextEnd("1", {"p": {"k": 1}}),
    ToolInputEnd("t"),
    CALL,
    BAD,
    IMAGE,
    RESULT,
    Raw("x", {}),
    StepFinish(0, FinishReason("tool-calls"), Usage(1, 2), "r0", "m0", {"p": {}}),
    StepStart(1),
    TextStart("1"),
    TextDelta("1", "!"),
    TextEnd("1"),
    StepFinish(1, STOP, Usage(3, 4), "r1", "m1"),
    Finish(STOP, Usage(4, 6), 2, ("odd",)),
]


def test_fold_of_a_whole_answer() -> None:
    assert fold(ANSWER) == LLMResponse(
        parts=(
            ReasoningPart("because", "sig", {"p": {"item": 1, "done": True}}),
            TextPart("hello", {"p": {"k": 1}}),
            CITED,
            CALL,
            BAD,
            IMAGE,
            RESULT,
            TextPart("!"),
        ),
        usage=Usage(4, 6),
        reason=STOP,
        steps=(
            Step(0, FinishReason("tool-calls"), Usage(1, 2), "r0", "m0", {"p": {}}),
            Step(1, STOP, Usage(3, 4), "r1", "m1"),
        ),
        warnings=("odd",),
    )


def test_conveniences() -> None:
    response = fold(ANSWER)
    assert (response.text, response.reasoning, response.tool_calls) == ("hello!", "because", (CALL,))


def test_every_prefix_folds_without_a_reason_and_with_what_is_known() -> None:
    for length in range(len(ANSWER)):
        assert fold(ANSWER[:length]).reason is None
    assert fold(ANSWER[:7]).text == "he"
    assert fold(ANSWER[:-1]).usage == Usage(4, 6)
    assert fold(ANSWER[:20]).usage == Usage(1, 2)
    assert fold([]) == LLMResponse()


def test_parts_stand_in_the_order_of_their_first_event() -> None:
    events: list[LLMEvent] = [TextStart("0"), CALL, TextDelta("0", "a"), TextEnd("0")]
    assert fold(events).parts == (TextPart("a"), CALL)


def test_a_block_of_redacted_reasoning_is_kept_for_its_metadata() -> None:
    events: list[LLMEvent] = [ReasoningStart("0", {"p": {"data": "x"}}), ReasoningEnd("0")]
    assert fold(events).parts == (ReasoningPart("", None, {"p": {"data": "x"}}),)


def test_text_and_reasoning_of_one_id_stay_apart() -> None:
    events: list[LLMEvent] = [ReasoningStart("0"), ReasoningDelta("0", "a"), TextStart("0"), TextDelta("0", "b")]
    assert fold(events).parts == (ReasoningPart("a"), TextPart("b"))


def test_a_block_that_a_step_left_open_does_not_leak_into_the_next() -> None:
    events: list[LLMEvent] = [TextDelta("0", "a"), StepFinish(0, STOP), TextDelta("0", "b")]
    assert fold(events).parts == (TextPart("a"), TextPart("b"))


def test_plain_data() -> None:
    data = json.loads(json.dumps(fold(ANSWER).to_dict()))
    assert [part["type"] for part in data["parts"]] == [
        "reasoning", "text", "citation", "tool-call", "tool-input-error", "media", "tool-result", "text",
    ]  # fmt: skip
    assert data["parts"][1] == {"type": "text", "text": "hello", "metadata": {"p": {"k": 1}}}
    assert data["steps"][1]["usage"] == {"input_tokens": 3, "output_tokens": 4}
    assert (data["reason"], data["warnings"]) == ({"normalized": "stop", "raw": "end_turn"}, ["odd"])
    assert fold([]).to_dict() == {"parts": [], "steps": []}


def test_response_pickles() -> None:
    assert pickle.loads(pickle.dumps(fold(ANSWER))) == fold(ANSWER)


@given(st.lists(st.sampled_from(EXAMPLES), max_size=30))
def test_fold_takes_events_in_any_order(events: list[LLMEvent]) -> None:
    response = fold(events)
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert sorted(response.text) == sorted("".join(texts))
    assert len(response.tool_calls) == sum(isinstance(event, ToolCall) for event in events)
    json.dumps(response.to_dict())


@pytest.mark.timeout(20)  # a tenth of that at most, but minutes if every delta copied what came before
def test_fold_is_linear() -> None:
    count = 1_000_000
    events: list[LLMEvent] = [TextStart("0"), *[TextDelta("0", "abc")] * count]
    assert len(fold(events).text) == 3 * count
