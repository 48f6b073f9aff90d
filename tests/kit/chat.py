"""Chunks of chat completions as data and as bytes. Owns no expectation."""

from __future__ import annotations

import json
from typing import Any

from tests.kit.decoding import Decoded, decode

__all__ = ["DONE", "call", "chunk", "document", "sse", "stream", "tail", "unary"]

DONE = "[DONE]"
Chunk = dict[str, Any]


def chunk(delta: Chunk | None = None, finish: str | None = None, *, index: int = 0, **top: Any) -> Chunk:
    """A chunk with one choice; `top` goes beside `choices`, except `choice`, whose members go into it."""
    choice: Chunk = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish}
    choice.update(top.pop("choice", {}))
    return {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [choice], **top}


def tail(**top: Any) -> Chunk:
    """A chunk without choices."""
    return {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [], **top}


def call(arguments: Any = None, *, name: Any = None, call_id: Any = None, index: Any = None, **more: Any) -> Chunk:
    """A delta with one tool call, of only what is given."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    said = {"index": index, "id": call_id, "function": function, **more}
    return {"tool_calls": [{key: value for key, value in said.items() if value is not None}]}


def sse(*frames: Chunk | str) -> bytes:
    """The frames on the wire."""
    texts = (frame if isinstance(frame, str) else json.dumps(frame) for frame in frames)
    return b"".join(b"data: " + text.encode() + b"\n\n" for text in texts)


def stream(runtime: str, *frames: Chunk | str, **options: Any) -> Decoded:
    """The frames decoded."""
    return decode(sse(*frames), "openai-chat", runtime, **options)


def document(message: Chunk, finish: str | None = "stop", **top: Any) -> Chunk:
    """A whole completion of one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "cmpl-1", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [choice], **top}


def unary(runtime: str, body: Chunk, **options: Any) -> Decoded:
    """A whole completion decoded."""
    return decode(json.dumps(body).encode(), "openai-chat", runtime, framing="document", **options)
