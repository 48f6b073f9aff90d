"""The forms in which events are printed: lines or the answer, for people or as JSON.

Owns the printing of events, of the end of an answer and of an error. Owns no decoding.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any, Protocol

from zen_native.errors import LLMError
from zen_native.events import Finish, LLMEvent, StepFinish, to_dict
from zen_native.response import fold

from .flow import AnswerView
from .screen import Screen, open_screen
from .text import line, tokens

__all__ = ["Answer", "JsonLines", "Sink", "new_sink", "print_end", "print_error", "reason_text"]

_SHOWN_FIELDS = ("code", "status", "retryable", "retry_after", "request_id", "provider", "model")


class Sink(Protocol):
    """Takes the events of one answer."""

    def show(self, events: list[LLMEvent]) -> None:
        """Print the next events."""
        ...

    def pause(self) -> None:
        """Be at the start of a line: something else is printed now."""
        ...

    def end(self, *rows: tuple[str, str]) -> None:
        """Print what comes after the last one, and these labels and texts."""
        ...


def new_sink(*, as_json: bool, summary: bool) -> Sink:
    """The form that was asked for."""
    if as_json:
        return JsonSummary() if summary else JsonLines()
    return Answer(open_screen()) if summary else EventLines(open_screen())


class JsonLines:
    """One JSON object a line for each event; ASCII, so that any terminal and any encoding takes it."""

    def __init__(self) -> None:
        self._out = sys.stdout

    def show(self, events: list[LLMEvent]) -> None:
        """Print the next events."""
        self._out.write("".join(json.dumps(to_dict(event)) + "\n" for event in events))
        self._out.flush()

    def pause(self) -> None:
        """Nothing: what is printed is whole lines."""

    def end(self, *_: tuple[str, str]) -> None:
        """Nothing: the last event has the usage."""


class JsonSummary:
    """The whole answer as one JSON document."""

    def __init__(self) -> None:
        self._events: list[LLMEvent] = []

    def show(self, events: list[LLMEvent]) -> None:
        """Keep the events."""
        self._events += events

    def pause(self) -> None:
        """Nothing: there is one line, at the end."""

    def end(self, *_: tuple[str, str]) -> None:
        """Print their fold."""
        sys.stdout.write(json.dumps(fold(self._events).to_dict()) + "\n")


class EventLines:
    """One line for each event, and usage and cost at the end."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._last: list[LLMEvent] = []

    def show(self, events: list[LLMEvent]) -> None:
        """Print the next events."""
        for event in events:
            self._screen.write(f"{event.type:<16}", "label")
            self._screen.write(f" {line(' '.join(_fields(event)))}\n")
        self._last = events[-1:] or self._last

    def pause(self) -> None:
        """Nothing: what is printed is whole lines."""

    def end(self, *rows: tuple[str, str]) -> None:
        """Print the end."""
        print_end(self._screen, self._last, rows)


class Answer:
    """What the model says, as it comes, and usage and cost at the end; `brief` is `AnswerView`'s."""

    def __init__(self, screen: Screen, brief: int | None = None) -> None:
        self._screen = screen
        self._view = AnswerView(screen, brief)
        self._last: list[LLMEvent] = []

    def show(self, events: list[LLMEvent]) -> None:
        """Print the next events."""
        self._view.show(events)
        self._last = events[-1:] or self._last

    def pause(self) -> None:
        """Be at the start of a line: something else is printed now."""
        self._view.end()

    def end(self, *rows: tuple[str, str]) -> None:
        """Print the end."""
        self._view.end()
        print_end(self._screen, self._last, rows)


def print_error(error: LLMError, *, as_json: bool) -> None:
    """Print an error to standard error. Its message is redacted already."""
    said = {name: getattr(error, name) for name in _SHOWN_FIELDS if getattr(error, name) is not None}
    spent = None if error.partial is None else error.partial.usage
    if as_json:
        shown = {"class": type(error).__name__, "message": error.message, **said}
        sys.stderr.write(json.dumps({"error": shown}) + "\n")
        return
    lines = [f"{type(error).__name__}: {error.message}"]
    for name, value in said.items():
        text = ("yes" if value else "no") if name == "retryable" else f"{value:g} s" if name == "retry_after" else value
        lines.append(f"  {name.replace('_', ' '):<12}{text}")
    if spent is not None:
        lines.append(f"  {'usage':<12}{tokens(spent)}")
    sys.stderr.write("".join(line(text) + "\n" for text in lines))


def reason_text(finish: Finish) -> str:
    """The reason in our word and, where it differs, in the provider's."""
    said = finish.reason
    same = said.raw is None or said.raw == said.normalized
    return said.normalized if same else f"{said.normalized} ({line(said.raw or '')})"


def _fields(event: LLMEvent) -> Iterable[str]:
    for name, value in to_dict(event).items():
        if name == "type":
            continue
        if name == "usage" and isinstance(event, StepFinish | Finish):
            yield f"usage=[{tokens(event.usage)}]"
        elif name == "reason":
            yield f"reason={value['normalized']}"
        else:
            yield f"{name}={_compact(value)}"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def print_end(screen: Screen, last: list[LLMEvent], more: Iterable[tuple[str, str]] = ()) -> None:
    """Print usage, cost and warnings, where the last event has them; then these labels and texts."""
    if not last or not isinstance(finish := last[-1], Finish):
        return
    steps = [("steps", f"{finish.steps:,}")] if finish.steps > 1 else []
    rows = [("finish", reason_text(finish)), *steps, ("usage", tokens(finish.usage)), *more]
    rows += [("warning", line(warning)) for warning in finish.warnings]
    screen.write("\n")
    for label, text in rows:
        screen.write(f"{label:<9}", "label")
        screen.write(f"{text}\n")
