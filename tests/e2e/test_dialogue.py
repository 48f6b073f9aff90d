"""The whole client against the server of our own: a dialogue in every protocol, refusals, and what breaks off."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.kit import wire
from tests.kit.asking import is_sync, new_client
from tests.kit.dialogue import (
    PROTOCOLS,
    RESULTS,
    TEXT,
    THOUGHT,
    Talk,
    check_answer,
    check_refusal,
    check_report,
    check_text,
    check_thought,
)
from tests.kit.server import CUT, HOLD, Part, Reply, Server

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", ["sync", "asyncio", "native-sync", "native-asyncio"]),
    pytest.mark.parametrize("protocol", PROTOCOLS),
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def talk(protocol: str, kind: str, runtime: str, server: Server) -> Talk:
    return Talk(protocol, kind, runtime, server.url)


def plays(server: Server, talk: Talk, *answers: list[Part] | list[bytes]) -> None:
    """Set the answers to the questions to come."""
    server.plays(*(Reply(parts, headers={"content-type": wire.CONTENT_TYPES[talk.protocol]}) for parts in answers))


def test_text(talk: Talk, server: Server) -> None:
    plays(server, talk, wire.text(talk.protocol))
    check_text(talk)


def test_reasoning_and_its_way_back(talk: Talk, server: Server) -> None:
    plays(server, talk, wire.thought(talk.protocol), wire.text(talk.protocol))
    check_thought(talk)
    assert len(server.requests) == 2
    sent = server.requests[1].body.decode()
    assert wire.SIGNATURE in sent or talk.protocol in ("openai-chat", "google-generate-content")
    assert THOUGHT in sent or talk.protocol == "google-generate-content"


def test_parallel_tools_and_the_answer_to_their_results(talk: Talk, server: Server) -> None:
    plays(server, talk, wire.calls(talk.protocol), wire.after(talk.protocol))
    check_answer(talk)
    sent = server.requests[1].body.decode()
    assert all(result in sent for result in RESULTS.values())


def test_structured_output(talk: Talk, server: Server) -> None:
    plays(server, talk, wire.report(talk.protocol))
    check_report(talk)
    assert "height" in server.requests[0].body.decode()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, zen.InvalidRequestError),
        (401, zen.AuthenticationError),
        (429, zen.RateLimitError),
        (500, zen.ServerError),
        (529, zen.OverloadedError),
    ],
)
def test_a_refusal_is_the_error_it_says(talk: Talk, server: Server, status: int, expected: type[zen.LLMError]) -> None:
    body = json.dumps({"message": "not now", "error": {"message": "not now", "type": "", "code": None}}).encode()
    headers = {"content-type": "application/json", "retry-after": "3"}
    server.plays(Reply([body], status=status, headers=headers))
    error = check_refusal(talk, "hello", expected, status)
    assert "not now" in error.message


def test_what_was_refused_is_asked_again(talk: Talk, server: Server) -> None:
    busy = Reply([b"{}"], status=429, headers={"retry-after": "0"})
    server.plays(busy, Reply(wire.text(talk.protocol), headers={"content-type": wire.CONTENT_TYPES[talk.protocol]}))
    check_text(replace(talk, options={"retry": zen.RetryPolicy(base=0.01)}))
    assert len(server.requests) == 2


def test_a_cut_answer_fails_after_what_came(talk: Talk, server: Server) -> None:
    parts = wire.text(talk.protocol)
    plays(server, talk, [*parts[: len(parts) // 2], CUT])
    heard = talk.hears("hello")
    assert isinstance(heard.error, zen.IncompleteStreamError), repr(heard.error)
    assert heard.text
    assert TEXT.startswith(heard.text)
    assert heard.error.partial is not None
    assert heard.error.partial.text == heard.text


def test_a_stall_is_an_idle_timeout_after_what_came(talk: Talk, server: Server) -> None:
    parts = wire.text(talk.protocol)
    plays(server, talk, [*parts[: len(parts) // 2], HOLD])
    heard = replace(talk, options={"timeouts": zen.Timeouts(idle=0.15)}).hears("hello")
    assert isinstance(heard.error, zen.StreamTimeoutError), repr(heard.error)
    assert heard.error.phase == "idle"
    assert heard.text
    assert TEXT.startswith(heard.text)
    assert server.hung_up.wait(0.25)


def test_an_error_in_the_stream_is_raised_after_what_came(talk: Talk, server: Server) -> None:
    parts = wire.text(talk.protocol)
    plays(server, talk, [*parts[: len(parts) // 2], wire.failure(talk.protocol)])
    heard = talk.hears("hello")
    assert isinstance(heard.error, zen.ServerError), repr(heard.error)
    assert "Overloaded" in heard.error.message
    assert heard.text
    assert TEXT.startswith(heard.text)


def test_who_loses_interest_hangs_up(talk: Talk, server: Server) -> None:
    parts = wire.text(talk.protocol)
    plays(server, talk, [*parts[: len(parts) // 2], HOLD])
    left_at = _leaves(talk, server.hung_up)
    assert server.hung_up_at[0] - left_at < 0.25


def _leaves(talk: Talk, hung_up: threading.Event) -> float:
    """Reads until text comes; when the stream was left. Its client lives on until the server has seen that."""
    if not is_sync(talk.kind):
        return asyncio.run(_leaves_async(talk, hung_up))
    with new_client(talk.kind, talk.config, runtime=talk.runtime) as client:
        for event in client.stream(talk.model, "hello"):
            if isinstance(event, zen.TextDelta):
                break
        left_at = time.monotonic()
        assert hung_up.wait(5)
    return left_at


async def _leaves_async(talk: Talk, hung_up: threading.Event) -> float:
    read = asyncio.Event()

    async def listen() -> None:
        async for event in client.stream(talk.model, "hello"):
            if isinstance(event, zen.TextDelta):
                read.set()

    async with new_client(talk.kind, talk.config, runtime=talk.runtime) as client:
        task = asyncio.create_task(listen())
        await read.wait()
        task.cancel()
        left_at = time.monotonic()
        await asyncio.gather(task, return_exceptions=True)
        assert await asyncio.to_thread(hung_up.wait, 5)
    return left_at
