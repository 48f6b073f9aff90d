"""One client in two event loops, one after the other. The first ends as the first argument says."""

from __future__ import annotations

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


def main(how: str) -> None:
    """`run`: by `asyncio.run`. `closed`: the loop is closed, and that is all."""
    client = zen.AsyncClient(**options())
    if how == "run":
        run(ask(client))
    else:
        loop = new_loop()
        loop.run_until_complete(ask(client))
        loop.close()
    run(ask_and_close(client))


if __name__ == "__main__":
    main(*ARGUMENTS)
