"""Where two JSON parsers, UTF-8 decoders or line splitters could differ: decided once, the same in both runtimes.

The list is section 5 of the event contract; values are seen through `Raw` events, which hold a frame's parsed JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from tests.kit.decoding import decode
from tests.kit.order import check_order

from zen_native.errors import IncompleteStreamError, InvalidProviderOutputError, LLMError
from zen_native.events import Raw, TextDelta, ToolInputError

Runtime = Literal["native", "python"]

END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def delta(text: str) -> str:
    """A chat chunk whose content is a JSON string of this source text."""
    return 'data: {"choices":[{"index":0,"delta":{"content":"' + text + '"}}]}\n\n'


def text_of(body: bytes, runtime: Runtime) -> str:
    decoded = decode(body, "openai-chat", runtime)
    assert decoded.error is None
    check_order(decoded.events)
    return "".join(event.text for event in decoded.of(TextDelta))


def value_of(source: str, runtime: Runtime) -> Any:
    """What a JSON source text becomes."""
    body = f'data: {{"object":"odd","value":{source}}}\n\n{END}'
    decoded = decode(body.encode(), "openai-chat", runtime, raw_events=True)
    if decoded.error is not None:
        raise decoded.error
    (raw,) = decoded.of(Raw)
    return raw.data["value"]


@pytest.mark.parametrize(
    "broken", [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf8\x88\x80\x80\x80"]
)
def test_invalid_utf8_becomes_one_replacement_a_maximal_subpart(broken: bytes, runtime: Runtime) -> None:
    body = delta("a@b").encode().replace(b"@", broken) + END.encode()
    assert text_of(body, runtime) == f"a{broken.decode(errors='replace')}b"


def test_a_high_surrogate_waits_for_the_next_delta(runtime: Runtime) -> None:
    assert text_of((delta("a\\ud83d") + delta("\\ude00b") + END).encode(), runtime) == "a\U0001f600b"


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (["\\ud83d", "x"], "\ufffdx"),
        (["\\ude00"], "\ufffd"),
        (["a\\ud83d"], "a\ufffd"),
        (["\\ud83d", "\\ud83d", "\\ude00"], "\ufffd\U0001f600"),
        (["\\ud83db\\ude00"], "\ufffdb\ufffd"),
        (["\\uD83D\\uDE00"], "\U0001f600"),
    ],
)
def test_surrogates_that_stay_alone_are_replaced(deltas: list[str], text: str, runtime: Runtime) -> None:
    assert text_of(("".join(map(delta, deltas)) + END).encode(), runtime) == text


@pytest.mark.parametrize("source", ['"\\ud83d"', '{"\\ude00": 1}', '["\\ud83dx"]'])
def test_lone_surrogates_in_values_are_replaced(source: str, runtime: Runtime) -> None:
    assert "\ufffd" in json.dumps(value_of(source, runtime), ensure_ascii=False)


@pytest.mark.parametrize(
    "source",
    [
        "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "01", "1.", ".5", "+1", "0x1", "1_000", "nul", "True",
        "'a'", '"\\x41"', '"\\u12"', '"a\nb"', '"a\tb"', '"\x00"', "[1,]", "{,}", '{"a":1,}', "/* c */ 1", "9" * 4301,
    ],
    ids=lambda source: source[:12].encode("unicode_escape").decode(),
)  # fmt: skip
def test_what_is_no_json_is_an_error_with_the_frame_kept(source: str, runtime: Runtime) -> None:
    with pytest.raises((InvalidProviderOutputError, IncompleteStreamError)) as caught:
        value_of(source, runtime)
    if "\n" not in source:  # a raw line end cuts the frame itself
        assert type(caught.value) is InvalidProviderOutputError
        assert source[:40] in (caught.value.body or "")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1", 1),
        ("1.0", 1.0),
        ("-0", 0),
        ("-0.0", -0.0),
        ("1e2", 100.0),
        ("1E-2", 0.01),
        ("18446744073709551616", 1 << 64),
        ("-" + "9" * 40, -int("9" * 40)),
        ("0.1000000000000000055511151231257827", 0.1),
        ("5e-324", 5e-324),
        ("1e-400", 0.0),
    ],
)
def test_numbers_are_exact_and_keep_their_kind(source: str, value: float, runtime: Runtime) -> None:
    found = value_of(source, runtime)
    assert (type(found), repr(found)) == (type(value), repr(value))


@pytest.fixture(params=[700, 5000, 0])
def most_digits(request: pytest.FixtureRequest) -> Iterator[int]:
    """Python's ceiling on the digits of a whole number, which a process may set; 0 is none."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(request.param)
    yield request.param or 10_000
    sys.set_int_max_str_digits(before)


