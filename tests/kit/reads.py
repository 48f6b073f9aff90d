"""What clients over the native transport read, for servers that wait until they have. Owns no expectation."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from zen_native import _core
from zen_native.transport.native import blocking, blocking_connection, connection

__all__ = ["Reads"]


class Reads:
    """The reads of all connections that are made from now on, until the patch is undone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._waiting: list[threading.Event] = []
        self.sizes: list[int] = []
        """How many bytes each of them brought."""
        for module in (connection, blocking_connection):
            monkeypatch.setattr(module, "Wire", self._wire)
        monkeypatch.setattr(blocking, "Steady", lambda wire, *rest: _core.Steady(wire.own, *rest))

    def next(self) -> threading.Event:
        """Set when something more has been read."""
        self._waiting.append(event := threading.Event())
        return event

    def _wire(self, *args: Any, **keywords: Any) -> _Noting:
        return _Noting(_core.Wire(*args, **keywords), self)

    def note(self, nbytes: int) -> None:
        """One read."""
        self.sizes.append(nbytes)
        while self._waiting:
            self._waiting.pop().set()


class _Noting:
    """What a `Wire` is, and what is not here is the wire's own."""

    def __init__(self, wire: _core.Wire, reads: Reads) -> None:
        self.own = wire
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def buffer_updated(self, nbytes: int, /) -> None:
        self.own.buffer_updated(nbytes)
        self._reads.note(nbytes)
