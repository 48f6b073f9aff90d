"""Bodies whose work could grow faster than their bytes, by name and size. Owns no measure and no expectation."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.kit.decoding import pieces
from tests.kit.eventstream import encode

from zen_native import Decoder, LLMError

__all__ = ["SHAPES", "Shape", "chat", "decoding", "messages"]


def sse(*frames: object) -> bytes:
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)


def chat(delta: object) -> bytes:
    return sse({"choices": [{"index": 0, "delta": delta}]})


def messages(index: int, delta: object) -> bytes:
    return sse({"type": "content_block_delta", "index": index, "delta": delta})


def call(index: int, text: str = "{}") -> dict[str, Any]:
    return {"index": index, "id": f"c{index}", "function": {"name": "f", "arguments": text}}


Shape = tuple[str, str, int, Callable[[int], bytes]]
"""Protocol, framing, size of the reads (0: whole), and the body of a size."""

SHAPES: dict[str, Shape] = {
    "one event in small reads": ("openai-chat", "sse", 64, lambda n: chat({"content": "x" * (n * 100)})),
    "event that never ends": ("openai-chat", "sse", 64, lambda n: b"data: " + b"x" * (n * 100)),
    "many data lines": ("openai-chat", "sse", 64, lambda n: b"data: [\n" * (n * 10)),
    "many comments": ("openai-chat", "sse", 64, lambda n: b": ping\n" * (n * 10)),
    "carriage returns": ("openai-chat", "sse", 64, lambda n: b"\r" * (n * 50)),
    "white space": ("openai-chat", "sse", 64, lambda n: b" " * (n * 100)),
    "white space, document": ("openai-chat", "document", 64, lambda n: b" " * (n * 100) + b"{}"),
    "opening brackets": ("openai-chat", "sse", 0, lambda n: b"data: " + b"[" * (n * 100) + b"\n\n"),
    "opening brackets, array": ("google-generate-content", "json-array", 64, lambda n: b"[" * (n * 100)),
    "opening braces": ("openai-chat", "document", 0, lambda n: b'{"a":' * (n * 20)),
    "document in small reads": ("openai-chat", "document", 64, lambda n: b'{"a":"' + b"x" * (n * 100)),
    "array in small reads": ("google-generate-content", "json-array", 64, lambda n: b'[{"a":"' + b"x" * (n * 100)),
    "array of small items": ("google-generate-content", "json-array", 64, lambda n: b"[" + b"{}," * (n * 5)),
    "quotes and backslashes": ("google-generate-content", "json-array", 64, lambda n: b'["' + b'\\"' * (n * 50)),
    "digits": ("openai-chat", "sse", 0, lambda n: b"data: [" + b"9" * (n * 100) + b"]\n\n"),
    "fraction": ("openai-chat", "sse", 0, lambda n: b'data: {"cost":0.' + b"9" * (n * 100) + b"}\n\n"),
    "escapes": ("openai-chat", "sse", 0, lambda n: chat({"content": "\ud83d" * (n * 10)})),
    "members": ("openai-chat", "sse", 0, lambda n: sse({f"k{number}": number for number in range(n * 5)})),
    "one key again and again": ("openai-chat", "sse", 0, lambda n: b'data: {"x":0' + b',"x":1' * (n * 20) + b"}\n\n"),
    "many choices": ("openai-chat", "sse", 0, lambda n: b"".join(
        sse({"choices": [{"index": number, "delta": {"content": "x"}}]}) for number in range(n)
    )),
    "many calls": ("openai-chat", "sse", 0, lambda n: b"".join(
        chat({"tool_calls": [call(number)]}) for number in range(n)
    )),
    "reasoning details with new members": ("openai-chat", "sse", 0, lambda n: b"".join(
        chat({"reasoning_details": [{"type": "reasoning.text", "text": "x", f"k{number}": 1}]}) for number in range(n)
    )),
    "many deltas of a call": ("openai-chat", "sse", 0, lambda n: b"".join(
        chat({"tool_calls": [call(0, "x")]}) for _ in range(n)
    )),
    "many halves": ("openai-chat", "sse", 0, lambda n: b"".join(chat({"content": "\ud83d"}) for _ in range(n))),
    "many blocks": ("anthropic-messages", "sse", 0, lambda n: b"".join(
        messages(number, {"type": "text_delta", "text": "x"}) for number in range(n)
    )),
    "many unknown deltas": ("anthropic-messages", "sse", 0, lambda n: b"".join(
        messages(0, {"type": f"t{number}"}) for number in range(n)
    )),
    "many items": ("openai-responses", "sse", 0, lambda n: b"".join(
        sse({"type": "response.output_text.delta", "item_id": f"i{number}", "output_index": number, "delta": "x"})
        for number in range(n)
    )),
    "many parts": ("google-generate-content", "sse", 0, lambda n: sse(
        {"candidates": [{"content": {"parts": [{"text": "x"}, {"functionCall": {"name": "f"}}] * n}}]}
    )),
    "many binary blocks": ("bedrock-converse", "eventstream", 0, lambda n: b"".join(
        encode(json.dumps({"contentBlockIndex": number, "delta": {"text": "x"}}).encode(), event="contentBlockDelta")
        for number in range(n)
    )),
    "one frame in small reads": ("bedrock-converse", "eventstream", 64, lambda n: encode(b"x" * (n * 100), event="x")),
    "many headers": ("bedrock-converse", "eventstream", 0, lambda n: encode(
        b"{}", event="x", **{f"h{number}": "" for number in range(n)}
    )),
    "tag that never ends": ("openai-chat", "sse", 0, lambda n: chat({"content": "<think " + "x" * (n * 100)})),
    "many angles": ("openai-chat", "sse", 0, lambda n: chat({"content": "<think>" + "</" * (n * 50)})),
    "many tags": ("openai-chat", "sse", 0, lambda n: chat({"content": "<think></think>" * (n * 5)})),
    "tag in small deltas": ("openai-chat", "sse", 0, lambda n: b"".join(chat({"content": "<"}) for _ in range(n))),
    "space in small deltas": ("openai-chat", "sse", 0, lambda n: b"".join(chat({"content": " "}) for _ in range(n))),
}  # fmt: skip
_OPTIONS: dict[str, Any] = {"think_tags": ["think"], "raw_events": True, "trailing_cost": True}


def decoding(shape: Shape, size: int, runtime: str) -> Callable[[], None]:
    """What decodes that body once, with everything prepared that is not to be measured."""
    protocol, framing, read, make = shape
    body = make(size)
    parts = pieces(body, read) if read else [body]
    decoder = Decoder(protocol, framing=framing, runtime=runtime, **_OPTIONS)  # type: ignore[arg-type]

    def decode() -> None:
        with suppress(LLMError):
            for part in parts:
                decoder.feed(part)
            decoder.finish()

    return decode
