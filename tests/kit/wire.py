"""The answers of `tests.kit.dialogue` as the six protocols put them on a wire. Owns no expectation.

An answer is a list of pieces, one for each write of a server.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.kit import chat, converse, eventstream, google, messages, responses
from tests.kit.dialogue import AFTER, ANSWER, BEFORE, CALLS, REPORT, TEXT, THOUGHT

__all__ = ["CONTENT_TYPES", "SIGNATURE", "after", "calls", "failure", "report", "text", "thought"]

CONTENT_TYPES = {
    name: "application/vnd.amazon.eventstream" if name.startswith("bedrock-") else "text/event-stream"
    for name in (
        "openai-chat", "openai-responses", "anthropic-messages", "google-generate-content", "bedrock-converse",
        "bedrock-invoke-anthropic",
    )
}  # fmt: skip

SIGNATURE = "c2lnbmVkLWJ5LWEtdGVzdA=="
_Frames = list[Any]
_Calls = tuple[tuple[str, str, dict[str, Any]], ...]


def text(protocol: str, said: str = TEXT, *, size: int = 8) -> list[bytes]:
    """Text alone, in pieces of so many characters."""
    return _WIRES[protocol]("", _cut(said, size), ())


def thought(protocol: str) -> list[bytes]:
    """Reasoning and text."""
    return _WIRES[protocol](THOUGHT, [ANSWER], ())


def calls(protocol: str) -> list[bytes]:
    """Text and two calls."""
    return _WIRES[protocol]("", [BEFORE], CALLS)


def after(protocol: str) -> list[bytes]:
    """The answer to the results."""
    return text(protocol, AFTER)


def report(protocol: str) -> list[bytes]:
    """Structured output."""
    return text(protocol, json.dumps(REPORT))


def failure(protocol: str) -> bytes:
    """An error in the middle of a stream."""
    overloaded = {"type": "overloaded_error", "message": "Overloaded"}
    return {
        "openai-chat": lambda: chat.sse(json.dumps({"error": {"message": "Overloaded", "code": 503}})),
        "openai-responses": lambda: responses.sse(
            {"type": "error", "code": "server_error", "message": "Overloaded", "param": None}
        ),
        "anthropic-messages": lambda: messages.sse({"type": "error", "error": overloaded}),
        "google-generate-content": lambda: google.sse(
            {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
        ),
        "bedrock-converse": lambda: eventstream.exception("serviceUnavailableException", b'{"message":"Overloaded"}'),
        "bedrock-invoke-anthropic": lambda: eventstream.exception(
            "serviceUnavailableException", b'{"message":"Overloaded"}'
        ),
    }[protocol]()


def _cut(said: str, size: int) -> list[str]:
    return [said[at : at + size] for at in range(0, len(said), size)]


def _chat(thinks: str, says: list[str], wants: _Calls) -> list[bytes]:
    frames: _Frames = [chat.chunk({"role": "assistant", "content": ""})]
    frames += [chat.chunk({"reasoning_content": piece}) for piece in _cut(thinks, 8)]
    frames += [chat.chunk({"content": piece}) for piece in says]
    for index, (id, name, put) in enumerate(wants):
        begin, rest = _halves(put)
        frames += [chat.chunk(chat.call(begin, name=name, call_id=id, index=index))]
        frames += [chat.chunk(chat.call(rest, index=index))]
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}
    frames += [chat.chunk({}, "tool_calls" if wants else "stop"), chat.tail(usage=usage), chat.DONE]
    return [chat.sse(frame) for frame in frames]


def _responses(thinks: str, says: list[str], wants: _Calls) -> list[bytes]:
    frames: _Frames = [responses.CREATED]
    items: _Frames = []
    if thinks:
        item = responses.reasoning("rs_1", thinks, encrypted_content=SIGNATURE)
        frames += [responses.added(0, responses.reasoning("rs_1"))]
        frames += [
            responses.delta("reasoning_summary_text", 0, "rs_1", piece, summary_index=0) for piece in _cut(thinks, 8)
        ]
        frames += [responses.done(0, item)]
        items += [item]
    place, said = len(items), responses.message("msg_1", "".join(says))
    frames += [responses.added(place, responses.message("msg_1")), *responses.text_deltas(*says, index=place)]
    frames += [responses.done(place, said)]
    items += [said]
    for index, (id, name, put) in enumerate(wants, len(items)):
        item = responses.call(f"fc_{index}", id, name, json.dumps(put))
        frames += [responses.added(index, responses.call(f"fc_{index}", id, name, ""))]
        frames += [responses.delta("function_call_arguments", index, f"fc_{index}", part) for part in _halves(put)]
        frames += [responses.done(index, item)]
        items += [item]
    return [responses.sse(frame) for frame in (*frames, responses.completed(*items, usage=responses.USAGE))]


def _messages_frames(thinks: str, says: list[str], wants: _Calls) -> _Frames:
    frames: _Frames = [messages.start(usage={"input_tokens": 9, "output_tokens": 1})]
    if thinks:
        frames += [messages.block(0, "thinking", thinking="", signature="")]
        frames += [messages.delta(0, "thinking_delta", thinking=piece) for piece in _cut(thinks, 8)]
        frames += [messages.delta(0, "signature_delta", signature=SIGNATURE), messages.stop(0)]
    place = 1 if thinks else 0
    frames += messages.text_block(place, *says)
    for index, (id, name, put) in enumerate(wants, place + 1):
        frames += [messages.block(index, "tool_use", id=id, name=name, input={})]
        frames += [*(messages.json_delta(index, part) for part in _halves(put)), messages.stop(index)]
    ended = messages.end("tool_use" if wants else "end_turn", usage={"output_tokens": 7})
    return [*frames, ended, messages.STOP]


def _messages(thinks: str, says: list[str], wants: _Calls) -> list[bytes]:
    return [messages.sse(frame) for frame in _messages_frames(thinks, says, wants)]


def _invoke(thinks: str, says: list[str], wants: _Calls) -> list[bytes]:
    return [messages.invoke(frame) for frame in _messages_frames(thinks, says, wants)]


def _google(thinks: str, says: list[str], wants: _Calls) -> list[bytes]:
    frames = [google.chunk(google.text(piece, thought=True)) for piece in _cut(thinks, 8)]
    frames += [google.chunk(google.text(piece)) for piece in says]
    frames += [google.chunk(google.call(name, put, id=id)) for id, name, put in wants]
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 7, "totalTokenCount": 16}
    return [google.sse(frame) for frame in (*frames, google.chunk(google.text(""), reason="STOP", usage=usage))]


def _converse(thinks: str, says: list[str], wants: _Calls) -> list[bytes]:
    frames = [converse.START]
    if thinks:
        frames += [converse.delta(0, reasoningContent={"text": piece}) for piece in _cut(thinks, 8)]
        frames += [converse.delta(0, reasoningContent={"signature": SIGNATURE}), converse.block_stop(0)]
    place = 1 if thinks else 0
    frames += converse.text_block(place, *says)
    for index, (id, name, put) in enumerate(wants, place + 1):
        frames += [converse.block_start(index, toolUse={"toolUseId": id, "name": name})]
        frames += [converse.delta(index, toolUse={"input": part}) for part in _halves(put)]
        frames += [converse.block_stop(index)]
    ends = [converse.stop("tool_use" if wants else "end_turn"), converse.metadata()]
    return [converse.stream(frame) for frame in (*frames, *ends)]


def _halves(put: dict[str, Any]) -> tuple[str, str]:
    whole = json.dumps(put)
    return whole[:6], whole[6:]


_WIRES: dict[str, Callable[[str, list[str], _Calls], list[bytes]]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _messages,
    "google-generate-content": _google,
    "bedrock-converse": _converse,
    "bedrock-invoke-anthropic": _invoke,
}
