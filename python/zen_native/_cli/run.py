"""`zen-native run`: one question to a model, its answer as it comes.

Owns the forms in which an answer is shown, and the exit code. On a terminal all of it is shown; a pipe gets the text
alone, and what comes after it goes to standard error.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from zen_native.errors import LLMError
from zen_native.events import LLMEvent, TextDelta, TextEnd

from .asking import explained, prompt_of, request_of
from .screen import PlainScreen, open_screen
from .sink import Answer, JsonLines, Sink, print_end, print_error
from .text import line, safe

if TYPE_CHECKING:
    from zen_native.request import LLMRequest

__all__ = ["answer_sink", "ask", "run_run"]


def run_run(chosen: Namespace) -> int:
    """Ask and print; 0, or 1 if there is no whole answer."""
    return ask(request_of(chosen, prompt_of(chosen)), chosen)


def ask(request: LLMRequest, chosen: Namespace, transport: Any = None) -> int:
    """The same with a request, by a transport of the caller's where it has one."""
    try:
        _answer(request, chosen, transport)
    except LLMError as error:
        sys.stdout.flush()
        print_error(error, as_json=chosen.json)
        return 1
    return 0


def _answer(request: LLMRequest, chosen: Namespace, transport: Any) -> None:
    from zen_native.client import Client

    from .cost import Costs

    costs = Costs(explained(request, chosen.runtime).route)
    sink = answer_sink(as_json=chosen.json)
    try:
        with Client(transport=transport, runtime=chosen.runtime) as client, client.stream(request) as stream:
            for events in stream.batches():
                sink.show(costs.priced(events))
    finally:
        sink.end(*([("prices", line(costs.table))] if costs.table else []))


def answer_sink(*, as_json: bool) -> Sink:
    """The form for what standard output is."""
    if as_json:
        return JsonLines()
    return Answer(open_screen()) if sys.stdout.isatty() else TextAlone()


class TextAlone:
    """The text of an answer, for a pipe."""

    def __init__(self) -> None:
        self._last = "\n"
        self._events: list[LLMEvent] = []

    def show(self, events: list[LLMEvent]) -> None:
        """Print the text of the next events."""
        for event in events:
            if isinstance(event, TextDelta):
                self._write(safe(event.text))
            elif isinstance(event, TextEnd):
                self._end_line()
        sys.stdout.flush()
        self._events = events[-1:]

    def end(self, *rows: tuple[str, str]) -> None:
        """Print the end, to standard error."""
        self._end_line()
        sys.stdout.flush()
        print_end(PlainScreen(sys.stderr), self._events, rows)

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        self._last = text[-1:] or self._last

    def _end_line(self) -> None:
        if self._last != "\n":
            self._write("\n")
