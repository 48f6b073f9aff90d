"""The JSON array framing in pure Python: each rule by name, every cut, work counted instead of timed."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.framing import Outcome, cut_as, run, run_cut

from zen_native.runtimes.pure import json_array
from zen_native.runtimes.pure.frame import Limits
from zen_native.runtimes.pure.framing import new_framing
from zen_native.runtimes.pure.json_array import JsonArrayReader

INVALID = ("InvalidProviderOutputError", "response is not a JSON array")
CUT = ("IncompleteStreamError", "stream ended inside the JSON array")
IGNORED = "bytes after the end of the array were ignored"


def elements(*texts: str) -> list[tuple[str, str, str]]:
    return [("event", "", text) for text in texts]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""], ids=["lf", "crlf", "cr", "none"])
def test_elements_in_order_whatever_the_cut(end: str) -> None:
    first = f'{{"a": [1, {{"b": "}}]"}}],{end} "c": "h\u00e9"}}'
    body = end.join(["[" + first, ",", '{"d": {}}', "]", ""])
    assert run_cut("json-array", body.encode()) == Outcome(elements(first, '{"d": {}}'))


def test_element_is_yielded_with_its_last_byte() -> None:
    framing = new_framing("json-array", Limits(), [].append)
    assert list(framing.feed(b'[{"a": 1')) == []
    assert [frame.data for frame in framing.feed(b"}")] == ['{"a": 1}']
    assert [frame.data for frame in framing.feed(b',"b"')] == ['"b"']


def test_scalar_is_yielded_with_the_byte_after_it() -> None:
    framing = new_framing("json-array", Limits(), [].append)
    assert list(framing.feed(b"[12")) == []
    assert [frame.data for frame in framing.feed(b",")] == ["12"]


def test_elements_of_every_type() -> None:
    texts = ["null", "true", "false", "-1.5e+3", "0", '"a\\"],["', "[]", "{}", '[[1], "]"]', '"\\\\"']
    assert run_cut("json-array", f"[ {' , '.join(texts)} ]".encode()) == Outcome(elements(*texts))


def test_brackets_and_quotes_in_strings_are_text() -> None:
    text = '{"a": "}]\\"{[\\\\", "\\"b": "\\u0022"}'
    assert run_cut("json-array", f"[{text}]".encode()) == Outcome(elements(text))


def test_empty_array_and_empty_body_yield_nothing() -> None:
    for body in (b"[]", b" [ \r\n ] ", b"", b" \n", b"\xef\xbb\xbf[]"):
        assert run_cut("json-array", body) == Outcome()


@pytest.mark.parametrize("body", ["[1 2]", "[1,,2]", "[1,]", "[,1]", "[{} {}]", "[}", "[x]", '["a"b]', "[1;2]", "[:"])
def test_bytes_between_elements_are_refused(body: str) -> None:
    assert run_cut("json-array", body.encode()).error == INVALID


def test_elements_before_a_failure_are_delivered() -> None:
    assert run_cut("json-array", b'[{"a": 1}, x') == Outcome(elements('{"a": 1}'), error=INVALID)
    assert run_cut("json-array", b'[{"a": 1}, {"b"') == Outcome(elements('{"a": 1}'), error=CUT)


def test_end_inside_the_array_is_incomplete_at_every_length() -> None:
    body = b'[{"a": "b"}, 12, "c"]'
    for end in range(1, len(body)):
        assert run("json-array", [body[:end]]).error == CUT
    assert run("json-array", [body]).error is None


def test_bytes_after_the_end_are_ignored_with_one_warning() -> None:
    outcome = run_cut("json-array", b'[1] \n x [2] ]\n{"a"')
    assert outcome == Outcome(elements("1"), [IGNORED])


@pytest.mark.parametrize("body", ['{"error": {"code": 400}}', "<html></html>", "Bad Gateway\n", "12"])
def test_A15_body_that_is_no_array_comes_whole(body: str) -> None:
    assert run_cut("json-array", f"\ufeff \r\n{body}".encode()) == Outcome([("document", "", body)])


def test_A15_mark_that_is_none_stays_in_the_document() -> None:
    assert run_cut("json-array", b"\xef\xbbx") == Outcome([("document", "", "\ufffdx")])


def test_invalid_utf8_is_replaced_per_element() -> None:
    assert run_cut("json-array", b'["\xf0\x9f\x98|\xff"]') == Outcome(elements('"\ufffd|\ufffd"'))


@pytest.mark.parametrize(
    ("fits", "over"),
    [(b'["12345678"]', b'["123456789"]'), (b"[1234567890]", b"[12345678901]"), (b'[ {"a": [1]} ]', b'[ {"a": [12]} ]')],
)
def test_limit_decides_alike_whatever_the_cut(fits: bytes, over: bytes) -> None:
    limits = Limits(max_event_bytes=10)
    assert run_cut("json-array", fits, limits).error is None
    error = ("LimitExceededError", "array element is larger than 10 bytes (max_event_bytes)")
    assert run_cut("json-array", over, limits).error == error


def test_A12_element_without_end_is_a_limit_error_in_flat_memory() -> None:
    limits = Limits(max_event_bytes=1 << 20)
    tracemalloc.start()
    outcome = run("json-array", (b'["' if i == 0 else b"x" * 4096 for i in range(1 << 14)), limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcome.error == ("LimitExceededError", "array element is larger than 1048576 bytes (max_event_bytes)")
    assert peak < 4 << 20


def test_white_space_without_end_is_held_nowhere() -> None:
    limits = Limits(max_event_bytes=100)
    assert run("json-array", [b"[1", *[b" " * 4096] * 64, b"]"], limits) == Outcome(elements("1"))


@pytest.mark.parametrize(
    "text",
    ['{"a": "' + "x" * (1 << 20) + '"}', '["' + "\\n" * (1 << 19) + '"]', "[" * 9 + '"a",' * (1 << 18) + "1" + "]" * 9],
    ids=["plain", "escapes", "strings"],
)
def test_work_is_linear_in_small_reads(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No byte is scanned again when the next read comes: what the scanner is given adds up to the body."""
    scanned = 0
    scan = JsonArrayReader._scan_nested

    def counting(self: JsonArrayReader, data: bytes, at: int) -> int | None:
        nonlocal scanned
        scanned += len(data) - at
        return scan(self, data, at)

    monkeypatch.setattr(JsonArrayReader, "_scan_nested", counting)
    body = f"[{text}]".encode()
    assert run("json-array", cut_as(body, 64)).frames == elements(text)
    assert scanned <= len(body)
    assert run("json-array", [body]).frames == elements(text)
    assert scanned <= 2 * len(body)


