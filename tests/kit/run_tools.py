"""`zen-native run` with tools: functions in a folder of their own, and a server whose model calls them.

Owns no expectation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kit.chat import DONE, call, chunk, sse, tail
from tests.kit.server import Server, sse_reply

from zen_native.cli import main

__all__ = ["FARO", "HOSTILE", "MILD", "PORTO", "REFUSED", "calls", "run", "serving", "status_of", "told_to_the_model"]

KEY = "sk-sentinel-0123456789"
HOSTILE = "a\x1b]0;owned\x07b\u202ed\u00ade\U000e0041"
TOOLS = '''
"""Tools."""

import threading

import beside


def weather(city: str) -> dict[str, object]:
    """The weather in a city."""
    print(f"looking up {city}")
    return {"city": city, "degrees": beside.DEGREES}


async def asynchronous(city: str) -> str:
    """The same later."""
    return f"mild in {city}"


def broken(city: str) -> str:
    """Fails."""
    raise LookupError(f"no such city: {city}")


def endless(city: str) -> str:
    """Takes for ever."""
    print("begun", flush=True)
    threading.Event().wait()
    return ""


def positional(city, /):
    """Cannot be called by name."""


def unknown_type(city: threading.Event) -> str:
    """Has no schema."""


small = lambda city: city
DEGREES = 20
'''


def usage(count: int) -> dict[str, Any]:
    """The last chunk of a step."""
    return tail(usage={"prompt_tokens": count, "completion_tokens": 1, "total_tokens": count + 1})


def calls(*arguments: str, name: str = "weather") -> bytes:
    """A step of calls."""
    frames = [chunk(call(text, name=name, call_id=f"c{place}", index=place)) for place, text in enumerate(arguments)]
    return sse(
        chunk({"reasoning_content": "I look."}), *frames, chunk({"content": "Wait."}), chunk({}, "tool_calls"),
        usage(10), DONE,
    )  # fmt: skip


PORTO, FARO = '{"city": "Porto"}', '{"city": "Faro"}'
REFUSED = "Error: the call was refused: the user does not want it"
MILD = sse_reply(sse(chunk({"content": "Mild."}), chunk({}, "stop"), usage(20), DONE))


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Server]:
    """A server whose model calls `weather` and then answers, asked from a folder with the tools in it."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "ZEN_NATIVE", "ZEN_NATIVE_MODELS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    (folder / "my_tools.py").write_text(TOOLS, "utf-8")
    (folder / "beside.py").write_text("DEGREES = 20\n", "utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    with Server(sse_reply(calls(PORTO)), MILD) as running:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running
    for name in set(sys.modules) - known:
        if name in ("my_tools", "beside", "own") or name.startswith("zen_native_tool_"):
            del sys.modules[name]


def status_of(*arguments: str) -> int:
    """The exit code, whether it is returned or raised."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else -1


def run(*arguments: str, tool: str = "my_tools:weather") -> int:
    """The exit code of a question with a tool."""
    return status_of("run", "-m", "openai-chat/m", "Is it warm?", "--tool", tool, *arguments)


def told_to_the_model(server: Server) -> list[str]:
    """The results that the second step was asked with."""
    messages = json.loads(server.requests[1].body)["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]
