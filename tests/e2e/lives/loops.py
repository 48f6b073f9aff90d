"""One client in two event loops, one after the other. The first ends as the first argument says."""

from __future__ import annotations

import asyncio

from common import ARGUMENTS, ASK, new_loop, options, run

import zen_native as zen


async def ask(client: zen.AsyncClient) -> None:
    """Two requests, which share a connection."""
    for _ in range(2):
        print((await client.generate(*ASK)).text)


async def ask_and_close(client: zen.AsyncClient) -> None:
    """The same, and nothing after."""
    async with client:
        await ask(client)


async def queue(client: zen.AsyncClient) -> list[asyncio.Task[zen.LLMEvent]]:
    """Two requests for the only connection: one stream goes on, and the other waits for its turn."""
    streams = [client.stream(*ASK) for _ in range(2)]
    tasks = [asyncio.create_task(anext(stream)) for stream in streams]
    await tasks[0]
    STREAMS.extend(streams)
    return tasks


STREAMS: list[zen.AsyncStream] = []


def main(how: str) -> None:
    """`run`: by `asyncio.run`. `closed`: the loop is closed, and that is all. `queued`: while somebody has the only
    connection, and another one waits for it."""
    client = zen.AsyncClient(**options(connections=zen.ConnectionLimits(max_connections=1)))
    if how == "run":
        run(ask(client))
    elif how == "queued":
        loop = new_loop()
        loop.set_exception_handler(lambda *_: None)  # which else tells that nobody ended the tasks
        tasks = loop.run_until_complete(queue(client))
        loop.close()
        print([task.done() for task in tasks])
    else:
        loop = new_loop()
        loop.run_until_complete(ask(client))
        loop.close()
    run(ask_and_close(client))


if __name__ == "__main__":
    main(*ARGUMENTS)
