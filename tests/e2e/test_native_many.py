"""Many connections of the native transport on one event loop: a thousand at the same time, of which nothing is left;
and a loop that is held up while all have something."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from tests.kit.asking import KEY, NATIVE, WHOLE, config, is_sync, new_client, run
from tests.kit.http1 import counted
from tests.kit.process import linux, open_files, raise_limit
from tests.kit.server import Server, sse_reply

import zen_native as zen

COUNT = 1000


class Crowd:
    """A server on the same loop, which answers nobody before all are there."""

    def __init__(self) -> None:
        self.requests = 0
        self._all = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                self.requests += 1
                if self.requests == COUNT:
                    self._all.set()
                await self._all.wait()
                writer.write(counted(b"".join(WHOLE)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@linux
@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_a_thousand_at_once(kind: str) -> None:
    raise_limit(2 * COUNT)

    async def main() -> None:
        crowd = Crowd()
        async with await asyncio.start_server(crowd.serve, "127.0.0.1", 0, backlog=COUNT) as server:
            before, tasks = open_files(), len(asyncio.all_tasks())
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            settings = zen.ProviderSettings(base_url=url, api_key=KEY, protocol="openai-chat")
            config = zen.Config(providers={"mine": settings}, environ={})
            async with new_client(kind, config, timeouts=zen.Timeouts(connect=40)) as client:
                for _ in range(2):  # the second time over those that were kept, and new ones
                    answers = await asyncio.gather(*(client.generate("mine/m", "hi") for _ in range(COUNT)))
                    assert [answer.text for answer in answers] == ["Hello"] * COUNT
            assert crowd.requests == 2 * COUNT
            while len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - tasks of the server
                await asyncio.sleep(0)
            for _ in range(3):  # in which the loop closes their sockets
                await asyncio.sleep(0)
            assert open_files() == before

    run(kind, main)


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_what_came_while_the_loop_was_held_up_came_in_time(kind: str) -> None:
    """Longer than a limit: the loop looks at its timers before it has read all."""
    streams = 60
    go, gone = threading.Event(), threading.Barrier(streams + 1, timeout=20)
    (first, *rest), idle = WHOLE, 0.3

    def released() -> None:
        go.wait(20)

    async def main() -> None:
        limits = zen.Timeouts(idle=idle)
        with Server(sse_reply(first, released, *rest, gone.wait)) as server:
            async with new_client(kind, config(server), timeouts=limits) as client:
                opened = [client.stream("mine/m", "hi") for _ in range(streams)]
                for stream in opened:
                    while not isinstance(await anext(stream), zen.StepStart):
                        pass
                answers = [asyncio.ensure_future(stream.until_done()) for stream in opened]
                await asyncio.sleep(0)
                go.set()
                gone.wait()
                time.sleep(1.5 * idle)  # noqa: ASYNC251 - that is what is tried
                assert [answer.text for answer in await asyncio.gather(*answers)] == ["Hello"] * streams

    run(kind, main)
