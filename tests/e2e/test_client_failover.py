"""Nobody is asked a second time once something was heard: no other model, no other runtime, no other transport. Before
the first event, another model is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.kit.asking import NATIVE, TEXT, WAYS, WHOLE, config, is_sync, new_client, run
from tests.kit.chat import sse
from tests.kit.order import check_order
from tests.kit.server import CUT, HOLD, RESET, Part, Reply, Server, sse_reply

import zen_native as zen
from zen_native.gate import Reason

pytestmark = [
    pytest.mark.parametrize("kind", WAYS),
    # httpx leaves its own generators to the collector when a body is not read to its end; trio remarks on it.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]

BUSY = sse({"error": {"message": "busy", "type": "overloaded_error"}})
SLOW = sse({"error": {"message": "slow down", "code": "rate_limit_exceeded"}})


def piece(data: bytes) -> bytes:
    """As one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = piece(b"")
# How an answer breaks, and what that is. Errors in frames say that trying again may help.
BREAKS: dict[str, tuple[list[Part], type[zen.LLMError]]] = {
    "reset": ([RESET], zen.ReadError),
    "closed": ([CUT], zen.IncompleteStreamError),
    "ended": ([END], zen.IncompleteStreamError),
    "cut-in-an-event": ([piece(TEXT[1][:12]), CUT], zen.IncompleteStreamError),
    "cut-in-a-chunk": ([piece(TEXT[1])[:12], CUT], zen.IncompleteStreamError),
    "no-chunk": ([b"zz\r\n", HOLD], zen.IncompleteStreamError),
    "no-json": ([piece(sse("{no json")), HOLD], zen.InvalidProviderOutputError),
    "busy": ([piece(BUSY), HOLD], zen.OverloadedError),
    "too-fast": ([piece(SLOW), HOLD], zen.RateLimitError),
    "stalled": ([HOLD], zen.StreamTimeoutError),
}
each_break = pytest.mark.parametrize("how", BREAKS)


@dataclass(frozen=True)
class Call:
    """What was heard, what was raised, and what the gate decided."""

    events: list[zen.LLMEvent]
    error: zen.LLMError | None
    decisions: dict[tuple[str, str, Reason], int]

    @property
    def text(self) -> str:
        """All text that came."""
        return "".join(event.text for event in self.events if isinstance(event, zen.TextDelta))


def call(kind: str, runtime: str, settings: zen.Config, heard: Callable[[], object] = str, **options: Any) -> Call:
    """A call that may go to `other`. `heard` is called at each text. What is native is not demanded, so that the gate
    could take something else."""
    free = {"runtime": "auto" if runtime == "native" else "python", **({"transport": "auto"} if kind in NATIVE else {})}
    client = new_client(kind, settings, **free, **options)
    events: list[zen.LLMEvent] = []

    def take(event: zen.LLMEvent) -> None:
        events.append(event)
        if isinstance(event, zen.TextDelta):
            heard()

    async def main() -> None:
        async with client:
            async for event in client.stream("mine/m", "hi", fallbacks=["other/n"]):
                take(event)

    error = None
    try:
        if is_sync(kind):
            with client:
                for event in client.stream("mine/m", "hi", fallbacks=["other/n"]):
                    take(event)
        else:
            run(kind, main)
    except zen.LLMError as raised:
        error = raised
    return Call(events, error, client.decisions.counts())


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    """The one that breaks, and the one that would answer."""
    with Server(sse_reply(*WHOLE)) as mine, Server(sse_reply(*WHOLE)) as other:
        yield mine, other


def decided(kind: str, runtime: str, times: int) -> dict[tuple[str, str], int]:
    """Who should decode and move the bytes, every time."""
    return {(runtime, "native" if kind in NATIVE else "httpx"): times}


def counted(decisions: dict[tuple[str, str, Reason], int]) -> dict[tuple[str, str], int]:
    """Without the reasons."""
    return {(runtime, transport): times for (runtime, transport, _), times in decisions.items()}


@each_break
def test_nobody_else_is_asked_after_the_first_event(
    kind: str, runtime: str, how: str, servers: tuple[Server, Server]
) -> None:
    mine, other = servers
    parts, expected = BREAKS[how]
    heard = threading.Event()
    mine.plays(Reply([HEAD, piece(TEXT[0]), lambda: heard.wait(10), *parts], raw=True))
    patience = zen.Timeouts(idle=0.2 if how == "stalled" else 20)
    made = call(kind, runtime, config(mine, other), heard.set, timeouts=patience)
    assert type(made.error) is expected
    assert made.error is not None
    assert made.events == [zen.StepStart(0), zen.TextStart("text-0"), zen.TextDelta("text-0", "Hel")]
    assert made.error.partial is not None
    assert made.error.partial.text == "Hel"
    assert (len(mine.requests), mine.connections, other.requests) == (1, 1, [])
    assert counted(made.decisions) == decided(kind, runtime, 1)


@each_break
def test_another_model_is_asked_once_before_the_first_event(
    kind: str, runtime: str, how: str, servers: tuple[Server, Server]
) -> None:
    mine, other = servers
    parts, expected = BREAKS[how]
    mine.plays(Reply([HEAD, *parts], raw=True))
    patience = zen.Timeouts(first_event=0.5 if how == "stalled" else 20)
    made = call(kind, runtime, config(mine, other), timeouts=patience, retry=zen.RetryPolicy(attempts=1))
    assert made.error is None
    assert made.text == "Hello"
    check_order(made.events)
    finish = made.events[-1]
    assert isinstance(finish, zen.Finish)
    assert f"other/n was asked, for mine/m failed: {expected.__name__}" in finish.warnings[0]
    assert (len(mine.requests), len(other.requests)) == (1, 1)
    assert counted(made.decisions) == decided(kind, runtime, 2)
