"""The document framing in pure Python."""

from __future__ import annotations

import pytest
from tests.kit.framing import Outcome, cut_as, run, run_cut

from zen_native.runtimes.pure.frame import Limits
from zen_native.runtimes.pure.framing import new_framing


@pytest.mark.parametrize("body", ['{"a": 1}\r\n', "plain text", "<html>\n</html>", "data: 1\n\n", "h\u00e9 \U0001f984"])
def test_body_comes_whole_whatever_the_cut(body: str) -> None:
    assert run_cut("document", body.encode()) == Outcome([("document", "", body)])


def test_nothing_comes_before_the_end() -> None:
    framing = new_framing("document", Limits(), pytest.fail)
    assert list(framing.feed(b"{}")) == []
    assert [frame.data for frame in framing.finish()] == ["{}"]
    assert list(framing.feed(b"{}")) == []
    assert list(framing.finish()) == []


def test_A5_mark_and_leading_white_space_are_dropped() -> None:
    assert run_cut("document", b"\xef\xbb\xbf \r\n\t{} ") == Outcome([("document", "", "{} ")])
    assert run_cut("document", b"\xef\xbb\xbf\xef\xbb\xbf{}") == Outcome([("document", "", "\ufeff{}")])


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf "])
def test_blank_body_yields_nothing(body: bytes) -> None:
    assert run_cut("document", body) == Outcome()


@pytest.mark.parametrize(
    ("body", "text"), [(b"\xff{", "\ufffd{"), (b"\xef\xbb", "\ufffd"), (b"a\xf0\x9f\x98", "a\ufffd")]
)
def test_invalid_utf8_is_replaced(body: bytes, text: str) -> None:
    assert run_cut("document", body) == Outcome([("document", "", text)])


def test_limit_decides_alike_whatever_the_cut() -> None:
    limits = Limits(max_event_bytes=4)
    assert run_cut("document", b"   {}  ", limits) == Outcome([("document", "", "{}  ")])
    error = ("LimitExceededError", "document is larger than 4 bytes (max_event_bytes)")
    assert run_cut("document", b"   {}   ", limits) == Outcome(error=error)


def test_white_space_without_end_is_held_nowhere() -> None:
    assert run("document", [b" " * 4096] * 64, Limits(max_event_bytes=10)) == Outcome()


def test_large_body_in_small_reads() -> None:
    text = "x" * (8 << 20)
    assert run("document", cut_as(text.encode(), 64)).frames == [("document", "", text)]
