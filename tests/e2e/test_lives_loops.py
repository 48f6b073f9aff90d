"""Event loops, one after another and several at a time: a connection belongs to its loop, and ends with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.kit.asking import WHOLE
from tests.kit.lives import FORGIVING, LOOPS, STRICT, live
from tests.kit.server import HOLD, Server, sse_reply


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


@pytest.mark.parametrize("transport", LOOPS)
@pytest.mark.parametrize("how", ["run", "closed"])
def test_one_loop_after_another(how: str, transport: str, server: Server) -> None:
    """Before the second loop is answered, the connection of the first one is gone; also where that loop was closed and
    nothing else, which asyncio itself remarks on."""
    gone: list[bool] = []
    whole = sse_reply(*WHOLE)
    behind = sse_reply(WHOLE[0], lambda: gone.append(server.wait_for(lambda: server.held_open == 1)), *WHOLE[1:])
    server.plays(whole, whole, behind, whole)
    mode = FORGIVING if how == "closed" else STRICT
    assert live("loops", server, transport, how, mode=mode) == ["Hello"] * 4
    assert [request.connection for request in server.requests] == [0, 0, 1, 1]
    assert gone == [True]


@pytest.mark.parametrize("transport", LOOPS)
def test_a_loop_is_closed_on_who_waits_for_a_turn(transport: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE[:1], HOLD), sse_reply(*WHOLE))
    assert live("loops", server, transport, "queued", mode=FORGIVING) == ["[True, False]", "Hello", "Hello"]
    assert [request.connection for request in server.requests] == [0, 1, 1]
