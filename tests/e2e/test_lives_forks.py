"""A forked child has connections of its own, and those of its parent live on: it does not use, close or wake them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.kit.asking import WHOLE
from tests.kit.authority import Authority
from tests.kit.lives import FORGIVING, TRANSPORTS, live
from tests.kit.server import Reply, Server, sse_reply

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

BETWEEN = ("with_a_kept_connection", "beside_a_loop")
WITHIN = ("in_a_stream", "beside_a_reader", "in_a_loop")
INSIDE = {"with_a_kept_connection": "Hello", "in_a_stream": "Hello", "beside_a_reader": "2"}


def secured(scheme: str, folder: Path) -> tuple[Server, list[str]]:
    """A server, and what the script has to know to trust it."""
    if scheme == "http":
        return Server(sse_reply(*WHOLE)), []
    authority = Authority(folder)
    return Server(sse_reply(*WHOLE), tls=authority.server()), [str(authority.file)]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("how", BETWEEN)
def test_fork_between_requests(how: str, transport: str, scheme: str, tmp_path: Path) -> None:
    server, files = secured(scheme, tmp_path)
    with server:
        said = live("forks", server, transport, how, *files)
    assert said == ["before Hello", "inside Hello", "child 5", "after Hello"]
    assert [request.connection for request in server.requests] == [0, 1, 0]


def test_a_child_that_goes_on_with_its_copy_of_the_loop() -> None:
    """It has connections of its own there."""
    with Server(sse_reply(*WHOLE)) as server:
        said = live("forks", server, "native", "on_a_loop", mode=FORGIVING)
    assert said == ["before Hello", "inside Hello", "child 5", "after Hello"]
    assert [request.connection for request in server.requests] == [0, 1, 0]


def test_fork_while_a_connection_is_given_back() -> None:
    """By a thread that there is not in the child, and that has the lock there for good."""
    with Server(sse_reply(*WHOLE)) as server:
        said = live("forks", server, "native", "beside_a_giver")
    assert said == ["inside Hello", "child 5", "before Hello", "after Hello"]
    assert [request.connection for request in server.requests] == [0, 1, 0]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("how", ["beside_who_has_every_lock", "beside_who_has_every_lock_of_a_loop"])
def test_fork_while_another_thread_has_every_lock(how: str, transport: str, scheme: str, tmp_path: Path) -> None:
    server, files = secured(scheme, tmp_path)
    refused = Reply((b"{}",), status=429, headers={"retry-after": "0.01"})
    with server:
        server.plays(sse_reply(*WHOLE), refused, sse_reply(*WHOLE))
        said = live("forks", server, transport, how, *files)
    before = ["before Hello"] if how.endswith("loop") else []
    assert said == [*before, "inside Hello", "inside Hello", "child 5", "after Hello"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_child_that_ends_its_copy_of_the_loop(transport: str) -> None:
    """Not over TLS, whose authorities are loaded in a thread: asyncio's loop in the parent hears no thread any more."""
    with Server(sse_reply(*WHOLE)) as server:
        said = live("forks", server, transport, "out_of_a_loop", mode=FORGIVING)
    assert said == ["before Hello", "child 5", "after Hello"]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("how", WITHIN)
def test_fork_within_an_answer(how: str, transport: str, scheme: str, tmp_path: Path) -> None:
    server, files = secured(scheme, tmp_path)
    gone: list[bool] = []

    def wait_for_the_child() -> None:
        gone.append(server.wait_for(lambda: server.connections == 2 and server.held_open == 1))

    with server:
        begins: Reply = sse_reply(WHOLE[0], wait_for_the_child, *WHOLE[1:])
        server.plays(begins, sse_reply(*WHOLE))
        said = live("forks", server, transport, how, *files)
    assert said == ["inside Hello", "child 5", f"after {INSIDE.get(how, 'Hello')}"]
    assert gone == [True]
    assert [request.connection for request in server.requests] == [0, 1]
