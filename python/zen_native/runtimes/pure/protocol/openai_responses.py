"""OpenAI Responses: `/v1/responses` as a stream or as one document, and the dialects of hosts that speak it.

Owns what each frame does and the end of the answer. Beside it, `openai_responses_items` says which item a frame means
and what is known of it, `_blocks` makes text and reasoning of its parts, `_hosted` settles calls, `_end` reads usage
and the finish reason, `_frames` names the frames that are told apart by name alone.
Sources: https://platform.openai.com/docs/api-reference/responses-streaming (frames),
https://openrouter.ai/docs/api-reference/responses-api/overview (no event names, `[DONE]`),
https://api-docs.deepseek.com/guides/responses_api (raw reasoning).

Decisions where the contract is silent:
- A text block is one content part; its start carries `item_id`, `phase` and `refusal`. A reasoning block is one summary
  part or one part of raw reasoning; its end says which (`part`). An item without parts still gives one empty block,
  because replay needs its id.
- Encrypted reasoning stands at the end of the item's last block, as `output_item.done` had it. Where the final response
  repeats the item with another ciphertext, that one is the authority: `encrypted_content` in the step's metadata, by
  item id.
- Deltas of a part that is done, or of an item that is closed, do nothing. The text of a done frame counts where no
  delta came.
- Items that are no message, reasoning, call or output (compaction, and what is not known yet) are an empty reasoning
  block whose metadata holds the whole `item`: opaque state that replay must send back in its place.
- A document that is only queued or running ends with `unknown` and a warning: its id is what the caller polls.
Twin of `rust/core/src/protocol/openai_responses.rs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from zen_native.runtimes.pure import cost, error
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import as_count, as_list, as_object, as_text
from zen_native.runtimes.pure.lifecycle import Lifecycle
from zen_native.runtimes.pure.options import Options
from zen_native.runtimes.pure.protocol.openai_responses_blocks import (
    REASONING,
    REFUSAL,
    SUMMARY,
    TEXT,
    add_reasoning,
    add_text,
    cite,
    finish_message,
    finish_opaque,
    finish_reasoning,
    open_reasoning,
    whole_reasoning,
    whole_text,
)
from zen_native.runtimes.pure.protocol.openai_responses_end import failure, finish_reason, step_metadata, take_usage
from zen_native.runtimes.pure.protocol.openai_responses_frames import CALL_INPUTS, PLACE, PROGRESS
from zen_native.runtimes.pure.protocol.openai_responses_hosted import Calls
from zen_native.runtimes.pure.protocol.openai_responses_items import Hot, Item, Items

__all__ = ["OpenAIResponses"]

_UNFINISHED = ("incomplete", "failed", "cancelled")
_RUNNING = ("queued", "in_progress")
_HEAD = 200


# State


class OpenAIResponses:
    """State of one answer."""

    def __init__(self, options: Options, life: Lifecycle) -> None:
        self._items = Items()
        self._calls = Calls(options.provider)
        self._hot: Hot | None = None
        self._ciphertexts: dict[str, str] = {}

    def step(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """One frame; a frame without a type goes by its event name."""
        said = value.get("type")
        name = said if isinstance(said, str) else frame.name
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(self, value, life)
        elif name in CALL_INPUTS:
            self._call_input(name, value, life)
        elif name in _TERMINALS:
            _TERMINALS[name](self, frame, value, life)
        elif name == "error":
            self.on_error(frame, value)
        elif not name.startswith(PROGRESS):
            self.on_other(name, frame, value, life)

    def _call_input(self, name: str, value: dict[str, Any], life: Lifecycle) -> None:
        wire_type, field = CALL_INPUTS[name]
        if field == "delta":
            self.on_call_input_delta(wire_type, value, life)
        else:
            self.on_call_input_done(wire_type, value.get(field), value, life)

    # Handlers, in wire order

    def on_created(self, value: dict[str, Any], life: Lifecycle) -> None:
        """`response.created`, `.queued`, `.in_progress`: who answers."""
        response = as_object(value.get("response"))
        life.identify(as_text(response.get("id")), as_text(response.get("model")))

    def on_output_item_added(self, value: dict[str, Any], life: Lifecycle) -> None:
        """An item begins; a repeated one is ignored."""
        raw = as_object(value.get("item"))
        wire_type, index = as_text(raw.get("type")), as_count(value.get("output_index"))
        item = self._items.known(raw, wire_type, index) if wire_type else None
        if not wire_type or (item is not None and item.closed):
            return
        if item is None:
            item = self._items.create(wire_type, as_text(raw.get("id")) or None, index)
        self._hot = None
        item.describe(raw)
        if item.kind == "call":
            self._calls.begin(item, raw, self._items, life)
        elif item.kind == "message":
            life.close_block()
        elif item.kind == "reasoning" and item.key is None:
            open_reasoning(item, self._items, life)

    def on_output_text_delta(self, value: dict[str, Any], life: Lifecycle) -> None:
        """Text of a message; where it goes is looked up once for a run of deltas."""
        hot, text = self._hot, value.get("delta")
        if not isinstance(text, str):
            return
        # By `is`, for `True` and `1.0` equal 1 but are no index. Small numbers are the same object, larger ones are
        # looked up anew.
        if (
            hot is not None
            and value.get("item_id") == hot.item_id
            and value.get("output_index") is hot.output_index
            and value.get("content_index") is hot.content_index
            and life.is_open(hot.key)
        ):
            life.text(hot.key, text)
            return
        item = self._items.find(value, "message")
        part = self._items.part(item, TEXT, value.get("content_index"))
        if add_text(item, part, text, life):
            self._hot = Hot.of(value, part.key)

    def on_output_text_annotation_added(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A citation, once: the item's end repeats them all."""
        item = self._items.find(value, "message")
        if item.closed:
            return
        part = self._items.part(item, TEXT, value.get("content_index"))
        place = as_count(value.get("annotation_index"))
        place = part.cited if place is None else place
        if place >= part.cited:
            cite(value.get("annotation"), life)
            part.cited = place + 1

    def on_output_text_done(self, value: dict[str, Any], life: Lifecycle) -> None:
        """The whole text of a part."""
        self._text_done(TEXT, value, value.get("text"), life)

    def on_refusal_delta(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A refusal is visible text, marked in the block's metadata."""
        text = value.get("delta")
        if isinstance(text, str):
            item = self._items.find(value, "message")
            add_text(item, self._items.part(item, REFUSAL, value.get("content_index")), text, life)

    def on_refusal_done(self, value: dict[str, Any], life: Lifecycle) -> None:
        """The whole refusal."""
        self._text_done(REFUSAL, value, value.get("refusal"), life)

    def on_content_part_done(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A whole part, of a message or of raw reasoning."""
        part = as_object(value.get("part"))
        kind = as_text(part.get("type"))
        if kind == REASONING:
            self._reasoning_done(kind, value, part.get("text"), life)
        elif kind in (TEXT, REFUSAL):
            self._text_done(kind, value, part.get("refusal" if kind == REFUSAL else "text"), life)

    def on_reasoning_summary_text_delta(self, value: dict[str, Any], life: Lifecycle) -> None:
        """Text of a summary part."""
        self._reasoning_delta(SUMMARY, value, life)

    def on_reasoning_summary_text_done(self, value: dict[str, Any], life: Lifecycle) -> None:
        """The whole text of a summary part."""
        self._reasoning_done(SUMMARY, value, value.get("text"), life)

    def on_reasoning_summary_part_done(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A whole summary part."""
        self._reasoning_done(SUMMARY, value, as_object(value.get("part")).get("text"), life)

    def on_reasoning_text_delta(self, value: dict[str, Any], life: Lifecycle) -> None:
        """Raw reasoning."""
        self._reasoning_delta(REASONING, value, life)

    def on_reasoning_text_done(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A whole part of raw reasoning."""
        self._reasoning_done(REASONING, value, value.get("text"), life)

    def on_call_input_delta(self, wire_type: str, value: dict[str, Any], life: Lifecycle) -> None:
        """Arguments, freeform input or code, as it came."""
        text = value.get("delta")
        if isinstance(text, str):
            self._calls.add_input(self._items.find(value, wire_type), text, self._items, life)

    def on_call_input_done(self, wire_type: str, final: Any, value: dict[str, Any], life: Lifecycle) -> None:
        """The whole input: extends what was streamed, or replaces it."""
        text = as_text(final)
        if text is not None:
            self._calls.whole_input(self._items.find(value, wire_type), text, self._items, life)

    def on_output_item_done(self, value: dict[str, Any], life: Lifecycle) -> None:
        """An item is complete: the authority on what it says, streamed or not."""
        raw = as_object(value.get("item"))
        wire_type = as_text(raw.get("type"))
        if wire_type:
            index = as_count(value.get("output_index"))
            item = self._items.known(raw, wire_type, index)
            if item is None:
                item = self._items.create(wire_type, as_text(raw.get("id")) or None, index)
            self._finish_item(item, raw, life)

    def on_completed(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """`response.completed`; the response's own status goes before the name of the frame."""
        status = as_text(as_object(value.get("response")).get("status"))
        self._terminal(status if status in _UNFINISHED else "completed", frame, value, life, "response")

    def on_incomplete(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """`response.incomplete`: cut, with the reason in its details."""
        self._terminal("incomplete", frame, value, life, "response")

    def on_cancelled(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """`response.cancelled`: a background response was stopped."""
        self._terminal("cancelled", frame, value, life, "response")

    def on_failed(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """`response.failed`: what was used is kept."""
        self._terminal("failed", frame, value, life, "response")

    def on_error(self, frame: Frame, value: dict[str, Any]) -> NoReturn:
        """`error`, in any of its three shapes: flat, under `error`, under `response.error`."""
        raise error.provider_error(value, frame)

    def on_other(self, name: str, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """A cost frame, an error without a type, or what nobody knows."""
        if error.is_error(value):
            raise error.provider_error(value, frame)
        if cost.take(value, frame, life) is None and name != "ping":
            life.unknown(as_text(name) or "", value)

    # Shared by handlers

    def _text_done(self, kind: str, value: dict[str, Any], text: Any, life: Lifecycle) -> None:
        self._hot = None
        item = self._items.find(value, "message")
        whole_text(item, self._items.part(item, kind, value.get("content_index")), text, life)

    def _reasoning_delta(self, kind: str, value: dict[str, Any], life: Lifecycle) -> None:
        text = value.get("delta")
        if isinstance(text, str):
            item = self._items.find(value, "reasoning")
            add_reasoning(item, self._items.part(item, kind, value.get(PLACE[kind])), text, life)

    def _reasoning_done(self, kind: str, value: dict[str, Any], text: Any, life: Lifecycle) -> None:
        item = self._items.find(value, "reasoning")
        whole_reasoning(item, self._items.part(item, kind, value.get(PLACE[kind])), text, life)

    def _finish_item(self, item: Item, raw: dict[str, Any], life: Lifecycle, *, cut: bool = False) -> None:
        """An item is complete; one that is closed already may still have another ciphertext to say."""
        self._hot = None
        if item.closed:
            self._ciphertexts.update(item.other_ciphertext(raw))
            return
        item.describe(raw)
        if item.kind == "message":
            finish_message(item, raw, self._items, life)
        elif item.kind == "reasoning":
            finish_reasoning(item, raw, self._items, life)
        elif item.kind == "call":
            self._calls.finish(item, raw, self._items, life, cut=cut)
        elif item.kind == "output":
            self._calls.finish_output(item, raw, self._items, life)
        else:
            finish_opaque(item, raw, self._items, life)

    # The end

    def _terminal(self, status: str, frame: Frame, value: dict[str, Any], life: Lifecycle, *path: str) -> None:
        response = as_object(value.get(path[0])) if path else value
        life.identify(as_text(response.get("id")), as_text(response.get("model")))
        take_usage(response.get("usage"), frame, life, *path)
        cost.take(value, frame, life)
        if status == "failed":
            raise failure(response.get("error"), value, frame)
        cut = status in _UNFINISHED
        for raw, item in self._items.match(as_list(response.get("output"))):
            self._finish_item(item, raw, life, cut=cut)
        self._finish_open(life, cut=cut)
        life.note(step_metadata(status, response))
        if self._ciphertexts:
            life.note({"encrypted_content": self._ciphertexts})
        life.complete(finish_reason(status, response, calls=self._calls.tools.any))

    def _finish_open(self, life: Lifecycle, *, cut: bool) -> None:
        """Items that the provider never completed."""
        for item in self._items.all:
            if item.is_left_open(cut):
                self._finish_item(item, {}, life)
        self._calls.tools.cut_all(life)

    def done(self, life: Lifecycle) -> None:
        """Hosts that send `[DONE]` send it after the terminal; alone it says nothing."""

    def document(self, frame: Frame, value: Any, life: Lifecycle) -> None:
        """A response object, which some gateways wrap in `response`."""
        whole = as_object(value)
        path = ("response",) if isinstance(whole.get("response"), dict) else ()
        response = as_object(whole["response"]) if path else whole
        status = as_text(response.get("status"))
        if not isinstance(response.get("output"), list) and status is None:
            raise error.invalid_output("the response is not an answer", frame.data[:_HEAD])
        if status in _RUNNING:
            life.warn("the response is not finished yet")
        self._terminal(status or "completed", frame, whole, life, *path)

    def end(self, life: Lifecycle) -> None:
        """There was no terminal."""
        raise error.incomplete("the stream ended before the response was complete")


_HANDLERS: dict[str, Callable[[OpenAIResponses, dict[str, Any], Lifecycle], None]] = {
    "response.output_text.delta": OpenAIResponses.on_output_text_delta,
    "response.created": OpenAIResponses.on_created,
    "response.queued": OpenAIResponses.on_created,
    "response.in_progress": OpenAIResponses.on_created,
    "response.output_item.added": OpenAIResponses.on_output_item_added,
    "response.output_text.annotation.added": OpenAIResponses.on_output_text_annotation_added,
    "response.output_text.done": OpenAIResponses.on_output_text_done,
    "response.refusal.delta": OpenAIResponses.on_refusal_delta,
    "response.refusal.done": OpenAIResponses.on_refusal_done,
    "response.content_part.done": OpenAIResponses.on_content_part_done,
    "response.reasoning_summary_text.delta": OpenAIResponses.on_reasoning_summary_text_delta,
    "response.reasoning_summary_text.done": OpenAIResponses.on_reasoning_summary_text_done,
    "response.reasoning_summary_part.done": OpenAIResponses.on_reasoning_summary_part_done,
    "response.reasoning_text.delta": OpenAIResponses.on_reasoning_text_delta,
    "response.reasoning_text.done": OpenAIResponses.on_reasoning_text_done,
    "response.reasoning.delta": OpenAIResponses.on_reasoning_text_delta,  # older open-responses hosts
    "response.reasoning.done": OpenAIResponses.on_reasoning_text_done,
    "response.output_item.done": OpenAIResponses.on_output_item_done,
}

_TERMINALS: dict[str, Callable[[OpenAIResponses, Frame, dict[str, Any], Lifecycle], None]] = {
    "response.completed": OpenAIResponses.on_completed,
    "response.done": OpenAIResponses.on_completed,  # the WebSocket form
    "response.incomplete": OpenAIResponses.on_incomplete,
    "response.cancelled": OpenAIResponses.on_cancelled,
    "response.failed": OpenAIResponses.on_failed,
}
