"""Real clients of httpx and httpx2, brought by the caller, against a server: what is looser there, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest
from tests.kit.asking import KINDS, TEXT, WHOLE, config, run
from tests.kit.chat import sse
from tests.kit.server import CUT, HOLD, Reply, Server, sse_reply

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", KINDS),
    pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda module: module.__name__),
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


def answers(kind: str, library: Any, server: Server, count: int = 1, **options: Any) -> list[zen.LLMResponse]:
    """What comes of so many calls by a client that the caller brought."""
    settings = config(server, **options.pop("settings", {}))

    async def main() -> list[zen.LLMResponse]:
        async with (
            library.AsyncClient(timeout=0.01) as own,
            zen.AsyncClient(settings, transport=own, **options) as made,
        ):
            return [await made.generate("mine/m", "hi") for _ in range(count)]

    if kind != "sync":
        found: list[zen.LLMResponse] = run(kind, main)
        return found
    with library.Client(timeout=0.01) as own, zen.Client(settings, transport=own, **options) as made:
        return [made.generate("mine/m", "hi") for _ in range(count)]


def test_its_own_limits_do_not_count(kind: str, library: Any, server: Server) -> None:
    server.plays(sse_reply(0.1, *WHOLE))
    assert [answer.text for answer in answers(kind, library, server, 2)] == ["Hello"] * 2


def test_a_stall_ends(kind: str, library: Any, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], HOLD))
    with pytest.raises(zen.StreamTimeoutError) as caught:
        answers(kind, library, server, timeouts=zen.Timeouts(first_event=0.3, idle=0.3))
    assert caught.value.phase == "idle"
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"
    assert server.hung_up.wait(0.25)


def test_comments_are_no_first_event(kind: str, library: Any, server: Server) -> None:
    server.plays(sse_reply(*[b": ping\n\n", 0.05] * 20, HOLD))
    with pytest.raises(zen.StreamTimeoutError) as caught:
        answers(kind, library, server, timeouts=zen.Timeouts(first_event=0.3, idle=0.3))
    assert caught.value.phase == "first-event"


def test_reading_stops_at_the_end_of_the_answer(kind: str, library: Any, server: Server) -> None:
    server.plays(sse_reply(*WHOLE, HOLD))
    assert answers(kind, library, server)[0].text == "Hello"
    assert server.hung_up.wait(1)


def test_a_cut_answer_is_incomplete(kind: str, library: Any, server: Server) -> None:
    server.plays(sse_reply(*TEXT, CUT))
    with pytest.raises(zen.IncompleteStreamError):
        answers(kind, library, server)


@pytest.mark.parametrize("charged", [True, False])
def test_a_charge_is_waited_for_but_not_for_long(kind: str, library: Any, server: Server, charged: bool) -> None:
    charge = sse({"choices": [], "cost": "0.25"})
    server.plays(sse_reply(*WHOLE, *([0.1, charge] if charged else []), HOLD))
    (answer,) = answers(kind, library, server, settings={"trailing_cost": True}, timeouts=zen.Timeouts(trailing=0.5))
    assert answer.usage is not None
    assert (None if answer.usage.cost is None else str(answer.usage.cost)) == ("0.25" if charged else None)


def test_connections_are_used_again(kind: str, library: Any, server: Server) -> None:
    server.plays(sse_reply(*WHOLE[:-1], 0.02, WHOLE[-1]))
    answers(kind, library, server, 3)
    assert server.connections == 1


def test_a_charge_in_the_same_packet_counts(kind: str, library: Any, server: Server) -> None:
    """httpx holds it where no socket shows it."""
    body = b"".join(WHOLE[:-1])
    pieces = [body, WHOLE[-1], sse({"choices": [], "cost": "0.25"})]
    packet = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    server.plays(Reply([head + packet, HOLD], raw=True))
    (answer,) = answers(kind, library, server, settings={"trailing_cost": True}, timeouts=zen.Timeouts(trailing=0.5))
    assert answer.usage is not None
    assert str(answer.usage.cost) == "0.25"
