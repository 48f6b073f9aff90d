"""Requests with images: what writes them lets an event loop go on, and what is sent is the same everywhere."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import pytest
import trio
from tests.kit.asking import NATIVE, WAYS, WHOLE, ask_again, config, is_sync, new_client, run
from tests.kit.credentials import Lookup
from tests.kit.server import Server, sse_reply

import zen_native as zen
from zen_native.formats import body

IMAGE = "QUJD" * (1 << 18)
"""1 MiB of base64."""
CALL: dict[str, Any] = {
    "messages": [{"role": "user", "content": [{"type": "image", "data": IMAGE, "mime_type": "image/png"}, "what?"]}]
}


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that wrote long texts."""
    seen: list[threading.Thread] = []
    join = body._joined

    def noted(pieces: list[bytes], texts: list[str]) -> bytes:
        seen.append(threading.current_thread())
        return join(pieces, texts)

    monkeypatch.setattr(body, "_joined", noted)
    return seen


def sent(server: Server) -> Any:
    (request,) = server.requests
    return json.loads(request.body)["messages"][0]["content"]


EXPECTED = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
    {"type": "text", "text": "what?"},
]


@pytest.mark.parametrize("kind", WAYS)
def test_an_image_arrives_whole(kind: str) -> None:
    with Server(sse_reply(*WHOLE)) as server:
        (heard,) = ask_again(kind, config(server), 1, call=CALL)
        assert heard.error is None
        assert sent(server) == EXPECTED


@pytest.mark.parametrize("kind", NATIVE)
def test_an_image_is_not_written_in_the_thread_of_the_loop(kind: str, writers: list[threading.Thread]) -> None:
    with Server(sse_reply(*WHOLE)) as server:
        (heard,) = ask_again(kind, config(server), 1, call=CALL)
    assert heard.error is None
    assert [thread is threading.main_thread() for thread in writers] == [is_sync(kind)]


@pytest.mark.parametrize("kind", [kind for kind in WAYS if kind != "trio" and not is_sync(kind)])
def test_threads_that_wait_for_the_client_and_it_for_them_end_by_the_limit_of_the_call(kind: str) -> None:
    """A common mistake: each thread of the loop blocks until a coroutine of the loop is done."""

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2))
        async with new_client(kind, config(server), timeouts=zen.Timeouts(total=0.2)) as client:

            def ask() -> str:
                with pytest.raises(zen.StreamTimeoutError) as caught:
                    asyncio.run_coroutine_threadsafe(client.generate("mine/m", **CALL), loop).result(5)
                return caught.value.phase

            return await asyncio.gather(asyncio.to_thread(ask), asyncio.to_thread(ask))

    with Server(sse_reply(*WHOLE)) as server:
        assert run(kind, main) == ["total"] * 2


@pytest.mark.parametrize("kind", [kind for kind in WAYS if kind != "trio" and not is_sync(kind)])
def test_the_limit_of_the_call_holds_while_an_image_is_written(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    join, go_on, in_time = body._joined, threading.Event(), Queue[bool]()

    def held(pieces: list[bytes], texts: list[str]) -> bytes:
        in_time.put(go_on.wait(5))
        return join(pieces, texts)

    monkeypatch.setattr(body, "_joined", held)

    async def main() -> zen.LLMError:
        async with new_client(kind, config(server), timeouts=zen.Timeouts(total=0.1)) as client:
            with pytest.raises(zen.StreamTimeoutError) as caught:
                await client.generate("mine/m", **CALL)
            go_on.set()
            return caught.value

    with Server(sse_reply(*WHOLE)) as server:
        error = run(kind, main)
        assert server.requests == []
    assert in_time.get(timeout=5)
    assert (error.phase, error.message) == ("total", "the time limit passed: total")


@pytest.mark.parametrize("kind", [kind for kind in WAYS if not is_sync(kind)])
def test_the_limit_of_the_call_holds_while_credentials_are_looked_up(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = Lookup()
    lookup.begin(monkeypatch)

    async def main() -> zen.LLMError:
        async with new_client(kind, config(server), timeouts=zen.Timeouts(total=0.1)) as client:
            with pytest.raises(zen.StreamTimeoutError) as caught:
                await client.generate("mine/m", "hi")
            lookup.found.set()
            return caught.value

    with Server(sse_reply(*WHOLE)) as server:
        assert run(kind, main).phase == "total"
        assert server.requests == []


def test_an_image_that_has_been_sent_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that somebody keeps does not keep what it was asked. httpx keeps its request as long as the answer."""
    sent: list[bytes] = []
    join = body._joined

    def noted(pieces: list[bytes], texts: list[str]) -> bytes:
        sent.append(join(pieces, texts))
        return sent[0]

    monkeypatch.setattr(body, "_joined", noted)
    with Server(sse_reply(*WHOLE)) as server, new_client("native-sync", config(server)) as client:
        stream = client.stream("mine/m", **CALL)
        next(stream)
        holders = sys.getrefcount(sent[0])  # the list, and the call
        assert holders == 2
        assert stream.until_done().text == "Hello"


def test_an_image_that_cannot_be_sent_is_the_error_of_any_request() -> None:
    async def main() -> None:
        with Server(sse_reply(*WHOLE)) as server:
            async with zen.AsyncClient(config(server)) as client:
                with pytest.raises(zen.UnsupportedError, match="top_k"):
                    await client.generate("mine/m", **CALL, generation={"top_k": 3})
            assert server.requests == []

    asyncio.run(main())


def test_an_image_is_sent_on_trio_too() -> None:
    async def main() -> zen.AsyncClient:
        async with zen.AsyncClient(config(server)) as client:
            assert (await client.generate("mine/m", **CALL)).text == "Hello"
        return client

    with Server(sse_reply(*WHOLE)) as server:
        client = trio.run(main)
        assert sent(server) == EXPECTED
    ((runtime, transport, reason),) = client.decisions.counts()
    assert (transport, reason.slug) == ("httpx", "not-asyncio") or runtime == "python"
