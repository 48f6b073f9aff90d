"""An answer of Messages in chunks that is under way on a wire, what may happen to it, and tasks that wait. Owns no
expectation."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING

from .http1 import chunk, head, new_decoder, new_wire
from .messages import STOP, block, delta, end, sse, start, stop

if TYPE_CHECKING:
    from zen_native._core import Wire
    from zen_native.transport.native.waiting import Waiter

__all__ = ["COMPLETE", "NAME", "OTHERS", "begun", "new_waiter", "suspended", "waits", "word"]

NAME = contextvars.ContextVar[str]("NAME", default="outside")
"""Of the context in which a task goes on."""


def begun() -> Wire:
    """A wire with nothing pending; the first block of the answer has begun."""
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.feed(head("transfer-encoding: chunked") + chunk(sse(start(), block(0, "text", text=""))))
    wire.take()
    return wire


def word(text: str = "word") -> bytes:
    """A chunk with one delta."""
    return chunk(sse(delta(0, "text_delta", text=text)))


def new_waiter() -> Waiter:
    """For a task of the running loop."""
    from zen_native.transport.native.waiting import Waiter, done_on  # needs the extension

    loop = asyncio.get_running_loop()
    return Waiter(loop, done_on(loop))


async def waits(waiter: Waiter, log: list[str], times: int = 1) -> None:
    """Wait so often, and note where it goes on."""
    for _ in range(times):
        waiter.expect()
        await waiter
        log.append(f"resumed in {NAME.get()}")


async def suspended(waiter: Waiter, log: list[str], times: int = 1) -> asyncio.Task[None]:
    """A task that waits now."""
    task = asyncio.ensure_future(waits(waiter, log, times))
    await asyncio.sleep(0)
    assert waiter.waiting
    return task


COMPLETE = "the answer is complete"
OTHERS: dict[str, Callable[[Wire], object]] = {
    "the body ends too early": lambda wire: wire.eof(),
    "the connection is lost": lambda wire: wire.lost(ConnectionResetError("gone")),
    "the framing is broken": lambda wire: wire.feed(b"no chunk\r\n"),
    "the event is none": lambda wire: wire.feed(chunk(b"data: {\n\n")),
    COMPLETE: lambda wire: wire.feed(chunk(sse(stop(0), end("end_turn", {}), STOP))),
}
"""What is no more of the same. Of them only a complete answer has events."""
