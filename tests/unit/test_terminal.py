"""What reaches a terminal: text that would steer it, wrapping, tables, and rich where it is installed."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from zen_native._cli.flow import AnswerView
from zen_native._cli.screen import PlainScreen, RichScreen, Screen, Style, open_screen
from zen_native._cli.text import cells, line, money, safe, tokens
from zen_native.events import TextDelta, ToolInputDelta, ToolInputEnd, ToolInputStart
from zen_native.usage import Usage

HOSTILE = "a\x1b]0;owned\x07b\x9b31mc\u202ed\rE\x00"
ESCAPED = "a\\x1b]0;owned\\x07b\\x9b31mc\\u202ed\\rE\\x00"


def test_text_that_would_steer_a_terminal_is_spelled_out() -> None:
    assert safe(HOSTILE) == ESCAPED
    assert safe("tab\tand\nline") == "tab\tand\nline"
    assert line("tab\tand\nline") == "tab\\tand\\nline"
    assert safe("Kraków, 눈, 👩\u200d🚀") == "Kraków, 눈, 👩\u200d🚀"


def test_columns_of_wide_and_combining_characters() -> None:
    assert [cells(text) for text in ("abc", "눈을", "e\u0301")] == [3, 4, 1]


# Layout


def shown(width: int, *events: Any) -> list[str]:
    """The lines that a terminal of that width gets."""
    stream = io.StringIO()
    view = AnswerView(PlainScreen(stream, width))
    for event in events:
        view.show([event])
    view.end()
    return stream.getvalue().splitlines()


def test_text_in_pieces_is_wrapped_between_words() -> None:
    pieces = ["one two", " three four", " five six", "\n\nseven"]
    lines = shown(36, *(TextDelta("0", piece) for piece in pieces))
    assert lines == [
        "  text      one two three four five",
        "            six",
        "",
        "            seven",
    ]


def test_word_that_no_line_can_hold_is_cut() -> None:
    lines = shown(36, TextDelta("0", "x" * 50))
    assert [text.strip() for text in lines] == ["text      " + "x" * 23, "x" * 23, "x" * 4]
    assert all(len(text) <= 36 for text in lines)


def test_interleaved_tool_calls_get_their_own_lines() -> None:
    lines = shown(
        80,
        ToolInputStart("a", "one"),
        ToolInputDelta("a", '{"x"'),
        ToolInputStart("b", "two"),
        ToolInputDelta("b", "{}"),
        ToolInputDelta("a", ":1}"),
        ToolInputEnd("a"),
        ToolInputEnd("b"),
    )
    assert lines == ['  tool      one {"x"', "  tool      two {}", "  tool      one :1}"]


# Screens


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


ROWS: list[list[tuple[str, Style]]] = [[("one\nsub", ""), ("1", "good")], [("눈", ""), ("1,234", "bad")]]


def test_plain_table_lines_up() -> None:
    stream = io.StringIO()
    PlainScreen(stream).table([("name", "left"), ("count", "right")], ROWS)
    assert stream.getvalue().splitlines() == ["name  count", "----  -----", "one       1", "sub", "눈    1,234"]


def test_pipe_gets_plain_text_without_wrapping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    screen = open_screen()
    assert isinstance(screen, PlainScreen)
    assert screen.width is None


def test_terminal_without_rich_gets_plain_text_of_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setenv("COLUMNS", "47")
    screen = open_screen()
    assert isinstance(screen, PlainScreen)
    assert screen.width == 47


@pytest.mark.parametrize("quiet", [False, True])
def test_terminal_with_rich_has_colours_unless_told_not_to(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="rich is in the extra cli")
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1" if quiet else "")
    screen = open_screen()
    assert isinstance(screen, RichScreen)
    screen.write("[bold]no markup[/bold]", "good")
    assert isinstance(sys.stdout, Terminal)
    told = sys.stdout.getvalue()
    assert "[bold]no markup[/bold]" in told
    assert ("\x1b[32m" in told) is not quiet


def test_rich_table_reads_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="rich is in the extra cli")
    monkeypatch.setattr(sys, "stdout", Terminal())
    screen: Screen = open_screen()
    screen.table([("name", "left")], [[("[red]x[/red]", "")]])
    assert isinstance(sys.stdout, Terminal)
    assert "[red]x[/red]" in sys.stdout.getvalue()


# Figures


def test_what_nobody_said_is_a_dash_and_zero_is_a_figure() -> None:
    assert tokens(None) == "no usage reported"
    assert tokens(Usage(output_tokens=0)) == "- in, 0 out"
    assert (money(None), money(Usage.from_dict({"cost": "0"}).cost)) == ("-", "$0")
    assert money(Usage.from_dict({"cost": "1E-8"}).cost) == "$0.00000001"
