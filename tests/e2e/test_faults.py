"""Every fault of the catalogue, by our own injector: the right error, what came before it, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.kit import wire
from tests.kit.dialogue import PROTOCOLS, Talk
from tests.kit.endure import Meeting, endure, strain, until
from tests.kit.faults import FAULTS, Fault
from tests.kit.process import linux, open_files
from tests.kit.server import Reply, Server
from tests.kit.verdict import answer_for, check, fits

import zen_native as zen

pytestmark = [
    # httpx leaves its own generators to the collector when a body is not read to its end; trio remarks on it.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]

CASES = [
    pytest.param(fault, protocol, id=f"{fault.name}-{protocol}")
    for fault in FAULTS
    for protocol in PROTOCOLS
    if fits(fault, protocol)
]
SLOW = ("shards-of-one-byte", "drip", "late", "pause", "stall", "stall-behind")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def strike(fault: Fault, talk: Talk, server: Server) -> None:
    meeting = Meeting(talk, server)
    answer = answer_for(meeting)
    server.plays(fault.put(answer), Reply(wire.after(talk.protocol), headers={"content-type": answer.content_type}))
    check(fault, answer, talk, endure(meeting))


@pytest.mark.parametrize("kind", ["sync", "asyncio"])
@pytest.mark.parametrize(("fault", "protocol"), CASES)
def test_fault(fault: Fault, protocol: str, kind: str, side: tuple[str, str], server: Server) -> None:
    runtime, transport = side
    strike(fault, Talk(protocol, kind, runtime, server.url, options=options(fault, transport)), server)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_on_trio(fault: Fault, server: Server) -> None:
    protocol = "bedrock-converse" if fault.framing == "eventstream" else "openai-chat"
    strike(fault, Talk(protocol, "trio", "python", server.url, options=options(fault, "httpx")), server)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_on_uvloop(fault: Fault, server: Server) -> None:
    pytest.importorskip("uvloop", reason="there is none on Windows")
    pytest.importorskip("zen_native._core", reason="the native transport is not built")
    protocol = "bedrock-converse" if fault.framing == "eventstream" else "openai-chat"
    strike(fault, Talk(protocol, "uvloop", "native", server.url, options=options(fault, "native")), server)


def options(fault: Fault, transport: str) -> dict[str, Any]:
    timeouts = zen.Timeouts(idle=0.1) if "stall" in fault.outcome else None
    return {"transport": transport, "timeouts": timeouts}


@linux
@pytest.mark.parametrize("kind", ["sync", "asyncio"])
def test_faults_without_number_leave_nothing(kind: str, side: tuple[str, str], server: Server) -> None:
    """Neither memory nor files nor threads grow."""
    talk = Talk("openai-chat", kind, side[0], server.url, options={"transport": side[1]})
    meeting = Meeting(talk, server)
    meeting.begun.set()  # where a reset strikes does not matter here
    answer = answer_for(meeting)
    replies = [fault.put(answer) for fault in FAULTS if fits(fault, talk.protocol) and fault.name not in SLOW]
    files, threads = open_files(), threading.active_count()

    def ask(rounds: int) -> int:
        server.plays(*replies * rounds)
        return strain(talk, len(replies) * rounds)

    ask(2)
    once, often = ask(2), ask(12)
    assert until(lambda: server.held_open == 0)
    assert until(lambda: open_files() == files)
    assert until(lambda: threading.active_count() <= threads)
    assert often - once < 3 << 20, f"{once} {often}"
