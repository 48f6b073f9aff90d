"""Where a command prints: a terminal with rich, or plain text.

Owns the choice and the few ways to print that both have. Text must be `safe` before it comes here.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

from .text import cells

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Align", "Screen", "Style", "open_screen"]

Style = Literal["", "title", "label", "dim", "good", "bad"]
Align = Literal["left", "right"]

_RICH_STYLES: dict[Style, str] = {
    "": "",
    "title": "bold cyan",
    "label": "cyan",
    "dim": "dim italic",
    "good": "green",
    "bad": "bold red",
}
_GAP = "  "


class Screen(Protocol):
    """What a command may do to the output."""

    width: int | None
    """Columns to wrap at; None for no wrapping."""

    def write(self, text: str, style: Style = "") -> None:
        """Print without a newline, at once."""
        ...

    def table(self, heads: Sequence[tuple[str, Align]], rows: Iterable[Sequence[tuple[str, Style]]]) -> None:
        """Print a table."""
        ...


def open_screen(stream: TextIO | None = None) -> Screen:
    """A stream, by default standard output as it is now: rich for a terminal where rich is installed."""
    out = sys.stdout if stream is None else stream
    if out.isatty():
        try:
            from rich.console import Console
        except ImportError:
            return PlainScreen(out, shutil.get_terminal_size().columns)
        return RichScreen(Console(file=out, highlight=False))
    return PlainScreen(out)


class PlainScreen:
    """Text alone."""

    def __init__(self, stream: TextIO, width: int | None = None) -> None:
        self._stream = stream
        self.width = width

    def write(self, text: str, style: Style = "") -> None:  # noqa: ARG002 - plain text has no styles
        """Print without a newline, at once."""
        self._stream.write(text)
        self._stream.flush()

    def table(self, heads: Sequence[tuple[str, Align]], rows: Iterable[Sequence[tuple[str, Style]]]) -> None:
        """Print columns under a rule."""
        aligns: list[Align] = [align for _, align in heads]
        lines = [[name for name, _ in heads], *([text for text, _ in row] for row in rows)]
        parts = [[cell.split("\n") for cell in row] for row in lines]
        widths = [max(cells(part) for row in parts for part in row[at]) for at in range(len(heads))]
        parts.insert(1, [["-" * width] for width in widths])
        for row in parts:
            for texts in zip_longest(*row, fillvalue=""):
                padded = (_pad(*cell) for cell in zip(texts, widths, aligns, strict=True))
                self._stream.write(_GAP.join(padded).rstrip() + "\n")


class RichScreen:
    """A terminal, by rich: colours as it can show and `NO_COLOR` allows."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width: int | None = console.width

    def write(self, text: str, style: Style = "") -> None:
        """Print without a newline, at once."""
        self._console.out(text, style=_RICH_STYLES[style] or None, end="", highlight=False)
        self._console.file.flush()

    def table(self, heads: Sequence[tuple[str, Align]], rows: Iterable[Sequence[tuple[str, Style]]]) -> None:
        """Print columns under a rule."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        folded = int(any("\n" in name for name, _ in heads))
        table = Table(
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            pad_edge=False,
            show_edge=False,
            header_style="bold",
            leading=folded,
        )
        for name, align in heads:
            table.add_column(name, justify=align, overflow="fold")
        for row in rows:
            table.add_row(*(Text(text, style=_RICH_STYLES[style]) for text, style in row))
        self._console.print(table)


def _pad(text: str, width: int, align: Align) -> str:
    space = " " * (width - cells(text))
    return space + text if align == "right" else text + space
