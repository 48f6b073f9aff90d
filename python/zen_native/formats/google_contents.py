"""Contents of Google's format: turns, parts, function calls and responses, thought signatures.

Owns what stands where in `contents`. A signature goes back on the kind of part it came on; a thought without one is of
no use to Google and stays here.

Sources: https://ai.google.dev/api/caching#Part, https://ai.google.dev/gemini-api/docs/thought-signatures (which calls
must be signed, and what stands in for a signature that Google did not issue),
https://ai.google.dev/gemini-api/docs/function-calling (multimodal responses)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .common import Draft, Json, call_object, is_media, is_object, present, result_text, takes, wrapped_system
from .turns import Turns, texts_of

if TYPE_CHECKING:
    from zen_native.request import (
        Content,
        MediaContent,
        Message,
        ReasoningContent,
        ToolCallContent,
        ToolResultContent,
    )

__all__ = ["Contents"]

BYPASS = "skip_thought_signature_validator"
"""What Google documents for calls that it did not make itself."""

_MEDIA = frozenset(
    {"image", "image-url", "image-file", "document", "document-url", "document-file"}
    | {"audio", "audio-url", "audio-file"}
)
_CODE = "code_execution"


class Contents:
    """The contents of one request. `newer`: Gemini 3 and later, which insist on signatures."""

    def __init__(self, draft: Draft, *, newer: bool) -> None:
        self._draft = draft
        self._newer = newer
        self._unnamed: set[str] = set()
        self._turns = Turns("parts")

    def lowered(self, history: Sequence[Message]) -> list[Json]:
        """All of them; neighbours of one role are one."""
        self._draft.without_cache_marks(history)
        for message in history:
            if message.role == "assistant":
                self._turns.say("model", self._answer(message))
            elif message.role == "tool":
                self._turns.say("user", self._results(message))
            elif message.role == "system":
                self._turns.say("user", [{"text": wrapped_system(text)} for text in texts_of(message)])
            else:
                self._turns.say("user", [part for part in map(self._part, message.content) if part])
        return self._turns.out

    def _part(self, part: Content) -> Json | None:
        if part.type == "text":
            return {"text": part.text} | self._signed(part)
        return self._media(part) if is_media(part) and takes(self._draft, part, _MEDIA, {}) else None

    def _media(self, part: MediaContent) -> Json:
        if part.data is not None:
            held: Json = {"inlineData": {"mimeType": part.mime_type, "data": part.data}}
        else:
            held = {"fileData": present(mimeType=part.mime_type, fileUri=part.url or part.file_id)}
        return held | self._signed(part)

    def _signed(self, part: Content) -> Json:
        """The signature that came with a part, if it is this issuer's."""
        return present(thoughtSignature=self._draft.replay(part).get("thoughtSignature"))

    # Answers

    def _answer(self, message: Message) -> list[Json]:
        parts: list[Json] = []
        for part in message.content:
            if part.type == "reasoning":
                lowered = self._thought(part)
            elif part.type == "tool-call":
                lowered = self._hosted_call(part) if part.provider_executed else self._call(part)
            elif part.type == "tool-result":
                lowered = self._hosted_result(part)
            else:
                lowered = self._part(part)
            if lowered:
                parts.append(lowered)
        self._bypass(parts)
        return parts

    def _thought(self, part: ReasoningContent) -> Json | None:
        if not self._draft.is_own(part):
            self._draft.foreign_reasoning()
            return None
        if part.signature is None:
            return None
        return {"text": part.text, "thought": True, "thoughtSignature": part.signature}

    def _call(self, call: ToolCallContent) -> Json:
        """An id that we made up is not sent: Google gave none."""
        function: Json = {"name": call.name, "args": call_object(call)}
        if self._draft.replay(call).get("synthetic_id"):
            self._unnamed.add(call.id)
        elif self._draft.dialect.call_ids:
            function = {"id": call.id, **function}
        return {"functionCall": function} | self._signed(call)

    def _bypass(self, parts: list[Json]) -> None:
        """Newer models refuse calls without any signature. A batch that Google signed is left alone: it signs the
        first call only."""
        calls = [part for part in parts if "functionCall" in part]
        if self._newer and not any("thoughtSignature" in part for part in calls):
            for part in calls:
                part["thoughtSignature"] = BYPASS

    def _hosted_call(self, call: ToolCallContent) -> Json | None:
        if not self._draft.is_own(call):
            self._draft.foreign_tool(call.name)
            return None
        named = present(id=self._hosted_id(call))
        if call.name == _CODE:
            return {"executableCode": {**call_object(call), **named}} | self._signed(call)
        return {"toolCall": {"toolType": call.name, "args": call_object(call), **named}} | self._signed(call)

    def _hosted_result(self, result: ToolResultContent) -> Json | None:
        if not self._draft.is_own(result):
            return None
        named = {} if result.id in self._unnamed else {"id": result.id}
        if result.name == _CODE and is_object(result.result):
            return {"codeExecutionResult": {**result.result, **named}} | self._signed(result)
        response = {"toolType": result.name, **present(response=result.result), **named}
        return {"toolResponse": response} | self._signed(result)

    def _hosted_id(self, call: ToolCallContent) -> str | None:
        if not self._draft.replay(call).get("synthetic_id"):
            return call.id
        self._unnamed.add(call.id)
        return None

    # Results

    def _results(self, message: Message) -> list[Json]:
        responses: list[Json] = []
        attached: list[Json] = []
        for result in message.content:
            if result.type == "tool-result":
                response, media = self._response(result)
                responses.append({"functionResponse": response})
                if media:
                    attached += [{"text": f"Content of the result of {result.name or result.id}:"}, *media]
        return [*responses, *attached]

    def _response(self, result: ToolResultContent) -> tuple[Json, list[Json]]:
        """A response, and the media that have no place in it."""
        value: Any = result_text(result) if result.content else result.result
        if result.is_error:
            value = {"error": value}
        elif not is_object(value):
            value = {"output": value}
        response: Json = {"name": result.name, "response": value}
        if self._draft.dialect.call_ids and result.id not in self._unnamed:
            response = {"id": result.id, **response}
        media = [part for part in (self._part(p) for p in result.content if p.type != "text") if part]
        if media and self._newer:
            return {**response, "parts": media}, []
        return response, media
