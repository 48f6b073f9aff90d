"""The SSE framing in pure Python: each rule and each quirk by name, every cut, three line ends, the recorded cases."""

from __future__ import annotations

import hashlib
import itertools
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.framing import Outcome, case_bytes, cases, cut_as, run, run_cut

from zen_native.runtimes.pure.frame import Limits
from zen_native.runtimes.pure.framing import new_framing

UNTERMINATED = "last event was not terminated by a blank line"
FOREIGN = ("InvalidProviderOutputError", "response is not an event stream")


def event(name: str, data: str) -> tuple[str, str, str]:
    return ("event", name, data)


def events(body: bytes) -> list[tuple[str, str, str]]:
    outcome = run_cut("sse", body)
    assert (outcome.error, outcome.warnings) == (None, [])
    return outcome.frames


def test_A1_character_cut_across_reads() -> None:
    text = "h\u00e9\u4e2d\U0001f984"
    assert events(f"event: {text}\ndata: {text}\n\n".encode()) == [event(text, text)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_A2_line_ends(end: str) -> None:
    body = end.join(["event: a", "data: 1", "data: 2", "", "data: 3", "", ""]).encode()
    assert events(body) == [event("a", "1\n2"), event("", "3")]


def test_A2_line_ends_mixed() -> None:
    body = b"data: 1\r\n\ndata: 2\n\r\ndata: 3\r\n\r\n"
    assert events(body) == [event("", "1"), event("", "2"), event("", "3")]


def test_A2_event_that_ends_in_a_lone_cr_is_not_delayed() -> None:
    framing = new_framing("sse", Limits(), [].append)
    assert [frame.data for frame in framing.feed(b"data: 1\r\r")] == ["1"]
    assert [frame.data for frame in framing.feed(b"\ndata: 2\r\n\r")] == ["2"]
    assert [frame.data for frame in framing.feed(b"\n")] == []
    assert list(framing.finish()) == []


def test_A3_other_separators_are_text() -> None:
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei"
    assert events(f"data: {text}\n\n".encode()) == [event("", text)]


def test_A4_always_utf8() -> None:
    assert events(b"data: \xf0\x9f\xa6\x84\n\n") == [event("", "\U0001f984")]


def test_A5_mark_is_dropped_once_at_offset_0() -> None:
    assert events(b"\xef\xbb\xbfdata: 1\n\n") == [event("", "1")]
    assert events(b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n") == [event("", "2")]
    assert events(b"\xef\xbbdata: 1\n\ndata: 2\n\n") == [event("", "2")]


def test_A6_comments_are_ignored() -> None:
    body = b": x\nevent: a\n:x\ndata: 1\n:\ndata: 2\n: y\n\n: z\n\n"
    assert events(body) == [event("a", "1\n2")]


def test_A7_comment_after_id_dispatches_nothing() -> None:
    assert events(b"id: 1\nevent: a\n: c\n\nretry: 5\n\ndata: 1\n\n") == [event("", "1")]


def test_A8_space_after_the_colon_is_optional_and_fields_come_in_any_order() -> None:
    assert events(b"data:1\nevent:a\n\ndata:  2\n\ndata:\t3\n\n") == [
        event("a", "1"),
        event("", " 2"),
        event("", "\t3"),
    ]


def test_A9_data_lines_join_with_lf() -> None:
    assert events(b"data\ndata:1\ndata:\ndata: \ndata: 2\n\ndata\n\n") == [event("", "\n1\n\n\n2"), event("", "")]


@pytest.mark.parametrize(
    "tail",
    [
        b"event: a\ndata: 2",
        b"event: a\rdata: 2\r",
        b"event: a\ndata: 2\n",
        b"data: 2\r\nevent: a",
        b"data: 2\revent: a\r: c",
    ],
)
def test_A10_last_event_without_blank_line_is_flushed_with_a_warning(tail: bytes) -> None:
    frames = [event("", "1"), event("a", "2")]
    assert run_cut("sse", b"data: 1\n\n" + tail) == Outcome(frames, [UNTERMINATED])


@pytest.mark.parametrize("tail", [b"event: a\nid: 3", b": bye", b"dat", b"\r", b""])
def test_A10_nothing_pending_gives_no_warning(tail: bytes) -> None:
    assert events(b"data: 1\n\n" + tail) == [event("", "1")]


def test_A11_event_of_megabytes_in_small_reads() -> None:
    text = "x" * (8 << 20)
    body = f"data: {text}\n\n".encode()
    assert run("sse", cut_as(body, 64)).frames == [event("", text)]


def test_A11_ceiling_and_one_more() -> None:
    limits = Limits(max_event_bytes=1 << 20)
    fits = b"data: " + b"x" * (1 << 20)
    assert run("sse", [fits, b"\n\n"], limits).error is None
    refused = run("sse", [fits, b"x\n\n"], limits)
    assert refused.error == ("LimitExceededError", "event is larger than 1048576 bytes (max_event_bytes)")


@pytest.mark.parametrize("start", [b"x", b"data: ", b"data: x\ndata: ", b"event: ", b"id: "])
def test_A12_no_line_end_ever_is_a_limit_error_in_flat_memory(start: bytes) -> None:
    limits = Limits(max_event_bytes=1 << 20)
    piece = b"x" * 4096
    tracemalloc.start()
    outcome = run("sse", itertools.chain([start], itertools.repeat(piece, 1 << 18)), limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert outcome.error == ("LimitExceededError", "event is larger than 1048576 bytes (max_event_bytes)")


def test_A12_comment_without_end_is_held_nowhere() -> None:
    framing = new_framing("sse", Limits(max_event_bytes=1000), [].append)
    assert list(framing.feed(b"data: 1\n\n: ")) != []
    piece = b"x" * (64 << 10)
    tracemalloc.start()
    for _ in range(1024):
        assert list(framing.feed(piece)) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert [frame.data for frame in framing.feed(b"\ndata: 2\n\n")] == ["2"]


def test_read_of_line_ends_alone_is_split_in_slices() -> None:
    framing = new_framing("sse", Limits(), [].append)
    assert list(framing.feed(b"data: 1\n\n")) != []
    body = b"\n" * (8 << 20)
    tracemalloc.start()
    assert list(framing.feed(body)) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_A14_the_rest_is_dropped_when_the_consumer_stops() -> None:
    framing = new_framing("sse", Limits(), pytest.fail)
    frames = framing.feed(b"data: [DONE]\n\ndata: 2\n\ndata: 3")
    assert next(frames).data == "[DONE]"
    frames.close()  # type: ignore[attr-defined]  # it is a generator
    assert list(framing.feed(b"\n\nforeign\n")) == []
    assert list(framing.finish()) == []


@pytest.mark.parametrize("text", ['{"error": {"code": 5}}\r\n', "[1,\n\n2]", "<html>\ndata: 1\n\n</html>"])
def test_A15_document_instead_of_a_stream_comes_whole(text: str) -> None:
    assert run_cut("sse", f"\ufeff \r\n\t{text}".encode()) == Outcome([("document", "", text)])


def test_A15_document_is_limited() -> None:
    limits = Limits(max_event_bytes=4)
    assert run_cut("sse", b" {}  ", limits).error is None
    refused = run_cut("sse", b"{}   ", limits)
    assert refused.error == ("LimitExceededError", "document is larger than 4 bytes (max_event_bytes)")


def test_A15_foreign_body_is_refused_with_its_head() -> None:
    text = "\u00e9" * 120
    outcome = run_cut("sse", f"Bad Gateway {text}\n: c\nevent: x\n".encode())
    assert outcome.error == FOREIGN
    assert outcome.body == "Bad Gateway " + "\u00e9" * 94


def test_foreign_line_beside_an_event_is_ignored() -> None:
    assert events(b"hello\ndata: 1\n\n") == [event("", "1")]
    assert run_cut("sse", b"hello\ndata: 1") == Outcome([event("", "1")], [UNTERMINATED])


def test_indented_first_line_is_foreign() -> None:
    assert run_cut("sse", b" \n data: 1\n\n").error == FOREIGN
    assert events(b" \n data: 1\n\ndata: 2\n\n") == [event("", "2")]


@pytest.mark.parametrize(
    "body", [b"", b"\n\r\n", b" \t ", b": a\n\n: b", b"id: 1\nretry: 5\nevent: x\n\n", b"\xef\xbb\xbf", b"id", b"event"]
)
def test_body_of_known_lines_only_is_silent(body: bytes) -> None:
    assert events(body) == []


def test_event_name_is_reset_and_the_last_one_wins() -> None:
    assert events(b"event: a\nevent: b\ndata: 1\n\ndata: 2\n\n") == [event("b", "1"), event("", "2")]
    assert events(b"event: a\nevent\ndata: 1\n\n") == [event("", "1")]


def test_field_names_are_exact() -> None:
    body = b"data: 1\nData: 2\n data: 3\ndata : 4\ndatax: 5\ndata\x00: 6\neventdata: 7\n\n"
    assert events(body) == [event("", "1")]


def test_nul_is_text() -> None:
    assert events(b"event: \x00\ndata: \x00a\n\n") == [event("\0", "\0a")]


def test_invalid_utf8_is_replaced_per_maximal_subpart() -> None:
    body = b"event: \xff\ndata: \xf0\x9f\x98|\xc0\xaf|\xed\xa0\x80|\xe2\x82\ndata: \xac\n\n"
    assert events(body) == [event("\ufffd", "\ufffd|\ufffd\ufffd|\ufffd\ufffd\ufffd|\ufffd\n\ufffd")]


@pytest.mark.parametrize(
    ("fits", "over"),
    [
        (b"data: 0123456789\n\n", b"data: 0123456789a\n\n"),
        (b"data:0123456789", b"data:0123456789a"),
        (b"data: 0123\ndata: 45678\n\n", b"data: 0123\ndata: 456789\n\n"),
        (b"event: abcde\ndata: 12345\n\n", b"event: abcde\ndata: 123456\n\n"),
        (b"data: 12345\nevent: abcde\n\n", b"data: 12345\nevent: abcdef\n\n"),
        (b"data: 1\nid: 34567", b"data: 1\nid: 345678"),
        (b"data: 1\nforeign89", b"data: 1\nforeign890"),
        (b"data: 12345678\nda\n\n", b"data: 12345678\ndat\n\n"),
        (b"data: 123456789\ndata\n\n", b"data: 1234567890\ndata\n\n"),
        (b"data: 1\n: a long comment\n\n", b"data: 1\n: comment\nxxxxxxxxxxxxx"),
    ],
)
def test_limit_decides_alike_whatever_the_cut(fits: bytes, over: bytes) -> None:
    limits = Limits(max_event_bytes=10)
    assert run_cut("sse", fits, limits).error is None
    assert run_cut("sse", over, limits).error == (
        "LimitExceededError",
        "event is larger than 10 bytes (max_event_bytes)",
    )


def test_events_before_the_limit_are_delivered() -> None:
    outcome = run_cut("sse", b"data: 1\n\ndata: 2\n\ndata: 12345", Limits(max_event_bytes=4))
    assert outcome.frames == [event("", "1"), event("", "2")]


PIECES = st.sampled_from(
    [
        b"data: ",
        b"data",
        b":",
        b"event: a",
        b"id: 1",
        b"retry",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"{",
        b"x",
        b"\xef\xbb\xbf",
        b"\xe2\x82",
        b"\xac",
        b"\xff",
        b"\x00",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=20).map(b"".join), st.sampled_from([4, 9, 1000]))
def test_any_bytes_give_the_same_whatever_the_cut(body: bytes, limit: int) -> None:
    run_cut("sse", body, Limits(max_event_bytes=limit))


# Where a recorded expectation is not ours, and why.
DEPARTURES: dict[str, str] = {
    "sse.wpt.data-before-final-empty-line.a9daaafe": "by choice: the last event is flushed with a warning",
    "sse.eventsource-parser.unterminated-long-data.5466a25d": "by choice: the last event is flushed with a warning",
    "sse.httpx-sse.bare-data-lines.a91b6512": "by choice: the last event is flushed with a warning",
    "sse.openai-sdk.mixed-ends-and-unfinished-block.8bb29732": "by choice: the last event is flushed with a warning",
    "sse.openai-sdk.unfinished-data-lines.5c2bb1b4": "by choice: the last event is flushed with a warning",
    "sse.openai-sdk.unfinished-unknown-lines.0aa2c0d8": "by choice: a body that is no stream is refused",
}


@pytest.mark.parametrize("case", cases("sse"))
def test_recorded_case(case: dict[str, Any]) -> None:
    body = case_bytes(case, "input_b64")
    if "expect_lines" in case:
        check_lines(case, body)
        return
    outcome = run("sse", [body])
    for pieces in (cut_as(body, case.get("chunk_lengths", [])), cut_as(body, 1 if len(body) < 5000 else 4096)):
        assert run("sse", pieces) == outcome
    departs = case["id"] in DEPARTURES
    frames = outcome.frames[:-1] if departs and outcome.warnings else outcome.frames
    assert (outcome.warnings, outcome.error) in ([([UNTERMINATED], None), ([], FOREIGN)] if departs else [([], None)])
    if "expect_summary" in case:
        data = [data.encode() for _, _, data in frames]
        assert len(data) == case["expect_summary"]["count"]
        assert sorted({len(text) for text in data}) == case["expect_summary"]["lengths"]
        assert hashlib.sha256(b"\x1e".join(data)).hexdigest() == case["expect_summary"]["sha256_of_data_joined_by_1e"]
    else:
        assert frames == [event(one["event"], one["data"]) for one in case["expect"]]


def check_lines(case: dict[str, Any], body: bytes) -> None:
    """A case of line splitting alone, shown by making every line a data line."""
    lines = case["expect_lines"]
    marked = mark_lines(body)
    for pieces in ([marked], cut_as(marked, 1)):
        outcome = run("sse", pieces)
        assert outcome.frames == [event("", "\n".join(lines))]
        assert outcome.warnings == [UNTERMINATED]


def mark_lines(body: bytes) -> bytes:
    """Puts `data:` before each line of the body, where a line is what the rules of the format say."""
    out = b""
    at_start = True
    for i in range(len(body)):
        byte = body[i : i + 1]
        after_cr = i > 0 and body[i - 1 : i] == b"\r"
        if at_start and not (after_cr and byte == b"\n"):
            out += b"data:"
        at_start = byte in b"\r\n"
        out += byte
    return out
