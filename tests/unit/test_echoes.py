"""A secret that was sent goes from every text that repeats it, in whatever spelling, and nothing of it is left."""

from __future__ import annotations

import base64
import json
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zen_native import _echoes, _redact
from zen_native._redact import MAX_BODY_BYTES, redact, redacted_body, redacted_code, redacted_message
from zen_native.errors import classify_error, decode_error
from zen_native.recording.redaction import clean_answer

_PARSER: Any = vars(re)["_parser"]  # nothing else tells how a pattern is built

KEY = "sk-Zq9vK2/xW7b+Tn4=Hm8.Jd5_Lp3~Rc6"
ODD = "Zq9vK2&xW7b<Tn4:Hm8!Jd5/Lp3 Rc6"
"""With what no shape of a key has."""


def _each(form: str) -> Callable[[str], str]:
    return lambda key: "".join(form % ord(letter) for letter in key)


SPELLED: dict[str, Callable[[str], str]] = {
    "itself": str,
    "json": lambda key: json.dumps(key)[1:-1],
    "json slashes": lambda key: key.replace("/", "\\/"),
    "json in json": lambda key: key.replace("/", "\\\\\\/"),
    "json marks": lambda key: re.sub(r"\W", lambda found: f"\\u{ord(found[0]):04x}", key),
    "json marks in json": lambda key: re.sub(r"\W", lambda found: f"\\\\u{ord(found[0]):04X}", key),
    "json all": _each("\\u%04x"),
    "python": _each("\\x%02x"),
    "url": lambda key: quote(key, safe=""),
    "url lower": lambda key: quote(key, safe="").lower(),
    "url plus": quote_plus,
    "url twice": lambda key: quote(quote(key, safe=""), safe=""),
    "url all": _each("%%%02X"),
    "html": lambda key: re.sub(r"\W", lambda found: f"&#x{ord(found[0]):X};", key),
    "html decimal": lambda key: re.sub(r"\W", lambda found: f"&#{ord(found[0])};", key),
    "html names": lambda key: key.replace("&", "&amp;").replace("<", "&lt;").replace("/", "&sol;"),
    "html in json": lambda key: re.sub(r"\W", lambda found: f"\\u0026#x{ord(found[0]):X};", key),
    "url in json": lambda key: quote(key, safe="").replace("%", "\\u0025"),
    "lower": str.lower,
    "upper": str.upper,
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of user and key": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "base64 for urls": lambda key: base64.urlsafe_b64encode(f"me:{key}".encode()).decode(),
    "base64 in json": lambda key: base64.b64encode(f"x:{key}".encode()).decode().replace("/", "\\/"),
}
CODED = [name for name in SPELLED if name.startswith("base64")]
PLAIN = [name for name in SPELLED if name not in CODED]
PARTS = ("Zq9vK2", "xW7b", "Tn4", "Hm8", "Jd5", "Lp3", "Rc6")


def left_of(key: str, spelled: str) -> list[str]:
    """What must not be read in a text that is free of it."""
    if spelled in CODED:
        return [base64.b64encode(part.encode()).decode()[:6] for part in (key, key[1:], key[2:])]
    return [SPELLED[spelled](part) for part in PARTS if part in key]


@pytest.mark.parametrize("around", ["{}", "key <{}> is wrong", '{{"key": "{}"}}', "a {}.", "\\n{}\\n", "x?y={}&z"])
@pytest.mark.parametrize("key", [KEY, ODD])
@pytest.mark.parametrize("spelled", SPELLED)
def test_nothing_of_a_key_is_left_in_an_error(spelled: str, key: str, around: str) -> None:
    text = around.format(SPELLED[spelled](key))
    code = None if spelled.startswith("html") else text  # of a code, what stands behind a # is read
    built = classify_error({"error": {"message": text, "code": code}}, body=text, secrets=[f"Bearer {key}"])
    shown = f"{built!r} {built.body} {built.code} {built.__dict__} {pickle.dumps(built)!r}"
    assert [part for part in left_of(key, spelled) if part in shown] == []


