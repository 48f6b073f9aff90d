"""Ctrl-C while a stream waits: the wait is over at once, the server sees it, and the process ends as others do."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from statistics import median

import pytest
from tests.kit.asking import TEXT
from tests.kit.lives import LOOPS, TRANSPORTS, Life
from tests.kit.server import HOLD, Reply, Server, sse_reply

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="no process can be sent a Ctrl-C there without its whole console"
)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*TEXT, HOLD)) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "transport"), [*(("sync", each) for each in TRANSPORTS), *(("asyncio", each) for each in LOOPS)]
)
def test_interrupt(kind: str, transport: str, server: Server) -> None:
    """Within 100 ms, though the machine may be busy with something else once."""
    assert median(seconds_to_end(kind, transport, server) for _ in range(3)) < 0.1


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("kind", ["sync", "asyncio"])
def test_interrupt_between_two_sendings(kind: str, transport: str, server: Server) -> None:
    server.plays(Reply((b"{}",), status=503, headers={"retry-after": "50"}))
    with Life("interrupted", server, transport, kind) as life:
        assert server.wait_for(lambda: len(server.requests) == 1)
        time.sleep(0.2)  # in which it reads the answer
        life.asleep()
        before = time.monotonic()
        life.process.send_signal(signal.SIGINT)
        ended = life.ended()
    at, raised = ended.out
    assert (raised, ended.code, ended.err) == ("KeyboardInterrupt", -signal.SIGINT, "")
    assert float(at) - before < 1


def seconds_to_end(kind: str, transport: str, server: Server) -> float:
    """From the signal until the code that waited goes on."""
    server.hung_up.clear()
    with Life("interrupted", server, transport, kind) as life:
        assert [life.line() for _ in range(4)] == ["step-start", "text-start", "text-delta", "text-delta"]
        life.asleep()
        before = time.monotonic()
        life.process.send_signal(signal.SIGINT)
        ended = life.ended()
    *_, at, raised = ended.out
    assert (raised, ended.code, ended.err) == ("KeyboardInterrupt", -signal.SIGINT, "")
    assert server.hung_up.wait(5)
    return float(at) - before
