"""Tool calls in chat completions: which chunk belongs to which call.

Owns the resolution of index, id, name and place in a batch, repeated or placeholder arguments, and when a call is over.
Assembly, ids and the parse of arguments are `tools`. Twin of `rust/core/src/protocol/openai_chat_tools.rs`.

Source: https://platform.openai.com/docs/api-reference/chat-streaming/streaming, and what hosts send instead:
- index: leads where it is there; another id with a name at the same index is another call (Ollama). Without it the id
  leads (Mistral), then the place in a parallel batch, then the latest call.
- id: none at all, late, empty in later deltas, or a new one with every delta (old vLLM: no name, so the call goes on).
- arguments: null, an object instead of text, a call repeated whole (Novita), `{}` put in front of the real arguments.

The wire does not say when a call is over. One with a whole object of arguments is when the next begins, or at the
finish reason; one without arguments is where that reason speaks of calls. All others, and those behind them, wait for
the end of the answer: calls are given out in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zen_native.runtimes.pure.json import JsonError, as_count, as_object, as_text, dump, is_array, is_object, parse
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.tools import Tools

__all__ = ["Calls", "argument_text"]

LATE = "arguments came for a call that was complete"
_SPACE = " \t\r\n"


class _Entry:
    """A call as the wire knows it."""

    __slots__ = ("freeform", "held", "id", "name", "slot", "units", "whole")

    def __init__(self, slot: int, call_id: str, name: str, *, freeform: bool) -> None:
        self.slot = slot
        self.id = call_id
        self.name = name
        self.freeform = freeform
        self.held = ""
        """`{}` that came first: a placeholder if arguments follow, the arguments if none do."""
        self.whole = False
        """Whether the first piece was a complete object."""
        self.units = 0
        """Length of the arguments in UTF-16 units, which does not depend on where a pair was cut."""


class Calls:
    """The calls of one choice."""

    def __init__(self, tools: Tools, mark: Meta | None) -> None:
        self._tools = tools
        self._mark = mark
        self._entries: list[_Entry] = []
        self._by_index: dict[int, _Entry] = {}
        self._by_pair: dict[tuple[int, str], _Entry] = {}
        self._by_id: dict[str, _Entry] = {}
        self._batch: list[_Entry] = []
        self._over = 0
        """How many calls, from the first, are over."""
        self._legacy: _Entry | None = None

    def on_tool_calls(self, items: list[Any], life: Lifecycle) -> None:
        batch: list[_Entry] = []
        for place, item in enumerate(items):
            entry = self.on_tool_call(item, place, len(items), life) if is_object(item) else None
            if entry is not None:
                batch.append(entry)
        if batch:
            self._batch = batch

    def on_tool_call(self, item: dict[str, Any], place: int, size: int, life: Lifecycle) -> _Entry | None:
        body, freeform = item.get("function"), False
        if not is_object(body):
            custom = item.get("custom")
            freeform = is_object(custom) or item.get("type") == "custom"
            body = custom if is_object(custom) else item
        index, call_id = as_count(item.get("index")), as_text(item.get("id")) or ""
        name = as_text(body.get("name")) or ""
        text = argument_text(body.get("input" if freeform else "arguments"))
        entry = self._find(index, call_id, name, text, place, size)
        if entry is None:
            if not (call_id or name or text):
                return None
            entry = self._open(call_id, name, freeform, life)
        else:
            self._identify(entry, call_id, name, life)
        self._remember(entry, index, call_id)
        extra = as_object(item.get("extra_content"))
        if extra:
            self._tools.annotate(entry.slot, {"extra_content": extra})
        self.on_arguments(entry, text, life)
        return entry

    def on_function_call(self, body: dict[str, Any], life: Lifecycle) -> None:
        name = as_text(body.get("name")) or ""
        if self._legacy is None:
            self._legacy = self._open("", name, False, life)
            self._tools.annotate(self._legacy.slot, {"function_call": True})
        else:
            self._identify(self._legacy, "", name, life)
        self.on_arguments(self._legacy, argument_text(body.get("arguments")), life)

    def on_arguments(self, entry: _Entry, text: str, life: Lifecycle) -> None:
        if not text:
            return
        if self._tools.is_settled(entry.slot):
            if text.strip(_SPACE) and not self._repeats(entry, text):
                life.warn(LATE)
            return
        if not entry.freeform:
            if entry.held or not entry.units:
                text = self._first(entry, text, life)
            elif self._repeats(entry, text):
                return
        self._give(entry, text, life)

    def finish(self, life: Lifecycle, *, blank: bool) -> None:
        """The choice has a finish reason: calls that have all they need are over; `blank`: so are those without
        arguments."""
        if blank:
            self.flush(life)
        self._tools.settle_whole(self.slots(), life, blank=blank)

    def slots(self) -> Iterator[int]:
        """Where the calls of the choice stand in `tools`."""
        return (entry.slot for entry in self._entries)

    def flush(self, life: Lifecycle) -> None:
        """No more arguments can come: what was held back are the arguments."""
        for entry in self._entries:
            held, entry.held = entry.held, ""
            self._give(entry, held, life)

    def _give(self, entry: _Entry, text: str, life: Lifecycle) -> None:
        entry.units += _units(text)
        self._tools.delta(entry.slot, text, life)

    def _open(self, call_id: str, name: str, freeform: bool, life: Lifecycle) -> _Entry:
        self._leave(life)
        metadata = None if self._mark is None else dict(self._mark)
        slot = self._tools.open(call_id, name, life, freeform=freeform, metadata=metadata)
        entry = _Entry(slot, call_id, name, freeform=freeform)
        self._entries.append(entry)
        return entry

    def _leave(self, life: Lifecycle) -> None:
        """A call begins: the one before it may be over. Each is looked at once."""
        last = self._entries[-1] if self._entries else None
        if last is not None and last.id and self._over == len(self._entries) - 1:
            self._over += self._tools.close_whole(last.slot, life)

    def _identify(self, entry: _Entry, call_id: str, name: str, life: Lifecycle) -> None:
        if call_id or name:
            entry.id, entry.name = entry.id or call_id, entry.name or name
            self._tools.identify(entry.slot, call_id, name, life)

    def _remember(self, entry: _Entry, index: int | None, call_id: str) -> None:
        if index is not None:
            self._by_index[index] = entry
        if call_id:
            self._by_id[call_id] = entry
            if index is not None:
                self._by_pair[index, call_id] = entry

    def _find(self, index: int | None, call_id: str, name: str, text: str, place: int, size: int) -> _Entry | None:
        if index is not None:
            known = self._by_index.get(index)
            if known is None:
                return None
            if call_id and known.id and call_id != known.id:
                other = self._by_pair.get((index, call_id))
                return known if other is None and not name and text else other
            return None if self._is_another(known, call_id, name, text) else known
        if call_id:
            known = self._by_id.get(call_id)
            if known is not None:
                return None if self._is_another(known, call_id, name, text) else known
            last = self._entries[-1] if self._entries else None
            waits = last is not None and not last.id and (not name or (name == last.name and not last.whole))
            return last if waits else None
        known = self._entries[-1] if self._entries else None
        if size > 1 and place < len(self._batch):
            known = self._batch[place]
        return None if known is None or (name and known.name) else known

    def _is_another(self, known: _Entry, call_id: str, name: str, text: str) -> bool:
        """Whether a chunk with the index or the id of a known call begins another one all the same."""
        if not name or not known.name:
            return False
        same_id = bool(call_id) and call_id == known.id
        if name != known.name and not same_id:
            return True
        placeholder = bool(known.held) and same_id
        return known.whole and bool(text) and not placeholder and not self._repeats(known, text)

    def _first(self, entry: _Entry, text: str, life: Lifecycle) -> str:
        """The first arguments of a call: what of them can be given out now."""
        bare = text.strip(_SPACE)
        if bare == "{}":
            entry.held, entry.whole = text, True
            return ""
        if entry.held and not bare:
            return ""
        held, entry.held = entry.held, ""
        if not bare.startswith("{"):
            self._give(entry, held, life)
        entry.whole = _is_object(text)
        return text

    def _repeats(self, entry: _Entry, text: str) -> bool:
        """Whether the text is the whole call once more. The length is compared first, so that this stays linear."""
        if entry.held:
            return text.strip(_SPACE) == "{}"
        return entry.units == _units(text) and self._tools.text(entry.slot) == as_text(text) and _is_object(text)


def argument_text(value: Any) -> str:
    """Arguments as text, whichever form they were sent in."""
    if isinstance(value, str):
        return value
    return dump(value) if is_object(value) or is_array(value) else ""


def _is_object(text: str) -> bool:
    bare = text.strip(_SPACE)
    if not bare.startswith("{") or not bare.endswith("}"):
        return False
    try:
        parse(bare)
    except JsonError:
        return False
    return True


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
