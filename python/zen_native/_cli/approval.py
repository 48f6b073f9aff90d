"""Whether a tool may be called, asked on the terminal.

Owns the question, and that nothing is printed while it stands there. Which calls are asked about, one at a time, is the
tool loop's business.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from threading import Condition
from typing import TYPE_CHECKING

from zen_native.events import LLMEvent, ToolCall

from .screen import open_screen
from .text import exact

if TYPE_CHECKING:
    from zen_native.tools import Approval

    from .sink import Sink

__all__ = ["Asking", "can_ask"]

_YES = ("y", "yes")
_LONGEST_ANSWER = 4096


def can_ask() -> bool:
    """Whether there is a terminal to ask on. Standard output may be a pipe: the question goes to standard error."""
    return sys.stdin.isatty() and sys.stderr.isatty()


class Asking:
    """A sink of events that holds back what comes while a question is open. `approve` is called in threads."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._screen = open_screen(sys.stderr)
        self._changed = Condition()
        self._shown: set[str] = set()
        self._held: list[list[LLMEvent]] = []
        self._is_open = False
        self._is_over = False

    def show(self, events: list[LLMEvent]) -> None:
        """Print the next events, now or after the answer."""
        with self._changed:
            if self._is_open:
                self._held.append(events)
            else:
                self._sink.show(events)
            self._shown |= {event.id for event in events if isinstance(event, ToolCall)}
            self._changed.notify_all()

    def pause(self) -> None:
        """Be at the start of a line."""
        with self._changed:
            self._sink.pause()

    def end(self, *rows: tuple[str, str]) -> None:
        """Print the end; what was not asked yet never will be."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
            self._release()
            self._sink.end(*rows)

    def approve(self, call: ToolCall) -> Approval:
        """Ask, after the call itself was shown."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or call.id in self._shown)
            if self._is_over:
                return False
            self._shown.discard(call.id)
            self._sink.pause()
            self._is_open = True
        try:
            return self._ask(call) or "the user does not want it"
        finally:
            with self._changed:
                self._release()

    def _release(self) -> None:
        self._is_open = False
        held, self._held = self._held, []
        for events in held:
            self._sink.show(events)

    def _ask(self, call: ToolCall) -> bool:
        """All of the call, and every character of it that does not show spelled out: that is what would be run."""
        arguments = exact(json.dumps(call.input, ensure_ascii=False))
        _forget_typed()
        self._screen.write(f"  run       {exact(call.name)} {arguments} [y/N] ", "label")
        return _answer().strip().lower() in _YES


def _forget_typed() -> None:
    """What was typed before the question was there is no answer to it."""
    try:
        import termios
    except ImportError:  # elsewhere than on POSIX
        return
    with contextlib.suppress(termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _answer() -> str:
    """One line from the terminal; an empty one where it has gone. Not from `sys.stdin`, whose lock a thread that is
    left behind at the end would hold."""
    try:
        return os.read(sys.stdin.fileno(), _LONGEST_ANSWER).decode(errors="replace")
    except OSError:
        return ""