@pytest.mark.parametrize("around", ["{}", "key <{}> is wrong", '{{"said": "{}"}}', "a {}.", "x?y={}&z"])
@pytest.mark.parametrize("key", [KEY, ODD])
@pytest.mark.parametrize("spelled", SPELLED)
def test_what_stands_around_a_key_is_kept(spelled: str, key: str, around: str) -> None:
    assert redact(around.format(SPELLED[spelled](key)), [key]) == around.format("[redacted]")


@pytest.mark.parametrize("key", [KEY, ODD, f"sk-abcdefghijk{ODD}", f"{ODD}sk-abcdefghijkl", f"{ODD}.sk-abcdefghijkl"])
@pytest.mark.parametrize("spelled", PLAIN)
def test_nothing_is_left_of_one_that_a_decoder_saw_first(spelled: str, key: str) -> None:
    """It knows shapes alone: what it leaves of a key is found by who knows the key."""
    text = f"no {SPELLED[spelled](key)} here"
    error = decode_error("provider", text, body=text, payload={"error": {"message": text}})
    shown = redacted_message(error.message, [key]) + str(redacted_body(error.body, [key]))
    assert [part for part in left_of(key, spelled) if part in shown] == []


@pytest.mark.parametrize("length", [4, 5, 127, 128])
def test_what_is_left_of_a_key_goes_together_with_the_marker_beside_it(length: int) -> None:
    left = "".join(f"{number:x}/" for number in range(length))[:length]
    assert redact(f"no {left}[redacted] here", [f"{left}.sk-abcdefghijkl"]) == "no [redacted] here"
    assert redact(f"no [redacted]{left} here", [f"sk-abcdefghijkl.{left}"]) == "no [redacted] here"
    words = f"no {left[:3]}[redacted]{left[-3:]} here"
    assert redact(words, [f"{left}.{left}"]) == words


@pytest.mark.parametrize("spelled", ["json slashes", "json marks", "url", "html", "html decimal"])
def test_the_shape_of_a_key_goes_on_behind_an_escape(spelled: str) -> None:
    assert redact(f"key sk-abcdefgh{SPELLED[spelled](KEY)}, no") == "key [redacted], no"
    nested = json.dumps({"error": json.dumps({"api_key": ODD}).replace("/", "\\/")})
    assert [part for part in PARTS if part in redact(nested)] == []


@pytest.mark.parametrize("spelled", PLAIN)
def test_nothing_is_shown_of_one_that_a_bound_cuts(spelled: str) -> None:
    text = SPELLED[spelled](KEY)
    start = SPELLED[spelled](KEY[:6])
    for shown in range(len(start), len(text) + 1):
        assert start not in redacted_message("." * (4096 - shown) + text + "." * 99, [KEY])
        body = redacted_body("." * (MAX_BODY_BYTES - shown) + text[:shown], [KEY])
        assert start not in str(body)


@pytest.mark.parametrize("spelled", PLAIN)
def test_each_byte_of_a_repeated_key_becomes_a_star(spelled: str) -> None:
    text = f"\u20ac {SPELLED[spelled](KEY)} \u20ac"
    assert clean_answer(text.encode(), [KEY]).decode() == f"\u20ac {'*' * (len(text) - 4)} \u20ac"


@pytest.mark.parametrize("text", ["a TEST of it", "pass the te&amp;st", "[redacted] test"])
def test_a_short_secret_is_no_other_word(text: str) -> None:
    assert redact(text, ["test!"]) == text
    assert redact(text, ["Test"]) == text


@given(st.text("aA%25\\u0026/&#x;mp+ ", max_size=60), st.text("aA/&%+\\25", min_size=8, max_size=12))
def test_any_escapes_are_read_and_a_second_time_nothing_is_found(text: str, key: str) -> None:
    once = redact(f"{text}{key}{text}", [key])
    assert key not in once
    assert redact(once, [key]).count("[redacted]") <= once.count("[redacted]")


