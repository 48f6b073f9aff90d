"""How a thread comes to a connection: `opened`.

Owns which of a host's addresses is tried for how long, and what is said of those that failed.
"""

from __future__ import annotations

import socket
from functools import partial
from os import getpid
from typing import TYPE_CHECKING

from .blocking_connection import BlockingConnection, checked, shut

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from .blocking_connection import Left
    from .origin import Origin

__all__ = ["opened"]


def opened(
    origin: Origin,
    context: ssl.SSLContext | None,
    left: Left,
    wake_by: Callable[[Callable[[], object]], object],
) -> BlockingConnection:
    """A new connection. `wake_by` is told what ends connecting and shaking hands from another thread.

    Raises:
        OSError: there is none.
        ConnectError: there is none that is secure.
        TimeoutError: it took too long.
    """
    connection = BlockingConnection(origin, _connected(origin, left, wake_by))
    if context is not None:
        wake_by(connection.hang_up)
        try:
            connection.secure(context, left)
        except BaseException:
            connection.close()
            raise
    return connection


def _connected(origin: Origin, left: Left, wake_by: Callable[[Callable[[], object]], object]) -> socket.socket:
    """To the first address that answers; each may take an even part of the time that is left."""
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    failed: list[OSError] = []
    for number, (family, kind, protocol, _, address) in enumerate(found):
        seconds = checked(left())
        try:
            made = socket.socket(family, kind, protocol)  # which a system without IPv6 refuses
            try:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.settimeout(None if seconds is None else seconds / (len(found) - number))
                wake_by(partial(shut, made, getpid()))
                checked(left())  # by now
                made.connect(address)
            except BaseException:
                made.close()
                raise
        except OSError as error:
            failed.append(error)
        else:
            return made
    raise _together(failed)


def _together(failed: list[OSError]) -> OSError:
    """One error for addresses that have all failed. It says what each did, where that is not the same."""
    said = list(dict.fromkeys(map(str, failed)))
    if len(said) < 2:
        return failed[-1] if failed else OSError("the host has no address")
    return OSError("; ".join(said))
