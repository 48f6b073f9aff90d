"""Messages of Anthropic's format: turns that alternate, content blocks, what is replayed byte by byte.

Owns what stands where in `messages`. What metadata a block came with is in
`runtimes/pure/protocol/anthropic_messages_blocks`; this module makes the block again.

Sources: https://platform.claude.com/docs/en/api/messages/create (messages),
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages (where instructions may stand)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zen_native.cache_policy import CachePlan

from .claude import Claude
from .common import Draft, Json, call_object, marked, present, result_text, takes
from .history import CallIds
from .turns import Turns, role_behind

if TYPE_CHECKING:
    from zen_native.request import (
        Content,
        DocumentContent,
        ImageContent,
        Message,
        ReasoningContent,
        ToolCallContent,
        ToolResultContent,
    )

__all__ = ["Blocks", "text_block"]

_MEDIA = frozenset({"image", "image-url", "image-file", "document", "document-url", "document-file"})
_TYPES = {
    "image": frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"}),
    "document": frozenset({"application/pdf", "text/plain", "text/markdown", "text/csv", "text/html"}),
}
_OURS = ("synthetic_id", "original_id", "issuer")
"""Metadata that we added to what the provider said."""


class Blocks:
    """The messages of one request."""

    def __init__(self, draft: Draft, model: Claude | None, plan: CachePlan) -> None:
        self._draft = draft
        self._model = model
        self._plan = plan
        self._ids = CallIds("word")
        self._turns = Turns()

    def messages(self, history: Sequence[Message]) -> list[Json]:
        """All of them; neighbours of one role are one."""
        for at, message in enumerate(history):
            if message.role == "system":
                self._turns.instruct(message, role_behind(history, at), self._model, text_block)
            else:
                blocks = [self._block(part, self._plan.part(at, i)) for i, part in enumerate(message.content)]
                role = "assistant" if message.role == "assistant" else "user"
                self._turns.say(role, [block for block in blocks if block])
        self._end()
        return self._turns.out

    def _end(self) -> None:
        """The beginning of an answer as the last message: where it is taken, it must not end in a space."""
        out = self._turns.out
        if not out or out[-1]["role"] != "assistant" or _is_paused(out[-1]["content"]):
            return
        if self._model is not None and not self._model.prefill:
            self._draft.cannot("messages", "an answer that the model is to go on with")
            out.pop()
        elif out[-1]["content"][-1]["type"] == "text":
            block = out[-1]["content"][-1]
            block["text"] = block["text"].rstrip()
            if not block["text"]:
                out[-1]["content"].pop()

    # Blocks

    def _block(self, part: Content, mark: bool | None) -> Json | None:
        if part.type == "text":
            citations = self._draft.replay(part).get("citations")
            return marked(text_block(part.text) | present(citations=citations), mark) if part.text else None
        if part.type == "reasoning":
            return self._reasoning(part)
        if part.type == "tool-call":
            return self._call(part, mark)
        if part.type == "tool-result":
            return self._hosted_result(part) if part.provider_executed else marked(self._result(part), mark)
        if not takes(self._draft, part, _MEDIA, _TYPES):
            return None
        if part.type == "image":
            return marked({"type": "image", "source": _source(part)}, mark)
        return marked(self._document(part), mark) if part.type == "document" else None

    def _document(self, part: DocumentContent) -> Json:
        block: Json = {"type": "document", "source": _source(part)}
        if (part.mime_type or "").startswith("text/") and part.data is not None:
            try:
                text = base64.b64decode(part.data, validate=True).decode("utf-8")
            except (binascii.Error, UnicodeDecodeError):
                self._draft.cannot("messages", "a text document that is no UTF-8 in base64")
                text = ""
            block["source"] = {"type": "text", "media_type": "text/plain", "data": text}
        return block | present(title=part.filename, citations={"enabled": True} if part.citations else None)

    def _reasoning(self, part: ReasoningContent) -> Json | None:
        """Only what came from here, as it came: signed thinking, redacted thinking, or a block of another kind."""
        said = self._draft.replay(part)
        redacted = said.get("redacted_data") or said.get("redactedContent")
        if said.get("block"):
            return dict(said["block"])
        if redacted:
            return {"type": "redacted_thinking", "data": redacted}
        if not self._draft.is_own(part) or part.signature is None:
            self._draft.foreign_reasoning()
            return None
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}

    # Calls and results

    def _call(self, call: ToolCallContent, mark: bool | None) -> Json | None:
        said = {name: value for name, value in self._draft.replay(call).items() if name not in _OURS}
        if not call.provider_executed:
            block = {"type": "tool_use", "id": self._ids(call.id), "name": call.name, "input": call_object(call)}
            return marked({**said, **block}, mark)
        if not self._draft.is_own(call):
            self._draft.foreign_tool(call.name)
            return None
        return {"type": "server_tool_use", **said, "id": call.id, "name": call.name, "input": call_object(call)}

    def _hosted_result(self, result: ToolResultContent) -> Json | None:
        if not self._draft.is_own(result):
            return None
        said = {name: value for name, value in self._draft.replay(result).items() if name not in _OURS}
        return {**said, "tool_use_id": result.id, "content": result.result}

    def _result(self, result: ToolResultContent) -> Json:
        block: Json = {"type": "tool_result", "tool_use_id": self._ids(result.id)}
        parts = [self._block(part, None) for part in result.content]
        block["content"] = [part for part in parts if part] if result.content else result_text(result)
        if result.is_error:
            block["is_error"] = True
        return block


def _is_paused(blocks: Sequence[Json]) -> bool:
    """Whether an answer is no beginning of ours, but one that the provider paused amid its own tools."""
    return any(block["type"].endswith(("_tool_use", "_tool_result")) for block in blocks)


def text_block(text: str) -> Json:
    """A block of text."""
    return {"type": "text", "text": text}


def _source(part: ImageContent | DocumentContent) -> Json:
    if part.url is not None:
        return {"type": "url", "url": part.url}
    if part.file_id is not None:
        return {"type": "file", "file_id": part.file_id}
    return {"type": "base64", "media_type": part.mime_type, "data": part.data}
