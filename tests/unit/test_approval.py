"""The question whether a tool may be called: nothing is printed while it is open, and nothing is lost."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from zen_native._cli import approval
from zen_native._cli.approval import Asking, can_ask
from zen_native._cli.text import exact
from zen_native.events import LLMEvent, TextDelta, ToolCall

FIRST = ToolCall("c1", "weather", {"city": "Porto"})
SECOND = ToolCall("c2", "weather", {"city": "Faro"})
TEXT = TextDelta("t", "Wait.")


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def show(self, events: list[LLMEvent]) -> None:
        self.seen += events

    def pause(self) -> None:
        self.seen.append("pause")

    def end(self, *rows: tuple[str, str]) -> None:
        self.seen.append("end")


class Person:
    """Somebody who is asked, and answers when the test wants it."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self._says = threading.Semaphore(0)
        self._said = ""

    def read(self) -> str:
        self.asked.release()
        assert self._says.acquire(timeout=30)
        return self._said

    def says(self, text: str) -> None:
        self._said = text
        self._says.release()


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    person = Person()
    monkeypatch.setattr(approval, "_answer", person.read)
    monkeypatch.setattr(approval, "_forget_typed", lambda: None)
    return person


def in_thread(call: Callable[[], Any]) -> Future[Any]:
    """Begin a call that waits."""
    done: Future[Any] = Future()
    threading.Thread(target=lambda: done.set_result(call()), daemon=True).start()
    return done


@pytest.mark.parametrize(
    ("said", "approved"),
    [("y\n", True), ("Yes \n", True), ("\n", False), ("", False), ("n\n", False), ("yy\n", False), ("all\n", False)],
)
def test_only_yes_is_yes(said: str, approved: bool, person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    asking = Asking(Kept())
    asking.show([FIRST])
    person.says(said)
    assert (asking.approve(FIRST) is True) is approved
    assert capsys.readouterr().err == '  run       weather {"city": "Porto"} [y/N] '


def test_what_comes_while_a_question_is_open_is_shown_after_it(person: Person) -> None:
    sink = Kept()
    asking = Asking(sink)
    asking.show([FIRST])
    answer = in_thread(lambda: asking.approve(FIRST))
    assert person.asked.acquire(timeout=30)
    asking.show([TEXT])
    asking.show([SECOND])
    assert sink.seen == [FIRST, "pause"]
    person.says("y\n")
    assert answer.result(30) is True
    assert sink.seen == [FIRST, "pause", TEXT, SECOND]
    person.says("n\n")
    assert asking.approve(SECOND) is not True


def test_a_call_is_shown_before_it_is_asked_about(person: Person) -> None:
    asking = Asking(Kept())
    answer = in_thread(lambda: asking.approve(FIRST))
    asking.show([TEXT])
    assert not person.asked.acquire(blocking=False)
    asking.show([FIRST])
    assert person.asked.acquire(timeout=30)
    person.says("y\n")
    assert answer.result(30) is True


def test_the_end_shows_what_was_held_back_and_refuses_what_waits(person: Person) -> None:
    sink = Kept()
    asking = Asking(sink)
    asking.show([FIRST])
    answer = in_thread(lambda: asking.approve(FIRST))
    waiting = in_thread(lambda: asking.approve(SECOND))
    assert person.asked.acquire(timeout=30)
    asking.show([TEXT])
    asking.end()
    assert sink.seen == [FIRST, "pause", TEXT, "end"]
    assert waiting.result(30) is False
    person.says("y\n")
    assert answer.result(30) is True


@pytest.mark.parametrize("name", ["stdin", "stderr"])
def test_without_a_terminal_nobody_can_be_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert can_ask()
    monkeypatch.setattr(sys, name, io.StringIO())
    assert not can_ask()


def test_a_text_shows_every_character_of_it() -> None:
    assert exact("a\u200db\u00adc\U000e0041 \x1b[0m\n\u00e4") == "a\\u200db\\xadc\\U000e0041 \\x1b[0m\\n\u00e4"
