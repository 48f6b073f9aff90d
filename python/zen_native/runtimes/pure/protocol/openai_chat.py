"""OpenAI-compatible chat completions: the one shared core of every dialect, streamed and whole.

Owns which choice a delta belongs to, the order inside a delta (reasoning, content, refusal, media, citations, tools),
the finish reason and the end of the stream. Dialects are tables of spellings: reasoning in `openai_chat_reasoning`,
tool calls in `openai_chat_tools`, usage and finish reasons in `openai_chat_usage`, hosted tools, citations and media
in `openai_chat_extras`. Owns no assembly of arguments and no block order.
Twin of `rust/core/src/protocol/openai_chat.rs`.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, https://openrouter.ai/docs/api-reference/overview

Decisions where the contract is silent:
- Every choice is given out. Blocks and calls of a choice with an index above 0 carry `{"choice": index}`; the reason
  is that of choice 0, all of them stand in the step's metadata as `finish_reasons`.
- A finish reason is settled at `[DONE]` or the end of the body: it may be repeated, and content may follow it (kept,
  with a warning). The last one wins. Calls that are complete at the first are given out there. The upstream's own word
  is `native_finish_reason` in the step's metadata.
- `finish_reason` "error", "network_error" and "insufficient_system_resource" are failures, not ends.
- A transcript of audio is visible text, marked `{"transcript": true}`; the sound comes as one `media` per chunk; what
  must be sent back of it (its id) is `audio` in the step's metadata.
- A call ends the text or reasoning before it, so that the order of blocks is that of the wire.
"""

from __future__ import annotations

from typing import Any

from zen_native.events import FinishReason
from zen_native.runtimes.pure import cost, error
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import as_count, as_list, as_object, as_text, is_array, is_object
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.options import Options
from zen_native.runtimes.pure.protocol.openai_chat_extras import Extras, on_images
from zen_native.runtimes.pure.protocol.openai_chat_reasoning import Reasoning
from zen_native.runtimes.pure.protocol.openai_chat_state import REASONING, REFUSAL, TRANSCRIPT, Choice, says
from zen_native.runtimes.pure.protocol.openai_chat_usage import CUT, FAILED, REASONS, take_usage
from zen_native.runtimes.pure.tools import Tools

__all__ = ["OpenAIChat"]

NO_REASON = "the answer ended without a finish reason"
LATE = "content came after the finish reason"
_PLAIN = frozenset({"content", "role", "refusal"})
_RARE = frozenset({"citations", "cost", "normalizedUsage", "search_results", "x_groq"})
_SPEAKING = ("content", "tool_calls", "function_call", "reasoning_content", "reasoning", "reasoning_text")
_NOTED = ("prompt_filter_results", "provider", "service_tier", "system_fingerprint")


