"""JSON as providers send it: strict where the standard is, exact where Python's defaults are not.

Owns what counts as JSON (RFC 8259), how deep and how big, and how strings with lone surrogates are cleaned.
Knows no field of any protocol. Twin of `rust/core/src/json.rs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn, TypeGuard

__all__ = [
    "MAX_DEPTH",
    "JsonError",
    "Value",
    "as_count",
    "as_list",
    "as_object",
    "as_text",
    "dump",
    "is_array",
    "is_object",
    "parse",
    "parse_exact",
    "parse_prefix",
    "scrub",
]

Value = dict[str, Any] | list[Any] | str | int | float | bool | None
"""What a JSON text says: the declared type of what is looked up before its kind is asked for."""

MAX_DEPTH = 128
"""Deepest nesting of arrays and objects that is read."""

_MAX_FRACTION = 4300  # Python's ceiling for int(text), where it is not changed; Rust asks Python for that one.
_MAX_COUNT = (1 << 53) - 1
_SPACE = " \t\n\r"
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonError(ValueError):
    """The text is not JSON."""


def _refuse(name: str) -> NoReturn:
    raise JsonError(name)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")) or len(text) > _MAX_FRACTION:
        raise JsonError(text[:40])
    return value


def _decimal(text: str) -> Decimal:
    _float(text)
    return Decimal(text)


def _scanner(parse_float: Callable[[str], Any]) -> Callable[[str, int], tuple[Any, int]]:
    return json.JSONDecoder(parse_float=parse_float, parse_constant=_refuse).raw_decode


_scan = _scanner(_float)
_scan_exact = _scanner(_decimal)


def parse(text: str) -> Any:
    """The value of a JSON text. Raises `JsonError`; floats that overflow and nesting over `MAX_DEPTH` are refused."""
    value, rest = _prefix(text, _scan)
    if rest and rest.strip(_SPACE):
        raise JsonError("text after the value")
    return value


def parse_exact(text: str) -> Any:
    """The value that a text begins with, every fraction in it as the `Decimal` it was written as."""
    return _prefix(text, _scan_exact)[0]


def parse_prefix(text: str) -> tuple[Any, str]:
    """The value that a text begins with, and the text behind it."""
    return _prefix(text, _scan)


def _prefix(text: str, scan: Callable[[str, int], tuple[Any, int]]) -> tuple[Any, str]:
    start = 0
    if text[:1] in _SPACE:
        start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = scan(text, start)
    except (ValueError, RecursionError) as error:
        raise JsonError("not JSON") from error
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text[:end]) > MAX_DEPTH:
        raise JsonError("too deep")
    return value, text[end:]


def _depth(text: str) -> int:
    """Deepest nesting of the text; strings do not count."""
    depth = deepest = 0
    for match in _TOKENS.finditer(text):
        token = match.group()
        if token in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in "]}":
            depth -= 1
    return deepest


def dump(value: Any) -> str:
    """Compact text of a value: the one delta of a call whose input a provider gives as JSON, not as text."""
    return json.dumps(scrub(value), ensure_ascii=False, separators=(",", ":"))


def scrub(value: Any) -> Any:
    """The same value with U+FFFD for every lone surrogate, keys included."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if is_array(value):
        return [scrub(item) for item in value]
    if is_object(value):
        return {scrub(key): scrub(item) for key, item in value.items()}
    return value


def as_text(value: Any) -> str | None:
    """The string without lone surrogates, or None for anything else."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object; the checkers know of what then."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is an array; the checkers know of what then."""
    return isinstance(value, list)


def as_object(value: Any) -> dict[str, Any]:
    """The object, or an empty one for anything else."""
    return value if is_object(value) else {}


def as_list(value: Any) -> list[Any]:
    """The array, or an empty one for anything else."""
    return value if is_array(value) else []


def as_count(value: Any) -> int | None:
    """A whole number from 0 to 2^53 - 1 (RFC 8259 section 6: what everybody reads alike), or None for anything else.

    `True`, `1.0` and "1" are no counts.
    """
    return value if type(value) is int and 0 <= value <= _MAX_COUNT else None
