"""Who reads the connections of an event loop: `poller_of`, where the extension can, in fewer calls than the loop needs;
`has_come`, whether somebody has to.

Owns the choice, and the poller's place in the loop. What it reads goes where the connections say.
"""

from __future__ import annotations

import select
import sys
from contextvars import Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    import socket

    from zen_native._core import Poller

__all__ = ["end_polling", "has_come", "poller_of"]


def poller_of(loop: asyncio.AbstractEventLoop, buffer: bytearray) -> Poller | None:
    """A poller that the loop watches, None where the asyncio transports have to read: on other systems than Linux, on
    loops that watch no files, and where the system has no more of them. What is read for connections, and not for their
    wires, goes into the buffer."""
    if sys.platform != "linux":
        return None
    from zen_native._core import Poller

    poller = None
    try:
        poller = Poller(buffer)
        # The loop keeps the context as long as the poller, which outlives the request.
        Context().run(loop.add_reader, poller.fileno(), poller.ready)
    except (OSError, NotImplementedError):  # no files left, or a loop that watches none: the transports read
        if poller is not None:
            poller.close()
        return None
    return poller


def end_polling(loop: asyncio.AbstractEventLoop, poller: Poller) -> None:
    """It reads no more, and the loop watches it no more."""
    if not loop.is_closed():
        loop.remove_reader(poller.fileno())
    poller.close()


def has_come(shown: socket.socket | None) -> bool:
    """Whether there is something to read, or the end, for who has no poller and cannot read himself."""
    if shown is None:  # a transport that is over, or one without a socket
        return False
    if hasattr(select, "poll"):  # not on Windows; `select` knows no file beyond the first thousand
        asked = select.poll()
        asked.register(shown.fileno(), select.POLLIN)
        return bool(asked.poll(0))
    return bool(select.select([shown], [], [], 0)[0])
