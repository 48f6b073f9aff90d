"""Every fault of the catalogue once more, by a proxy that others wrote between the client and the server of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.kit import chaos, wire
from tests.kit.asking import WHOLE
from tests.kit.dialogue import PROTOCOLS, Talk
from tests.kit.endure import Endured, Meeting, endure
from tests.kit.faults import FAULTS, Fault
from tests.kit.process import linux, peak_memory
from tests.kit.server import Reply, Server
from tests.kit.verdict import answer_for, check, fits

import zen_native as zen

BOTH = ("openai-chat", "bedrock-converse")
"""One protocol of each framing is asked for by both kinds of client."""
CASES = chaos.params(
    [
        pytest.param((fault, protocol, kind), id=f"{fault.name}-{protocol}-{kind}")
        for fault in FAULTS
        for protocol in PROTOCOLS
        for kind in (("sync", "asyncio") if protocol in BOTH else ("asyncio",))
        if fault.spec and fits(fault, protocol)
    ]
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[str]:
    with chaos.proxy(server.url) as url:
        yield url


def struck(spec: str) -> dict[str, Any]:
    return {"http": {"headers": {chaos.HEADER: spec}}}


def plays(server: Server, protocol: str, *answers: list[bytes]) -> None:
    server.plays(*(Reply(parts, headers={"content-type": wire.CONTENT_TYPES[protocol]}) for parts in answers))


@pytest.mark.parametrize("case", CASES)
def test_fault(case: tuple[Fault, str, str], side: tuple[str, str], server: Server, proxy: str) -> None:
    fault, protocol, kind = case
    runtime, transport = side
    timeouts = zen.Timeouts(idle=0.1) if "stall" in fault.outcome else None
    talk = Talk(protocol, kind, runtime, proxy, options={"transport": transport, "timeouts": timeouts})
    meeting = Meeting(talk, server)
    answer = answer_for(meeting)
    plays(server, protocol, wire.calls(protocol), wire.after(protocol))
    check(fault, answer, talk, endure(replace(meeting, fields=struck(fault.told(answer)))))


def asks(kind: str, transport: str, spec: str, server: Server, proxy: str, **options: Any) -> Endured:
    """What comes of that fault and a short answer."""
    talk = Talk("openai-chat", kind, "auto", proxy, options={"transport": transport, **options})
    plays(server, talk.protocol, WHOLE)
    endured = endure(Meeting(talk, server, struck(spec)))
    assert endured.again.text == "Hello"
    assert endured.left_open == 0 or endured.heard.error is None
    assert endured.files[0] == endured.files[1]
    return endured


@chaos.needed
@pytest.mark.parametrize("kind", ["sync", "asyncio"])
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("refuse", zen.ReadError("")),
        ("hang=50", zen.ReadError("")),
        ("delay=60000", zen.StreamTimeoutError("", phase="first-event")),
        ("hang=60000", zen.StreamTimeoutError("", phase="first-event")),
        ("status=400", zen.InvalidRequestError("", status=400)),
        ("status=429:7", zen.RateLimitError("", status=429, retry_after=7.0)),
        ("status=503", zen.ServerError("", status=503)),
        ("status=529", zen.OverloadedError("", status=529)),
    ],
    ids=str,
)
def test_no_answer(kind: str, transport: str, spec: str, expected: zen.LLMError, server: Server, proxy: str) -> None:
    patience = 0.5 if isinstance(expected, zen.StreamTimeoutError) else 20
    retry = zen.RetryPolicy(attempts=1, cap=0)  # the second question comes at once, whatever the first was told
    timeouts = zen.Timeouts(first_event=patience)
    heard = asks(kind, transport, spec, server, proxy, timeouts=timeouts, retry=retry).heard
    assert heard.events == []
    assert type(heard.error) is type(expected)
    assert heard.error.status == expected.status
    assert heard.error.retry_after == expected.retry_after


@chaos.needed
@pytest.mark.parametrize("kind", ["sync", "asyncio"])
def test_a_server_that_comes_to_its_senses(kind: str, transport: str, server: Server, proxy: str) -> None:
    """`flaky` counts by its spec: every case has its own."""
    spec = f"flaky=2:503,header=x-case:{kind}-{transport}"
    heard = asks(kind, transport, spec, server, proxy, retry=zen.RetryPolicy(attempts=3, base=0.01)).heard
    assert (heard.error, heard.text) == (None, "Hello")


@chaos.needed
@pytest.mark.parametrize("kind", ["sync", "asyncio"])
@linux
def test_a_gzip_bomb(kind: str, transport: str, server: Server, proxy: str) -> None:
    with peak_memory() as memory:
        heard = asks(kind, transport, "gzipbomb=128", server, proxy).heard
    assert isinstance(heard.error, zen.LimitExceededError)
    assert memory.grown < 48 << 20
