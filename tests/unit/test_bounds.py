"""Work and memory: linear in the bytes whatever they are and however they are cut, and flat along a stream.

Time is CPU time of this thread and only compared with itself: four times the bytes may take ten times as long before a
test fails (quadratic work takes sixteen times), so that a busy machine does not decide. Memory is the peak of a process
made for the purpose, because the native side's is seen by nothing else.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import thread_time
from typing import Any

import pytest
from tests.kit.decoding import pieces
from tests.kit.eventstream import encode

from zen_native import Decoder, LLMError

_ROOT = Path(__file__).resolve().parents[2]
_GROWTH = 10
_NOISE = 0.005
_ENOUGH = 0.05
"""Seconds that the longer of two bodies must take for the ratio to mean something; sizes are doubled until it does."""
_LARGEST = 6400


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
}  # fmt: skip
OPTIONS: dict[str, Any] = {"think_tags": ["think"], "raw_events": True, "trailing_cost": True}
TAGGED: dict[str, Shape] = {
    "tag that never ends": ("openai-chat", "sse", 0, lambda n: chat({"content": "<think " + "x" * (n * 100)})),
    "many angles": ("openai-chat", "sse", 0, lambda n: chat({"content": "<think>" + "</" * (n * 50)})),
    "many tags": ("openai-chat", "sse", 0, lambda n: chat({"content": "<think></think>" * (n * 5)})),
    "tag in small deltas": ("openai-chat", "sse", 0, lambda n: b"".join(chat({"content": "<"}) for _ in range(n))),
    "space in small deltas": ("openai-chat", "sse", 0, lambda n: b"".join(chat({"content": " "}) for _ in range(n))),
}


def seconds(shape: Shape, size: int, runtime: str) -> float:
    """CPU time of decoding the shape, the better of two."""
    protocol, framing, read, make = shape
    body = make(size)
    parts, best = pieces(body, read) if read else [body], float("inf")
    for _ in range(2):
        decoder = Decoder(protocol, framing=framing, runtime=runtime, **OPTIONS)
        gc.collect()
        gc.disable()  # the collector's passes over many objects are not ours
        began = thread_time()
        with suppress(LLMError):
            for part in parts:
                decoder.feed(part)
            decoder.finish()
        best = min(best, thread_time() - began)
        gc.enable()
    return best


def steepness(measure: Callable[[int], float]) -> str | None:
    """What was measured where work is more than linear, else None."""
    size, said = 200, ""
    while (longer := measure(size * 4)) < _ENOUGH and size < _LARGEST:
        size *= 2
    for _ in range(3):  # what is steep stays so; what the machine did meanwhile does not
        shorter = measure(size)
        if longer <= _GROWTH * shorter + _NOISE:
            return None
        said = f"{size}: {shorter:.4f} s, {size * 4}: {longer:.4f} s"
        longer = measure(size * 4)
    return said


@pytest.mark.parametrize("name", [*SHAPES, *TAGGED])
def test_work_is_linear(runtime: str, name: str) -> None:
    shape = {**SHAPES, **TAGGED}[name]
    assert steepness(lambda size: seconds(shape, size, runtime)) is None


def test_steep_work_is_noticed() -> None:
    assert steepness(lambda size: size * 1e-6) is None
    assert steepness(lambda size: size * 1e-9) is None
    assert steepness(lambda size: size**2 * 1e-8) is not None
    assert steepness(lambda size: 0.001 + size**2 * 1e-9) is not None


# Memory

PEAK = """
import json, resource, sys
from contextlib import suppress
from zen_native import Decoder, LLMError
from tests.unit.test_bounds import ENDLESS
name, runtime = sys.argv[1:]
protocol, framing, part = ENDLESS[name]
def run(times):
    decoder = Decoder(protocol, framing=framing, runtime=runtime, think_tags=["think"])
    with suppress(LLMError):
        for _ in range(times):
            decoder.feed(part)
    return type(decoder.error).__name__
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
run((1 << 20) // len(part))
before = peak()
error = run((24 << 20) // len(part))
print(json.dumps([peak() - before, error]))
"""

LARGE = 64 << 10
ENDLESS = {
    "text": ("openai-chat", "sse", chat({"content": "some words of text " * 40}) * 64),
    "comments": ("openai-chat", "sse", b": keep-alive\n" * (LARGE // 13)),
    "reasoning": ("anthropic-messages", "sse", messages(0, {"type": "thinking_delta", "thinking": "hm " * 300}) * 64),
    "empty items": ("google-generate-content", "json-array", b"," * LARGE),
    "pings": ("anthropic-messages", "sse", b'event: ping\ndata: {"type":"ping"}\n\n' * (LARGE // 36)),
    "unfinished line": ("openai-chat", "sse", b"x" * LARGE),
    "unfinished event": ("openai-chat", "sse", b"data: " + b"x" * (LARGE - 7) + b"\n"),
    "unfinished document": ("openai-chat", "document", b'{"a": "' + b"x" * LARGE),
    "unfinished element": ("google-generate-content", "json-array", b'[{"a": ' + b"[" * LARGE),
}
FLAT = {"text", "comments", "reasoning", "pings"}
"""What a stream may do for ever; the others must meet a limit."""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module to ask for the peak")
@pytest.mark.parametrize("name", ENDLESS)
def test_memory_is_bounded(runtime: str, name: str) -> None:
    paths = os.pathsep.join([str(_ROOT / "python"), str(_ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", PEAK, name, runtime],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    grown, error = json.loads(done.stdout)
    if name in FLAT:
        assert error == "NoneType"
        assert grown < 6 << 20
    else:
        assert error in ("LimitExceededError", "InvalidProviderOutputError")
        assert grown < 64 << 20  # the largest event of 16 MiB, while it is copied and decoded
