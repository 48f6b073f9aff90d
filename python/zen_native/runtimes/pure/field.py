"""Lines of an event stream by their field.

Source: WHATWG HTML, 9.2.6 "Interpreting an event stream". Owns the names of the fields and where a value starts;
holds nothing. Twin of `rust/core/src/field.rs`.
"""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["LONGEST_FIELD", "LineKind", "is_undecided", "split_field"]

LineKind = Literal["data", "event", "comment", "known", "foreign"]
"""`known`: `id` or `retry`. `foreign`: no field of an event stream."""

LONGEST_FIELD: Final = 7
"""Bytes that decide what a line is and where its value starts: the longest field name, its colon, one space."""

_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:")


def is_undecided(line: bytes) -> bool:
    """Whether an unfinished line could still become any field."""
    return any(len(field) > len(line) and field.startswith(line) for field in _FIELDS)


def split_field(line: bytes) -> tuple[LineKind, bytes]:
    """Splits a whole line, or one whose field name is whole, into its field and what counts of it.

    That is the value of data and event, nothing of a comment, and all of any other line.
    """
    if line.startswith(b"data:"):
        return "data", line[6:] if line[5:6] == b" " else line[5:]
    if line.startswith(b"event:"):
        return "event", line[7:] if line[6:7] == b" " else line[6:]
    if line.startswith(b":"):
        return "comment", b""
    if line == b"data":
        return "data", b""
    if line == b"event":
        return "event", b""
    return "known" if line in (b"id", b"retry") or line.startswith((b"id:", b"retry:")) else "foreign", line
