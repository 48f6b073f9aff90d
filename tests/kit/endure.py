"""One client that asks twice: once where a fault strikes, and once where none does. Owns what is seen of it, and no
expectation.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from anyio import to_thread
from tests.kit.asking import Heard, run
from tests.kit.dialogue import Talk
from tests.kit.process import open_files, settled_bytes
from tests.kit.server import Server

import zen_native as zen

__all__ = ["Endured", "Meeting", "endure", "strain", "until"]

_PATIENCE = 10.0


@dataclass(frozen=True)
class Endured:
    """What came of both questions."""

    heard: Heard
    left_open: int
    """Connections that the failed question left, while its client lives."""
    again: zen.LLMResponse
    files: tuple[int | None, int | None]
    """Open before the client, and after it."""


@dataclass
class Meeting:
    """Client and server. `fields` go with the first question alone."""

    talk: Talk
    server: Server
    fields: Mapping[str, Any] = field(default_factory=dict)
    begun: threading.Event = field(default_factory=threading.Event)
    """The client has an event of the first answer."""

    def was_read(self) -> bool:
        """Waits until the client has events. For a server, before it strikes."""
        return self.begun.wait(_PATIENCE)

    def heard(self, events: list[zen.LLMEvent], event: zen.LLMEvent) -> None:
        """One more event."""
        events.append(event)
        self.begun.set()


def endure(meeting: Meeting) -> Endured:
    """Asks both questions. A stream that failed must leave no connection behind; it is waited for."""
    before = open_files()
    asks = _ask if meeting.talk.kind == "sync" else _ask_async
    heard, left_open, again = asks(meeting)
    meeting.server.wait_for(lambda: meeting.server.held_open == 0, _PATIENCE)
    until(lambda: open_files() == before)
    return Endured(heard, left_open, again, (before, open_files()))


def strain(talk: Talk, count: int) -> int:
    """Asks so many times, whatever comes of it. The memory at the end, while the client lives."""

    async def main() -> int:
        async with zen.AsyncClient(talk.config, **_options(talk)) as client:
            for _ in range(count):
                with suppress(zen.LLMError):
                    await client.generate(talk.model, "hello")
            return settled_bytes()

    if talk.kind != "sync":
        size: int = run(talk.kind, main)
        return size
    with zen.Client(talk.config, **_options(talk)) as client:
        for _ in range(count):
            with suppress(zen.LLMError):
                client.generate(talk.model, "hello")
        return settled_bytes()


def _options(talk: Talk) -> dict[str, Any]:
    return {"runtime": talk.runtime, "retry": zen.RetryPolicy(attempts=1), **talk.options}


def _ask(meeting: Meeting) -> tuple[Heard, int, zen.LLMResponse]:
    talk, events, error = meeting.talk, list[zen.LLMEvent](), None
    with zen.Client(talk.config, **_options(talk)) as client:
        try:
            for event in client.stream(talk.model, "hello", **talk.fields, **meeting.fields):
                meeting.heard(events, event)
        except zen.LLMError as failed:
            error = failed
        left_open = _left_open(meeting.server, error)
        return Heard(events, error), left_open, client.generate(talk.model, "hello", **talk.fields)


def _ask_async(meeting: Meeting) -> tuple[Heard, int, zen.LLMResponse]:
    talk, events = meeting.talk, list[zen.LLMEvent]()

    async def main() -> tuple[Heard, int, zen.LLMResponse]:
        error = None
        async with zen.AsyncClient(talk.config, **_options(talk)) as client:
            try:
                async for event in client.stream(talk.model, "hello", **talk.fields, **meeting.fields):
                    meeting.heard(events, event)
            except zen.LLMError as failed:
                error = failed
            left_open = await to_thread.run_sync(_left_open, meeting.server, error)
            return Heard(events, error), left_open, await client.generate(talk.model, "hello", **talk.fields)

    result: tuple[Heard, int, zen.LLMResponse] = run(talk.kind, main)
    return result


def _left_open(server: Server, error: zen.LLMError | None) -> int:
    if error is not None:
        server.wait_for(lambda: server.held_open == 0, _PATIENCE)
    return server.held_open


def until(condition: Callable[[], bool]) -> bool:
    """Whether it comes true in good time."""
    limit = time.monotonic() + _PATIENCE
    while not (true := condition()) and time.monotonic() < limit:
        time.sleep(0.01)
    return true
