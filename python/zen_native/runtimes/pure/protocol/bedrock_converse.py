"""Amazon Bedrock Converse and ConverseStream.

Owns the wire events and the end of the stream. Beside it, `bedrock_converse_blocks` has results of tools that Bedrock
runs and generated media, `_end` the names of usage and of stop reasons. A frame's name says which member of the union
its payload is; a payload that is wrapped in the member's name again is unwrapped. Padding (`p`) is never looked at.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html

Decisions where the contract is silent:
- A block index that is missing is that of the block in progress, at a start the next one.
- A call without arguments whose block is stopped waits for the next block or `messageStop`: where the answer was cut,
  the last block is stopped as well, and no arguments came may mean that none came yet.
- After `messageStop`, metadata completes the answer once usage was seen, before it or with it.
Twin of `rust/core/src/protocol/bedrock_converse.rs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zen_native.events import FinishReason
from zen_native.runtimes.pure import cost, error
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import Value, as_count, as_list, as_object, as_text, dump
from zen_native.runtimes.pure.protocol.bedrock_converse_blocks import (
    KINDS,
    Media,
    Results,
    cite,
    give_media,
    on_citation,
)
from zen_native.runtimes.pure.protocol.bedrock_converse_end import normalized, take_usage
from zen_native.runtimes.pure.tools import Tools

if TYPE_CHECKING:
    from zen_native.runtimes.pure.lifecycle import Lifecycle
    from zen_native.runtimes.pure.options import Options

__all__ = ["BedrockConverse"]

_DELTA = "contentBlockDelta"
_EVENTS = (_DELTA, "messageStart", "contentBlockStart", "contentBlockStop", "messageStop", "metadata")
_SERVER_TOOL = "server_tool_use"
_CUT = ("length", "content-filter")
_MALFORMED = ("malformed_model_output", "malformed_tool_use")
_NOTED = ("metrics", "performanceConfig", "serviceTier", "trace")


class BedrockConverse:
    """State of one answer. Blocks are addressed by `contentBlockIndex`."""

    __slots__ = (
        "_at",
        "_blank",
        "_calls",
        "_counted",
        "_described",
        "_issuer",
        "_media",
        "_reason",
        "_redacted",
        "_results",
        "_tools",
    )

    def __init__(self, options: Options, life: Lifecycle) -> None:
        self._issuer = options.provider
        life.usage.input_excludes_cache = True
        self._tools = Tools()
        self._calls: dict[int, tuple[int, str | None]] = {}
        self._results = Results(options.provider)
        self._media = Media()
        self._at: int | None = None
        self._blank: tuple[int, int] | None = None  # index and slot of a call that was stopped without arguments
        self._redacted: int | None = None
        self._reason: FinishReason | None = None
        self._counted = False
        self._described = False

    def step(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """One event, named by its frame."""
        name = frame.name
        if name not in _EVENTS:
            name = next((key for key in _EVENTS if isinstance(value.get(key), dict)), "")
            if not name:
                self._other(frame, value, life)
                return
        inner: Value = value.get(name)
        if isinstance(inner, dict):
            value = inner
        if name == "metadata":
            self.on_metadata(value, life)
        elif self._reason is not None:
            life.warn("content after the end of the answer was ignored")
        elif name == _DELTA:
            self.on_content_block_delta(value, life)
        elif name == "contentBlockStart":
            self.on_content_block_start(value, life)
        elif name == "contentBlockStop":
            self.on_content_block_stop(value, life)
        elif name == "messageStop":
            self.on_message_stop(frame, value, life)

    def _other(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """An error that came as an event, or an event that nobody knows."""
        item: Value
        for name, item in value.items():
            if name.endswith("Exception") and isinstance(item, dict):
                raise error.provider_error(item, Frame("exception", as_text(name) or "", frame.data))
        if error.is_error(value):
            raise error.provider_error(value, frame)
        if cost.take(value, frame, life) is None:
            life.unknown(frame.name, value)

    def on_content_block_start(self, value: dict[str, Any], life: Lifecycle) -> None:
        """Tool calls, tool results and images have a start; text and reasoning have none."""
        index = as_count(value.get("contentBlockIndex"))
        if index is None:
            index = 0 if self._at is None else self._at + 1
        self._at = index
        self._end_blank(life)
        start = as_object(value.get("start"))
        tool: Value = start.get("toolUse")
        result: Value = start.get("toolResult")
        image: Value = start.get("image")
        if isinstance(tool, dict):
            self._start_tool(index, tool, life)
        elif isinstance(result, dict):
            life.close_block()
            self._results.start(index, result)
        elif isinstance(image, dict):
            life.close_block()
            self._media.start(index, image)

    def _start_tool(self, index: int, use: dict[str, Any], life: Lifecycle) -> None:
        call_id = as_text(use.get("toolUseId"))
        known = self._calls.get(index)
        if known is not None:
            if call_id and known[1] == call_id:
                return  # the same start again
            self._tools.close(known[0], life)
        life.close_block()
        hosted = as_text(use.get("type")) == _SERVER_TOOL
        issuer = {"issuer": self._issuer} if hosted else None
        slot = self._tools.open(call_id, as_text(use.get("name")), life, provider_executed=hosted, metadata=issuer)
        self._calls[index] = (slot, call_id)
        if hosted and call_id:
            self._results.expect(call_id, slot)

    def on_content_block_delta(self, value: dict[str, Any], life: Lifecycle) -> None:
        """More of a block: one member of a union."""
        index = as_count(value.get("contentBlockIndex"))
        if index is None:
            index = self._at or 0
        self._at = index
        if self._blank is not None and self._blank[0] != index:
            self._end_blank(life)
        delta = as_object(value.get("delta"))
        text = delta.get("text")
        if isinstance(text, str):
            life.text(index, text)
        else:
            self._delta(index, delta, life)

    def _delta(self, index: int, delta: dict[str, Any], life: Lifecycle) -> None:
        tool: Value = delta.get("toolUse")
        reasoning: Value = delta.get("reasoningContent")
        citation: Value = delta.get("citation")
        result: Value = delta.get("toolResult")
        image: Value = delta.get("image")
        if isinstance(tool, dict):
            self.on_tool_use(index, tool, life)
        elif isinstance(reasoning, dict):
            self.on_reasoning_content(index, reasoning, life)
        elif isinstance(citation, dict):
            on_citation(index, citation, life)
        elif isinstance(result, list):
            for part in result:
                self._results.add(index, part)
        elif isinstance(image, dict):
            self._media.add(index, image, life)
        elif delta:
            life.unknown(_DELTA, delta)

    def on_tool_use(self, index: int, use: dict[str, Any], life: Lifecycle) -> None:
        """Argument text of a tool call."""
        known, text = self._calls.get(index), use.get("input")
        if known is None:
            life.warn("tool input without the start of its call was ignored")
        elif isinstance(text, str):
            self._tools.delta(known[0], text, life)

    def on_reasoning_content(self, index: int, content: dict[str, Any], life: Lifecycle) -> None:
        """Reasoning text, its signature, or reasoning that is kept from us. Documents wrap text and signature."""
        inner: Value = content.get("reasoningText")
        if isinstance(inner, dict):
            content = inner
        text, signature = content.get("text"), as_text(content.get("signature"))
        redacted = as_text(content.get("redactedContent"))
        if isinstance(text, str) and text:
            if life.open_reasoning(index):
                life.annotate({"issuer": self._issuer})
            life.reasoning(index, text)
        if signature:
            life.open_reasoning(index)
            life.sign(signature)
            life.annotate({"issuer": self._issuer})
        if redacted:
            if self._redacted == index:
                life.close(index)  # each has a block of its own, so that none is overwritten
            self._redacted = index
            life.open_reasoning(index)
            life.annotate({"redactedContent": redacted, "issuer": self._issuer})

    def on_content_block_stop(self, value: dict[str, Any], life: Lifecycle) -> None:
        """A block is complete."""
        index = as_count(value.get("contentBlockIndex"))
        if index is None:
            index = self._at or 0
        self._at = index
        life.close(index)
        known = self._calls.get(index)
        if known is not None:
            if self._tools.is_blank(known[0]):
                self._blank = (index, known[0])
            else:
                self._tools.close(known[0], life)
        self._results.stop(index, self._tools, life)
        self._media.stop(index, life)

    def _end_blank(self, life: Lifecycle) -> None:
        """Another block begins: the call before it has no arguments."""
        if self._blank is not None:
            self._tools.close(self._blank[1], life)
            self._blank = None

    def on_message_stop(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """Why the model stopped; usage may have come before or will follow."""
        raw = as_text(value.get("stopReason"))
        if raw in _MALFORMED:
            raise error.invalid_output(f"the model gave malformed output: {raw}", frame.data)
        extra = value.get("additionalModelResponseFields")
        if extra is not None:
            life.note({"additionalModelResponseFields": extra})
        reason = normalized(raw or "")
        if reason == "stop" and self._tools.any:
            reason = "tool-calls"
        self._tools.settle(lambda _: reason in _CUT, life)
        self._results.end(self._tools, life)
        self._media.end(life)
        self._reason = FinishReason(reason, raw)
        if self._counted:
            life.complete(self._reason)

    def on_metadata(self, value: dict[str, Any], life: Lifecycle) -> None:
        """Usage, and what else is worth keeping. Metadata without usage erases nothing."""
        self._described = True
        for name in _NOTED:
            if value.get(name) is not None:
                life.note({name: value[name]})
        usage: Value = value.get("usage")
        if isinstance(usage, dict):
            self._counted = True
            take_usage(usage, life)
        if self._counted and self._reason is not None:
            life.complete(self._reason)

    # End

    def done(self, life: Lifecycle) -> None:
        """Bedrock has no such end; it says nothing here."""

    def document(self, frame: Frame, value: Value, life: Lifecycle) -> None:
        """The answer of Converse: the blocks whole, the rest under the names of the stream's events."""
        if not isinstance(value, dict):
            raise error.invalid_output("the answer is not a JSON object", frame.data)
        message = as_object(as_object(value.get("output")).get("message"))
        block: Value
        for index, block in enumerate(as_list(message.get("content"))):
            if isinstance(block, dict):
                self._block(index, block, life)
                life.close(index)
        cost.take(value, frame, life)
        self.on_metadata(value, life)
        if value.get("stopReason") is not None:
            self.on_message_stop(frame, value, life)
        if life.reason is None:
            self.end(life)

    def _block(self, index: int, block: dict[str, Any], life: Lifecycle) -> None:
        self._end_blank(life)
        text: Value = block.get("text")
        reasoning: Value = block.get("reasoningContent")
        tool: Value = block.get("toolUse")
        result: Value = block.get("toolResult")
        cited: Value = block.get("citationsContent")
        if isinstance(text, str):
            life.text(index, text)
        elif isinstance(reasoning, dict):
            self.on_reasoning_content(index, reasoning, life)
        elif isinstance(tool, dict):
            self._whole_tool(index, tool, life)
        elif isinstance(result, dict):
            life.close_block()
            self._results.start(index, result)
            for part in as_list(result.get("content")):
                self._results.add(index, part)
            self._results.stop(index, self._tools, life)
        elif isinstance(cited, dict):
            cite(index, cited, life)
        elif not any(give_media(kind, as_object(block.get(kind)), life) for kind in KINDS):
            life.unknown("content", block)

    def _whole_tool(self, index: int, use: dict[str, Any], life: Lifecycle) -> None:
        self._start_tool(index, use, life)
        slot, value = self._calls[index][0], use.get("input")
        if value is None or value == {}:
            self._blank = (index, slot)
        else:
            self._tools.delta(slot, dump(value), life)
            self._tools.close_value(slot, value, life)

    def end(self, life: Lifecycle) -> None:
        """The body ended: complete after `messageStop`, with a warning where metadata did not come."""
        if self._reason is None:
            raise error.incomplete("the stream ended without messageStop")
        if not self._described:
            life.warn("the stream ended without metadata")
        life.complete(self._reason)
