"""Text and reasoning of the OpenAI Responses format: parts of items as blocks.

Owns which part opens which block, what its metadata says, and that no text is given out twice: a part that streamed
takes nothing from its done frame, a part that is done or whose item is closed takes nothing at all.
Twin of `rust/core/src/protocol/openai_responses_blocks.rs`.
"""

from __future__ import annotations

from typing import Any

from zen_native.runtimes.pure.json import as_list, as_object, as_text
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.protocol.openai_responses_items import Item, Items, Part

__all__ = [
    "REASONING",
    "REFUSAL",
    "SUMMARY",
    "TEXT",
    "add_reasoning",
    "add_text",
    "cite",
    "finish_message",
    "finish_opaque",
    "finish_reasoning",
    "open_reasoning",
    "whole_reasoning",
    "whole_text",
]

# Kinds of parts, as the wire names them.
TEXT = "output_text"
REFUSAL = "refusal"
SUMMARY = "summary_text"
REASONING = "reasoning_text"


# Text


def add_text(item: Item, part: Part, text: str, life: Lifecycle) -> bool:
    """A delta of a text part; says whether it was taken."""
    if item.closed or part.done or not text:
        return False
    if not life.is_open(part.key):
        life.open_text(part.key, _start_metadata(item, refusal=part.kind == REFUSAL) or None)
    part.streamed = True
    life.text(part.key, text)
    return True


def whole_text(item: Item, part: Part, text: Any, life: Lifecycle) -> None:
    """The whole text of a part, which counts where no delta came."""
    if isinstance(text, str) and not part.streamed:
        add_text(item, part, text, life)
    part.done = part.done or part.streamed


def cite(annotation: Any, life: Lifecycle) -> None:
    """A citation of the text block that is open or was last."""
    one = as_object(annotation)
    title = as_text(one.get("title")) or as_text(one.get("filename"))
    if one:
        life.citation(as_text(one.get("url")), title, as_text(one.get("content")), one)


def finish_message(item: Item, raw: dict[str, Any], items: Items, life: Lifecycle) -> None:
    """The message is complete: parts that never came, citations that never came, and its end."""
    for index, content in enumerate(as_list(raw.get("content"))):
        one = as_object(content)
        kind = as_text(one.get("type"))
        if kind in (TEXT, REFUSAL):
            part = items.part(item, kind, index)
            whole_text(item, part, one.get("refusal" if kind == REFUSAL else "text"), life)
            for annotation in as_list(one.get("annotations"))[part.cited :]:
                cite(annotation, life)
    _close(item, life)


# Reasoning


def open_reasoning(item: Item, items: Items, life: Lifecycle) -> None:
    """Opens the block of an item that has no part yet: thinking is seen before there is text of it."""
    if item.key is None:
        item.key = items.new_key()
    life.open_reasoning(item.key, _start_metadata(item) or None)


def add_reasoning(item: Item, part: Part, text: str, life: Lifecycle) -> None:
    """A delta of a part of reasoning."""
    if item.closed or part.done or not text:
        return
    if not part.streamed or not life.is_open(part.key):
        life.open_reasoning(part.key, _start_metadata(item) or None)
        life.annotate({"part": part.kind})
    item.key = part.key
    part.streamed = True
    life.reasoning(part.key, text)


def whole_reasoning(item: Item, part: Part, text: Any, life: Lifecycle) -> None:
    """The whole text of a part, which counts where no delta came."""
    if isinstance(text, str) and not part.streamed:
        add_reasoning(item, part, text, life)
    part.done = part.done or part.streamed


def finish_reasoning(item: Item, raw: dict[str, Any], items: Items, life: Lifecycle) -> None:
    """The item is complete: parts that never came, the ciphertext, and its end."""
    for field, kind in (("summary", SUMMARY), ("content", REASONING)):
        for index, content in enumerate(as_list(raw.get(field))):
            one = as_object(content)
            if one.get("type") == kind:
                whole_reasoning(item, items.part(item, kind, index), one.get("text"), life)
    if item.key is None or (item.encrypted and not life.is_open(item.key)):
        item.key = items.new_key()
        open_reasoning(item, items, life)
    if item.encrypted:
        life.annotate({"encrypted_content": item.encrypted})
    _close(item, life)


def finish_opaque(item: Item, raw: dict[str, Any], items: Items, life: Lifecycle) -> None:
    """An item that only the provider understands, kept whole for replay."""
    item.key = items.new_key()
    life.open_reasoning(item.key, {**_start_metadata(item), "item": raw})
    _close(item, life)


def _start_metadata(item: Item, *, refusal: bool = False) -> Meta:
    metadata: Meta = {}
    if item.id is not None:
        metadata["item_id"] = item.id
    if item.phase is not None:
        metadata["phase"] = item.phase
        item.phase_said = True
    if refusal:
        metadata["refusal"] = True
    return metadata


def _close(item: Item, life: Lifecycle) -> None:
    """Closes the item's open block; a phase that came late is said at its end."""
    for key in {item.key, *(part.key for part in item.parts.values())} - {None}:
        if key is not None and life.is_open(key):
            if item.phase is not None and not item.phase_said:
                life.annotate({"phase": item.phase})
            life.close(key)
    item.closed = True
    item.parts.clear()
