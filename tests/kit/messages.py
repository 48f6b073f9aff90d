"""Frames of the Messages stream, as data and as bytes, and the two ways they travel.

Owns no expectation. A stream is a list of frames (JSON objects); `sse` and `invoke` put them on a wire.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.kit.eventstream import encode

__all__ = [
    "STOP",
    "Frame",
    "answer",
    "begin",
    "block",
    "delta",
    "end",
    "invoke",
    "json_delta",
    "more",
    "sse",
    "start",
    "stop",
    "text_block",
]

Frame = dict[str, Any]

STOP: Frame = {"type": "message_stop"}


def start(**message: Any) -> Frame:
    """`message_start` of a message with this content beyond an id and a model."""
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test-1", "content": [], **message}
    return {"type": "message_start", "message": said}


def begin(index: int, said: Frame) -> Frame:
    """`content_block_start` of a block as it is."""
    return {"type": "content_block_start", "index": index, "content_block": said}


def block(index: int, kind: str, **members: Any) -> Frame:
    """`content_block_start`."""
    return begin(index, {"type": kind, **members})


def more(index: int, said: Frame) -> Frame:
    """`content_block_delta` of a delta as it is."""
    return {"type": "content_block_delta", "index": index, "delta": said}


def delta(index: int, kind: str, **members: Any) -> Frame:
    """`content_block_delta`."""
    return more(index, {"type": kind, **members})


def json_delta(index: int, text: str) -> Frame:
    """A piece of argument text."""
    return delta(index, "input_json_delta", partial_json=text)


def stop(index: int) -> Frame:
    """`content_block_stop`."""
    return {"type": "content_block_stop", "index": index}


def text_block(index: int, *pieces: str) -> list[Frame]:
    """A whole block of text."""
    return [
        block(index, "text", text=""),
        *(delta(index, "text_delta", text=piece) for piece in pieces),
        stop(index),
    ]


def end(reason: str | None = "end_turn", usage: Frame | None = None, **members: Any) -> Frame:
    """`message_delta`; `members` go beside the stop reason."""
    said: Frame = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None, **members}}
    return said if usage is None else {**said, "usage": usage}


def answer(*content: Frame, reason: str | None = "end_turn", **members: Any) -> Frame:
    """A whole message as a document."""
    return {**start(content=list(content), stop_reason=reason, **members)["message"]}


def sse(*frames: Frame | str) -> bytes:
    """Frames as server-sent events, named by their type; a string goes out as it is."""
    return "".join(
        frame if isinstance(frame, str) else f"event: {frame.get('type', '')}\ndata: {json.dumps(frame)}\n\n"
        for frame in frames
    ).encode()


def invoke(*frames: Frame) -> bytes:
    """Frames as chunks of Bedrock's InvokeModel stream, with padding of changing length."""
    chunks = []
    for place, frame in enumerate(frames):
        payload = {"bytes": base64.b64encode(json.dumps(frame).encode()).decode(), "p": "abcdefgh"[: place % 9]}
        chunks.append(encode(json.dumps(payload).encode(), event="chunk"))
    return b"".join(chunks)
