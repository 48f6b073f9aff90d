"""Google generateContent and streamGenerateContent, of the Gemini API and of Vertex AI.

Owns text and thought parts, media, usage, finish reasons and the end of the stream. Function calls and tools that
Google runs are in `google_tools`, citations in `google_sources`.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thought-signatures,
https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse

Decisions where the contract is silent:
- A signature ends the block it stands on, so that a block has at most one and none is overwritten. An empty part with
  a signature signs the open block of its kind, or else an empty block of its own.
- A part that is no text closes the open block, so that parts can be replayed in their order.
- Blocks, calls and media of candidates after the first carry `{"candidate": index}`; the finish reason is that of
  candidate 0 where it has one. Log probabilities are not given out.
- An error after a finish reason is an error: some models say one with every chunk, so that only the body's end is
  the end.
Twin of `rust/core/src/protocol/google.rs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zen_native.events import FinishReason
from zen_native.runtimes.pure import cost, error
from zen_native.runtimes.pure.json import Value, as_count, as_list, as_text
from zen_native.runtimes.pure.protocol.google_sources import GoogleSources
from zen_native.runtimes.pure.protocol.google_tools import GoogleTools

if TYPE_CHECKING:
    from zen_native.events import NormalizedReason
    from zen_native.runtimes.pure.frame import Frame
    from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
    from zen_native.runtimes.pure.options import Options

__all__ = ["Google"]

_MEDIA_TYPE = "application/octet-stream"
_PLAIN = frozenset({"content", "index", "finishReason"})
_CHUNK = ("candidates", "promptFeedback", "usageMetadata")
_NOTHING = (None, None, None, None)
_NOTED = ("avgLogprobs", "finishMessage", "safetyRatings")
_DATA = (
    "functionCall",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "functionResponse",
    "inlineData",
    "fileData",
)
_HOSTED = frozenset({"executableCode", "codeExecutionResult", "toolCall", "toolResponse", "functionResponse"})


class Google:
    """State of one answer."""

    __slots__ = ("_blocked", "_issuer", "_prompt", "_reason", "_sources", "_tool_prompt", "_tools")

    def __init__(self, options: Options, life: Lifecycle) -> None:
        self._issuer = options.provider
        life.usage.output_excludes_reasoning = True
        self._tools = GoogleTools()
        self._sources = GoogleSources()
        self._reason: tuple[int, str] | None = None
        self._blocked: str | None = None
        self._prompt: int | None = None
        self._tool_prompt: int | None = None

    def step(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """One chunk of the stream, or one element of an array."""
        candidates: Value = value.get("candidates")
        if "error" in value or "cost" in value or not isinstance(candidates, list):
            self._other(frame, value, life)
        usage: Value = value.get("usageMetadata")
        if isinstance(usage, dict):
            self.on_usage_metadata(usage, life)
        if life.model is None or life.response_id is None:
            life.identify(as_text(value.get("responseId")), as_text(value.get("modelVersion")))
        feedback: Value = value.get("promptFeedback")
        if isinstance(feedback, dict):
            self.on_prompt_feedback(feedback, life)
        candidate: Value
        for place, candidate in enumerate(as_list(candidates)):
            if isinstance(candidate, dict):
                index = as_count(candidate.get("index"))
                self.on_candidate(place if index is None else index, candidate, life)

    def _other(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """An error, a cost frame of a gateway, or a chunk without candidates."""
        if error.is_error(value):
            raise error.provider_error(value, frame)
        if cost.take(value, frame, life) is None and not any(
            isinstance(value.get(name), (dict, list)) for name in _CHUNK
        ):
            life.unknown(frame.name, value)

    def on_candidate(self, index: int, candidate: dict[str, Any], life: Lifecycle) -> None:
        """What one candidate adds."""
        content: Value = candidate.get("content")
        if isinstance(content, dict):
            part: Value
            for part in as_list(content.get("parts")):
                if isinstance(part, dict):
                    self.on_part(index, part, life)
        reason = candidate.get("finishReason")
        if reason is not None:
            self.on_finish_reason(index, reason)
        if not _PLAIN.issuperset(candidate):
            self._sources.on_candidate(index, candidate)
            prefix = f"candidates.{index}." if index else ""
            for name in _NOTED:
                if candidate.get(name) is not None:
                    life.note({prefix + name: candidate[name]})

    def on_part(self, index: int, part: dict[str, Any], life: Lifecycle) -> None:
        """Text, or one kind of data."""
        text = part.get("text")
        if not index and len(part) == 1 and isinstance(text, str):
            life.text(0, text)
            return
        kind = next((name for name in _DATA if isinstance(part.get(name), dict)), None)
        if kind is None:
            if not isinstance(text, str) and not as_text(part.get("thoughtSignature")):
                life.unknown("part", part)
            self.on_text(index, part, life)
            return
        if isinstance(text, str) and text:
            self.on_text(index, {"text": text, "thought": part.get("thought")}, life)
        life.close_block()
        self._give(kind, index, part, life)

    def _give(self, kind: str, index: int, part: dict[str, Any], life: Lifecycle) -> None:
        data: dict[str, Any] = part[kind]
        metadata = self._metadata(index, part, kind)
        if kind == "functionCall":
            self._tools.on_function_call(index, data, metadata, life)
        elif kind == "executableCode":
            self._tools.on_executable_code(data, metadata, life)
        elif kind == "codeExecutionResult":
            self._tools.on_code_execution_result(data, metadata, life)
        elif kind == "toolCall":
            self._tools.on_tool_call(data, metadata, life)
        elif kind == "toolResponse":
            self._tools.on_tool_response(data, metadata, life)
        elif kind == "functionResponse":
            self._tools.on_function_response(data, metadata, life)
        elif kind == "inlineData":
            self.on_inline_data(data, metadata, life)
        else:
            self.on_file_data(data, metadata, life)

    def _metadata(self, index: int, part: dict[str, Any], kind: str) -> Meta | None:
        """What a part says about itself besides its data, and who issued what only its issuer can read again."""
        metadata: Meta = {"candidate": index} if index else {}
        if part.get("thought") is True:
            metadata["thought"] = True
        signature = as_text(part.get("thoughtSignature"))
        if signature:
            metadata["thoughtSignature"] = signature
        if signature or kind in _HOSTED:
            metadata["issuer"] = self._issuer
        return metadata or None

    def on_text(self, index: int, part: dict[str, Any], life: Lifecycle) -> None:
        """A text or thought part that may be signed; one with neither text nor signature is nothing."""
        text, signature = part.get("text"), as_text(part.get("thoughtSignature"))
        if not isinstance(text, str):
            text = ""
        if not text and not signature:
            return
        where: Meta | None = {"candidate": index} if index else None
        if part.get("thought") is True:
            life.open_reasoning(index, where)
            life.reasoning(index, text)
            if signature:
                life.sign(signature)
                life.annotate({"issuer": self._issuer})
        else:
            life.open_text(index, where)
            life.text(index, text)
            if signature:
                life.annotate({"thoughtSignature": signature, "issuer": self._issuer})
        if signature:
            life.close(index)

    def on_inline_data(self, data: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """A generated image or audio clip."""
        mime_type = as_text(data.get("mimeType")) or _MEDIA_TYPE
        life.media(life.new_id("media"), mime_type, as_text(data.get("data")) or "", None, metadata)

    def on_file_data(self, data: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """Generated media by address."""
        mime_type = as_text(data.get("mimeType")) or _MEDIA_TYPE
        life.media(life.new_id("media"), mime_type, None, as_text(data.get("fileUri")) or "", metadata)

    def on_prompt_feedback(self, feedback: dict[str, Any], life: Lifecycle) -> None:
        """Ratings of the prompt, and why it was blocked."""
        life.note({"promptFeedback": feedback})
        blocked = _name(feedback.get("blockReason"))
        if blocked is not None:
            self._blocked = blocked

    def on_finish_reason(self, index: int, reason: Any) -> None:
        """Why a candidate ended; the answer itself ends with the body, because usage may follow."""
        name = _name(reason)
        if name is not None and (self._reason is None or index == 0 or self._reason[0] == index):
            self._reason = (index, name)

    # End

    def done(self, life: Lifecycle) -> None:
        """Gateways end the stream with `[DONE]`; Google does not."""
        if self._reason is not None or self._blocked is not None:
            self._complete(life)

    def document(self, frame: Frame, value: Any, life: Lifecycle) -> None:
        """One response, or the array of chunks as one body."""
        chunk: Value
        for chunk in as_list(value) or [value]:
            if isinstance(chunk, dict):
                self.step(frame, chunk, life)
        self.end(life)

    def end(self, life: Lifecycle) -> None:
        """The body ended: complete if a candidate ended or the prompt was blocked."""
        if self._reason is None and self._blocked is None:
            raise error.incomplete("the stream ended without a finish reason")
        self._complete(life)

    def _complete(self, life: Lifecycle) -> None:
        reason = self._finish_reason()
        self._tools.end(life, cut=reason.normalized in _CUT)
        self._sources.end(life)
        life.complete(reason)

    def _finish_reason(self) -> FinishReason:
        if self._reason is None:
            return FinishReason("content-filter", self._blocked)
        raw = self._reason[1]
        known = _NUMBERS.get(raw, raw)
        normalized = _REASONS.get(known, "unknown")
        if normalized == "stop" and self._tools.any:
            normalized = "tool-calls"  # Google has no reason of its own for calls
        return FinishReason(normalized, raw)

    # Usage

    def on_usage_metadata(self, usage: dict[str, Any], life: Lifecycle) -> None:
        """Cumulative counts, in every chunk. What tools put into the prompt is not part of `promptTokenCount`."""
        counts = life.usage
        counts.raw = usage
        prompt, tools = as_count(usage.get("promptTokenCount")), as_count(usage.get("toolUsePromptTokenCount"))
        output, reasoning = as_count(usage.get("candidatesTokenCount")), as_count(usage.get("thoughtsTokenCount"))
        cached, total = as_count(usage.get("cachedContentTokenCount")), as_count(usage.get("totalTokenCount"))
        self._prompt = self._prompt if prompt is None else prompt
        self._tool_prompt = self._tool_prompt if tools is None else tools
        if self._prompt is not None:
            counts.set("input", self._prompt + (self._tool_prompt or 0))
        counts.output = counts.output if output is None else output
        counts.reasoning = counts.reasoning if reasoning is None else reasoning
        counts.cache_read = counts.cache_read if cached is None else cached
        counts.total = counts.total if total is None else total
        if (output, reasoning, cached, total) != _NOTHING:
            counts.seen = True


def _name(value: Any) -> str | None:
    """The name of an enum value, or its number as text."""
    number = as_count(value)
    return (as_text(value) or None) if number is None else str(number)


# https://cloud.google.com/java/docs/reference/google-cloud-aiplatform/latest/com.google.cloud.aiplatform.v1.Candidate.FinishReason
# The Gemini API and Vertex AI number the later values differently, so only those that both share are known.
_NUMBERS = {"1": "STOP", "2": "MAX_TOKENS", "3": "SAFETY", "4": "RECITATION"}
_CUT = ("length", "content-filter", "error")
_REASONS: dict[str, NormalizedReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content-filter",
    "RECITATION": "content-filter",
    "BLOCKLIST": "content-filter",
    "PROHIBITED_CONTENT": "content-filter",
    "SPII": "content-filter",
    "MODEL_ARMOR": "content-filter",
    "LANGUAGE": "content-filter",
    "IMAGE_SAFETY": "content-filter",
    "IMAGE_RECITATION": "content-filter",
    "IMAGE_PROHIBITED_CONTENT": "content-filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "MALFORMED_RESPONSE": "error",
    "NO_IMAGE": "error",
}
