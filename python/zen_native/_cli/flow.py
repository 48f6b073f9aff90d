"""An answer as it arrives: text, reasoning and tool calls under their labels.

Owns the wrapping of text that comes in pieces, and which events are worth showing. Owns no totals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from zen_native.events import (
    Citation,
    LLMEvent,
    Media,
    Raw,
    ReasoningDelta,
    TextDelta,
    ToolInputDelta,
    ToolInputEnd,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)

from .screen import Screen, Style
from .text import cells, line, safe

__all__ = ["AnswerView", "Flow"]

_MARGIN = 12
_MIN_TEXT = 20
_WORDS = re.compile(r"\n|[^\S\n]+|\S+")


class Flow:
    """Labels in a margin, text beside them, wrapped between words."""

    def __init__(self, screen: Screen, margin: int = _MARGIN) -> None:
        self._screen = screen
        self._column = 0
        self._spaces = ""
        width = screen.width
        self._margin = margin if width is None or width >= margin + _MIN_TEXT else min(margin, 2)
        self._width = None if width is None else max(width - 1, self._margin + 1)

    def begin(self, label: str, style: Style = "label") -> None:
        """A new label; what came before is closed."""
        self.end()
        label = f"  {label}"
        self._screen.write(label, style)
        if len(label) >= self._margin:
            self._screen.write("\n")
            label = ""
        self._screen.write(" " * (self._margin - len(label)))
        self._column = self._margin

    def more(self, text: str, style: Style = "") -> None:
        """More text under the label."""
        printed: list[str] = []
        for word in _WORDS.findall(safe(text)):
            if word == "\n":
                printed.append("\n")
                self._column, self._spaces = 0, ""
            elif word.isspace():
                self._spaces += word.replace("\t", "    ")
            else:
                printed.append(self._fit(word))
        if printed:
            self._screen.write("".join(printed), style)

    def end(self) -> None:
        """Close the line."""
        if self._column:
            self._screen.write("\n")
            self._column = 0
        self._spaces = ""

    def _fit(self, word: str) -> str:
        """The word behind the spaces before it, on a new line if this one is full; cut where no line can hold it."""
        out, self._spaces = self._lead() + self._spaces, ""
        size = len(out.lstrip("\n")) if self._column == 0 else self._column + len(out)
        width = self._width
        if width is None or size + cells(word) <= width:
            self._column = size + cells(word)
            return out + word
        if size > self._margin:
            out, size = "\n" + " " * self._margin, self._margin
        for character in word:
            if size + cells(character) > width:
                out, size = f"{out}\n{' ' * self._margin}", self._margin
            out += character
            size += cells(character)
        self._column = size
        return out

    def _lead(self) -> str:
        """The margin of a line that the text itself began."""
        return "" if self._column else " " * self._margin


class AnswerView:
    """Prints what the model says, block by block, as events come.

    With `brief`, tool calls and their results are dimmed, and cut after so many characters.
    """

    def __init__(self, screen: Screen, brief: int | None = None) -> None:
        self._flow = Flow(screen)
        self._brief = brief
        self._quiet: Style = "" if brief is None else "dim"
        self._left: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._current: tuple[str, str] | None = None

    def show(self, events: Iterable[LLMEvent]) -> None:
        """The next events."""
        for event in events:
            self._take(event)

    def end(self) -> None:
        """Close what is open."""
        self._flow.end()
        self._current = None

    def _take(self, event: LLMEvent) -> None:
        match event:
            case TextDelta(id, text):
                self._block("text", id)
                self._flow.more(text)
            case ReasoningDelta(id, text):
                self._block("reasoning", id)
                self._flow.more(text, "dim")
            case ToolInputStart(id, name):
                self._names[id] = name
                self._left.pop(id, None)
                self._tool(id)
            case ToolInputDelta(id, text):
                self._tool(id)
                self._flow.more(line(self._cut(id, text)), self._quiet)
            case ToolInputEnd(_):
                self.end()
            case ToolInputError(_, name, _, message):
                self._whole("no call", f"{name}: {message}", "bad")
            case ToolResult():
                self._result(event)
            case Citation(_, url, title, text):
                self._whole("source", ", ".join(said for said in (title, url, text) if said))
            case Media(_, mime_type, data, url):
                self._whole("media", f"{mime_type}, {url or f'{len(data or ())} characters of base64'}")
            case Raw(name, data):
                self._whole("raw", f"{name} {json.dumps(data, ensure_ascii=False)}")
            case _:
                pass

    def _block(self, kind: str, id: str) -> None:
        """The flow stands in this block, under a new label if it stood elsewhere."""
        if self._current != (kind, id):
            self._flow.begin(kind)
            self._current = (kind, id)

    def _tool(self, id: str) -> None:
        if self._current != ("tool", id):
            self._block("tool", id)
            self._flow.more(line(self._names.get(id, id)) + " ", "label")

    def _result(self, event: ToolResult) -> None:
        text = f"{event.name} {json.dumps(event.result, ensure_ascii=False)}"
        if self._brief is not None:
            text = _shortened(text, self._brief)
        self._whole("failed" if event.is_error else "result", text, "bad" if event.is_error else self._quiet)

    def _cut(self, id: str, text: str) -> str:
        """What of the next piece of a tool's input is shown."""
        if self._brief is None:
            return text
        left = self._left.get(id, self._brief)
        self._left[id] = left - len(text) if len(text) <= left else -1
        return "" if left < 0 else _shortened(text, left)

    def _whole(self, label: str, text: str, style: Style = "") -> None:
        self._flow.begin(label, style or "label")
        self._flow.more(line(text), style)
        self.end()


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]} ..."
