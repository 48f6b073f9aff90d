"""A host with several addresses, over the native transport: where one is of no use, the others are tried in time."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
import threading
from asyncio import staggered
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from tests.kit.asking import NATIVE, WHOLE, ask, config, is_sync, new_client, run
from tests.kit.full import Full
from tests.kit.server import Server, sse_reply

import zen_native as zen

FIRST, SECOND = "127.0.0.2", "127.0.0.1"
"""The server listens on the second one alone."""
ONCE = zen.RetryPolicy(attempts=1)


def _is_there(address: str) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((address, 1)) in (errno.ECONNREFUSED, 0)


pytestmark = [
    pytest.mark.parametrize("kind", [kind for kind in NATIVE if "uvloop" not in kind]),  # it asks the system itself
    pytest.mark.skipif(not _is_there(FIRST), reason=f"SEVERAL ADDRESSES NOT TESTED: this system has no {FIRST}"),
]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


def two(server: Server, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> zen.Config:
    """A configuration whose host has those addresses, or the two above."""
    port = int(server.address.rpartition(":")[2])
    asked = socket.getaddrinfo

    def found(host: str | bytes | None, *arguments: object, **keywords: object) -> list[tuple[object, ...]]:
        if host not in ("many.test", b"many.test"):
            return asked(host, *arguments, **keywords)  # type: ignore[arg-type] - handed on as they are
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses or (FIRST, SECOND)]
        pairs = zip(kinds, addresses or (FIRST, SECOND), strict=True)
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port)) for kind, address in pairs]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    server.url = f"http://many.test:{port}"
    return config(server)


@contextmanager
def silent_on(server: Server) -> Iterator[None]:
    """The first address takes no more connections, and does not say so."""
    with closing(Full(FIRST, int(server.address.rpartition(":")[2]))):
        yield


def test_one_that_refuses(kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(kind, two(server, monkeypatch), retry=ONCE).text == "Hello"


def test_one_of_a_family_that_the_system_has_not(kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    class Old(real):  # type: ignore[misc, valid-type] - the class that it is now
        def __init__(self, family: int = -1, *arguments: int, **keywords: object) -> None:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            super().__init__(family, *arguments, **keywords)

    monkeypatch.setattr(socket, "socket", Old)
    assert ask(kind, two(server, monkeypatch, "::1", SECOND), retry=ONCE).text == "Hello"


def test_one_that_never_answers(kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads give each an even share of the time; asyncio asks the next one meanwhile (RFC 8305)."""
    settings = two(server, monkeypatch)
    with silent_on(server):
        assert ask(kind, settings, retry=ONCE, timeouts=zen.Timeouts(connect=1.5)).text == "Hello"


def plain_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **keywords: Any) -> asyncio.Task[Any]:
    """A task of a Python that has none which begin at once."""
    return asyncio.Task(coroutine, loop=loop, **keywords)


def test_tasks_that_begin_at_once(kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where several addresses are tried at a time, the first versions of Python that have such tasks fail."""
    settings = two(server, monkeypatch)

    async def fail(*_: object, **__: object) -> None:
        raise AssertionError("a task began at once")

    async def main() -> str | None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(getattr(asyncio, "eager_task_factory", plain_task))
        async with new_client(kind, settings, retry=ONCE) as client:
            return (await client.generate("mine/m", "hi")).text

    if sys.version_info < (3, 14):
        monkeypatch.setattr(staggered, "staggered_race", fail)
    heard = ask(kind, settings, retry=ONCE).text if is_sync(kind) else run(kind, main)
    assert heard == "Hello"


def test_who_connects_to_one_that_never_answers_may_be_called_away(
    kind: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = two(server, monkeypatch, FIRST)

    async def main() -> str:
        async with new_client(kind, settings, timeouts=zen.Timeouts(connect=60)) as client:
            stream = client.stream("mine/m", "hi")
            waiting = asyncio.create_task(anext(stream))
            await asyncio.sleep(0.2)
            await stream.aclose()
            with pytest.raises(RuntimeError) as caught:
                await waiting
            return str(caught.value)

    def main_sync() -> str:
        with new_client(kind, settings, timeouts=zen.Timeouts(connect=60)) as client:
            stream = client.stream("mine/m", "hi")
            threading.Timer(0.2, stream.close).start()
            with pytest.raises(RuntimeError) as caught:
                next(stream)
            return str(caught.value)

    with silent_on(server):
        said = main_sync() if is_sync(kind) else run(kind, main)
    assert said == "the stream was closed before its end"


def test_all_that_failed_are_told(kind: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that nothing is sent to from here, and one where nobody listens."""
    settings = two(server, monkeypatch, "255.255.255.255", FIRST)
    error = ask(kind, settings, retry=ONCE).error
    assert isinstance(error, zen.ConnectError)
    assert error.message.startswith(f"no connection to {server.url.removeprefix('http://')}: ")
    for number in (errno.ENETUNREACH, errno.ECONNREFUSED):
        assert f"[Errno {number}] " in error.message
