"""Events of Bedrock's ConverseStream, as data and as bytes, and short ways to decode them.

Owns no expectation. A stream is a list of events, each a name and a payload; `stream` puts them on the wire.
"""

from __future__ import annotations

import json
from typing import Any

from tests.kit.decoding import Decoded, decode
from tests.kit.eventstream import encode

__all__ = [
    "PROTOCOL",
    "START",
    "Event",
    "answer",
    "block_start",
    "block_stop",
    "delta",
    "document",
    "metadata",
    "run",
    "stop",
    "stream",
    "text_block",
    "tool",
]

PROTOCOL = "bedrock-converse"

Event = tuple[str, dict[str, Any]]

START: Event = ("messageStart", {"role": "assistant"})


def delta(index: int | None, **member: Any) -> Event:
    """`contentBlockDelta`."""
    where = {} if index is None else {"contentBlockIndex": index}
    return "contentBlockDelta", {**where, "delta": member}


def block_start(index: int | None, **member: Any) -> Event:
    """`contentBlockStart`."""
    where = {} if index is None else {"contentBlockIndex": index}
    return "contentBlockStart", {**where, "start": member}


def block_stop(index: int | None) -> Event:
    """`contentBlockStop`."""
    return "contentBlockStop", {} if index is None else {"contentBlockIndex": index}


def text_block(index: int, *texts: str) -> list[Event]:
    """A whole block of text, which has no start."""
    return [*(delta(index, text=text) for text in texts), block_stop(index)]


def tool(index: int | None, *inputs: str, **use: Any) -> list[Event]:
    """A whole block with a call of the tool `look`."""
    return [
        block_start(index, toolUse={"toolUseId": "t1", "name": "look", **use}),
        *(delta(index, toolUse={"input": text}) for text in inputs),
        block_stop(index),
    ]


def stop(reason: str | None = "end_turn", **more: Any) -> Event:
    """`messageStop`."""
    return "messageStop", {"stopReason": reason, **more}


def metadata(usage: dict[str, Any] | None = None, **more: Any) -> Event:
    """`metadata`."""
    counts = {"inputTokens": 10, "outputTokens": 4, "totalTokens": 14} if usage is None else usage
    return "metadata", {"usage": counts, "metrics": {"latencyMs": 12}, **more}


def stream(*events: Event | bytes) -> bytes:
    """Events as frames, with padding of changing length; bytes go out as they are."""
    frames = []
    for place, event in enumerate(events):
        if isinstance(event, bytes):
            frames.append(event)
        else:
            payload = {**event[1], "p": "abcdefghijk"[: place % 12]}
            frames.append(encode(json.dumps(payload).encode(), event=event[0]))
    return b"".join(frames)


def answer(*content: dict[str, Any], reason: str | None = "end_turn", **more: Any) -> bytes:
    """The answer of Converse as a document."""
    usage = {"inputTokens": 10, "outputTokens": 4, "totalTokens": 14}
    message = {"message": {"role": "assistant", "content": list(content)}}
    said = {"output": message, "stopReason": reason, "usage": usage, "metrics": {"latencyMs": 12}, **more}
    return json.dumps(said).encode()


def run(runtime: str, *events: Event | bytes, **options: Any) -> Decoded:
    """What comes of a stream."""
    return decode(stream(*events), PROTOCOL, runtime, **options)


def document(runtime: str, body: bytes) -> Decoded:
    """What comes of a document."""
    return decode(body, PROTOCOL, runtime, framing="document")
