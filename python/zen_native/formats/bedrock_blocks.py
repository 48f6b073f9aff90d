"""Messages of Bedrock Converse: turns that alternate, content blocks, cache points, names of documents.

Owns what stands where in `messages`. Bytes are base64 text, as the JSON of this API has them.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html (names; a text beside documents)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zen_native.cache_policy import CachePlan

from .claude import Claude
from .common import Draft, Json, call_object, is_object, present, result_text, takes
from .history import CallIds
from .turns import Turns, role_behind

if TYPE_CHECKING:
    from zen_native.request import (
        Content,
        MediaContent,
        Message,
        ReasoningContent,
        ToolCallContent,
        ToolResultContent,
    )

__all__ = ["Blocks", "cache_point"]

_MEDIA = frozenset({"image", "document", "image-url", "document-url", "audio", "audio-url"})
_IMAGES = {f"image/{name}": name for name in ("gif", "jpeg", "png", "webp")}
_SOUNDS = {f"audio/{name}": name for name in ("aac", "flac", "mp3", "mp4", "ogg", "wav", "webm")}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_FORMATS = {"image": _IMAGES, "document": _DOCUMENTS, "audio": {**_SOUNDS, "audio/mpeg": "mp3", "audio/x-wav": "wav"}}
_TYPES = {kind: frozenset(formats) for kind, formats in _FORMATS.items()}


class Blocks:
    """The messages of one request."""

    def __init__(self, draft: Draft, claude: Claude | None, plan: CachePlan) -> None:
        self._draft = draft
        self._claude = claude
        self._plan = plan
        self._ids = CallIds("word")
        self._names: set[str] = set()
        self._turns = Turns()

    def messages(self, history: Sequence[Message]) -> list[Json]:
        """All of them; neighbours of one role are one."""
        for at, message in enumerate(history):
            if message.role == "system":
                self._turns.instruct(message, role_behind(history, at), self._claude, _text)
                continue
            blocks: list[Json] = []
            for index, part in enumerate(message.content):
                block = self._block(part)
                if block:
                    blocks += [block, *cache_point(self._plan.part(at, index))]
            if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
                blocks.insert(0, _text("The document is attached."))
            self._turns.say("assistant" if message.role == "assistant" else "user", blocks)
        return self._turns.out

    # Blocks

    def _block(self, part: Content) -> Json | None:
        if part.type == "text":
            return _text(part.text) if part.text.strip() else None
        if part.type == "reasoning":
            return self._reasoning(part)
        if part.type == "tool-call":
            return self._call(part)
        if part.type == "tool-result":
            return self._result(part)
        return self._media(part) if takes(self._draft, part, _MEDIA, _TYPES) else None

    def _media(self, part: MediaContent) -> Json | None:
        kind = _FORMATS[part.type].get(part.mime_type or "")
        if kind is None:
            self._draft.cannot("messages", f"{part.type} content of an unknown type")
            return None
        if part.url is not None and not part.url.startswith("s3://"):
            self._draft.cannot("messages", f"{part.type} content by an address outside of S3")
            return None
        source = {"bytes": part.data} if part.url is None else {"s3Location": {"uri": part.url}}
        block: Json = {"format": kind, "source": source}
        if part.type == "document":
            cited = {"enabled": True} if part.citations else None
            block |= {"name": self._document_name(part.filename)} | present(citations=cited)
        return {part.type: block}

    def _document_name(self, filename: str | None) -> str:
        """Letters, digits, single spaces, hyphens and brackets, without the extension; each once."""
        bare = re.sub(r"\.[A-Za-z0-9]+$", "", filename or "document")
        name = re.sub(r"\s+", " ", re.sub(r"[^A-Za-z0-9\s\-()\[\]]", "-", bare)).strip()[:190] or "document"
        unique, count = name, 1
        while unique in self._names:
            count += 1
            unique = f"{name} {count}"
        self._names.add(unique)
        return unique

    def _reasoning(self, part: ReasoningContent) -> Json | None:
        """What came from here, and plain text of models that sign nothing, which has no issuer. Claude signs all."""
        said = self._draft.replay(part)
        redacted = said.get("redactedContent") or said.get("redacted_data")
        if redacted:
            return {"reasoningContent": {"redactedContent": redacted}}
        own = self._draft.is_own(part)
        plain = not part.metadata and part.signature is None and bool(part.text)
        if not ((own and part.signature is not None) if self._claude is not None else (own or plain)):
            self._draft.foreign_reasoning()
            return None
        return {"reasoningContent": {"reasoningText": {"text": part.text} | present(signature=part.signature)}}

    def _call(self, call: ToolCallContent) -> Json | None:
        if call.provider_executed and not self._draft.is_own(call):
            self._draft.foreign_tool(call.name)
            return None
        use: Json = {"toolUseId": self._ids(call.id), "name": call.name, "input": call_object(call)}
        return {"toolUse": {**use, "type": "server_tool_use"} if call.provider_executed else use}

    def _result(self, result: ToolResultContent) -> Json | None:
        block: Json = {"toolUseId": self._ids(result.id)}
        if result.provider_executed:
            if not self._draft.is_own(result):
                return None
            said = self._draft.replay(result)
            kept = present(status=said.get("status"), type=said.get("type"))
            return {"toolResult": {**block, "content": result.result, **kept}}
        if result.content:
            block["content"] = [part for part in map(self._block, result.content) if part]
        elif is_object(result.result):
            block["content"] = [{"json": result.result}]
        else:
            block["content"] = [{"text": result_text(result) or "(nothing)"}]
        if result.is_error:
            block["status"] = "error"
        return {"toolResult": block}


def cache_point(mark: bool | None) -> list[Json]:
    """The point behind a block that is marked; an hour where it says so."""
    if mark is None:
        return []
    return [{"cachePoint": {"type": "default", "ttl": "1h"} if mark else {"type": "default"}}]


def _text(text: str) -> Json:
    return {"text": text}
