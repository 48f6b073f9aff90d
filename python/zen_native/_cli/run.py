"""`zen-native run`: one question to a model, its answer as it comes, and the tools that it may call.

Owns the forms in which an answer is shown, and the exit code. On a terminal all of it is shown; a pipe gets the text
alone, and all else goes to standard error.
"""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

from zen_native.errors import LLMError
from zen_native.events import (
    LLMEvent,
    TextDelta,
    TextEnd,
    ToolInputDelta,
    ToolInputEnd,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)

from .approval import Asking, can_ask
from .asking import explained, prompt_of, request_of
from .flow import AnswerView
from .problem import UsageError
from .screen import PlainScreen, open_screen
from .sink import Answer, JsonLines, Sink, print_end, print_error
from .text import line, safe
from .tools import functions_of

if TYPE_CHECKING:
    from zen_native.request import LLMRequest
    from zen_native.tools import ToolLoop

__all__ = ["answer_sink", "ask", "asked", "run_run"]

_BRIEF = 200
"""Characters of a tool's input or result that are shown."""

_OF_TOOLS = (ToolInputStart, ToolInputDelta, ToolInputEnd, ToolInputError, ToolResult)


def run_run(chosen: Namespace) -> int:
    """Ask and print; 0, or 1 if there is no whole answer."""
    return ask(asked(chosen), chosen)


def asked(chosen: Namespace) -> LLMRequest:
    """The request, with functions for tools.

    Raises:
        UsageError: there is none, or nobody could be asked whether its tools may run.
    """
    functions = functions_of(chosen.tool)
    if not functions and (chosen.yes or chosen.max_steps is not None):
        raise UsageError("--yes and --max-steps are for --tool")
    if functions and not chosen.yes and not can_ask():
        raise UsageError("a call of a tool must be approved, and there is no terminal to ask on; --yes approves all")
    return request_of(chosen, prompt_of(chosen), functions)


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
    sink = answer_sink(as_json=chosen.json, tools=bool(request.tools))
    tool_loop: ToolLoop | None = None
    if request.tools:
        sink, tool_loop = _with_tools(sink, chosen)
    # What a tool prints is no part of the answer.
    with redirect_stdout(sys.stderr) if request.tools else nullcontext():
        try:
            with (
                Client(transport=transport, runtime=chosen.runtime) as client,
                client.stream(request, tool_loop=tool_loop) as stream,
            ):
                for events in stream.batches():
                    sink.show(costs.priced(events))
        finally:
            sink.end(*([("prices", line(costs.table))] if costs.table else []))


def _with_tools(sink: Sink, chosen: Namespace) -> tuple[Sink, ToolLoop]:
    from zen_native.tools import ToolLoop

    # A tool that fails is shown as a result. Where nobody listens, logging would print the message as it is.
    logging.getLogger("zen_native").addHandler(logging.NullHandler())
    limits = {} if chosen.max_steps is None else {"max_steps": chosen.max_steps}
    if chosen.yes:
        return sink, ToolLoop(**limits)
    asking = Asking(sink)
    return asking, ToolLoop(approve=asking.approve, **limits)


def answer_sink(*, as_json: bool, tools: bool = False) -> Sink:
    """The form for what standard output is."""
    if as_json:
        return JsonLines()
    brief = _BRIEF if tools else None
    return Answer(open_screen(), brief) if sys.stdout.isatty() else TextAlone(brief)


class TextAlone:
    """The text of an answer, for a pipe. With `brief`, calls of tools are told on standard error."""

    def __init__(self, brief: int | None = None) -> None:
        self._out = sys.stdout
        self._last = "\n"
        self._events: list[LLMEvent] = []
        self._tools = None if brief is None else AnswerView(open_screen(sys.stderr), brief)

    def show(self, events: list[LLMEvent]) -> None:
        """Print the text of the next events."""
        for event in events:
            if isinstance(event, TextDelta):
                self._write(safe(event.text))
            elif isinstance(event, TextEnd):
                self._end_line()
            elif self._tools is not None and isinstance(event, _OF_TOOLS):
                self._tools.show([event])
        self._out.flush()
        self._events = events[-1:]

    def pause(self) -> None:
        """Be at the start of a line on standard error."""
        if self._tools is not None:
            self._tools.end()

    def end(self, *rows: tuple[str, str]) -> None:
        """Print the end, to standard error."""
        self.pause()
        self._end_line()
        self._out.flush()
        print_end(PlainScreen(sys.stderr), self._events, rows)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._last = text[-1:] or self._last

    def _end_line(self) -> None:
        if self._last != "\n":
            self._write("\n")
