"""Chunks of Google's generateContent stream, as data and as bytes, and short ways to decode them.

Owns no expectation. A stream is a list of chunks; `sse` and `array` put them on a wire.
"""

from __future__ import annotations

import json
from typing import Any

from tests.kit.decoding import Decoded, decode

__all__ = ["PROTOCOL", "STOP", "USAGE", "Chunk", "array", "call", "chunk", "document", "partial", "run", "sse", "text"]

PROTOCOL = "google-generate-content"

Chunk = dict[str, Any]


def chunk(
    *parts: Chunk, reason: Any = None, usage: Chunk | None = None, index: int | None = None, **more: Any
) -> Chunk:
    """A chunk with one candidate; `more` are further members of the candidate."""
    candidate: Chunk = {"content": {"parts": list(parts), "role": "model"}, **more}
    if reason is not None:
        candidate["finishReason"] = reason
    if index is not None:
        candidate["index"] = index
    said: Chunk = {"candidates": [candidate]}
    if usage is not None:
        said["usageMetadata"] = usage
    return {**said, "modelVersion": "gemini-test-1", "responseId": "answer-1"}


def text(value: str, **more: Any) -> Chunk:
    """A text part."""
    return {"text": value, **more}


def call(name: str, args: Any = None, **more: Any) -> Chunk:
    """A part with a whole function call; `id` goes into the call, all else onto the part."""
    function: Chunk = {"name": name}
    if args is not None:
        function["args"] = args
    if "id" in more:
        function["id"] = more.pop("id")
    return {"functionCall": function, **more}


def partial(path: str, *, more: bool = True, **piece: Any) -> Chunk:
    """A part with one piece of streamed arguments; `more`: the call goes on."""
    function: Chunk = {"partialArgs": [{"jsonPath": path, **piece}]}
    return {"functionCall": {**function, "willContinue": True} if more else function}


STOP = chunk(reason="STOP")

USAGE: Chunk = {
    "promptTokenCount": 7,
    "candidatesTokenCount": 3,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 15,
}


def sse(*chunks: Chunk | str) -> bytes:
    """Chunks as server-sent events, in Google's line ends; a string goes out as it is."""
    return "".join(item if isinstance(item, str) else f"data: {json.dumps(item)}\r\n\r\n" for item in chunks).encode()


def array(*chunks: Chunk) -> bytes:
    """Chunks as the array that comes without `alt=sse`."""
    return b"[" + b"\r\n,\r\n".join(json.dumps(item, indent=2).encode() for item in chunks) + b"\r\n]\r\n"


def run(runtime: str, *chunks: Chunk | str, **options: Any) -> Decoded:
    """What comes of a stream."""
    return decode(sse(*chunks), PROTOCOL, runtime, **options)


def document(runtime: str, *chunks: Chunk) -> Decoded:
    """What comes of a document: of one chunk, or of the array of several."""
    body = chunks[0] if len(chunks) == 1 else list(chunks)
    return decode(json.dumps(body).encode(), PROTOCOL, runtime, framing="document")
