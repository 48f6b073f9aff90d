"""Content blocks of a Messages answer: text, thinking, tool calls, results of hosted tools, citations.

Owns which wire index belongs to what. Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming.

Decided here:
- A delta of text, thinking or signature opens its block where none is open, late ones included: nothing is lost.
  Argument deltas without a call are ignored. A delta or stop without an index belongs to the last block begun.
- A block left open stays open until the end of the message; the same index begun again is a new block, unless it is
  the same call.
- Input given with the start of a call counts when no argument text follows.
- A call without arguments whose block is stopped waits for the next block or the end: where the answer was cut, the
  last block is stopped as well, and no arguments came may mean that none came yet.
- A hosted tool's result is its `content`, and the rest of the block is metadata, so that both make the block again.
  A redacted block is `redacted_data` in the metadata of its start.
- Blocks of other kinds (`compaction`, `fallback`, what is not known) are kept in the step's metadata as `blocks`:
  index, the block, and its deltas (those of a compaction are put in place); their frames are raw events.
Twin of `rust/core/src/protocol/anthropic_messages_blocks.rs`.
"""

from __future__ import annotations

from typing import Any

from zen_native.runtimes.pure.json import as_count, as_list, as_object, as_text, dump
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.tools import Tools

__all__ = ["Blocks"]

_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")
_RESULT = "_tool_result"
_MAX_KEPT = 1024
"""How many blocks and deltas of other kinds are kept."""


class _Call:
    """A call whose end has not come; `given` is the input that came with its start."""

    __slots__ = ("given", "id", "slot")

    def __init__(self, slot: int, call_id: str | None, given: Any) -> None:
        self.slot = slot
        self.id = call_id
        self.given = given


