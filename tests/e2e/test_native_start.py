"""The first native stream of a process: what it does without, which would take most of its time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from tests.kit.asking import WHOLE, is_sync
from tests.kit.server import Server, sse_reply

ASKED = """
import json, sys
import zen_native as zen

mine = zen.ProviderSettings(base_url=sys.argv[1], api_key="sk-sentinel-0123456789", protocol="openai-chat")
config = zen.Config(providers={"mine": mine}, environ={})
"""
SYNC = """
with zen.Client(config, transport="native") as client:
    text = "".join(event.text for event in client.stream("mine/m", "hi") if isinstance(event, zen.TextDelta))
"""
ASYNC = """
import asyncio

async def main():
    async with zen.AsyncClient(config, transport="native") as client:
        stream = client.stream("mine/m", "hi")
        return "".join([event.text async for event in stream if isinstance(event, zen.TextDelta)])

text = asyncio.run(main())
"""
TOLD = """
print(json.dumps([text, sorted(sys.modules)]))
"""
OTHERS = ["anyio", "genai_prices", "httpx", "httpx2", "opentelemetry", "pydantic", "pydantic_core"]
OF_THE_LIBRARY = [
    "concurrent.futures.thread", "difflib", "email", "hashlib", "html", "importlib.metadata", "random",
    "urllib.request", "uuid",
]  # fmt: skip
OURS = [
    "_error_facts", "_tool_loop", "explain", "formats.anthropic_messages", "formats.google", "request", "response",
    "runtimes.python", "structured", "tools", "transport.async_http", "transport.foreign", "transport.http",
]  # fmt: skip
NOT_SYNC = ["asyncio", "concurrent.futures", "zen_native.transport.native.aio"]


@pytest.mark.parametrize("kind", ["native-sync", "native-asyncio"])
def test_it_imports_what_it_uses(kind: str) -> None:
    program = ASKED + (SYNC if is_sync(kind) else ASYNC) + TOLD
    with Server(sse_reply(*WHOLE)) as server:
        command = [sys.executable, "-c", program, server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.stderr == ""
    text, modules = json.loads(done.stdout)
    unused: list[Any] = [*OTHERS, *OF_THE_LIBRARY, *(f"zen_native.{name}" for name in OURS)]
    unused += NOT_SYNC if is_sync(kind) else []
    assert text == "Hello"
    assert [name for name in unused if name in modules] == []