class OpenAIChat:
    """State of one answer."""

    def __init__(self, options: Options, life: Lifecycle) -> None:
        self._require_reason = options.require_finish_reason
        self._tools = Tools()
        self._reasoning = Reasoning()
        self._extras = Extras()
        self._choices: dict[int, Choice] = {}
        self._reason: str | None = None
        self._noted = False
        self._ends_on_cost = False

    def step(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """One chunk."""
        if frame.name == "error" or error.is_error(value):
            raise error.provider_error(value, frame)
        choices = value.get("choices")
        if is_array(choices):
            self.on_choices(choices, frame, value, life)
        usage = value.get("usage")
        used = False
        if usage and is_object(usage):
            used = True
            self.on_usage(usage, ("usage",), frame, value, life)
        if not _RARE.isdisjoint(value) and any(value.get(key) is not None for key in _RARE):
            self.on_dialect(frame, value, life)
        elif not is_array(choices) and not used and value.get("type") != "ping":
            life.unknown(as_text(value.get("object")) or frame.name, value)

    # Handlers

    def on_choices(self, choices: list[Any], frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        if life.response_id is None or life.model is None:
            life.identify(as_text(value.get("id")), as_text(value.get("model")))
        if not self._noted:
            self._noted = True
            self.on_notes(value, life)
        for place, choice in enumerate(choices):
            if is_object(choice):
                self._ends_on_cost = False
                self.on_choice(choice, place, frame, value, life)

    def on_choice(
        self, choice: dict[str, Any], place: int, frame: Frame, value: dict[str, Any], life: Lifecycle
    ) -> None:
        state = self._choice(as_count(choice.get("index")) or 0)
        delta = choice.get("delta")
        if is_object(delta):
            state.streamed = True
        elif not state.streamed:
            delta = choice.get("message")
        if delta and is_object(delta):
            self.on_delta(state, delta, life)
        failure = choice.get("error")
        if failure is not None and says(failure):
            raise error.provider_error({"error": failure}, frame)
        usage = choice.get("usage")
        if usage and is_object(usage):
            self.on_usage(usage, ("choices", place, "usage"), frame, value, life)
        finish, details = choice.get("finish_reason"), choice.get("finish_details")
        if finish is None and details is None:
            return
        reason = as_text(finish) or as_text(as_object(details).get("type"))
        if reason:
            self.on_finish_reason(state, reason, choice, frame, value, life)

    def on_delta(self, state: Choice, delta: dict[str, Any], life: Lifecycle) -> None:
        if state.reason is not None and any(says(delta.get(key)) for key in _SPEAKING):
            life.warn(LATE)
        plain = delta.keys() <= _PLAIN
        if not plain:
            self._reasoning.on_reasoning(state.key + REASONING, state.mark, delta, life)
        content = delta.get("content")
        if isinstance(content, str):
            self._text(state, 0, content, None, life)
        elif is_array(content):
            self.on_content(state, content, life)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self.on_refusal(state, refusal, life)
        if not plain:
            self.on_rest(state, delta, life)

    def on_content(self, state: Choice, parts: list[Any], life: Lifecycle) -> None:
        for part in parts:
            if isinstance(part, str):
                self._text(state, 0, part, None, life)
            elif is_object(part):
                self.on_part(state, part, life)

    def on_part(self, state: Choice, part: dict[str, Any], life: Lifecycle) -> None:
        kind = as_text(part.get("type")) or ""
        text = part.get("text")
        if kind in ("text", "output_text"):
            self._text(state, 0, text if isinstance(text, str) else "", None, life)
        elif kind == "thinking":
            self._reasoning.on_thinking(state.key + REASONING, state.mark, part, life)
        elif kind == "refusal":
            refusal = part.get("refusal")
            self.on_refusal(state, refusal if isinstance(refusal, str) else "", life)
        elif kind == "reference":
            self._extras.cite((None, None, None, part), life)
        elif kind == "image_url":
            on_images([part], life)
        else:
            life.unknown(kind or "content", part)

    def on_refusal(self, state: Choice, text: str, life: Lifecycle) -> None:
        self._text(state, REFUSAL, text, {"refusal": True}, life)

    def on_rest(self, state: Choice, delta: dict[str, Any], life: Lifecycle) -> None:
        images, audio = delta.get("images"), delta.get("audio")
        if is_array(images):
            on_images(images, life)
        if is_object(audio):
            transcript = audio.get("transcript")
            if isinstance(transcript, str):
                self._text(state, TRANSCRIPT, transcript, {"transcript": True}, life)
            self._extras.on_audio(audio, life)
        self._extras.on_annotations(as_list(delta.get("annotations")), life)
        calls, legacy, executed = delta.get("tool_calls"), delta.get("function_call"), delta.get("executed_tools")
        if says(calls) or says(legacy) or says(executed):
            self._reasoning.leave(life)
            life.close_block()
        if is_array(calls):
            state.calls.on_tool_calls(calls, life)
        if is_object(legacy):
            state.calls.on_function_call(legacy, life)
        if is_array(executed):
            self._extras.on_executed_tools(executed, self._tools, life)
        extra = as_object(delta.get("extra_content"))
        if extra:
            life.note({"extra_content": extra})

    def on_finish_reason(
        self, state: Choice, reason: str, choice: dict[str, Any], frame: Frame, value: dict[str, Any], life: Lifecycle
    ) -> None:
        if reason in FAILED:
            message = f"the provider ended the answer with finish_reason {reason}"
            raise error.provider_error({"error": {"type": FAILED[reason], "code": reason, "message": message}}, frame)
        normalized = REASONS.get(reason, "unknown")
        if state.reason is None and normalized not in CUT:
            state.calls.finish(life, blank=normalized == "tool-calls")
        state.reason = reason
        if state.mark is None or self._reason is None:
            self._reason = reason
        self.on_notes(value, life)
        native = as_text(choice.get("native_finish_reason"))
        if native:
            life.note({"native_finish_reason": native})
        filtered = choice.get("content_filter_results")
        if says(filtered) and normalized == "content-filter":
            life.note({"content_filter_results": filtered})

    def on_usage(
        self, usage: dict[str, Any], path: tuple[str | int, ...], frame: Frame, value: dict[str, Any], life: Lifecycle
    ) -> None:
        self._ends_on_cost = False
        self.on_notes(value, life)
        take_usage(usage, path, frame, life)

    def on_notes(self, value: dict[str, Any], life: Lifecycle) -> None:
        notes = {key: value[key] for key in _NOTED if says(value.get(key))}
        if notes:
            life.note(notes)

    def on_dialect(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        if cost.take(value, frame, life) is not None and not as_list(value.get("choices")):
            self._ends_on_cost = True
        groq = as_object(value.get("x_groq"))
        usage, failure = as_object(groq.get("usage")), groq.get("error")
        if says(failure):
            raise error.provider_error({"error": failure}, frame)
        if usage:
            self.on_usage(usage, ("x_groq", "usage"), frame, value, life)
        self._extras.on_sources(as_list(value.get("search_results")), as_list(value.get("citations")), life)

    # The end

    def done(self, life: Lifecycle) -> None:
        """`[DONE]`."""
        self._complete_loosely(life)

    def document(self, frame: Frame, value: Any, life: Lifecycle) -> None:
        """A whole completion."""
        choices = as_list(as_object(value).get("choices"))
        if not any(is_object(choice) for choice in choices):
            raise error.invalid_output("the response is not a chat completion", frame.data[:200])
        self.step(frame, value, life)
        self._complete(life)

    def end(self, life: Lifecycle) -> None:
        """The body ended without `[DONE]`: fine behind a finish reason, tolerated behind a cost frame."""
        if self._reason is None and not self._ends_on_cost:
            raise error.incomplete("the stream ended without a finish reason")
        self._complete_loosely(life)

    def _complete_loosely(self, life: Lifecycle) -> None:
        if self._reason is None:
            if self._require_reason:
                raise error.incomplete("the stream ended without a finish reason")
            life.warn(NO_REASON)
        self._complete(life)

    def _complete(self, life: Lifecycle) -> None:
        self._extras.speak(life)
        self._reasoning.leave(life)
        normalized = REASONS.get(self._reason or "", "unknown")
        cut: set[int] = set()
        for choice in self._choices.values():
            choice.calls.flush(life)
            if REASONS.get(choice.reason or self._reason or "") in CUT:
                cut.update(choice.calls.slots())
        self._tools.settle(cut.__contains__, life)
        if normalized in ("stop", "unknown") and self._tools.any:
            normalized = "tool-calls"
        if len(self._choices) > 1:
            life.note({"finish_reasons": {str(index): choice.reason for index, choice in self._choices.items()}})
        life.complete(FinishReason(normalized, self._reason))

    # Helpers

    def _choice(self, index: int) -> Choice:
        state = self._choices.get(index)
        if state is None:
            mark: Meta | None = {"choice": index} if index else None
            state = self._choices[index] = Choice(len(self._choices), mark, self._tools)
        return state

    def _text(self, state: Choice, part: int, text: str, metadata: Meta | None, life: Lifecycle) -> None:
        if not text:
            return
        key = state.key + part
        if life.is_open(key):
            life.text(key, text)
            return
        self._reasoning.leave(life)
        if metadata or state.mark:
            life.open_text(key, {**(state.mark or {}), **(metadata or {})})
        life.text(key, text)
        self._extras.speak(life)
