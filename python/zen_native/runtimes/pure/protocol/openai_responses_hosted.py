"""Calls of the OpenAI Responses format: who runs them, what their input and result are, and how they are settled.

Owns the table of item types and the events of calls, results and media; which item a frame speaks of is decided in
`openai_responses_items`. Sources: https://platform.openai.com/docs/api-reference/responses/object (output items) and
the tool guides beside it; https://docs.x.ai/docs/guides/tools/overview (xAI's server-side tools).

The caller runs function, custom, computer, local shell and apply-patch calls, shell calls without a container, and
tool searches whose execution is `client`. All else is run by the provider, unknown kinds of call included. An
approval request is a call that the provider will run: it has no result yet. Input and result of a hosted call are the
item's own fields; the item itself stays in the metadata (`item`) of the last event it gave rise to, without the image
that `media` carries. Code of the interpreter streams as it is; commands and patches are given whole. Partial images
are no events.
Twin of `rust/core/src/protocol/openai_responses_hosted.rs`.
"""

from __future__ import annotations

from typing import Any

from zen_native.runtimes.pure.json import as_object, as_text, dump
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.protocol.openai_responses_items import Item, Items
from zen_native.runtimes.pure.tools import Tools

__all__ = ["Calls"]

_BY_CALLER = ("function_call", "custom_tool_call", "computer_call", "local_shell_call", "apply_patch_call")
_TEXT_INPUT = ("function_call", "custom_tool_call", "mcp_call")
_NO_RESULT = ("shell_call", "tool_search_call", "program", "mcp_approval_request")
_XAI_SEARCH = ("x_user_search", "x_keyword_search", "x_semantic_search", "x_thread_fetch")
_IDENTITY = ("id", "type", "call_id", "name", "arguments", "input")
# The field that is the input, and the fields that make it up where there is no such object.
_WHOLE = {
    "web_search_call": "action",
    "computer_call": "action",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "file_search_call": ("queries",),
    "computer_call": ("actions",),
    "code_interpreter_call": ("code", "container_id"),
    "image_generation_call": ("prompt", "revised_prompt"),
    "program": ("code",),
    "mcp_list_tools": ("server_label",),
}
_IMAGE_HEADS = (("/9j/", "image/jpeg"), ("UklGR", "image/webp"), ("R0lGOD", "image/gif"))


class Calls:
    """All calls of one answer, and their results."""

    def __init__(self, provider: str) -> None:
        self.tools = Tools()
        self._xai = provider == "xai"

    # Input

    def begin(self, item: Item, raw: dict[str, Any], items: Items, life: Lifecycle) -> None:
        """A call was announced; some hosts give all its arguments at once."""
        is_new = item.slot is None
        slot = self._start(item, raw, items, life)
        if is_new and item.type in _TEXT_INPUT:
            self.tools.delta(slot, _final_text(item.type, raw) or "", life)

    def add_input(self, item: Item, text: str, items: Items, life: Lifecycle) -> None:
        """More of the input, as it came."""
        if not item.closed and not item.complete:
            self.tools.delta(self._start(item, {}, items, life), text, life)

    def whole_input(self, item: Item, text: str, items: Items, life: Lifecycle) -> None:
        """The whole input: extends what was streamed, or replaces it."""
        if not item.closed:
            item.complete = True
            self.tools.reconcile(self._start(item, {}, items, life), text, life)

    # The end of an item

    def finish(self, item: Item, raw: dict[str, Any], items: Items, life: Lifecycle, *, cut: bool) -> None:
        """The item is complete: the call, and its result where it has one. Without `raw`, what was streamed counts.

        An item that says it is incomplete stays unsettled, and so does one still in progress in an answer that was cut.
        """
        slot = self._start(item, raw, items, life)
        final = _final_text(item.type, raw)
        if final is not None:
            self.tools.reconcile(slot, final, life)
        item.closed = True
        status = raw.get("status")
        if status == "incomplete" or (cut and status == "in_progress" and not item.complete):
            return
        answered = self._is_hosted(item.type, raw) and bool(raw) and item.type not in _NO_RESULT
        metadata = _call_metadata(item, raw, answered=answered)
        if metadata:
            self.tools.annotate(slot, metadata)
        self._close(item, raw, slot, life)
        if answered:
            self._result(item, raw, slot, life)

    def finish_output(self, item: Item, raw: dict[str, Any], items: Items, life: Lifecycle) -> None:
        """An item that is the output of a call, which may belong to an earlier answer."""
        item.closed = True
        tool = item.type.removesuffix("_output")
        call_id = as_text(raw.get("call_id"))
        call = items.called(raw) if call_id else items.last_of(tool + "_call")
        if call is not None and call.slot is not None:
            tool_id, tool = self.tools.identity(call.slot)
        else:
            tool_id = call_id or item.id or life.new_id("call")
        result = {key: value for key, value in raw.items() if key not in _IDENTITY}
        life.tool_result(tool_id, tool, result, is_error=_is_failed(raw), metadata={"item": raw})

    def _start(self, item: Item, raw: dict[str, Any], items: Items, life: Lifecycle) -> int:
        """Opens the call of an item, or completes what is known of it. Gives its slot."""
        call_id = as_text(raw.get("call_id")) or (item.id if raw else None)
        name = as_text(raw.get("name")) or _default_name(item.type)
        if item.slot is None:
            hosted, freeform = self._is_hosted(item.type, raw), item.type == "custom_tool_call"
            item.slot = self.tools.open(call_id, name, life, freeform=freeform, provider_executed=hosted)
        else:
            self.tools.identify(item.slot, call_id, name, life)
        if call_id and item.call_id is None:
            item.call_id = call_id
            items.name_call(item, call_id)
        return item.slot

    def _close(self, item: Item, raw: dict[str, Any], slot: int, life: Lifecycle) -> None:
        """The call itself: from argument text where the wire has text, else from the item's fields, as one delta."""
        arguments = raw.get("arguments")
        if isinstance(arguments, str) or (item.type in _TEXT_INPUT and not isinstance(arguments, dict)):
            self.tools.close(slot, life)
            return
        streamed = self.tools.text(slot)
        value = _input(item.type, raw, streamed)
        if value and not streamed:
            self.tools.delta(slot, dump(value), life)
        self.tools.close_value(slot, value, life)

    def _result(self, item: Item, raw: dict[str, Any], slot: int, life: Lifecycle) -> None:
        tool_id, name = self.tools.identity(slot)
        skip = {*_IDENTITY, *_FIELDS.get(item.type, ()), _WHOLE.get(item.type, "")}
        if item.type == "image_generation_call":
            _media(tool_id, item, raw, life)
            raw = {key: value for key, value in raw.items() if key != "result"}
        result = {key: value for key, value in raw.items() if key not in skip}
        sources = as_object(raw.get("action")).get("sources")
        if sources is not None:
            result["sources"] = sources
        life.tool_result(tool_id, name, result, is_error=_is_failed(raw), metadata={"item": raw})

    def _is_hosted(self, wire_type: str, raw: dict[str, Any]) -> bool:
        if wire_type == "shell_call":
            place = as_text(as_object(raw.get("environment")).get("type"))
            return place is not None and place != "local"
        if wire_type == "tool_search_call":
            return raw.get("execution") != "client"
        if wire_type == "custom_tool_call" and self._xai:
            return raw.get("name") in _XAI_SEARCH
        return wire_type not in _BY_CALLER


