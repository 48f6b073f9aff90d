"""Servers that do not read what they are sent, over the native transport: limits hold, whoever is cancelled or closed
is gone at once, and the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from tests.kit.asking import NATIVE, WHOLE, ask_again, config, is_sync, new_client, run
from tests.kit.authority import Authority
from tests.kit.byhand import ByHand
from tests.kit.server import Server, sse_reply

import zen_native as zen

LARGE = "x" * (32 << 20)
"""More than all buffers between two sockets take."""
ASYNC = [kind for kind in NATIVE if not is_sync(kind)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


class Stuck(ByHand):
    """Reads the beginning of a request, and then nothing until all is over."""

    def __init__(self, authority: Authority | None) -> None:
        super().__init__(self._sit)
        self._context = None if authority is None else authority.server()
        if authority is not None:
            self.url = self.url.replace("http:", "https:")
        self.begun = threading.Event()
        self.over = threading.Event()
        self.left = threading.Event()
        """The other side has given the connection up."""

    def _sit(self, connection: socket.socket) -> None:
        stream = connection if self._context is None else self._context.wrap_socket(connection, server_side=True)
        with stream:
            stream.recv(1)
            self.begun.set()
            self.over.wait(20)
            with suppress(ConnectionError):
                while socket.socket.recv(stream, 1 << 20):
                    pass
            self.left.set()


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def stuck(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Stuck]:
    with Stuck(authority if request.param else None) as running:
        yield running
        running.over.set()


@pytest.fixture
def tls(authority: Authority) -> zen.Tls:
    return zen.Tls(ca_file=authority.file)


@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.parametrize("phase", ["first-event", "total"])
def test_a_limit_passes(kind: str, phase: str, stuck: Stuck, tls: zen.Tls) -> None:
    timeouts = zen.Timeouts(first_event=0.3) if phase == "first-event" else zen.Timeouts(total=0.3)
    (heard,) = ask_again(kind, config(stuck), 1, call={"messages": LARGE}, timeouts=timeouts, tls=tls)
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert (heard.error.phase, heard.events) == (phase, [])


@pytest.mark.parametrize("kind", ASYNC)
def test_others_go_on_and_who_is_cancelled_is_gone(kind: str, stuck: Stuck, tls: zen.Tls) -> None:
    async def main() -> None:
        with Server(sse_reply(*WHOLE)) as other:
            async with new_client(kind, config(stuck, other), tls=tls) as client:
                sent = asyncio.create_task(client.generate("mine/m", LARGE))
                assert await asyncio.to_thread(stuck.begun.wait, 20)
                for _ in range(3):
                    assert (await client.generate("other/m", "hi")).text == "Hello"
                assert not sent.done()
                sent.cancel()
                for _ in range(20):
                    await asyncio.sleep(0)
                assert sent.cancelled()
                stuck.over.set()
                assert await asyncio.to_thread(stuck.left.wait, 5)

    run(kind, main)


def test_another_thread_may_close_what_is_sent(stuck: Stuck, tls: zen.Tls) -> None:
    with new_client("native-sync", config(stuck), tls=tls) as client, ThreadPoolExecutor(1) as thread:
        stream = client.stream("mine/m", LARGE)
        waiting = thread.submit(stream.until_done)
        assert stuck.begun.wait(20)
        stream.close()
        with pytest.raises(RuntimeError, match="closed before its end"):
            waiting.result(5)
        stuck.over.set()
        assert stuck.left.wait(5)


def test_another_thread_may_close_the_client(stuck: Stuck, tls: zen.Tls) -> None:
    client = new_client("native-sync", config(stuck), tls=tls)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(client.generate, "mine/m", LARGE)
        assert stuck.begun.wait(20)
        client.close()
        with pytest.raises(zen.ReadError, match="was closed with its client"):
            waiting.result(5)
        stuck.over.set()
        assert stuck.left.wait(5)
