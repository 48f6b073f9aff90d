"""Text for people: safe to print, and figures as they are read.

Owns the escaping of everything that would steer a terminal instead of standing in it: a model's text is somebody else's
bytes. Owns no layout.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from zen_native.usage import Usage

__all__ = ["cells", "count", "exact", "line", "micros", "money", "safe", "tokens"]

# C0 without tab and newline, DEL, C1; then what changes the direction or the end of a line, hides, or is half a pair.
_STEERING = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_BREAKS = re.compile("[\t\n]")


def safe(text: str) -> str:
    """The text with every character that could steer a terminal spelled out; tabs and newlines stay."""
    return _STEERING.sub(_spelled, text)


def line(text: str) -> str:
    """The same on one line."""
    return _BREAKS.sub(_spelled, safe(text))


def exact(text: str) -> str:
    """The same, and every other character that does not show spelled out as well: what is read here is all there is."""
    return "".join(each if each.isprintable() else _name(each) for each in text)


def _spelled(match: re.Match[str]) -> str:
    return _name(match[0])


def _name(character: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named is not None:
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def count(number: int | None) -> str:
    """A number of tokens; a dash where nobody said."""
    return "-" if number is None else f"{number:,}"


def money(amount: Decimal | None) -> str:
    """Dollars, with every digit that was on the wire; a dash where nobody said."""
    return "-" if amount is None else f"${amount:f}"


def micros(value: float | None) -> str:
    """Microseconds; a dash where nothing was measured."""
    return "-" if value is None else f"{value:.2f}"


def tokens(usage: Usage | None) -> str:
    """Every counter that was reported, and the cost."""
    if usage is None:
        return "no usage reported"
    inner = [("cached", usage.cache_read_tokens), ("written to cache", usage.cache_write_tokens)]
    told = [f"{count(usage.input_tokens)} in{_parts(inner)}"]
    told.append(f"{count(usage.output_tokens)} out{_parts([('reasoning', usage.reasoning_tokens)])}")
    if usage.cost is not None:
        told.append(f"cost {money(usage.cost)}{' by the table' if usage.cost_source == 'table' else ''}")
    if usage.list_cost is not None:
        told.append(f"list price {money(usage.list_cost)}")
    return ", ".join(told)


def _parts(parts: list[tuple[str, int | None]]) -> str:
    known = ", ".join(f"{count(number)} {name}" for name, number in parts if number)
    return f" ({known})" if known else ""
