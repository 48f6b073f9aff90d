"""A process that ends while an answer still comes does so at once, in silence, and the server sees it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from tests.kit.asking import TEXT
from tests.kit.lives import FORGIVING, LOOPS, STRICT, TRANSPORTS, live
from tests.kit.server import HOLD, Server, sse_reply

SYNC = [
    "in_a_loop",
    "with_a_client_that_nobody_closes",
    "with_an_iterator_that_is_kept",
    "with_a_stream_that_is_kept",
    "with_a_generator_in_a_cycle",
    "beside_a_daemon",
    "beside_a_daemon_that_reads_on",
]
ASYNC = [
    "beside_a_daemon_with_a_loop",
    "in_an_async_loop",
    "with_an_open_stream",
    "with_an_async_stream_that_is_kept",
    "with_an_async_generator_in_a_cycle",
    "beside_a_task",
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*TEXT, HOLD)) as running:
        yield running


@pytest.mark.parametrize(("how", "transport"), [*itertools.product(SYNC, TRANSPORTS), *itertools.product(ASYNC, LOOPS)])
def test_exit(how: str, transport: str, server: Server) -> None:
    # Of what is garbage together, the collector may come to httpx's socket before the stream, and the socket says so.
    mode = FORGIVING if how.endswith("_in_a_cycle") and transport == "httpx" else STRICT
    assert live("exits", server, transport, how, code=3, mode=mode) == ["left"]
    assert server.hung_up.wait(5)
