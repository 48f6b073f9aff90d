"""When a call of a chat completion is over: behind the next call, or at the finish reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.chat import DONE, call, chunk, sse, stream, tail

from zen_native import Decoder
from zen_native.events import LLMEvent, ToolCall, ToolInputDelta, ToolInputError
from zen_native.runtimes.pure.tools import CUT, NOT_JSON

FIRST = call('{"x":1}', name="a", call_id="c1", index=0)
SECOND = call('{"y":', name="b", call_id="c2", index=1)
LATE = "arguments came for a call that was complete"


def settled(events: list[LLMEvent]) -> list[tuple[str, Any]]:
    """Every call that is over, with its input or what is wrong with it."""
    return [
        (event.id, event.input if isinstance(event, ToolCall) else event.message)
        for event in events
        if isinstance(event, ToolCall | ToolInputError)
    ]


def so_far(runtime: str, *deltas: dict[str, Any], finish: str | None = None) -> list[tuple[str, Any]]:
    """The calls that are over when no more has come than this."""
    frames = [chunk(delta) for delta in deltas] + ([chunk(finish=finish)] if finish else [])
    return settled(Decoder("openai-chat", runtime=runtime).feed(sse(*frames)))  # type: ignore[arg-type]


# Behind the next call


def test_a_whole_call_is_over_when_the_next_begins(runtime: str) -> None:
    assert so_far(runtime, FIRST) == []
    assert so_far(runtime, FIRST, SECOND) == [("c1", {"x": 1})]
    pieces = call('{"x":', name="a", call_id="c1", index=0), call("1} ", index=0), SECOND
    assert so_far(runtime, *pieces) == [("c1", {"x": 1})]


def test_calls_of_one_delta_are_over_one_by_one(runtime: str) -> None:
    both = {"tool_calls": [*FIRST["tool_calls"], *SECOND["tool_calls"]]}
    assert so_far(runtime, both) == [("c1", {"x": 1})]


@pytest.mark.parametrize("arguments", ["", "{}", " ", '{"x":', "[1]", "1"])
def test_a_call_that_may_go_on_stays_open(runtime: str, arguments: str) -> None:
    """Servers announce several calls before their arguments, and put `{}` before the real ones."""
    assert so_far(runtime, call(arguments, name="a", call_id="c1", index=0), SECOND) == []


def test_a_call_whose_id_may_come_stays_open(runtime: str) -> None:
    assert so_far(runtime, call('{"x":1}', name="a", index=0), SECOND) == []


def test_calls_of_another_choice_end_none(runtime: str) -> None:
    frames = sse(chunk(FIRST), chunk(call("{", name="b", call_id="c2", index=0), index=1))
    assert settled(Decoder("openai-chat", runtime=runtime).feed(frames)) == []  # type: ignore[arg-type]


def test_calls_are_given_out_in_their_order(runtime: str) -> None:
    first = call("", name="a", call_id="c1", index=0)
    second = call('{"y":2}', name="b", call_id="c2", index=1)
    third = call('{"z":3}', name="c", call_id="c3", index=2)
    assert so_far(runtime, first, second, third) == so_far(runtime, first, second, third, finish="stop") == []
    got = so_far(runtime, first, second, third, finish="tool_calls")
    assert got == [("c1", {}), ("c2", {"y": 2}), ("c3", {"z": 3})]


# At the finish reason


@pytest.mark.parametrize("reason", ["tool_calls", "stop", "function_call", "unheard-of"])
def test_calls_are_over_at_the_finish_reason(runtime: str, reason: str) -> None:
    assert so_far(runtime, FIRST, finish=reason) == [("c1", {"x": 1})]


@pytest.mark.parametrize("arguments", ["{}", " ", "", None])
def test_calls_without_arguments_are_over_where_the_reason_speaks_of_calls(runtime: str, arguments: str | None) -> None:
    """Some servers say `stop` all the time; they may mean it when they say something else."""
    one = call(arguments, name="a", call_id="c1", index=0)
    assert so_far(runtime, one, finish="tool_calls") == so_far(runtime, one, finish="function_call") == [("c1", {})]
    assert so_far(runtime, one, finish="stop") == []
    got = stream(runtime, chunk(one, "stop"), chunk(call('{"x":1}', index=0), "stop"), DONE)
    assert settled(got.events) == [("c1", {"x": 1})]


def test_a_call_without_an_id_is_over_there_too(runtime: str) -> None:
    ((call_id, value),) = so_far(runtime, call('{"x":1}', name="a", index=0), finish="tool_calls")
    assert call_id
    assert value == {"x": 1}


def test_the_finish_reason_may_be_repeated(runtime: str) -> None:
    end = chunk(finish="tool_calls")
    got = stream(runtime, chunk(FIRST), end, end, tail(usage={"prompt_tokens": 1}), DONE)
    assert (settled(got.events), got.finish.warnings) == ([("c1", {"x": 1})], ())


def test_arguments_that_are_not_whole_may_still_come(runtime: str) -> None:
    assert so_far(runtime, FIRST, SECOND, finish="tool_calls") == [("c1", {"x": 1})]
    got = stream(runtime, chunk(SECOND), chunk(finish="tool_calls"), chunk(call("2}", index=1)), DONE)
    assert settled(got.events) == [("c2", {"y": 2})]
    assert got.finish.warnings == ("content came after the finish reason",)
    got = stream(runtime, chunk(SECOND), chunk(finish="tool_calls"), DONE)
    assert settled(got.events) == [("c2", NOT_JSON)]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_cut_answer_ends_only_what_was_followed_by_a_call(runtime: str, reason: str) -> None:
    assert so_far(runtime, FIRST, finish=reason) == []
    got = stream(runtime, chunk(FIRST), chunk(SECOND), chunk(finish=reason), DONE)
    assert settled(got.events) == [("c1", {"x": 1}), ("c2", CUT)]


# What comes later all the same


@pytest.mark.parametrize("finish", [None, "tool_calls"])
def test_a_call_repeated_when_it_is_over_is_one(runtime: str, finish: str | None) -> None:
    second = call('{"y":2}', name="b", call_id="c2", index=1)
    again = [chunk(FIRST), chunk(second)]
    frames = [chunk(FIRST), chunk(second), *([chunk(finish=finish)] if finish else []), *again, chunk(finish="stop")]
    got = stream(runtime, *frames, DONE)
    assert settled(got.events) == [("c1", {"x": 1}), ("c2", {"y": 2})]
    assert LATE not in got.finish.warnings
    assert "".join(event.text for event in got.of(ToolInputDelta)) == '{"x":1}{"y":2}'


def test_arguments_for_a_call_that_is_over_are_a_warning(runtime: str) -> None:
    frames = [chunk(FIRST), chunk(SECOND), chunk(call(" ", index=0)), chunk(call("2}", index=1))]
    got = stream(runtime, *frames, chunk(finish="tool_calls"), DONE)
    assert got.finish.warnings == ()
    frames.insert(3, chunk(call(',"z":1}', index=0)))
    got = stream(runtime, *frames, chunk(finish="tool_calls"), DONE)
    assert settled(got.events) == [("c1", {"x": 1}), ("c2", {"y": 2})]
    assert got.finish.warnings == (LATE,)


def test_every_cut_of_the_bytes_gives_the_same(runtime: str) -> None:
    frames = [chunk(FIRST), chunk(SECOND), chunk(call("2}", index=1)), chunk(finish="tool_calls"), DONE]
    body = sse(*frames)
    whole = stream(runtime, *frames)
    for at in range(1, len(body)):
        decoder = Decoder("openai-chat", runtime=runtime)  # type: ignore[arg-type]
        events = decoder.feed(body[:at]) + decoder.feed(body[at:])
        events += [] if decoder.done else decoder.finish()
        assert settled(events) == settled(whole.events), at


@pytest.mark.timeout(30)  # well under a second, but minutes if every call looked at all before it
def test_many_calls_are_linear(runtime: str) -> None:
    count = 5_000
    text = json.dumps({"x": "y" * 200})
    frames = [chunk(call(text, name="a", call_id=f"c{place}", index=place)) for place in range(count)]
    got = stream(runtime, *frames, chunk(finish="tool_calls"), DONE)
    assert len(got.of(ToolCall)) == count
