"""Protocol `anthropic-messages`: the Messages API of Anthropic, streamed or as one document.

Owns the message: its frames in order, stop reasons, usage, and what the step says about itself. Content blocks are
`anthropic_messages_blocks`. Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming and
https://docs.anthropic.com/en/api/messages; the older form is https://docs.anthropic.com/en/api/complete.

Decided here:
- The `type` in the data says what a frame is; the event's name counts only where the data has no type.
- What a message says beyond its content, usage and stop reason (stop sequence and details, container, context
  management) is metadata of the step under its own name; so are the parts of usage that set the price of a token.
- A message without a stop reason that was closed by `message_stop` is complete with a warning.
- The older text completion (`completion` instead of content) is read as one text block.
Twin of `rust/core/src/protocol/anthropic_messages.rs`.
"""

from __future__ import annotations

from typing import Any, NoReturn

from zen_native.events import FinishReason, NormalizedReason
from zen_native.runtimes.pure import cost, error
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import as_list, as_object, as_text
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.options import Options
from zen_native.runtimes.pure.protocol.anthropic_messages_blocks import Blocks
from zen_native.runtimes.pure.usage import Counts, wire_cost

__all__ = ["AnthropicMessages"]

_CUT = ("length", "content-filter")
_MAX_NOTES = 64
_PRICED = ("inference_geo", "service_tier", "speed")
_NOTED_ELSEWHERE = frozenset({
    "completion", "content", "cost", "delta", "id", "message", "model", "normalizedUsage", "role", "stop_reason",
    "type", "usage", "x-opencode-type",
})  # fmt: skip


