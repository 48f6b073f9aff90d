"""Waits in a stream for events that do not come, until it is interrupted. Prints when that was, by the clock that all
processes of a machine share."""

from __future__ import annotations

import asyncio
import sys
import time

from common import ARGUMENTS, ASK, options, run

import zen_native as zen


def wait() -> None:
    """In this thread."""
    with zen.Client(**options()) as client:
        try:
            for event in client.stream(*ASK):
                print(event.type)
        except KeyboardInterrupt:
            print(time.monotonic())
            raise


async def wait_in_a_loop() -> None:
    """In an event loop, which `asyncio.run` cancels the main task of."""
    async with zen.AsyncClient(**options()) as client:
        try:
            async for event in client.stream(*ASK):
                print(event.type)
        except asyncio.CancelledError:
            print(time.monotonic())
            raise


if __name__ == "__main__":
    # In place of the traceback. The process still ends by the signal, as the interpreter has it.
    sys.excepthook = lambda kind, _error, _trace: print(kind.__name__)
    if ARGUMENTS == ["asyncio"]:
        run(wait_in_a_loop())
    else:
        wait()
