"""Scripted steps for the tool loop: what each model call gives, and what it was asked. Owns no expectation."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio
from tests.kit.order import check_order

import zen_native as zen
from zen_native._io import AsyncIo, SyncIo, drive
from zen_native._tool_crew import AsyncCrew, ThreadCrew
from zen_native._tool_loop import Loop
from zen_native.tools import ToolLoop

__all__ = [
    "ANSWER",
    "BOTH",
    "START",
    "Script",
    "Slow",
    "add",
    "add_async",
    "call",
    "called",
    "crew_of",
    "ended",
    "heard",
    "no_threads_left",
    "only_result",
    "pause",
    "request",
    "results",
    "run",
    "said",
]

BOTH = pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])

START: list[zen.LLMEvent] = [zen.StepStart(0)]
_USAGE = zen.Usage(1, 2, total_tokens=3)

Entry = list[zen.LLMEvent] | BaseException | Callable[[], object]
"""Events of one read, an error, or something that happens between two."""


@dataclass
class Script:
    """Plays one list of entries for each step, and keeps the requests."""

    steps: Sequence[Sequence[Entry]]
    requests: list[zen.LLMRequest] = field(default_factory=list)
    closed: int = 0
    reads: int = 0

    def open(self, request: zen.LLMRequest) -> Played:
        """The next step."""
        self.requests.append(request)
        return Played(self, list(self.steps[len(self.requests) - 1]))


class Played:
    incoming = None

    def __init__(self, script: Script, entries: list[Entry]) -> None:
        self._script = script
        self._entries = entries

    async def batch(self) -> list[zen.LLMEvent]:
        self._script.reads += 1
        while self._entries:
            entry = self._entries.pop(0)
            if isinstance(entry, BaseException):
                raise entry
            if isinstance(entry, list):
                return entry
            result = entry()
            if inspect.isawaitable(result):
                await result
        return []

    def steady(self) -> Iterator[list[zen.LLMEvent]]:
        return iter(())

    async def close(self) -> None:
        self._script.closed += 1

    def abandon(self) -> None:
        self._script.closed += 1

    def response(self) -> zen.LLMResponse:
        return zen.LLMResponse()


def said(text: str, block: str = "0") -> list[zen.LLMEvent]:
    """Events of a text."""
    return [zen.TextStart(block), zen.TextDelta(block, text), zen.TextEnd(block)]


def call(id: str, name: str, /, hosted: bool = False, **given: Any) -> list[zen.LLMEvent]:
    """Events of a call."""
    return [
        zen.ToolInputStart(id, name, hosted),
        zen.ToolInputDelta(id, json.dumps(given)),
        zen.ToolInputEnd(id),
        zen.ToolCall(id, name, given, hosted),
    ]


def ended(reason: str = "stop", usage: zen.Usage | None = _USAGE, *warnings: str) -> list[zen.LLMEvent]:
    """The end of a step, as a decoder gives it."""
    why = zen.FinishReason(reason, f"raw-{reason}")  # type: ignore[arg-type]
    return [zen.StepFinish(0, why, usage, "id", "m"), zen.Finish(why, usage, 1, warnings)]


def request(*tools: Any, **fields: Any) -> zen.LLMRequest:
    """A request with tools."""
    return zen.LLMRequest.model_validate({"model": "openai/gpt-5", "messages": "hi", "tools": tools, **fields})


def heard(
    kind: str,
    script: Script,
    asked: zen.LLMRequest,
    options: ToolLoop | None = None,
    *,
    output: Any = None,
    events: list[zen.LLMEvent] | None = None,
) -> tuple[list[zen.LLMEvent], zen.LLMResponse]:
    """All events of an operation in one kind of client, their order checked also where it failed."""
    options = options or ToolLoop()
    out: list[zen.LLMEvent] = [] if events is None else events
    loop = Loop(
        script.open, asked, options, crew_of(kind, options.concurrency), None if output is None else lambda: output
    )

    async def main() -> None:
        while batch := await loop.batch():
            out.extend(batch)

    try:
        run(kind, main)
    except BaseException:
        check_order(out, failed=True)
        raise
    check_order(out)
    return out, loop.response()


def run(kind: str, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function as that kind of client does."""
    if kind == "sync":
        drive(main())
    elif kind == "asyncio":
        asyncio.run(main())
    else:
        trio.run(main)


async def pause(kind: str, seconds: float) -> None:
    """Wait in that kind of client."""
    await (SyncIo() if kind == "sync" else AsyncIo()).sleep(seconds)


def crew_of(kind: str, concurrency: int = 2) -> Any:
    """The crew of that kind of client."""
    return (ThreadCrew if kind == "sync" else AsyncCrew)(concurrency)


ANSWER = [[*START, *said("done"), *ended()]]
"""A step that ends the operation."""


def add(a: int, b: int = 2) -> int:
    """Add."""
    return a + b


async def add_async(a: int, b: int = 2) -> int:
    """Add."""
    await asyncio.sleep(0)
    return a + b


class Slow:
    """A tool, `slow`, that goes on until it is cancelled."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.cancelled = threading.Event()

    async def slow(self) -> None:
        """Slow."""
        self.began.set()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def has(self, kind: str, event: threading.Event) -> None:
        """Wait for one of its events in that kind of client."""
        until = time.monotonic() + 30
        while not event.is_set():
            assert time.monotonic() < until
            await pause(kind, 0.001)


def called(*calls: list[zen.LLMEvent], reason: str = "tool-calls") -> list[Any]:
    """A step of calls."""
    return [[*START, *(event for one in calls for event in one)], ended(reason)]


def results(events: list[zen.LLMEvent]) -> list[zen.ToolResult]:
    """The results of local tools."""
    return [event for event in events if isinstance(event, zen.ToolResult) and not event.provider_executed]


def only_result(kind: str, tool: Any, options: ToolLoop | None = None, **given: Any) -> zen.ToolResult:
    """What the model is told of the one call of a tool."""
    asked = request(tool)
    script = Script([called(call("c", asked.tools[0].name, **given)), ANSWER])
    (result,) = results(heard(kind, script, asked, options)[0])
    return result


def no_threads_left() -> bool:
    """Whether all threads of tools are gone, soon."""
    until = time.monotonic() + 5
    while any(thread.name.startswith("zen-native tool") for thread in threading.enumerate()):
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
