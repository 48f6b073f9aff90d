"""Finds secrets that were sent where a text repeats them, however they are spelled there.

Owns the spellings: escapes of JSON, URLs and HTML, also inside each other, upper and lower case, and base64. Whatever
stands in a text, the time it takes grows with its length alone.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

__all__ = ["MIN_SECRET", "beginning_at_end", "echoes", "spelled_echoes"]

MIN_SECRET = 4
_MIN_FOLDED = 8
"""Shorter ones, and those without a digit, are found in the case that they have: in another they may be any word.
Shorter ones are found in no base64."""
_MAX_BEFORE = 128
"""So much of a secret may be left before a marker."""
_MAX_WIDTH = 12
"""Characters of a text that stand for one. Where there are more, the beginning of a secret is looked for in less."""
_LAYERS = 4
"""So many escapes are undone around each other. A run of backslashes is one."""

_ENTITIES = {
    "amp": "&", "apos": "'", "bsol": "\\", "colon": ":", "equals": "=", "excl": "!", "gt": ">", "lowbar": "_",
    "lt": "<", "num": "#", "percnt": "%", "period": ".", "plus": "+", "quot": '"', "sol": "/",
}  # fmt: skip
_BEGUN = {name[:length] for name in _ENTITIES for length in range(len(name) + 1)}
# Every alternative takes what it looked at, so that nothing is looked at twice. At the end of a text half an escape may
# stand; it means no character.
_OF_JSON = r"[uU]([0-9a-fA-F]{4})|[xX]([0-9a-fA-F]{2})|[uUxX][0-9a-fA-F]{0,3}+\Z"
_OTHERS = (
    r"%(?:([0-9a-fA-F]{2})|[0-9a-fA-F]?\Z)"
    r"|&(?:\#[xX]0{0,6}([0-9a-fA-F]{2});|\#0{0,6}([0-9]{2,3});|\#[xX]?[0-9a-fA-F]{0,8}\Z"
    rf"|({'|'.join(_ENTITIES)});|(?:{'|'.join(sorted(_BEGUN))})\Z)"
)
_CODES = rf"\\(?:{_OF_JSON})|{_OTHERS}"
"""All but those that are a backslash before the character itself."""
_ESCAPE = rf"\\++(?:{_OF_JSON})|{_OTHERS}|\\++(.?)"
_HEX, _DECIMAL, _NAME = range(1, 5), 5, 6
"""The groups of both."""
_CODED = r"[A-Za-z0-9+/_-]{8,}+={0,2}"
_FOLD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

_Span = tuple[int, int]


class _Plain:
    """A text without escapes; in `text`, a plus sign is a space, as in queries. With `placed`, `at` is where each
    character came from: that takes far longer."""

    __slots__ = ("at", "exact", "folded", "text")

    def __init__(self, text: str, *, placed: bool = True) -> None:
        self.at: Sequence[int] = range(len(text) + 1)
        escape = _pattern(_ESCAPE if placed else _CODES)
        for _ in range(_LAYERS):
            if escape.search(text) is None:
                break
            if placed:
                text, self.at = _undone(text, self.at)
            else:
                text = escape.sub(_meant, text)
        self.exact = text.replace("\\", "") if not placed else text
        self.text = self.exact.replace("+", " ")
        self.folded = self.text.translate(_FOLD)

    def like(self, needle: _Needle) -> str:
        """In which that one is looked for."""
        return self.folded if needle.folds else self.text


class _Needle:
    """What is looked for: a secret as a plain text, in the case that it has or in any."""

    __slots__ = ("folds", "text")

    def __init__(self, text: str) -> None:
        self.folds = len(text) >= _MIN_FOLDED and any(map(str.isdigit, text))
        plain = _Plain(text)
        self.text = plain.folded if self.folds else plain.text


def echoes(text: str, secrets: Iterable[str], marker: str, least: int = MIN_SECRET) -> list[_Span]:
    """Where the secrets stand, in order, apart from each other; also base64 that holds one. What is left of one beside
    a `marker`, which stands for something that looked like a secret, is found with it, if it has `least` characters."""
    values = _values(secrets)
    pieces = [piece for value in values if len(value) >= _MIN_FOLDED for piece in _pieces(value)]

    def spans(plain: _Plain) -> Iterator[_Span]:
        for needle in needles:
            yield from _places(plain.like(needle), needle.text)
            yield from _remains(plain.like(needle), needle.text, marker, least)
        yield from _coded(plain, pieces)

    needles = _needles(values)
    return _found(text, values, spans)


def spelled_echoes(text: str, secrets: Iterable[str]) -> list[_Span]:
    """Where whole secrets stand, and in no base64."""
    values = _values(secrets)
    needles = _needles(values)
    return _found(text, values, lambda plain: (at for each in needles for at in _places(plain.like(each), each.text)))


def _found(text: str, values: list[str], spans: Callable[[_Plain], Iterator[_Span]]) -> list[_Span]:
    if not values:
        return []
    found = [span for value in values for span in _places(text, value)]
    if next(spans(_Plain(text, placed=False)), None) is not None:
        plain = _Plain(text)
        found += ((plain.at[start], plain.at[end]) for start, end in spans(plain))
    return _joined(found)


def _needles(values: list[str]) -> list[_Needle]:
    """The values without escapes of their own, unless next to nothing is left then; where one is not all ASCII, also as
    it stands in URLs, a byte of UTF-8 at a time."""
    in_bytes = [value.encode("utf-8", "replace").decode("latin-1") for value in values if not value.isascii()]
    needles = [_Needle(value) for value in (*values, *in_bytes)]
    return [needle for needle in needles if len(needle.text) >= MIN_SECRET]


def beginning_at_end(text: str, secrets: Iterable[str], least: int = MIN_SECRET) -> int:
    """Where a secret begins that the end of the text cuts, else the length of the text. Less than `least` characters
    of one may be the end of any text."""
    first = len(text)
    for value in _values(secrets):
        needle, start = _Needle(value), max(0, len(text) - _MAX_WIDTH * len(value))
        plain = _Plain(text[start:])
        where = plain.like(needle)
        if (length := _overlap(where[-len(needle.text) :], needle.text)) >= least:
            first = min(first, start + plain.at[len(where) - length])
    return first


@cache
def _pattern(escape: str) -> re.Pattern[str]:
    # Not at import, as in `_redact`.
    return re.compile(escape, re.DOTALL)


def _values(secrets: Iterable[str]) -> list[str]:
    """Also "x" where "Bearer x" was sent. The longest first."""
    both = {value for secret in secrets for value in (secret, secret.partition(" ")[2])}
    return sorted((value for value in both if len(value) >= MIN_SECRET), key=lambda value: (-len(value), value))


def _undone(text: str, at: Sequence[int]) -> tuple[str, list[int]]:
    kept: list[str] = []
    places: list[int] = []
    end = 0
    for found in _pattern(_ESCAPE).finditer(text):
        character = _meant(found)
        kept += (text[end : found.start()], character)
        places += at[end : found.start()]
        if character:
            places.append(at[found.start()])
        end = found.end()
    places += at[end:]
    return "".join((*kept, text[end:])), places


def _meant(escape: re.Match[str]) -> str:
    group = escape.lastindex
    if group is None:
        return ""
    if group in _HEX:
        return chr(int(escape[group], 16))
    if group == _DECIMAL:
        return chr(int(escape[group]))
    return _ENTITIES[escape[group]] if group == _NAME else escape[group]


def _places(text: str, needle: str) -> Iterator[_Span]:
    at = text.find(needle)
    while at >= 0:
        yield at, at + len(needle)
        at = text.find(needle, at + len(needle))


def _coded(plain: _Plain, pieces: list[str]) -> Iterator[_Span]:
    if any(piece in plain.exact for piece in pieces):  # with other bytes around it, maybe
        for run in re.finditer(_CODED, plain.exact):
            if any(piece in run[0] for piece in pieces):
                yield run.span()


def _remains(text: str, needle: str, marker: str, least: int) -> Iterator[_Span]:
    """The marker with the end of a secret behind it, or the beginning of one before it: of a key that went by its shape
    there may be more than belongs to the shape."""
    size = len(needle)
    for start, end in _places(text, marker):
        behind = _overlap(needle, text[end : end + size])
        before = _overlap(text[max(0, start - min(size, _MAX_BEFORE)) : start], needle)
        if behind >= least:
            yield start, end + behind
        if before >= least:
            yield start - before, end


def _overlap(left: str, right: str) -> int:
    """How much of the end of the left one is the beginning of the right one."""
    first = right[:MIN_SECRET]
    at = left.find(first) if len(first) == MIN_SECRET else -1
    while at >= 0:
        if right.startswith(left[at:]):
            return len(left) - at
        at = left.find(first, at + 1)
    return 0


def _pieces(value: str) -> Iterator[str]:
    """What of it is the same in base64 whatever stands around it, for each of three ways to lie, in both alphabets."""
    for shift in range(3):
        data = b"\0" * shift + value.encode("utf-8", "replace")
        whole = b2a_base64(data[: len(data) // 3 * 3], newline=False).decode()[4 if shift else 0 :]
        yield whole
        yield whole.replace("+", "-").replace("/", "_")


def _joined(spans: list[_Span]) -> list[_Span]:
    joined: list[_Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
