"""The end of a step: what is still open closes in order of opening, and a call that was cut is no call."""

from __future__ import annotations

import json

import pytest
from tests.kit import chat, converse, google, messages
from tests.kit.decoding import Decoded, decode

from zen_native.events import ReasoningEnd, TextEnd, ToolCall, ToolInputEnd, ToolInputError
from zen_native.runtimes.pure.tools import CUT

MESSAGES = "anthropic-messages"


def ends(decoded: Decoded) -> list[str]:
    """Ids of all blocks and tool inputs, in the order in which they end."""
    assert decoded.error is None
    return [event.id for event in decoded.events if isinstance(event, (TextEnd, ReasoningEnd, ToolInputEnd))]


def settled(decoded: Decoded) -> list[tuple[str, object]]:
    """Every call with its input, or with the message of what became of it."""
    assert decoded.error is None
    return [
        (event.id, event.input if isinstance(event, ToolCall) else event.message)
        for event in decoded.events
        if isinstance(event, (ToolCall, ToolInputError))
    ]


# Order of opening


def test_chat_call_ends_before_the_text_behind_it(runtime: str) -> None:
    call = chat.chunk(chat.call("{}", name="a", call_id="c1", index=0))
    got = chat.stream(runtime, call, chat.chunk({"content": "b"}), chat.chunk(finish="tool_calls"), chat.DONE)
    assert ends(got) == ["c1", "text-0"]


def test_chat_call_whose_id_came_late_ends_late(runtime: str) -> None:
    frames = (
        chat.call('{"n":', name="a", index=0),
        chat.call("{}", name="b", call_id="c2", index=1),
        chat.call("1}", call_id="c1", index=0),
    )
    got = chat.stream(runtime, *(chat.chunk(frame) for frame in frames), chat.chunk(finish="tool_calls"), chat.DONE)
    assert ends(got) == ["c2", "c1"]


def test_chat_call_that_never_started_comes_behind_the_open_text(runtime: str) -> None:
    frames = (chat.call("{}", name="a", index=0), {"content": "b"})
    got = chat.stream(runtime, *(chat.chunk(frame) for frame in frames), chat.chunk(finish="tool_calls"), chat.DONE)
    assert got.types()[1:8] == [
        "text-start",
        "text-delta",
        "text-end",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-end",
        "tool-call",
    ]


def test_messages_text_without_a_start_ends_before_the_call_behind_it(runtime: str) -> None:
    frames = (
        messages.delta(0, "text_delta", text="a"),
        messages.block(1, "tool_use", id="c1", name="look", input={}),
        messages.block(2, "text", text="b"),
        messages.block(3, "tool_use", id="c2", name="look", input={"n": 1}),
    )
    body = messages.sse(messages.start(), *frames[:2], messages.end("tool_use"), messages.STOP)
    assert ends(decode(body, MESSAGES, runtime)) == ["text-0", "c1"]
    body = messages.sse(messages.start(), *frames[1:], messages.end("tool_use"), messages.STOP)
    assert ends(decode(body, MESSAGES, runtime)) == ["c1", "text-0", "c2"]


def test_converse_call_ends_before_the_text_behind_it(runtime: str) -> None:
    call = converse.block_start(0, toolUse={"toolUseId": "c1", "name": "look"})
    got = converse.run(runtime, call, converse.delta(1, text="a"), converse.stop("tool_use"), converse.metadata())
    assert ends(got) == ["c1", "text-0"]


def test_google_calls_of_two_candidates_end_in_order_of_opening(runtime: str) -> None:
    calls = [{"functionCall": {"name": "look", "id": f"c{index}", "willContinue": True}} for index in (0, 1)]
    frames = [google.chunk(calls[index], index=index) for index in (1, 0)]
    assert ends(google.run(runtime, *frames, google.STOP)) == ["c1", "c0"]


# Cut


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [(("tool_calls", "length"), [("c1", {}), ("c2", CUT)]), (("length", "tool_calls"), [("c2", {}), ("c1", CUT)])],
)
def test_chat_cuts_the_calls_of_the_choice_that_was_cut(
    runtime: str, reasons: tuple[str, str], expected: list[tuple[str, object]]
) -> None:
    frames = [chat.chunk(chat.call("{}", name="a", call_id=f"c{index + 1}", index=0), index=index) for index in (0, 1)]
    frames += [chat.chunk(finish=reason, index=index) for index, reason in enumerate(reasons)]
    assert settled(chat.stream(runtime, *frames, chat.DONE)) == expected


