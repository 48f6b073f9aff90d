"""Frames of the OpenAI Responses stream, as data and as bytes, and short ways to decode them and to read the result.

Owns no expectation. A stream is a list of frames (JSON objects); `sse` puts them on the wire.
"""

from __future__ import annotations

import json
from typing import Any

from tests.kit.decoding import Decoded, decode

from zen_native.events import ReasoningDelta

__all__ = [
    "CREATED",
    "HELLO",
    "PROTOCOL",
    "USAGE",
    "Frame",
    "added",
    "call",
    "completed",
    "delta",
    "document",
    "done",
    "message",
    "reasoning",
    "response",
    "run",
    "said",
    "sse",
    "text_deltas",
    "thoughts",
]

PROTOCOL = "openai-responses"

Frame = dict[str, Any]


def response(status: str = "completed", **members: Any) -> Frame:
    """A response object; `output` is empty where it is not given."""
    return {"id": "resp_1", "object": "response", "status": status, "model": "gpt-test", "output": [], **members}


CREATED: Frame = {"type": "response.created", "response": response("in_progress")}


def completed(*output: Frame, **members: Any) -> Frame:
    """`response.completed` with these items."""
    return {"type": "response.completed", "response": response(output=list(output), **members)}


def added(index: int, item: Frame, **members: Any) -> Frame:
    """`response.output_item.added`."""
    return {"type": "response.output_item.added", "output_index": index, "item": item, **members}


def done(index: int, item: Frame, **members: Any) -> Frame:
    """`response.output_item.done`."""
    return {"type": "response.output_item.done", "output_index": index, "item": item, **members}


def delta(kind: str, index: int, item_id: str, text: str, **members: Any) -> Frame:
    """A delta: `kind` is what stands between `response.` and `.delta`."""
    return {"type": f"response.{kind}.delta", "output_index": index, "item_id": item_id, "delta": text, **members}


def text_deltas(*pieces: str, index: int = 0, item_id: str = "msg_1", part: int = 0) -> list[Frame]:
    """Deltas of message text."""
    return [delta("output_text", index, item_id, piece, content_index=part) for piece in pieces]


def message(item_id: str, *parts: str | Frame, **members: Any) -> Frame:
    """A message item; a string is a part of text."""
    content = [
        {"type": "output_text", "text": part, "annotations": []} if isinstance(part, str) else part for part in parts
    ]
    return {"id": item_id, "type": "message", "role": "assistant", "content": content, **members}


def reasoning(item_id: str, *summary: str, **members: Any) -> Frame:
    """A reasoning item with these summary parts."""
    parts = [{"type": "summary_text", "text": part} for part in summary]
    return {"id": item_id, "type": "reasoning", "summary": parts, **members}


def call(item_id: str, call_id: str, name: str, arguments: str, **members: Any) -> Frame:
    """A function call."""
    return {
        "id": item_id, "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **members
    }  # fmt: skip


def sse(*frames: Frame | str, names: bool = True) -> bytes:
    """The frames as server-sent events; a string goes out as it is."""
    lines = []
    for frame in frames:
        if isinstance(frame, str):
            lines.append(frame)
            continue
        name = f"event: {frame['type']}\n" if names and "type" in frame else ""
        lines.append(f"{name}data: {json.dumps(frame)}\n\n")
    return "".join(lines).encode()


HELLO: list[Frame] = [added(0, message("msg_1")), *text_deltas("Hel", "lo"), done(0, message("msg_1", "Hello"))]
"""A whole message."""

USAGE: Frame = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}


def run(runtime: str, *frames: Frame | str, **options: Any) -> Decoded:
    """What comes of a stream."""
    return decode(sse(*frames), PROTOCOL, runtime, **options)


def document(runtime: str, answer: Frame, tail: str = "", **options: Any) -> Decoded:
    """What comes of a document, and of what is glued to it."""
    return decode(json.dumps(answer).encode() + tail.encode(), PROTOCOL, runtime, framing="document", **options)


def thoughts(decoded: Decoded) -> list[str]:
    """Every delta of reasoning."""
    return [event.text for event in decoded.of(ReasoningDelta)]


def said(event: Any) -> Any:
    """The metadata of an event, without the provider's key."""
    return event.metadata and event.metadata["test"]
