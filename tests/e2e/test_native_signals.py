"""Signals that come more often than a limit allows to wait: it passes all the same, wherever a thread waits."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from tests.kit.asking import NATIVE, TEXT, ask, config
from tests.kit.byhand import ByHand
from tests.kit.server import HOLD, Reply, Server, Silent, sse_reply

import zen_native as zen

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing interrupts a wait there")

LIMIT = 0.4
LARGE = "x" * (32 << 20)
"""More than all buffers between two sockets take."""


@pytest.fixture
def signals() -> Iterator[None]:
    """One each 50 ms, to this thread. The test fails where it should have been over long since."""
    over, until = threading.Event(), time.monotonic() + 10

    def handle(*_: object) -> None:
        if time.monotonic() > until and not over.is_set():
            over.set()
            raise RuntimeError("the limit did not pass")

    def send(thread: int) -> None:
        while not over.wait(0.05):
            signal.pthread_kill(thread, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    sender = threading.Thread(target=send, args=(threading.get_ident(),), daemon=True)
    sender.start()
    yield
    over.set()
    sender.join(5)
    signal.signal(signal.SIGUSR1, before)


def deaf() -> ByHand:
    over = threading.Event()
    return ByHand(lambda _: over.wait(2))


Serving = Callable[[], AbstractContextManager[Server | Silent | ByHand]]
WAITS: dict[str, tuple[Serving, str, zen.Timeouts]] = {
    "handshake": (Silent, "connect", zen.Timeouts(connect=LIMIT)),
    "send": (deaf, "first-event", zen.Timeouts(first_event=LIMIT)),
    "head": (lambda: Server(Reply([HOLD], raw=True)), "first-event", zen.Timeouts(first_event=LIMIT)),
    "body": (lambda: Server(sse_reply(HOLD)), "first-event", zen.Timeouts(first_event=LIMIT)),
    "idle": (lambda: Server(sse_reply(*TEXT, HOLD)), "idle", zen.Timeouts(idle=LIMIT)),
    "total": (lambda: Server(sse_reply(*TEXT, HOLD)), "total", zen.Timeouts(total=LIMIT)),
}


@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.usefixtures("signals")
def test_a_limit_passes(kind: str, wait: str) -> None:
    serving, phase, timeouts = WAITS[wait]
    with serving() as server:
        asked = {"messages": LARGE if wait == "send" else "hi"}
        heard = ask(kind, config(server), call=asked, timeouts=timeouts, retry=zen.RetryPolicy(attempts=1))
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert heard.error.phase == phase
