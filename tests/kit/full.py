"""A server that takes no more connections, and does not say so: `Full`. Owns no expectation."""

from __future__ import annotations

import socket

__all__ = ["Full"]


class Full:
    """Whoever connects waits."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, scheme: str = "http") -> None:
        self._listener = socket.socket()
        self._listener.bind((host, port))
        self._listener.listen(0)
        self._fillers = [socket.socket() for _ in range(2)]
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex(self._listener.getsockname())
        self.url = f"{scheme}://{host}:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Let go of everything."""
        for each in (*self._fillers, self._listener):
            each.close()
