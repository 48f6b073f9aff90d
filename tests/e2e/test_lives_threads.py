"""Threads share a client, each with a loop of its own where it is asynchronous, or have one each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.kit.asking import WHOLE
from tests.kit.lives import TRANSPORTS, live
from tests.kit.server import Server, sse_reply


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("how", ["one-client", "clients", "loops"])
def test_threads(how: str, transport: str, server: Server) -> None:
    assert live("threads", server, transport, how) == ["40 {'Hello'}"]
    assert server.wait_for(lambda: server.held_open == 0)
    assert len(server.requests) == 40
    assert server.connections <= (8 if how == "one-client" else 40)