# --- the cost


def _repeats(tokens: Any) -> Iterator[Any]:
    """The repeats of a parsed pattern that may give back what they took, with the most that they take."""
    for name, value in tokens:
        if str(name) in ("MAX_REPEAT", "MIN_REPEAT"):
            yield value[1]
        for inner in value if isinstance(value, tuple | list) else ():
            for each in inner if isinstance(inner, list) else (inner,):
                if isinstance(each, _PARSER.SubPattern):
                    yield from _repeats(each)


@pytest.mark.parametrize("pattern", [_echoes._ESCAPE, _echoes._CODES, _echoes._CODED, _redact._ESCAPED, _redact._REST])
def test_no_escape_is_looked_at_again_and_again(pattern: str) -> None:
    """What takes many characters keeps them."""
    found = [int(most) for most in _repeats(_PARSER.parse(pattern))]
    assert max(found, default=0) <= 10


@pytest.mark.parametrize("text", ["\\", "%25", "&amp;", "\\u005c", "&", "%"])
def test_a_long_text_is_read_so_many_times(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = text * ((1 << 18) // len(text)) + " " + KEY
    undone, read = _echoes._undone, list[int]()

    def noted(text: str, at: Any) -> Any:
        read.append(len(text))
        return undone(text, at)

    monkeypatch.setattr(_echoes, "_undone", noted)
    assert KEY not in redact(text, [KEY])
    assert sum(read) <= 5 * len(text)
    assert read or text[0] in "&%"  # which alone are no escapes


def test_markers_all_over_a_text_are_looked_at_closely_but_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "eyJh" + "".join(chr(97 + number * 7 % 26) for number in range(4000))
    overlap, compared = _echoes._overlap, list[int]()

    def noted(left: str, right: str) -> int:
        compared.append(left.count(right[:4]) if right else 0)
        return overlap(left, right)

    monkeypatch.setattr(_echoes, "_overlap", noted)
    text = "eyJh[redacted]" * 1000
    redact(text, [key])
    assert len(compared) >= 2000
    assert sum(compared) <= 20 * len(compared)


@pytest.mark.parametrize(
    ("key", "code"),
    [("test-model", "model_not_found"), ("my-rate", "rate_limit_exceeded"), ("sk-invalid", "invalid_api_key")],
)
def test_a_code_that_begins_as_a_key_ends_is_a_word(key: str, code: str) -> None:
    assert redacted_code(code, [key]) == code


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (KEY, "[redacted]"),
        (f"bad {KEY}", "bad [redacted]"),
        (f"{KEY[-9:]} is wrong", "[redacted] is wrong"),
        (f"wrong is {KEY[:9]}", "wrong is [redacted]"),
    ],
)
def test_a_code_shows_that_something_went(code: str, shown: str) -> None:
    assert redacted_code(code, [KEY]) == shown


def test_letters_beyond_ascii_are_found_as_bytes_and_as_numbers() -> None:
    key = "p\xe4sswort-9\u20acx"
    for spelled in (quote(key), quote(key).lower(), json.dumps(key), key):
        assert redact(f"key {spelled}.", [key]).replace('"', "") == "key [redacted]."
    assert b"swort" not in clean_answer(f"key {quote(key)}".encode(), [key])


@pytest.mark.parametrize("key", ["&lt;a", "%20%20%20", "%2e%2e%2e"])
def test_a_secret_that_is_little_else_than_escapes_is_found_as_it_stands(key: str) -> None:
    assert redact(f"a <a>   ... {key}", [key]) == "a <a>   ... [redacted]"


@pytest.mark.parametrize("key", ["anthropic", "a-long-key-test"])
def test_an_answer_that_is_recorded_keeps_what_only_looks_alike(key: str) -> None:
    text = b"Anthropic says [redacted]test"
    assert clean_answer(text, [key]) == text
