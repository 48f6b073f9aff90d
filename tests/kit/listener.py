"""A listener on the loopback interface that gives each connection a thread.

Owns the sockets, and that they and the threads end with the block. What is said on them is for who extends it.
"""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["Listener"]


class Listener(ABC):
    """Listens from the beginning, and takes connections within the block."""

    def __init__(self) -> None:
        self.connections = 0
        """How many there have been."""
        self.changed = threading.Condition()
        """Notified of every connection that begins or ends."""
        self.stopping = False
        """Whether the block is being left."""
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        """Where it listens, or did."""
        self._threads: list[threading.Thread] = []

    @property
    def held_open(self) -> int:
        """How many connections there are now."""
        return len(self._open)

    def wrapped(self, connection: socket.socket) -> socket.socket:
        """What is served in its place."""
        return connection

    @abstractmethod
    def serve(self, connection: socket.socket, number: int) -> None:
        """Serve one, counted from 0. It is over when this returns."""

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.changed:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _run(self, call: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=call, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                number, self.connections = self.connections, self.connections + 1
                self._open.add(connection)
                self.changed.notify_all()
            self._run(self._served, connection, number)

    def _served(self, accepted: socket.socket, number: int) -> None:
        connection = accepted
        try:
            try:
                connection = self.wrapped(accepted)
            except OSError:  # whoever it was has reset it by now
                accepted.close()
                return
            with self.changed:  # what was accepted may be an empty shell from here on
                self._open.discard(accepted)
                self._open.add(connection)
            with connection:
                self.serve(connection, number)
        finally:
            with self.changed:
                self._open.discard(connection)
                self.changed.notify_all()
