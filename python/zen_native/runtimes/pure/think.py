"""Reasoning that a model writes into its answer between tags such as `<think>` and `</think>`.

Owns where a tag counts: an opening one at the start of the answer, of a line, or right behind a closing one; a closing
one anywhere inside. White space around the reasoning goes with the tags. Names match in any case, opening tags may
have attributes. What is no tag is text, also a closing tag without an opening one. Twin of `rust/core/src/think.rs`.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Literal

__all__ = ["Piece", "ThinkSplitter"]

Piece = tuple[bool, str]
"""Whether it is reasoning, and the text."""

_MAX_TAG = 128
_SPACE = " \t\r\n"


class ThinkSplitter:
    """Splits the text of one block. The pieces do not depend on how the text was cut, only on where they are."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        self._tags = tuple(tag.lower() for tag in tags)
        self._inside = False
        self._line_start = True
        # What becomes of white space before the first text: since the beginning it stays unless a tag follows.
        self._lead: Literal["kept", "dropped", "over"] = "kept"
        self._space = ""
        self._held = ""

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are decided."""
        pieces: list[Piece] = []
        text, self._held = self._held + text, ""
        at = 0
        while (found := text.find("<", at)) >= 0:
            self._emit(text[at:found], pieces)
            end = self._tag(text, found)
            if end is None:
                self._held = text[found:]
                return _joined(pieces)
            if not end:
                self._emit("<", pieces)
            at = end or found + 1
        self._emit(text[at:], pieces)
        return _joined(pieces)

    def flush(self) -> list[Piece]:
        """What was held back, when the block ends; the next text starts anew."""
        pieces: list[Piece] = []
        held, self._held = self._held, ""
        self._emit(held, pieces)
        if self._space:
            pieces.append((False, self._space))
        self._inside, self._lead, self._line_start, self._space = False, "kept", True, ""
        return pieces

    def _emit(self, text: str, pieces: list[Piece]) -> None:
        if not text:
            return
        if self._lead != "over":
            rest = text.lstrip(_SPACE)
            if self._lead == "kept":
                self._space += text[: len(text) - len(rest)]
            self._line_start = True
            if not rest:
                return
            text, self._space, self._lead = self._space + rest, "", "over"
        self._line_start = text.endswith("\n")
        pieces.append((self._inside, text))

    def _tag(self, text: str, at: int) -> int | None:
        """The end of the tag that begins at `at`; 0 where there is none, None where more text is needed."""
        if not self._inside and not self._line_start:
            return 0
        window = text[at + 1 : at + _MAX_TAG]
        name, closed, _ = window.partition(">")
        if not name.isascii() or "<" in name:
            return 0
        if not closed:
            return None if len(window) < _MAX_TAG - 1 and self._may_become(name) else 0
        if not self._is_tag(name):
            return 0
        self._inside = not self._inside
        self._lead, self._line_start, self._space = "dropped", True, ""
        return at + len(name) + 2

    def _is_tag(self, body: str) -> bool:
        body = body.lower()
        if self._inside:
            return body.startswith("/") and body[1:].rstrip(_SPACE) in self._tags
        return any(body == tag or (body.startswith(tag) and body[len(tag)] in _SPACE) for tag in self._tags)

    def _may_become(self, body: str) -> bool:
        body = body.lower()
        if self._inside:
            if not body:
                return True
            body = body[1:] if body.startswith("/") else "<"
        return any(tag.startswith(body) or (body.startswith(tag) and body[len(tag)] in _SPACE) for tag in self._tags)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one kind as one piece."""
    return [(kind, "".join(text for _, text in group)) for kind, group in groupby(pieces, itemgetter(0))]
