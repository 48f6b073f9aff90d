"""Without telemetry there is nothing of it: no import, and nobody between the steps and who reads them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from tests.kit.telemetry import ANSWER, CONFIG, Seen, Wire

import zen_native as zen
from zen_native._step import Step
from zen_native._tool_loop import Loop

ALONE = """
import sys
import zen_native as zen

CHUNK = b'{"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}'

class Exchange:
    status, headers = 200, {"content-type": "text/event-stream"}
    def __init__(self):
        self.parts = [b"data: " + CHUNK + b"\\n\\n", b""]
    async def read(self):
        return self.parts.pop(0)
    async def close(self):
        pass

class Wire:
    async def send(self, request, watch):
        return Exchange()
    async def close(self):
        pass

settings = zen.ProviderSettings(base_url="https://mine.example", api_key="sk-12345678", protocol="openai-chat")
with zen.Client(zen.Config(providers={"mine": settings}, environ={}), transport=Wire()) as client:
    assert client.generate("mine/m", "hi").text == "hi"
print([name for name in sys.modules if "opentelemetry" in name or "integrations" in name or "_telemetry" in name])
"""

MISSING = """
import sys
sys.modules["opentelemetry"] = None
from zen_native.integrations import otel
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50)


def add(a: int) -> int:
    """Add one."""
    return a + 1


def test_a_client_without_it_imports_nothing_of_it() -> None:
    done = run(ALONE)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_missing_library_is_named_with_its_extra() -> None:
    done = run(MISSING)
    assert done.stderr.splitlines()[-1] == 'ImportError: OpenTelemetry is missing; install "zen-native[otel]"'


@pytest.mark.parametrize("make", [zen.Client, zen.AsyncClient])
def test_a_stream_without_it_reads_from_its_step(make: Any) -> None:
    stream = make(CONFIG, transport=Wire(ANSWER)).stream("mine/m", "hi")
    assert type(stream._source) is Step
    assert stream._source._watcher is None


@pytest.mark.parametrize("make", [zen.Client, zen.AsyncClient])
def test_a_loop_without_it_reads_from_its_steps(make: Any) -> None:
    loop = make(CONFIG, transport=Wire(ANSWER)).stream("mine/m", "hi", tools=[add])._source
    assert type(loop) is Loop
    assert loop._around is None
    assert type(loop._open_step(zen.LLMRequest(model="mine/m", messages="hi"))) is Step


@pytest.mark.parametrize("make", [zen.Client, zen.AsyncClient])
def test_with_it_one_stands_between_and_the_gate_decides_alike(make: Any) -> None:
    seen = Seen()
    watched = make(CONFIG, telemetry=seen.telemetry(content=True))
    assert type(watched.stream("mine/m", "hi")._source).__name__ == "StepSpan"
    assert type(watched.stream("mine/m", "hi", tools=[add])._source).__name__ == "LoopSpan"
    assert watched.explain("mine/m", "hi").decision == make(CONFIG).explain("mine/m", "hi").decision
    assert seen.spans() == []
