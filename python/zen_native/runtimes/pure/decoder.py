"""The decoder: framing, protocol and lifecycle in one object that takes bytes and gives events.

Owns what is the same for every protocol: which frames reach it, JSON or not, error frames, what happens after the
terminal, and the end of the body. Knows no socket and no clock. Twin of `rust/core/src/decoder.rs`.
"""

from __future__ import annotations

from collections.abc import Iterable

from zen_native.errors import LLMError
from zen_native.events import LLMEvent
from zen_native.runtimes.pure import cost, error
from zen_native.runtimes.pure.error import is_error
from zen_native.runtimes.pure.frame import Frame, Limits
from zen_native.runtimes.pure.framing import new_framing
from zen_native.runtimes.pure.json import JsonError, Value, parse, parse_prefix
from zen_native.runtimes.pure.lifecycle import Lifecycle
from zen_native.runtimes.pure.options import Options
from zen_native.runtimes.pure.protocol import new_protocol

__all__ = ["Decoder"]

_TRAILING_FRAMES = 64
"""How many frames after the terminal are looked at for a charge."""
UNREADABLE = "bytes after the end of the answer could not be read"
_HEAD = 200


class Decoder:
    """One response. `feed` and `finish` raise nothing: a failure is left in `error`, after the events before it."""

    def __init__(self, protocol: str, framing: str, options: Options) -> None:
        self._life = Lifecycle(options.provider, think_tags=options.think_tags, raw_events=options.raw_events)
        self._framing = new_framing(framing, options.limits, self._life.warn)
        self._unary = framing == "document"
        self._protocol = new_protocol(protocol, options, self._life)
        self._trailing_cost = options.trailing_cost
        self._room = options.limits.max_response_bytes
        self._after = 0
        self._at_end = False
        self.error: LLMError | None = None

    @property
    def done(self) -> bool:
        """Whether nothing more can come: the finish was given out, or the stream failed."""
        return self._life.finished or self.error is not None

    @property
    def answered(self) -> bool:
        """Whether the answer is complete. Until `done`, a charge may follow it."""
        return self._life.reason is not None

    def feed(self, data: bytes) -> list[LLMEvent]:
        """The events of the next bytes."""
        out = self._life.out = []
        if self._life.finished or self.error is not None:
            return out
        try:
            if self._room is None:
                frames = self._framing.feed(data)
                if frames:
                    self._frames(frames)
            else:
                self._feed_bounded(data, self._room)
        except LLMError as failure:
            self._fail(failure)
        return out

    def _feed_bounded(self, data: bytes, room: int) -> None:
        self._frames(self._framing.feed(data[:room]))
        if len(data) > room and not self._life.finished:
            raise error.limit_exceeded("the response is larger than max_response_bytes")
        self._room = room - len(data)

    def finish(self) -> list[LLMEvent]:
        """The events of the end of the body."""
        out = self._life.out = []
        if self.done:
            return out
        self._at_end = True
        try:
            self._frames(self._framing.finish())
            if not self._life.finished:
                self._end()
        except LLMError as failure:
            self._fail(failure)
        return out

    def _fail(self, failure: LLMError) -> None:
        """A failure ends the decoding; what is wrong with the bytes behind a complete answer is worth a warning."""
        if self._life.reason is not None:
            self._life.warn(UNREADABLE)
            self._life.finish()
            return
        failure.provider = self._life.provider
        self.error = failure

    def _frames(self, frames: Iterable[Frame]) -> None:
        life = self._life
        for frame in frames:
            if life.reason is None:
                self._on_frame(frame)
                self._after_frame()
            else:
                self._on_trailing(frame)
            if life.finished:
                return

    def _after_frame(self) -> None:
        life = self._life
        if life.reason is not None and not self._trailing_cost and not life.finished:
            life.finish()

    def _end(self) -> None:
        if self._life.reason is None:
            self._protocol.end(self._life)
        self._life.finish()

    def _on_frame(self, frame: Frame) -> None:
        if frame.kind != "event":
            self._on_other_kind(frame)
            return
        data = frame.data
        if not data or data == "[DONE]":
            if data:
                self._protocol.done(self._life)
            return
        value: Value
        try:
            value = parse(data)
        except JsonError:
            if frame.name == "ping" or self._at_end:  # what the end of the body cut is missing, not malformed
                return
            raise error.invalid_output("the frame is not valid JSON", data) from None
        if not isinstance(value, dict):
            if frame.name == "ping":
                return
            raise error.invalid_output("the frame is not a JSON object", data)
        self._protocol.step(frame, value, self._life)

    def _on_other_kind(self, frame: Frame) -> None:
        if frame.kind == "document":
            self._on_document(frame)
            return
        payload: Value
        try:
            payload = parse(frame.data)
        except JsonError:
            payload = {"message": frame.data}
        raise error.provider_error(payload, frame)

    def _on_document(self, frame: Frame) -> None:
        """A whole body: an answer where one was asked for, else an error's JSON or no stream at all."""
        value: Value
        try:
            value, rest = parse_prefix(frame.data)
        except JsonError:
            value, rest = None, ""
        if is_error(value):
            raise error.provider_error(value, frame)
        if not self._unary or not isinstance(value, (dict, list)):
            message = "the response is not an answer" if self._unary else "the response is not a stream"
            if isinstance(value, (dict, list)):
                message += ' but a JSON document, which framing="document" decodes'
            raise error.invalid_output(message, frame.data[:_HEAD])
        self._protocol.document(frame, value, self._life)
        self._glued(rest)
        self._life.finish()

    def _glued(self, rest: str) -> None:
        """OpenCode's gateways put a cost frame right behind the document."""
        if rest.strip(" \t\r\n"):
            framing = new_framing("sse", Limits(), self._life.warn)
            for frames in (framing.feed(rest.encode()), framing.finish()):
                for frame in frames:
                    self._on_trailing(frame)

    def _on_trailing(self, frame: Frame) -> None:
        """After the terminal only cost matters; an error there, or content, is worth a warning."""
        life = self._life
        self._after += 1
        value: Value
        try:
            value = parse(frame.data)
        except JsonError:
            value = None
        if frame.kind != "event" or is_error(value):
            life.warn("an error after the end of the answer was ignored")
        elif isinstance(value, dict):
            found = cost.take(value, frame, life)
            if found is None and value.get("type") != "ping":
                life.warn("content after the end of the answer was ignored")
            elif found == "charge" and not self._unary:
                life.finish()
        if self._after >= _TRAILING_FRAMES and not life.finished and not self._unary:
            life.finish()
