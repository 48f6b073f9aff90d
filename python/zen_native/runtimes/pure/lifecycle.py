"""The order of events: the only place that opens and closes blocks, steps and the one finish.

Owns block ids, the rule that text and reasoning do not interleave, joining of surrogate halves cut between two
deltas, warnings, what the step says about itself (id, model, metadata) and the two last events. Protocols call it
and never build an event of text, reasoning, step or finish themselves. Twin of `rust/core/src/lifecycle.rs`.
"""

from __future__ import annotations

import re
from typing import Any

from zen_native.events import (
    Citation,
    Finish,
    FinishReason,
    LLMEvent,
    Media,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    StepFinish,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolResult,
)
from zen_native.runtimes.pure.json import scrub
from zen_native.runtimes.pure.think import Piece, ThinkSplitter
from zen_native.runtimes.pure.usage import Counts

__all__ = ["Lifecycle", "Meta"]

Meta = dict[str, Any]
"""What goes into an event's `metadata` under the provider's key."""

_MAX_WARNINGS = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
_HIGH = re.compile("[\ud800-\udbff]\\Z")


class Lifecycle:
    """State of one step. `out` is the list that events are appended to; the decoder replaces it at every read.

    A block is addressed by `key`, a number the protocol chooses (an index on the wire, mostly). Text and reasoning
    share one place: opening a block closes the one before.
    """

    def __init__(self, provider: str, *, think_tags: tuple[str, ...] = (), raw_events: bool = False) -> None:
        self.out: list[LLMEvent] = []
        self.provider = provider
        self.raw_events = raw_events
        self.usage = Counts()
        self.response_id: str | None = None
        self.model: str | None = None
        self.started = False
        self.reason: FinishReason | None = None
        self.finished = False
        self._warnings: list[str] = []
        self._step_metadata: Meta = {}
        self._blocks = 0
        self._openings = 0
        self._opened = 0
        self._kind: str | None = None
        self._key = 0
        self._id = ""
        self._text_id: str | None = None
        self._half = ""
        self._signature: str | None = None
        self._end_metadata: Meta | None = None
        self._think = ThinkSplitter(think_tags) if think_tags else None
        self._think_key: int | None = None

    # Text and reasoning blocks

    def text(self, key: int, text: str) -> None:
        """A delta of a text block, opened by it where it is not open; empty text does nothing."""
        if not text:
            return
        if self._think is not None:
            self._split(self._think, key, text)
        else:
            if self._kind != "text" or self._key != key:
                self.open_text(key)
            self._delta(text)

    def reasoning(self, key: int, text: str) -> None:
        """A delta of a reasoning block, opened by it where it is not open; empty text does nothing."""
        if text:
            if self._kind != "reasoning" or self._key != key or self._think_key is not None:
                self.open_reasoning(key)
            self._delta(text)

    def open_text(self, key: int, metadata: Meta | None = None) -> None:
        """Opens a text block, which may stay empty. One that is open under the same key stays open."""
        self._flush_think()
        self._open("text", key, metadata)

    def open_reasoning(self, key: int, metadata: Meta | None = None) -> bool:
        """Opens a reasoning block, which may stay empty. One that is open under the same key stays open: False."""
        self._flush_think()
        return self._open("reasoning", key, metadata)

    def is_open(self, key: int) -> bool:
        """Whether the open text or reasoning block has this key."""
        return self._think_key == key or (self._kind is not None and self._key == key)

    def sign(self, signature: str) -> None:
        """Signature of the open reasoning block, given out at its end; the last one wins."""
        self._signature = signature

    def annotate(self, metadata: Meta) -> None:
        """Metadata for the end of the open block, merged over what came before."""
        self._end_metadata = {**(self._end_metadata or {}), **metadata}

    def close(self, key: int) -> None:
        """Closes the open text or reasoning block if it has this key."""
        if self.is_open(key):
            self.close_block()

    def close_block(self) -> None:
        """Closes the open text or reasoning block, if there is one."""
        self._flush_think()
        self._close()

    def opening(self) -> int:
        """The place of what opens now in the order of opening, which blocks and tool inputs share."""
        self._openings += 1
        return self._openings

    def close_before(self, opening: int) -> None:
        """Closes the open text or reasoning block if it was opened before that place."""
        if self._kind is not None and self._opened < opening:
            self.close_block()

    def _close(self) -> None:
        kind, self._kind = self._kind, None
        if kind is None:
            return
        self._flush_half(kind)
        signature, self._signature = self._signature, None
        metadata, self._end_metadata = self._end_metadata, None
        if kind == "text":
            self.out.append(TextEnd(self._id, self.meta(metadata)))
        else:
            self.out.append(ReasoningEnd(self._id, signature, self.meta(metadata)))

    def _open(self, kind: str, key: int, metadata: Meta | None = None) -> bool:
        if self._kind == kind and self._key == key:
            return False
        self._close()
        self.start()
        self._kind, self._key = kind, key
        self._id = self.new_id(kind)
        self._opened = self.opening()
        if kind == "text":
            self._text_id = self._id
            self.out.append(TextStart(self._id, self.meta(metadata)))
        else:
            self.out.append(ReasoningStart(self._id, self.meta(metadata)))
        return True

    def _delta(self, text: str) -> None:
        if self._half or not text.isascii():
            text, self._half = join_halves(self._half, text)
            if not text:
                return
        self.out.append(TextDelta(self._id, text) if self._kind == "text" else ReasoningDelta(self._id, text))

    def _split(self, think: ThinkSplitter, key: int, text: str) -> None:
        if self._think_key != key:
            self._flush_think()
            self._think_key = key
            if self._kind is not None:
                self._flush_half(self._kind)
        text, half = join_halves(self._half, text)
        self._half = ""  # of what comes after the pieces, whichever block they end in
        self._give(key, think.feed(text))
        self._half = half

    def _flush_think(self) -> None:
        key, self._think_key = self._think_key, None
        if self._think is None or key is None:
            return
        half, self._half = self._half, ""
        self._give(key, self._think.feed("\ufffd") if half else [])
        self._give(key, self._think.flush())

    def _give(self, key: int, pieces: list[Piece]) -> None:
        for is_reasoning, text in pieces:
            self._open("reasoning" if is_reasoning else "text", key)
            # Halves were joined before the text was split.
            self.out.append(ReasoningDelta(self._id, text) if is_reasoning else TextDelta(self._id, text))

    def _flush_half(self, kind: str) -> None:
        if self._half:
            self._half = ""
            self.out.append(TextDelta(self._id, "\ufffd") if kind == "text" else ReasoningDelta(self._id, "\ufffd"))

    # Events of other kinds

    def emit(self, event: LLMEvent) -> None:
        """A tool event (from `tools`), after the step's start."""
        self.start()
        self.out.append(event)

    def tool_result(
        self, tool_id: str, name: str, result: Any, *, is_error: bool = False, metadata: Meta | None = None
    ) -> None:
        """The result of a tool that the provider ran."""
        self.emit(ToolResult(tool_id, name, scrub(result), is_error, True, self.meta(metadata)))

    def citation(self, url: str | None, title: str | None, text: str | None, metadata: Meta | None) -> None:
        """A citation of the text block that is open or was last."""
        self.emit(Citation(self._text_id, url, title, text, self.meta(metadata)))

    def media(self, media_id: str, mime_type: str, data: str | None, url: str | None, metadata: Meta | None) -> None:
        """Generated media, as base64 text or by address."""
        self.emit(Media(media_id, mime_type, data, url, self.meta(metadata)))

    def unknown(self, name: str, value: Any) -> None:
        """A frame that no handler knows: given out only when raw events were asked for."""
        if self.raw_events:
            self.emit(Raw(name, scrub(value)))

    def new_id(self, prefix: str) -> str:
        """An id unique in the step, from the same counter as block ids."""
        self._blocks += 1
        return f"{prefix}-{self._blocks - 1}"

    # The step

    def start(self) -> None:
        """Opens the step before its first content."""
        if not self.started:
            self.started = True
            self.out.append(StepStart(0))

    def identify(self, response_id: str | None, model: str | None) -> None:
        """Id and model of the answer: the first ones that are not empty stay."""
        if response_id and self.response_id is None:
            self.response_id = response_id
        if model and self.model is None:
            self.model = model

    def note(self, metadata: Meta) -> None:
        """Metadata of the step, merged over what came before."""
        self._step_metadata.update(metadata)

    def warn(self, message: str) -> None:
        """Something odd that is no failure; each text once, at most 64 of them."""
        if message not in self._warnings and len(self._warnings) < _MAX_WARNINGS:
            self._warnings.append(message)

    def complete(self, reason: FinishReason) -> None:
        """The protocol's terminal was reached: blocks close now, step and finish wait for `finish`."""
        self.start()
        self.close_block()
        self.reason = reason

    def finish(self) -> None:
        """The two last events."""
        reason = self.reason
        if reason is None:
            return
        self.finished = True
        usage = self.usage.build()
        metadata = self.meta(self._step_metadata or None)
        self.out.append(StepFinish(0, reason, usage, self.response_id, self.model, metadata))
        self.out.append(Finish(reason, usage, 1, tuple(self._warnings)))

    def meta(self, metadata: Meta | None) -> dict[str, Any] | None:
        """The form metadata has in events: keyed by provider, without lone surrogates."""
        return None if metadata is None else {self.provider: scrub(metadata)}


def join_halves(half: str, text: str) -> tuple[str, str]:
    """Text with `half` (a high surrogate that ended the delta before) put in front, and the half it ends with.

    Halves that found each other become one character, all other lone surrogates U+FFFD.
    """
    if not half and not _SURROGATE.search(text):
        return text, ""
    text = half + text
    match = _HIGH.search(text)
    rest = match.group() if match else ""
    if rest:
        text = text[:-1]
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), rest
