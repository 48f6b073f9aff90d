"""Reasoning in chat completions: every spelling of it, and what must be sent back.

Owns the field spellings, the list of `reasoning_details` and which of both is shown. Twin of
`rust/core/src/protocol/openai_chat_reasoning.rs`.

Source: https://openrouter.ai/docs/use-cases/reasoning-tokens, https://api-docs.deepseek.com/guides/thinking_mode,
https://docs.mistral.ai/capabilities/reasoning

The end of a reasoning block carries `field` (the spelling to send it back under) and `reasoning_details` (the entries
of that block; the lists of all blocks of an answer, one behind the other, are the whole list). Pieces of one entry are
joined; entries that differ in type, id, index, format or signature stay apart; kinds nobody knows stay as they came.
Where a delta has both a field and details, only the field is shown.
"""

from __future__ import annotations

from typing import Any

from zen_native.runtimes.pure.json import as_text, dump, is_array, is_object
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta, join_halves

__all__ = ["Reasoning"]

FIELDS = ("reasoning_content", "reasoning", "reasoning_text")
_SHOWN = {"reasoning.text": "text", "reasoning.summary": "summary"}
_MAX_MEMBERS = 64  # An entry has a handful of them; joining stays linear whatever is sent.
_IDENTITY = ("id", "index", "format")


class _Detail:
    """One entry: its members without the streamed text, and the pieces of that."""

    __slots__ = ("kind", "members", "pieces")

    def __init__(self, kind: str, members: Meta, piece: str | None) -> None:
        self.kind = kind
        self.members = members
        self.pieces: list[str] | None = None if piece is None else [piece]

    def join(self, members: Meta, piece: str | None) -> bool:
        """Takes more of the same entry; False where it is another one."""
        mine = self.members
        if len(mine) + len(members) > _MAX_MEMBERS:
            return False
        for key in _IDENTITY:
            if mine.get(key) is not None and members.get(key) is not None and dump(mine[key]) != dump(members[key]):
                return False
        signature, more = as_text(mine.get("signature")), as_text(members.get("signature"))
        if signature and more and signature != more:
            return False
        mine.update({key: value for key, value in members.items() if value is not None and value != ""})
        if piece is not None and self.pieces is not None:
            self.pieces.append(piece)
        elif piece is not None:
            self.pieces = [piece]
        return True

    def whole(self) -> Meta:
        """The entry as one object."""
        if self.pieces is None:
            return self.members
        text, half = join_halves("", "".join(self.pieces))
        return {**self.members, _SHOWN[self.kind]: text + ("\ufffd" if half else "")}


class Reasoning:
    """The reasoning block that is open, in whichever choice; there is never more than one."""

    def __init__(self) -> None:
        self._field: str | None = None
        self._details: list[_Detail] = []

    def on_reasoning(self, key: int, mark: Meta | None, delta: dict[str, Any], life: Lifecycle) -> None:
        silent = True
        for field in FIELDS:
            text = delta.get(field)
            if text and isinstance(text, str):
                self._say(key, mark, text, field, life)
                silent = False
                break
        details = delta.get("reasoning_details")
        if details and is_array(details):
            self.on_reasoning_details(key, mark, details, silent, life)

    def on_reasoning_details(
        self, key: int, mark: Meta | None, details: list[Any], silent: bool, life: Lifecycle
    ) -> None:
        for detail in details:
            if not is_object(detail):
                continue
            kind = as_text(detail.get("type")) or ""
            shown = _SHOWN.get(kind)
            text = detail.get(shown) if shown else None
            piece = text if isinstance(text, str) else None
            if shown and not piece and not as_text(detail.get("signature")) and not life.is_open(key):
                continue  # An announcement without content.
            self._open(key, mark, life)
            self._keep(kind, detail, shown, piece, life)
            if silent and piece:
                self._say(key, mark, piece, "reasoning_details", life)

    def on_thinking(self, key: int, mark: Meta | None, part: dict[str, Any], life: Lifecycle) -> None:
        thinking = part.get("thinking")
        for piece in thinking if is_array(thinking) else [thinking]:
            text = piece.get("text") if is_object(piece) else piece
            if text and isinstance(text, str):
                self._say(key, mark, text, "thinking", life)
        signature = as_text(part.get("signature"))
        if signature:
            self._open(key, mark, life)
            life.sign(signature)

    def leave(self, life: Lifecycle) -> None:
        """Hands the details to the block they belong to; to be called before anything closes it."""
        if self._details:
            life.annotate({"reasoning_details": [detail.whole() for detail in self._details]})
            self._details = []

    def _open(self, key: int, mark: Meta | None, life: Lifecycle) -> None:
        if not life.is_open(key):
            self.leave(life)
            life.open_reasoning(key, mark)
            self._field = None

    def _say(self, key: int, mark: Meta | None, text: str, field: str, life: Lifecycle) -> None:
        self._open(key, mark, life)
        if self._field is None:
            self._field = field
            life.annotate({"field": field})
        life.reasoning(key, text)

    def _keep(self, kind: str, detail: dict[str, Any], shown: str | None, piece: str | None, life: Lifecycle) -> None:
        signature = as_text(detail.get("signature"))
        if signature:
            life.sign(signature)
        if shown is None:
            self._details.append(_Detail(kind, detail, None))
            return
        members = {name: value for name, value in detail.items() if name != shown}
        last = self._details[-1] if self._details else None
        if last is None or last.kind != kind or not last.join(members, piece):
            self._details.append(_Detail(kind, members, piece))
