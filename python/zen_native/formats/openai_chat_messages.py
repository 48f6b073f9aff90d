"""Messages of chat completions: roles, content parts, calls and results, reasoning that goes back.

Owns what stands where in `messages`. Sources: https://platform.openai.com/docs/api-reference/chat/create,
https://openrouter.ai/docs/use-cases/reasoning-tokens (preserving reasoning),
https://api-docs.deepseek.com/guides/thinking_mode (reasoning beside calls),
https://docs.mistral.ai/capabilities/function_calling (order of roles)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zen_native.cache_policy import CachePlan, plan_cache

from .common import Draft, Json, call_object, data_url, dump, is_call, is_media, marked, present, result_text, takes
from .history import CallIds
from .openai_cache import plan_breakpoints, with_breakpoint

if TYPE_CHECKING:
    from zen_native.request import (
        Content,
        DocumentContent,
        Message,
        ReasoningContent,
        ToolCallContent,
    )

__all__ = ["ChatMessages"]

FILLER = "OK."
"""What an assistant says where the server wants one between a tool and a user."""

_MEDIA = frozenset({"image", "image-url"})
_TYPES = {
    "image": frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"}),
    "document": frozenset({"application/pdf"}),
    "audio": frozenset({"audio/mp3", "audio/mpeg", "audio/wav", "audio/x-wav"}),
}


class ChatMessages:
    """The messages of one request."""

    def __init__(self, draft: Draft, history: Sequence[Message]) -> None:
        self._draft = draft
        self._system = [part for part in draft.request.system if part.text]
        self._history = history
        self._ids = CallIds(draft.dialect.tool_ids)
        self._out: list[Json] = []
        self._marked = marked if draft.dialect.cache_control else with_breakpoint
        self._plan = self._planned()

    def lowered(self) -> list[Json]:
        """All of them, the instructions first."""
        self._instructions()
        for at, message in enumerate(self._history):
            if message.role == "tool":
                self._results(at, message)
            elif message.role == "assistant":
                self._assistant(at, message)
            else:
                role = "user" if message.role == "user" else self._draft.dialect.system_role
                content = [self._part(part, self._mark(at, index)) for index, part in enumerate(message.content)]
                self._say(role, [part for part in content if part])
        return self._out

    def _planned(self) -> CachePlan | None:
        if not self._draft.dialect.cache_control:
            return plan_breakpoints(self._draft, self._system, self._history, long=False)
        plan = plan_cache(self._draft.request, self._system, self._history, tools=False)
        if plan.dropped:
            self._draft.note(f"{plan.dropped} cache hints were over the limit or out of place")
        return plan

    def _instructions(self) -> None:
        if not self._system:
            return
        content: list[Json] | str = "\n\n".join(part.text for part in self._system)
        marks = [None if self._plan is None else self._plan.system(i) for i in range(len(self._system))]
        if self._draft.dialect.cache_control or any(mark is not None for mark in marks):
            content = [self._marked(_text(part.text), mark) for part, mark in zip(self._system, marks, strict=True)]
        self._out.append({"role": self._draft.dialect.system_role, "content": content})

    def _mark(self, at: int, index: int) -> bool | None:
        return None if self._plan is None else self._plan.part(at, index)

    def _say(self, role: str, content: list[Json]) -> None:
        """A message of content parts; plain text where that is all."""
        if not content:
            return
        if role == "user" and self._draft.dialect.answer_after_tools and self._out and self._out[-1]["role"] == "tool":
            self._out.append({"role": "assistant", "content": FILLER})
        plain = len(content) == 1 and content[0].keys() == {"type", "text"}
        self._out.append({"role": role, "content": content[0]["text"] if plain else content})

    # Parts

    def _part(self, part: Content, mark: bool | None) -> Json | None:
        if part.type == "text":
            return self._marked(_text(part.text), mark)
        if not is_media(part):
            return None
        if not takes(self._draft, part, _MEDIA, _TYPES, detail=True):
            return None
        if part.type == "image":
            if part.file_id is not None:
                self._draft.cannot("messages", "images by file id")
                return None
            image = present(url=part.url or data_url(part), detail=part.detail)
            return self._marked({"type": "image_url", "image_url": image}, mark)
        if part.type == "audio":
            kind = "wav" if "wav" in (part.mime_type or "") else "mp3"
            audio = {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}
            return audio if self._draft.dialect.cache_control else with_breakpoint(audio, mark)
        return self._marked(_file(part), mark)

    # Answers

    def _assistant(self, at: int, message: Message) -> None:
        texts: list[Json] = []
        calls: list[Json] = []
        reasoning: list[ReasoningContent] = []
        refusal = ""
        for index, part in enumerate(message.content):
            if part.type == "text":
                if self._draft.replay(part).get("refusal"):
                    refusal += part.text
                elif part.text:
                    texts.append(marked(_text(part.text), self._mark(at, index)))
            elif part.type == "reasoning":
                reasoning.append(part)
            elif part.type == "tool-call" and not part.provider_executed:
                calls.append(self._call(part))
            elif is_call(part):
                self._draft.foreign_tool(part.name)
            else:
                self._draft.note(f"{part.type} content of an answer was left out")
        thoughts = self._reasoning(reasoning, called=bool(calls))
        inline = thoughts.pop("content", [])
        if not (texts or calls or refusal or inline):
            return
        with_marks = any("cache_control" in text for text in texts)
        said = [*inline, *texts] if inline or with_marks else "".join(text["text"] for text in texts) or None
        answer: Json = {"role": "assistant", "content": said, **thoughts}
        self._out.append(answer | present(refusal=refusal or None, tool_calls=calls or None))

    def _call(self, call: ToolCallContent) -> Json:
        extra = present(extra_content=self._draft.replay(call).get("extra_content"))
        call_id = self._ids(call.id)
        if isinstance(call.input, str) and not call.invalid and self._draft.dialect.freeform_tools:
            return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.input}, **extra}
        function = {"name": call.name, "arguments": dump(call_object(call))}
        return {"id": call_id, "type": "function", "function": function, **extra}

    def _reasoning(self, parts: list[ReasoningContent], *, called: bool) -> Json:
        """The members of an assistant message that give reasoning back: only what came from here, as it came."""
        wanted = self._draft.dialect.reasoning_field
        if wanted is None:
            return {}
        fixed = None if wanted == "observed" else wanted
        own = [part for part in parts if self._draft.is_own(part) or (fixed and not part.metadata)]
        if len(own) < len(parts):
            self._draft.foreign_reasoning()
        members: Json = {}
        for part in own:
            said = self._draft.replay(part)
            field = fixed or said.get("field")
            if said.get("reasoning_details") and field != "reasoning_content":
                members.setdefault("reasoning_details", []).extend(said["reasoning_details"])
            elif field == "thinking":
                thinking = [_text(part.text)] if part.text else []
                piece = {"type": "thinking", "thinking": thinking} | present(signature=part.signature)
                members.setdefault("content", []).append(piece)
            elif isinstance(field, str) and part.text:
                members[field] = members.get(field, "") + part.text
        if called and fixed and self._draft.dialect.reasoning_required:
            members.setdefault(fixed, "")
        return members

    # Results

    def _results(self, at: int, message: Message) -> None:
        attached: list[Json] = []
        for index, result in enumerate(message.content):
            if result.type != "tool-result":
                continue
            text = result_text(result)
            media = [part for part in (self._part(p, None) for p in result.content if p.type != "text") if part]
            if media:
                attached += [_text(f"Content of the result of {result.name or result.id}:"), *media]
                text = text or "The content follows in the next message."
            if result.is_error:
                text = f"Error: {text}"
            mark = self._mark(at, index)
            content = text if mark is None else [self._marked(_text(text), mark)]
            self._out.append({"role": "tool", "tool_call_id": self._ids(result.id), "content": content})
        self._say("user", attached)


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _file(part: DocumentContent) -> Json:
    if part.file_id is not None:
        return {"type": "file", "file": {"file_id": part.file_id}}
    data = part.url or data_url(part)
    return {"type": "file", "file": {"filename": part.filename or "document.pdf", "file_data": data}}
