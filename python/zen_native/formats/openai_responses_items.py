"""Input items of OpenAI Responses: messages, calls, results, and items that go back as they came.

Owns what stands where in `input`. What metadata an item came with is in `runtimes/pure/protocol/openai_responses_*`;
this module makes the item again, its ids and ciphertext included.

Sources: https://platform.openai.com/docs/api-reference/responses/create (input),
https://platform.openai.com/docs/guides/reasoning (encrypted reasoning items)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zen_native.cache_policy import CachePlan

from .common import Draft, Json, call_object, data_url, dump, is_call, is_media, present, result_text, takes
from .history import CallIds
from .openai_cache import plan_breakpoints, with_breakpoint

if TYPE_CHECKING:
    from zen_native.request import (
        Content,
        ImageContent,
        Message,
        ReasoningContent,
        TextContent,
        ToolCallContent,
        ToolResultContent,
    )

__all__ = ["Items"]

_MEDIA = frozenset({"image", "image-url", "image-file", "document", "document-url", "document-file"})
_TYPES = {"image": frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})}
_ANSWERS = frozenset({"function_call_output", "custom_tool_call_output"})
"""Items whose output is text or content parts."""
_OURS = ("item_id", "item", "synthetic_id", "original_id", "issuer")
"""Metadata that is no member of the item itself."""


class Items:
    """The input of one request."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        rule = draft.dialect.tool_ids
        self._ids = CallIds("medium" if rule == "any" else rule)
        self._answers: dict[str, str] = {}
        self._out: list[Json] = []

    def lowered(self, history: Sequence[Message]) -> list[Json]:
        """All items, the instructions first."""
        role = self._draft.dialect.system_role
        system = [part for part in self._draft.request.system if part.text]
        plan = plan_breakpoints(self._draft, system, history, long=True) or CachePlan()
        for index, rule in enumerate(system):
            mark = plan.system(index)
            content = rule.text if mark is None else [with_breakpoint(_text(rule.text), mark)]
            self._out.append({"role": role, "content": content})
        for at, message in enumerate(history):
            if message.role == "assistant":
                self._assistant(message)
            elif message.role == "tool":
                for index, part in enumerate(message.content):
                    if part.type == "tool-result":
                        self._result(part, plan.part(at, index))
            else:
                parts = [(self._input(part), plan.part(at, index)) for index, part in enumerate(message.content)]
                said = [with_breakpoint(part, mark) for part, mark in parts if part]
                if said:
                    self._out.append({"role": "user" if message.role == "user" else role, "content": said})
        return self._out

    def _input(self, part: Content) -> Json | None:
        if part.type == "text":
            return _text(part.text)
        if not is_media(part):
            return None
        if not takes(self._draft, part, _MEDIA, _TYPES, detail=True) or part.type == "audio":
            return None
        data = None if part.data is None else data_url(part)
        if part.type == "image":
            source = present(image_url=part.url or data, file_id=part.file_id)
            return {"type": "input_image", "detail": part.detail or "auto", **source}
        name = (part.filename or "document.pdf") if data is not None else None
        return {"type": "input_file"} | present(filename=name, file_data=data, file_url=part.url, file_id=part.file_id)

    # Answers

    def _assistant(self, message: Message) -> None:
        """Items in their order. Where reasoning cannot go back, the ids of what followed it do not either: they would
        refer to it."""
        parts = message.content
        thoughts = [part for part in parts if part.type == "reasoning"]
        whole = {self._draft.replay(part).get("item_id") for part in thoughts if self._says_all(part)} - {None}
        linked = all(self._goes_back(part, whole) for part in thoughts)
        if not linked:
            self._draft.note("reasoning of another provider, or without its ciphertext, was left out")
        made = [part for part in parts if part.type == "image"]
        images: dict[Any, ImageContent] = {self._draft.replay(part).get("item_id"): part for part in made}
        for part in parts:
            if part.type == "text":
                self._text(part, linked=linked)
            elif part.type == "reasoning":
                if self._goes_back(part, whole):
                    self._reasoning(part)
            elif is_call(part):
                if part.provider_executed:
                    self._hosted(part, images)
                elif part.type == "tool-call":
                    self._call(part, linked=linked)
            elif not self._draft.replay(part).get("item_id"):
                self._draft.note(f"{part.type} content of an answer was left out")

    def _text(self, part: TextContent, *, linked: bool) -> None:
        """A message item again; parts of one item are one item."""
        said = self._draft.replay(part)
        item_id = said.get("item_id") if linked else None
        if item_id is None:
            if part.text:
                phase = present(phase=said.get("phase"))
                self._out.append({"role": "assistant", "content": part.text, **phase})
            return
        cited = [one.get("annotation", one) for one in said.get("citations", [])]
        content: Json = {"type": "output_text", "text": part.text, "annotations": cited}
        if said.get("refusal"):
            content = {"type": "refusal", "refusal": part.text}
        if self._out and self._out[-1].get("id") == item_id:
            self._out[-1]["content"].append(content)
            return
        item: Json = {"type": "message", "id": item_id, "role": "assistant", "status": "completed"}
        self._out.append({**item, "content": [content], **present(phase=said.get("phase"))})

    def _says_all(self, part: ReasoningContent) -> bool:
        """Nothing is stored, so that an item means something only by its ciphertext, or by its own text in the open."""
        said = self._draft.replay(part)
        return bool(said.get("encrypted_content")) or (said.get("part") == "reasoning_text" and bool(part.text))

    def _goes_back(self, part: ReasoningContent, whole: set[Any]) -> bool:
        """An item that only the provider understands, or a part of an item that says all."""
        said = self._draft.replay(part)
        return bool(said.get("item")) or said.get("item_id") in whole

    def _reasoning(self, part: ReasoningContent) -> None:
        said = self._draft.replay(part)
        if said.get("item"):
            self._out.append(dict(said["item"]))
            return
        item_id = said["item_id"]
        if not self._out or self._out[-1].get("id") != item_id:
            self._out.append({"type": "reasoning", "id": item_id, "summary": []})
        item = self._out[-1]
        if part.text and said.get("part") == "reasoning_text":
            item.setdefault("content", []).append({"type": "reasoning_text", "text": part.text})
        elif part.text:
            item["summary"].append({"type": "summary_text", "text": part.text})
        item.update(present(encrypted_content=said.get("encrypted_content")))

    # Calls and results

    def _call(self, call: ToolCallContent, *, linked: bool) -> None:
        said = self._draft.replay(call)
        call_id = self._ids(call.id)
        if said.get("item"):
            item = dict(said["item"])
            self._answers[call_id] = f"{item.get('type')}_output"
            self._out.append(item)
            return
        rest = {name: value for name, value in said.items() if name not in _OURS}
        rest |= present(id=said.get("item_id") if linked else None)
        item = {"type": "function_call", "call_id": call_id, "name": call.name}
        if isinstance(call.input, str) and not call.invalid:
            item |= {"type": "custom_tool_call", "input": call.input}
        else:
            item["arguments"] = dump(call_object(call))
        self._answers[call_id] = f"{item['type']}_output"
        self._out.append(item | rest)

    def _hosted(self, part: ToolCallContent | ToolResultContent, images: dict[Any, ImageContent]) -> None:
        """The provider's own item, with the image that it made."""
        if not self._draft.is_own(part):
            if part.type == "tool-call":
                self._draft.foreign_tool(part.name)
            return
        item = self._draft.replay(part).get("item")
        if item:
            image = images.get(item.get("id"))
            self._out.append({**item, "result": image.data} if image is not None else dict(item))

    def _result(self, result: ToolResultContent, mark: bool | None) -> None:
        call_id = self._ids(result.id)
        kind = self._answers.get(call_id, "function_call_output")
        output: Any = result_text(result)
        if result.content:
            output = [part for part in map(self._input, result.content) if part]
        elif kind not in _ANSWERS:
            output = result.result
        if result.is_error and isinstance(output, str):
            output = f"Error: {output}"
        if mark is not None and kind in _ANSWERS:
            parts = [_text(output)] if isinstance(output, str) else output
            output = [*parts[:-1], *(with_breakpoint(part, mark) for part in parts[-1:])]
        self._out.append({"type": kind, "call_id": call_id, "output": output})


def _text(text: str) -> Json:
    return {"type": "input_text", "text": text}