def _default_name(wire_type: str) -> str | None:
    """The name of a tool that has no name on the wire; functions and custom tools always have one."""
    if wire_type in ("function_call", "custom_tool_call", "mcp_call", "mcp_approval_request"):
        return None
    return wire_type.removesuffix("_call")


def _final_text(wire_type: str, raw: dict[str, Any]) -> str | None:
    """The whole input of an item, where it is text."""
    if wire_type == "code_interpreter_call":
        return as_text(raw.get("code"))
    return as_text(raw.get("input" if wire_type == "custom_tool_call" else "arguments"))


def _input(wire_type: str, raw: dict[str, Any], streamed: str) -> dict[str, Any]:
    """The input of a call that has no argument text."""
    for field in ("arguments", _WHOLE.get(wire_type, "arguments")):
        if isinstance(raw.get(field), dict):
            hidden = "sources" if field == "action" else None  # what a search found is its result
            return {key: value for key, value in raw[field].items() if key != hidden}
    value = {field: raw[field] for field in _FIELDS.get(wire_type, ()) if raw.get(field) is not None}
    if wire_type == "code_interpreter_call" and streamed:
        value.setdefault("code", streamed)
    return value


def _call_metadata(item: Item, raw: dict[str, Any], *, answered: bool) -> Meta:
    item_id = as_text(raw.get("id")) or item.id
    metadata: Meta = {} if item_id is None else {"item_id": item_id}
    if item.type in ("function_call", "custom_tool_call"):
        skip = (*_IDENTITY, "status")
        metadata.update({key: value for key, value in raw.items() if key not in skip and value is not None})
    elif raw and not answered:
        metadata["item"] = raw
    return metadata


def _is_failed(raw: dict[str, Any]) -> bool:
    said = raw.get("error")
    return raw.get("status") == "failed" or isinstance(said, dict) or (isinstance(said, str) and said != "")


def _media(tool_id: str, item: Item, raw: dict[str, Any], life: Lifecycle) -> None:
    image = as_text(raw.get("result"))
    if not image:
        return
    kind = as_text(raw.get("output_format"))
    heads = (mime for head, mime in _IMAGE_HEADS if image.startswith(head))
    mime_type = f"image/{kind}" if kind else next(heads, "image/png")
    is_url = image.startswith(("https://", "http://"))
    metadata: Meta | None = None if item.id is None else {"item_id": item.id}
    life.media(tool_id, mime_type, None if is_url else image, image if is_url else None, metadata)