class AnthropicMessages:
    """State of one message."""

    def __init__(self, options: Options, life: Lifecycle) -> None:
        self._provider = options.provider
        self._blocks = Blocks(self._provider)
        self._begun = False
        self._id: str | None = None
        self._stop: str | None = None
        self._notes: Meta = {}
        life.usage = Counts(input_excludes_cache=True)

    def step(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """One frame."""
        kind = value.get("type")
        if kind == "content_block_delta":  # nearly all frames
            self._blocks.on_content_block_delta(value, life)
            return
        if not isinstance(kind, str):
            kind = frame.name
        if kind == "error" or ("error" in value and error.is_error(value)):
            self.on_error(frame, value)
        if kind == "message_start":
            self.on_message_start(frame, value, life)
        elif kind == "content_block_start":
            self._blocks.on_content_block_start(value, life)
        elif kind == "content_block_delta":
            self._blocks.on_content_block_delta(value, life)
        elif kind == "content_block_stop":
            self._blocks.on_content_block_stop(value, life)
        elif kind == "message_delta":
            self.on_message_delta(frame, value, life)
        elif kind == "message_stop":
            self.on_message_stop(frame, value, life)
        else:
            self.on_other(frame, value, life)

    # Handlers, in wire order

    def on_message_start(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """The message begins. A repetition is ignored; another message replaces one of which nothing was given out."""
        message = as_object(value.get("message"))
        message_id = as_text(message.get("id")) or None
        if self._begun:
            if message_id is None or self._id is None or message_id == self._id:
                return
            if life.started:
                raise error.invalid_output("another message began before the first one ended", frame.data)
            self._start_over(life)
        self._begun = True
        self._id = message_id
        self._message(message, frame, life, "message", "usage")

    def on_message_delta(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """Stop reason and usage so far; not the end yet."""
        cost.take(value, frame, life)
        delta = as_object(value.get("delta"))
        self._stop = as_text(delta.get("stop_reason")) or self._stop
        self._note(delta)
        self._note(value)
        self._usage(value.get("usage"), frame, life, "usage")

    def on_message_stop(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """The end."""
        cost.take(value, frame, life)
        self._note(value)
        self._complete(life)

    def on_completion(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """A piece of a text completion; the one with a stop reason is the last."""
        life.text(0, value["completion"])
        life.identify(as_text(value.get("id")), as_text(value.get("model")))
        self._note(value)
        self._usage(value.get("usage"), frame, life, "usage")
        self._stop = as_text(value.get("stop_reason")) or None
        if self._stop:
            self._complete(life)

    def on_error(self, frame: Frame, value: dict[str, Any]) -> NoReturn:
        """The provider gave up, at any point of the stream."""
        raise error.provider_error(value, frame)

    def on_other(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """Pings, with a cost or without, and what is not known."""
        kind = as_text(value.get("type")) or frame.name
        if isinstance(value.get("completion"), str):
            self.on_completion(frame, value, life)
        elif error.is_error(value) or frame.name == "error":
            self.on_error(frame, value)
        elif cost.take(value, frame, life) is None and kind != "ping":
            life.unknown(kind, value)

    # The end

    def done(self, life: Lifecycle) -> None:
        """`[DONE]` is not of this protocol; some hosts send it where `message_stop` belongs."""
        if self._stop:
            self.end(life)

    def document(self, frame: Frame, value: Any, life: Lifecycle) -> None:
        """A whole message, or a whole text completion."""
        body = as_object(value)
        cost.take(body, frame, life)
        if isinstance(body.get("completion"), str):
            self.on_completion(frame, body, life)
        elif body.get("type") == "message" or isinstance(body.get("content"), list):
            self._message(body, frame, life, "usage")
        else:
            raise error.invalid_output("the response is not a message", frame.data)
        if life.reason is None:
            self._complete(life)

    def end(self, life: Lifecycle) -> None:
        """The body ended before `message_stop`; after a stop reason nothing of the answer can be missing."""
        if not self._stop:
            raise error.incomplete("the stream ended before message_stop")
        life.warn("the stream ended before message_stop")
        self._complete(life)

    def _complete(self, life: Lifecycle) -> None:
        reason = _finish_reason(self._stop, calls=self._blocks.tools.any)
        if reason.raw is None:
            life.warn("the message has no stop reason")
        self._blocks.settle(life, cut=reason.normalized in _CUT)
        if self._blocks.kept:
            self._notes["blocks"] = self._blocks.kept
        if self._notes:
            life.note(self._notes)
        life.complete(reason)

    # The message

    def _message(self, message: dict[str, Any], frame: Frame, life: Lifecycle, *usage: str) -> None:
        """What `message_start` and a document have in common."""
        life.identify(as_text(message.get("id")), as_text(message.get("model")))
        self._stop = as_text(message.get("stop_reason")) or None
        self._note(message)
        self._usage(message.get("usage"), frame, life, *usage)
        for block in as_list(message.get("content")):
            self._blocks.whole(block, life)

    def _note(self, value: dict[str, Any]) -> None:
        for name, said in value.items():
            if said is not None and name not in _NOTED_ELSEWHERE and len(self._notes) < _MAX_NOTES:
                self._notes[name] = said

    def _start_over(self, life: Lifecycle) -> None:
        """Forgets the first attempt, but for what was charged."""
        usage = Counts(input_excludes_cache=True)
        usage.cost, usage.list_cost = life.usage.cost, life.usage.list_cost
        life.usage = usage
        life.response_id = life.model = None
        self._blocks = Blocks(self._provider)
        self._notes = {}

    # Usage

    def _usage(self, value: Any, frame: Frame, life: Lifecycle, *path: str) -> None:
        """A snapshot; the last one that says a field wins. `path` is where it stands in the frame."""
        usage, counts = as_object(value), life.usage
        if not usage:
            return
        counts.raw = usage
        counts.set("input", usage.get("input_tokens"))
        counts.set("output", usage.get("output_tokens"))
        counts.set("cache_read", usage.get("cache_read_input_tokens"))
        _cache_writes(usage, counts)
        counts.set("reasoning", as_object(usage.get("output_tokens_details")).get("thinking_tokens"))
        for name in _PRICED:
            if as_text(usage.get(name)):
                self._notes[name] = usage[name]
        if usage.get("cost") is not None:
            amount = wire_cost(cost.exact(usage["cost"], frame, *path, "cost"))
            if amount is None:
                life.warn("a cost on the wire could not be read")
            else:
                counts.cost = amount


def _cache_writes(usage: dict[str, Any], counts: Counts) -> None:
    """The total of the writes, and the part of it that is kept for an hour."""
    split = Counts()
    by_lifetime = as_object(usage.get("cache_creation"))
    split.set("cache_write", by_lifetime.get("ephemeral_5m_input_tokens"))
    split.set("cache_write_1h", by_lifetime.get("ephemeral_1h_input_tokens"))
    if split.seen:
        counts.set("cache_write", (split.cache_write or 0) + (split.cache_write_1h or 0))
    counts.set("cache_write_1h", split.cache_write_1h)
    counts.set("cache_write", usage.get("cache_creation_input_tokens"))


# Finish reasons

_REASONS: dict[str, NormalizedReason] = {
    "compaction": "pause",
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "pause",
    "refusal": "content-filter",
    "stop_sequence": "stop",
    "tool_use": "tool-calls",
}


def _finish_reason(raw: str | None, *, calls: bool) -> FinishReason:
    """`calls`: the caller has calls to run, which decides where the provider's word does not say so."""
    normalized = _REASONS.get(raw or "", "unknown")
    if calls and (raw is None or normalized == "stop"):
        normalized = "tool-calls"
    return FinishReason(normalized, raw)
