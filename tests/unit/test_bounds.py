"""Work and memory: linear in the bytes whatever they are and however they are cut, and flat along a stream.

Work is counted in calls of functions, which is the same on every machine; the time of both runtimes is a bench
(`benches/linear.py`). Memory is the peak of a process made for the purpose, because the native side's is seen by
nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import FrameType

import pytest
from tests.kit.steep import SHAPES, Shape, chat, decoding, messages

_ROOT = Path(__file__).resolve().parents[2]
_ALONE = 500
"""Calls that a decoder costs by itself."""


def calls(shape: Shape, size: int) -> int:
    """How many functions are called to decode that in Python."""
    decode, count = decoding(shape, size, "python"), 0

    def see(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        decode()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", SHAPES)
def test_work_is_linear(name: str) -> None:
    decoding(SHAPES[name], 10, "python")()  # what is made once is made
    assert calls(SHAPES[name], 400) <= 4 * calls(SHAPES[name], 100) + _ALONE


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
