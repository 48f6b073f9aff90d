"""A wire that calls nobody: `QuietWire`, for event loops in daemon threads.

Owns who is told what the wire has to say. A wire tells it from within, and a task runs on from there. A daemon thread
ends wherever it next wants the interpreter's lock once the interpreter is being taken down; up to Python 3.13 its stack
is unwound then, and frames of Rust do not allow that: the process would be aborted. So here the wire only leaves
marks, by functions that are not written in Python, and who called it tells the others.
"""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from zen_native._core import Wire

__all__ = ["QuietWire", "wire_for_this_thread"]


class _Listener(Protocol):
    def done(self) -> bool: ...
    def set_result(self, result: None, /) -> object: ...


def wire_for_this_thread(wire: Wire) -> Wire:
    """The wire itself, or in a daemon thread one that is quiet."""
    if sys.version_info >= (3, 14) or not threading.current_thread().daemon:
        return wire
    quiet: Any = QuietWire(wire)
    found: Wire = quiet
    return found


class QuietWire:
    """What a `Wire` is, and what is not here is the wire's own."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._listener: _Listener | None = None
        self._pause: Callable[[], object] | None = None
        self._marks: list[None] = []
        self._bell: Any = SimpleNamespace(done=bool, set_result=self._marks.append)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wire, name)

    def buffer_updated(self, nbytes: int, /) -> None:
        """See `Wire`."""
        self._wire.buffer_updated(nbytes)
        self._tell()

    def eof(self) -> None:
        """See `Wire`."""
        self._wire.eof()
        self._tell()

    def lost(self, error: BaseException | None) -> None:
        """See `Wire`."""
        self._wire.lost(error)
        self._tell()

    def wait(self, waiter: _Listener | None) -> None:
        """See `Wire`."""
        self._listener = waiter
        self._wire.wait(None if waiter is None else self._bell)
        self._tell()

    def pausing(self, pause: Callable[[], object] | None) -> None:
        """See `Wire`."""
        self._pause = pause
        self._wire.pausing(None if pause is None else bool)

    def _tell(self) -> None:
        if self._pause is not None and self._wire.paused:
            self._pause()
        if self._marks:
            self._marks.clear()
            listener, self._listener = self._listener, None
            if listener is not None and not listener.done():
                listener.set_result(None)
