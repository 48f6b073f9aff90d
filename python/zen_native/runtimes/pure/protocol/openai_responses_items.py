"""Output items of an OpenAI Responses answer: which item a frame speaks of, and what is known of it.

Owns identity (output index, item id, call id) and the parts of an item; emits nothing. An item that is still open goes
before a closed one, and the output index before the item id, because some hosts make up a new id in every frame. An
index that two open items share decides nothing. A call id names one call, whatever the item ids say.
Twin of `rust/core/src/protocol/openai_responses_items.rs`.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from zen_native.runtimes.pure.json import as_count, as_object, as_text

__all__ = ["Hot", "Item", "Items", "Part", "kind_of"]

_CALLS = ("program", "mcp_list_tools", "mcp_approval_request")


def kind_of(wire_type: str) -> str:
    """What an item is to us: `message`, `reasoning`, `call`, `output` (of a call), or `opaque`."""
    if wire_type in ("message", "reasoning"):
        return wire_type
    if wire_type.endswith("_call") or wire_type in _CALLS:
        return "call"
    return "output" if wire_type.endswith("_output") else "opaque"


class Hot(NamedTuple):
    """Where the last text delta went: the next one mostly goes there too."""

    item_id: str | None
    output_index: int | None
    content_index: int | None
    key: int

    @classmethod
    def of(cls, value: dict[str, Any], key: int) -> Hot:
        """Where that delta went."""
        output_index, content_index = as_count(value.get("output_index")), as_count(value.get("content_index"))
        return cls(as_text(value.get("item_id")), output_index, content_index, key)


class Part:
    """One content or summary part: its kind, its block key, and how much of it was given out."""

    __slots__ = ("cited", "done", "key", "kind", "streamed")

    def __init__(self, kind: str, key: int) -> None:
        self.kind = kind
        self.key = key
        self.streamed = False
        self.done = False
        self.cited = 0


class Item:
    """One output item.

    `key` is the block of reasoning that was opened last, `slot` the place of a call in `Tools`, `call_id` the id it was
    opened with; `complete` says that its whole input came.
    """

    __slots__ = (
        "call_id",
        "closed",
        "complete",
        "encrypted",
        "id",
        "key",
        "kind",
        "parts",
        "phase",
        "phase_said",
        "slot",
        "type",
    )

    def __init__(self, wire_type: str, item_id: str | None) -> None:
        self.type = wire_type
        self.kind = kind_of(wire_type)
        self.id = item_id
        self.parts: dict[tuple[str, int], Part] = {}
        self.slot: int | None = None
        self.call_id: str | None = None
        self.phase: str | None = None
        self.phase_said = False
        self.encrypted: str | None = None
        self.key: int | None = None
        self.complete = False
        self.closed = False

    def describe(self, raw: dict[str, Any]) -> None:
        """What an item says of itself when it begins and, with authority, when it ends."""
        self.phase = self.phase or as_text(raw.get("phase")) or None
        self.encrypted = as_text(raw.get("encrypted_content")) or self.encrypted

    def other_ciphertext(self, raw: dict[str, Any]) -> dict[str, str]:
        """Another ciphertext than the one that is known, by whose it is."""
        said = as_text(raw.get("encrypted_content"))
        item_id = as_text(raw.get("id")) or self.id
        return {item_id: said} if item_id and said and said != self.encrypted else {}

    def is_left_open(self, cut: bool) -> bool:
        """Whether it has still to be given out at the end: a call counts only if it is whole, or the answer was not
        cut."""
        if self.closed:
            return False
        return self.kind in ("message", "reasoning") or (self.kind == "call" and (self.complete or not cut))


class Items:
    """All items of one answer, in order of appearance."""

    def __init__(self) -> None:
        self.all: list[Item] = []
        self._named: dict[str, Item] = {}
        self._at: dict[int, Item | None] = {}
        self._calls: dict[str, Item] = {}
        self._last: dict[str, Item] = {}
        self._typed: dict[str, Item] = {}
        self._keys = 0

    def new_key(self) -> int:
        """A block key that was not given out before."""
        self._keys += 1
        return self._keys

    def part(self, item: Item, kind: str, index: Any) -> Part:
        """The part of an item, made where it is new. The first one takes over the block its item opened."""
        place = (kind, as_count(index) or 0)
        part = item.parts.get(place)
        if part is None:
            key = item.key if item.key is not None and not item.parts else self.new_key()
            part = item.parts[place] = Part(kind, key)
        return part

    def find(self, value: dict[str, Any], wire_type: str) -> Item:
        """The item that a delta or done frame speaks of, made where nothing announced it."""
        index, item_id = as_count(value.get("output_index")), as_text(value.get("item_id")) or None
        kind = kind_of(wire_type)
        at = None if index is None else self._at.get(index)
        named = None if item_id is None else self._named.get(item_id)
        fitting = [item for item in (at, named) if item is not None and item.kind == kind]
        for item in fitting:
            if not item.closed:
                return item
        if fitting:
            return fitting[0]
        last = self._last.get(kind)
        if item_id is None and last is not None and (index is None or (index in self._at and at is None)):
            return last
        return self.create(wire_type, item_id, index)

    def create(self, wire_type: str, item_id: str | None, index: int | None) -> Item:
        """A new item at that index and under that id."""
        item = Item(wire_type, item_id)
        self.all.append(item)
        self._last[item.kind] = self._typed[wire_type] = item
        if item_id is not None:
            self._named[item_id] = item
        if index is not None:
            before = self._at.get(index)
            shared = index in self._at and (before is None or not before.closed)
            self._at[index] = None if shared else item
        return item

    def known(self, raw: dict[str, Any], wire_type: str, index: int | None) -> Item | None:
        """The item an added or done frame repeats: by id or call id, else the open one of its type at its index."""
        item = self.same(raw, wire_type)
        if item is None and index is not None:
            at = self._at.get(index)
            if at is not None and at.type == wire_type and not at.closed and self._may_be(at, raw):
                item = at
        return item

    def same(self, raw: dict[str, Any], wire_type: str) -> Item | None:
        """The item with the same id or call id."""
        item = self._named.get(as_text(raw.get("id")) or "")
        if item is not None and item.type == wire_type:
            return item
        return self.called(raw) if kind_of(wire_type) == "call" else None

    def called(self, raw: dict[str, Any]) -> Item | None:
        """The call whose call id is named."""
        return self._calls.get(as_text(raw.get("call_id")) or "")

    def last_of(self, wire_type: str) -> Item | None:
        """The latest item of a wire type."""
        return self._typed.get(wire_type)

    def name_call(self, item: Item, call_id: str) -> None:
        """Remembers the call id of an item."""
        self._calls.setdefault(call_id, item)

    def match(self, output: list[Any]) -> list[tuple[dict[str, Any], Item]]:
        """The final items beside those that were streamed: by id, else the next of the type that no id claims.

        Some hosts give other ids at the end, and such an item must not be given out twice. What is left over is new.
        """
        finals = [(raw, wire_type) for raw in map(as_object, output) if (wire_type := as_text(raw.get("type")))]
        found = [self.same(raw, wire_type) for raw, wire_type in finals]
        free = self._unclaimed([item for item in found if item is not None])
        pairs: list[tuple[dict[str, Any], Item]] = []
        for (raw, wire_type), item in zip(finals, found, strict=True):
            queue = free.get(wire_type)
            if item is None and queue and not as_text(raw.get("call_id")):
                item = queue.popleft()
            if item is None:
                item = self.create(wire_type, as_text(raw.get("id")) or None, None)
            pairs.append((raw, item))
        return pairs

    def _unclaimed(self, claimed: list[Item]) -> dict[str, deque[Item]]:
        """Items by type that have no call id and are not among those."""
        taken = {id(item) for item in claimed}
        free: dict[str, deque[Item]] = {}
        for item in self.all:
            if id(item) not in taken and (item.call_id is None or item.call_id == item.id):
                free.setdefault(item.type, deque()).append(item)
        return free

    def _may_be(self, item: Item, raw: dict[str, Any]) -> bool:
        """Whether an item may be the one described: two call ids make two calls."""
        call_id = as_text(raw.get("call_id"))
        return not call_id or item.call_id is None or item.call_id in (item.id, call_id)