def test_slices_cut_nothing() -> None:
    texts = [json.dumps({"n": n, "text": '\u00e9\\"' * (n % 50)}) for n in range(3000)]
    body = ("[" + ",\r\n".join(texts) + "]").encode()
    assert len(body) > 3 * json_array._SLICE
    assert run("json-array", [body]) == Outcome(elements(*texts))


def test_the_rest_is_dropped_when_the_consumer_stops() -> None:
    framing = new_framing("json-array", Limits(), pytest.fail)
    frames = framing.feed(b"[1, 2, x")
    assert next(frames).data == "1"
    frames.close()  # type: ignore[attr-defined]  # it is a generator
    assert list(framing.feed(b"]]")) == []
    assert list(framing.finish()) == []


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[],\u00e9', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=4))
def test_any_array_comes_apart_into_its_elements(values: list[Any]) -> None:
    for indent in (None, 1):
        outcome = run_cut("json-array", json.dumps(values, ensure_ascii=False, indent=indent).encode())
        assert (outcome.error, [json.loads(data) for _, _, data in outcome.frames]) == (None, values)


PIECES = st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b",", b" ", b"\n", b"1", b"a", b"\xff", b"\xef\xbb\xbf"])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=20).map(b"".join), st.sampled_from([4, 1000]))
def test_any_bytes_give_the_same_whatever_the_cut(body: bytes, limit: int) -> None:
    run_cut("json-array", b"[" + body, Limits(max_event_bytes=limit))
    run_cut("json-array", body, Limits(max_event_bytes=limit))
