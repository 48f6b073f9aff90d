"""Whether a server's system has taken anything of a request that was never answered: `was_taken`.

Owns what the system knows of it. What follows from that is `answer`'s.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import Protocol

__all__ = ["was_taken"]

_BYTES_ACKED = struct.Struct("=120xQ")
"""`tcpi_bytes_acked` of Linux's `struct tcp_info` (linux/tcp.h, since 4.1), which counts the SYN as one."""


class _Shown(Protocol):
    """A socket, or what a loop shows of one."""

    def dup(self) -> socket.socket: ...


def was_taken(shown: _Shown | None, before: int) -> bool | None:
    """Whether more than the first `before` bytes that were sent over a connection have been acknowledged; asked before
    the socket is closed. None where that cannot be known: on other systems than Linux."""
    if sys.platform != "linux" or shown is None:
        return None
    try:
        with shown.dup() as own:  # what uvloop shows can do nothing else
            told = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
    except OSError:  # it is no TCP, is closed by now, or there are no files left
        return None
    if len(told) < _BYTES_ACKED.size:
        return None
    (acknowledged,) = _BYTES_ACKED.unpack(told)
    if not acknowledged:  # the SYN alone makes it one: this kernel has the call (gVisor), and does not count
        return None
    return bool(acknowledged > before + 1)