@pytest.mark.parametrize("sign", ["", "-"])
def test_whole_numbers_have_as_many_digits_as_python_takes(most_digits: int, sign: str, runtime: Runtime) -> None:
    longest = sign + "9" * most_digits
    assert value_of(longest, runtime) == int(longest)
    if sys.get_int_max_str_digits():
        with pytest.raises(InvalidProviderOutputError, match="the frame is not valid JSON"):
            value_of(longest + "9", runtime)
    with pytest.raises(InvalidProviderOutputError):
        value_of("0." + "1" * 4300, runtime)


@pytest.mark.parametrize("most_digits", [700], indirect=True)
def test_an_input_with_too_long_a_number_is_a_tool_input_error(most_digits: int, runtime: Runtime) -> None:
    raw = '{"n":' + "9" * (most_digits + 1) + "}"
    call = {"index": 0, "id": "c", "function": {"name": "count", "arguments": raw}}
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    decoded = decode(f"data: {json.dumps(chunk)}\n\n{END}".encode(), "openai-chat", runtime)
    assert decoded.error is None
    (failed,) = decoded.of(ToolInputError)
    assert (failed.raw, failed.message) == (raw, "the arguments are not valid JSON")


def test_the_last_of_a_repeated_key_wins(runtime: Runtime) -> None:
    found = value_of('{"a":1,"b":2,"a":{"c":3,"\\u0063":4}}', runtime)
    assert found == {"a": {"c": 4}, "b": 2}
    assert list(found) == ["a", "b"]


def test_nesting_is_read_to_a_depth_of_128(runtime: Runtime) -> None:
    around = 1  # the frame itself
    fits = "[" * (128 - around) + "]" * (128 - around)
    assert value_of(fits, runtime) is not None
    with pytest.raises(InvalidProviderOutputError):
        value_of("[" + fits + "]", runtime)
    with pytest.raises(InvalidProviderOutputError):
        value_of("[" * 100_000, runtime)


def test_brackets_in_strings_are_no_nesting(runtime: Runtime) -> None:
    assert value_of(json.dumps("[{" * 500 + '"'), runtime) == "[{" * 500 + '"'


def test_a_byte_order_mark_is_taken_once_at_the_start(runtime: Runtime) -> None:
    assert text_of(b"\xef\xbb\xbf" + (delta("a") + END).encode(), runtime) == "a"
    decoded = decode(b"\xef\xbb\xbf\xef\xbb\xbf" + (delta("a") + delta("b") + END).encode(), "openai-chat", runtime)
    assert [event.text for event in decoded.of(TextDelta)] == ["b"], "the second mark belongs to a field name"


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\u00a0"])
def test_only_cr_and_lf_end_lines(char: str, runtime: Runtime) -> None:
    if char < " ":
        with pytest.raises(LLMError):  # a raw control character in a string
            value_of(f'"{char}"', runtime)
    else:
        assert text_of((delta(f"a{char}b") + END).encode(), runtime) == f"a{char}b"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_three_line_ends(end: str, runtime: Runtime) -> None:
    assert text_of((delta("a") + delta("b") + END).replace("\n", end).encode(), runtime) == "ab"


@pytest.mark.parametrize(
    "noise", [": comment\n", ":\n", "data\n\n", "unknown\n", "id: 1\n", "retry: 5\n", "event: x\n: c\n\n", "\n\n"]
)
def test_lines_that_carry_nothing(noise: str, runtime: Runtime) -> None:
    body = noise + delta("a") + noise + delta("b").replace("data: ", "data:") + noise + END
    assert text_of(body.encode(), runtime) == "ab"


def test_the_last_event_without_a_blank_line_is_flushed_with_a_warning(runtime: Runtime) -> None:
    whole = decode((delta("a") + END).encode().rstrip(b"\n"), "openai-chat", runtime)
    assert whole.finish.warnings == ("last event was not terminated by a blank line",)


def test_two_json_texts_in_one_data_field_are_an_error_that_is_kept(runtime: Runtime) -> None:
    decoded = decode(b'data: {"a":1}\ndata: {"b":2}\n\n', "openai-chat", runtime)
    assert type(decoded.error) is InvalidProviderOutputError
    assert decoded.error.body == '{"a":1}\n{"b":2}'


def test_an_event_of_megabytes_in_small_reads(runtime: Runtime) -> None:
    text = "0123456789abcdef" * (1 << 17)
    body = (delta(text) + END).encode()
    decoded = decode((body[at : at + 64] for at in range(0, len(body), 64)), "openai-chat", runtime)
    assert decoded.finish.reason.normalized == "stop"
    assert "".join(event.text for event in decoded.of(TextDelta)) == text