class Blocks:
    """The blocks of one message."""

    def __init__(self, provider: str) -> None:
        self.tools = Tools()
        self.kept: list[Meta] = []
        self._open: dict[int, _Call | Meta] = {}  # text and thinking are the lifecycle's
        self._last = -1
        self._blank: int | None = None  # a call that was stopped without arguments
        self._hosted: dict[str, str] = {}
        self._room = _MAX_KEPT
        self._provider = provider

    # Handlers of frames, in wire order

    def on_content_block_start(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A block begins."""
        index = as_count(value.get("index"))
        if index is None:
            index = self._last + 1
        block = as_object(value.get("content_block"))
        if self._begin(index, block, life):
            life.unknown("content_block_start", value)

    def on_content_block_delta(self, value: dict[str, Any], life: Lifecycle) -> None:
        """More of a block."""
        delta = as_object(value.get("delta"))
        index = as_count(value.get("index"))
        if index is None:
            index = max(self._last, 0)
        kind = delta.get("type")
        if kind == "text_delta":
            text = delta.get("text")
            if isinstance(text, str):
                life.text(index, text)
        elif kind == "input_json_delta":
            self.on_input_json_delta(index, delta, value, life)
        elif kind == "thinking_delta":
            text = delta.get("thinking")
            if isinstance(text, str):
                life.reasoning(index, text)
        elif kind == "signature_delta":
            self.on_signature_delta(index, delta.get("signature"), life)
        elif kind == "citations_delta":
            self.on_citations_delta(index, as_object(delta.get("citation")), life)
        else:
            self.on_other_delta(index, delta, value, life)

    def on_content_block_stop(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A block is complete."""
        index = as_count(value.get("index"))
        self._stop(max(self._last, 0) if index is None else index, life)

    # Handlers of blocks

    def on_text(self, index: int, block: dict[str, Any], life: Lifecycle) -> None:
        """Text, mostly empty as yet."""
        life.open_text(index)
        text = block.get("text")
        if isinstance(text, str):
            life.text(index, text)
        for citation in as_list(block.get("citations")):
            self.on_citations_delta(index, as_object(citation), life)

    def on_thinking(self, index: int, block: dict[str, Any], life: Lifecycle) -> None:
        """Thinking, mostly empty as yet; it may be nothing but a signature."""
        life.open_reasoning(index)
        text = block.get("thinking")
        if isinstance(text, str):
            life.reasoning(index, text)
        self.on_signature_delta(index, block.get("signature"), life)

    def on_redacted_thinking(self, index: int, block: dict[str, Any], life: Lifecycle) -> None:
        """Thinking that only the provider can read."""
        life.open_reasoning(index, {"redacted_data": as_text(block.get("data"))})

    def on_tool_use(self, index: int, block: dict[str, Any], life: Lifecycle) -> None:
        """A call, for the caller to run or run by the provider."""
        hosted = block["type"] != "tool_use"
        call_id, name = as_text(block.get("id")), as_text(block.get("name"))
        taken = ("id", "name", "input") if hosted else ("id", "name", "input", "type")
        metadata = _rest(block, taken) or None
        slot = self.tools.open(call_id, name, life, provider_executed=hosted, metadata=metadata)
        given = block.get("input")
        self._open[index] = _Call(slot, call_id, None if given in ("", {}) else given)
        if hosted and call_id and name:
            self._hosted[call_id] = name

    def on_tool_result(self, kind: str, block: dict[str, Any], life: Lifecycle) -> None:
        """The result of a hosted tool, whole."""
        result = block.get("content")
        call_id = as_text(block.get("tool_use_id")) or life.new_id("result")
        name = self._hosted.get(call_id) or kind.removesuffix(_RESULT)
        failed = (as_text(as_object(result).get("type")) or "").endswith("_error") or block.get("is_error") is True
        metadata = _rest(block, ("content", "tool_use_id"))
        life.tool_result(call_id, name, result, is_error=failed, metadata=metadata)

    def on_other_block(self, index: int, block: dict[str, Any], life: Lifecycle) -> None:
        """A block of another kind. After a fallback another model speaks."""
        if block.get("type") == "fallback":
            life.model = as_text(as_object(block.get("to")).get("model")) or life.model
        kept: Meta = {"index": index, "block": dict(block)}
        if self._has_room(life):
            self.kept.append(kept)
            self._open[index] = kept

    # Handlers of deltas

    def on_input_json_delta(self, index: int, delta: dict[str, Any], value: dict[str, Any], life: Lifecycle) -> None:
        """Argument text."""
        held = self._open.get(index)
        if isinstance(held, dict):
            self.on_other_delta(index, delta, value, life)
        elif held is not None and isinstance(delta.get("partial_json"), str):
            self.tools.delta(held.slot, delta["partial_json"], life)

    def on_signature_delta(self, index: int, said: Any, life: Lifecycle) -> None:
        """The signature of a thinking block; the last one wins."""
        signature = as_text(said)
        if signature:
            life.open_reasoning(index)
            life.sign(signature)
            life.annotate({"issuer": self._provider})

    def on_citations_delta(self, index: int, citation: dict[str, Any], life: Lifecycle) -> None:
        """A source of the text."""
        if not citation:
            return
        if not life.is_open(index):
            life.open_text(index)
        url = as_text(citation.get("url")) or as_text(citation.get("source"))
        title = as_text(citation.get("title")) or as_text(citation.get("document_title"))
        life.citation(url, title, as_text(citation.get("cited_text")), citation)

    def on_other_delta(self, index: int, delta: dict[str, Any], value: dict[str, Any], life: Lifecycle) -> None:
        """A delta of another kind, unless it says nothing."""
        if not delta:
            return
        held = self._open.get(index)
        if isinstance(held, dict):
            if delta.get("type") == "compaction_delta":
                held["block"].update(_rest(delta, ("type",)))
            elif self._has_room(life):
                held.setdefault("deltas", []).append(delta)
        life.unknown("content_block_delta", value)

    # Whole blocks, and what is open at the end

    def whole(self, block: Any, life: Lifecycle) -> None:
        """A block that came complete."""
        index = self._last + 1
        if self._begin(index, as_object(block), life):
            life.unknown("content_block", block)
        self._stop(index, life)

    def settle(self, life: Lifecycle, *, cut: bool) -> None:
        """Ends what is open, in order of opening. `cut`: calls without their end are not complete."""
        given: set[int] = set()
        for held in self._open.values():
            if isinstance(held, _Call) and held.given is not None and self.tools.is_blank(held.slot):
                self.tools.delta(held.slot, dump(held.given), life)
                given.add(held.slot)
        self.tools.settle(lambda slot: cut and slot not in given, life)

    def _begin(self, index: int, block: dict[str, Any], life: Lifecycle) -> bool:
        """Opens what the block is; whether it is of another kind."""
        held, self._last = self._open.get(index), index
        if isinstance(held, _Call) and held.id and held.id == as_text(block.get("id")):
            return False
        if self._blank is not None:
            blank, self._blank = self._blank, None
            self._end(blank, life)
        self._open.pop(index, None)
        life.close(index)
        kind = as_text(block.get("type")) or ""
        if kind == "text":
            self.on_text(index, block, life)
        elif kind == "thinking":
            self.on_thinking(index, block, life)
        elif kind == "redacted_thinking":
            self.on_redacted_thinking(index, block, life)
        elif kind in _CALLS:
            self.on_tool_use(index, block, life)
        elif kind.endswith(_RESULT):
            self.on_tool_result(kind, block, life)
        else:
            self.on_other_block(index, block, life)
            return True
        return False

    def _stop(self, index: int, life: Lifecycle) -> None:
        held = self._open.get(index)
        if isinstance(held, _Call) and held.given is None and self.tools.is_blank(held.slot):
            self._blank = index
        else:
            self._end(index, life)

    def _end(self, index: int, life: Lifecycle) -> None:
        held = self._open.pop(index, None)
        if isinstance(held, _Call):
            if held.given is not None and self.tools.is_blank(held.slot):
                self.tools.delta(held.slot, dump(held.given), life)
                self.tools.close_value(held.slot, held.given, life)
            else:
                self.tools.close(held.slot, life)
        life.close(index)

    def _has_room(self, life: Lifecycle) -> bool:
        if self._room == 0:
            life.warn("content of unknown kinds was not kept whole")
            return False
        self._room -= 1
        return True


def _rest(value: dict[str, Any], taken: tuple[str, ...]) -> Meta:
    """The members that are not null and not taken elsewhere."""
    return {name: said for name, said in value.items() if said is not None and name not in taken}