@pytest.mark.parametrize("pieces", [[], [""], [" "]])
def test_messages_last_call_without_arguments_was_cut(runtime: str, pieces: list[str]) -> None:
    """A cut answer stops its last block too: no arguments may mean that none came yet."""
    call = [messages.block(0, "tool_use", id="c1", name="look", input={})]
    call += [*(messages.json_delta(0, piece) for piece in pieces), messages.stop(0)]
    for reason, expected in (("max_tokens", CUT), ("tool_use", {})):
        body = messages.sse(messages.start(), *call, messages.end(reason), messages.STOP)
        assert settled(decode(body, MESSAGES, runtime)) == [("c1", expected)]


def test_messages_call_without_arguments_is_complete_where_a_block_follows(runtime: str) -> None:
    call = [messages.block(0, "tool_use", id="c1", name="look", input={}), messages.stop(0)]
    frames = [*call, *messages.text_block(1, "a"), messages.end("max_tokens"), messages.STOP]
    got = decode(messages.sse(messages.start(), *frames), MESSAGES, runtime)
    assert settled(got) == [("c1", {})]
    assert ends(got) == ["c1", "text-0"]


def test_messages_document_whose_last_call_has_no_arguments_was_cut(runtime: str) -> None:
    call = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    for reason, expected in (("max_tokens", CUT), ("tool_use", {})):
        body = json.dumps(messages.answer(call, reason=reason)).encode()
        assert settled(decode(body, MESSAGES, runtime, framing="document")) == [("c1", expected)]


def test_converse_last_call_without_arguments_was_cut(runtime: str) -> None:
    for reason, expected in (("max_tokens", CUT), ("tool_use", {})):
        got = converse.run(runtime, *converse.tool(0), converse.stop(reason), converse.metadata())
        assert settled(got) == [("t1", expected)]


@pytest.mark.parametrize("given", [{"input": {}}, {}])
def test_converse_document_whose_last_call_has_no_arguments_was_cut(runtime: str, given: dict[str, object]) -> None:
    call = {"toolUse": {"toolUseId": "t1", "name": "look", **given}}
    for reason, expected in (("max_tokens", CUT), ("tool_use", {})):
        assert settled(converse.document(runtime, converse.answer(call, reason=reason))) == [("t1", expected)]


def test_converse_document_is_cut_as_its_stream(runtime: str) -> None:
    """Arguments that are there are whole, and so is a call that another block follows."""
    uses = [{"toolUseId": f"t{index}", "name": "look", "input": given} for index, given in enumerate([{}, {"n": 1}])]
    for order, expected in (((0, 1), [("t0", {}), ("t1", {"n": 1})]), ((1, 0), [("t1", {"n": 1}), ("t0", CUT)])):
        blocks = [{"toolUse": uses[at]} for at in order]
        got = converse.document(runtime, converse.answer(*blocks, reason="max_tokens"))
        frames = [frame for index, at in enumerate(order) for frame in _tool_frames(index, uses[at])]
        streamed = converse.run(runtime, *frames, converse.stop("max_tokens"), converse.metadata())
        assert settled(got) == settled(streamed) == expected


def _tool_frames(index: int, use: dict[str, object]) -> list[tuple[str, dict[str, object]]]:
    said = {name: use[name] for name in ("toolUseId", "name")}
    pieces = [converse.delta(index, toolUse={"input": json.dumps(use["input"])})] if use["input"] else []
    return [converse.block_start(index, toolUse=said), *pieces, converse.block_stop(index)]


@pytest.mark.parametrize("following", [converse.delta(1, text="a"), converse.block_start(1, toolUse={"name": "more"})])
def test_converse_call_without_arguments_is_complete_where_a_block_follows(
    runtime: str, following: tuple[str, dict[str, object]]
) -> None:
    got = converse.run(runtime, *converse.tool(0), following, converse.stop("max_tokens"), converse.metadata())
    assert settled(got)[0] == ("t1", {})
