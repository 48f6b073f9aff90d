"""An answer as the messages that continue its conversation.

Owns what becomes of each part: signatures, encrypted reasoning, ids and citations stay byte by byte under the name of
who issued them, and formats send them to nobody else. Owns no fold (`response`) and no wire format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ._tool_values import is_content
from .events import Citation, Media, ToolCall, ToolInputError, ToolResult
from .request import (
    AudioContent,
    Content,
    DocumentContent,
    ImageContent,
    Message,
    ReasoningContent,
    TextContent,
    ToolCallContent,
    ToolResultContent,
)
from .response import LLMResponse, Part, ReasoningPart, Step, TextPart

__all__ = ["to_messages"]

Whole = TextPart | ReasoningPart | ToolCall | ToolInputError | ToolResult | Media
"""A part that has a place of its own in a message."""


def to_messages(response: LLMResponse) -> tuple[Message, ...]:
    """The assistant's messages and, where tools ran here, the messages with their results."""
    steps = _steps(response.parts)
    out: list[Message] = []
    for index, parts in enumerate(steps):
        content = [_content(part) for part in parts if not _is_local(part)]
        if len(steps) == len(response.steps):
            content = _with_kept_blocks(content, response.steps[index])
        results = [_content(part) for part in parts if _is_local(part)]
        if content:
            out.append(Message(role="assistant", content=tuple(content)))
        if results:
            out.append(Message(role="tool", content=tuple(results)))
    return tuple(out)


def _is_local(part: Part) -> bool:
    return isinstance(part, ToolResult) and not part.provider_executed


def _steps(parts: Iterable[Part]) -> list[list[Whole]]:
    """The parts of each model call: local results end one. Citations are joined to the text before them."""
    steps: list[list[Whole]] = [[]]
    for part in parts:
        if isinstance(part, Citation):
            _cite(steps[-1], part)
            continue
        if steps[-1] and _is_local(steps[-1][-1]) and not _is_local(part):
            steps.append([])
        steps[-1].append(part)
    return steps


def _cite(parts: list[Whole], citation: Citation) -> None:
    """A provider's own form of a citation goes with the text it is about, which is the last one."""
    at = next((at for at in range(len(parts) - 1, -1, -1) if isinstance(parts[at], TextPart)), None)
    if at is None or not citation.metadata:
        return
    text = cast("TextPart", parts[at])
    metadata: dict[str, Any] = dict(text.metadata or {})
    for provider, raw in citation.metadata.items():
        said = _object(metadata.get(provider))
        metadata[provider] = {**said, "citations": [*said.get("citations", []), raw]}
    parts[at] = TextPart(text.text, metadata)


def _content(part: Whole) -> Content:
    match part:
        case TextPart(text, metadata):
            return TextContent(text=text, metadata=_plain(metadata))
        case ReasoningPart(text, signature, metadata):
            return ReasoningContent(text=text, signature=signature, metadata=_plain(metadata))
        case ToolCall(id, name, value, hosted, metadata):
            return ToolCallContent(id=id, name=name, input=value, provider_executed=hosted, metadata=_plain(metadata))
        case ToolInputError(id, name, raw):
            return ToolCallContent(id=id, name=name, input=raw, invalid=True)
        case ToolResult(id, name, result, metadata=metadata) if is_content(metadata):
            return ToolResultContent(id=id, name=name, content=tuple(result))
        case ToolResult(id, name, result, failed, hosted, metadata):
            return ToolResultContent(
                id=id, name=name, result=result, is_error=failed, provider_executed=hosted, metadata=_plain(metadata)
            )
        case Media():
            return _media(part)


def _media(part: Media) -> Content:
    kind = part.mime_type.partition("/")[0]
    made = AudioContent if kind == "audio" else ImageContent if kind == "image" else DocumentContent
    data = None if part.url else part.data or ""
    return made(data=data, url=part.url or None, mime_type=part.mime_type, metadata=_plain(part.metadata))


def _with_kept_blocks(content: list[Content], step: Step) -> list[Content]:
    """Blocks that only their provider understands, each at its place, as reasoning that has no text."""
    for provider, said in (step.metadata or {}).items():
        kept: Any = _object(said).get("blocks", [])
        for entry in kept:
            held = _object(entry)
            place = held.get("index")
            part = ReasoningContent(metadata={provider: {"block": held.get("block")}})
            content.insert(place if isinstance(place, int) else len(content), part)
    return content


def _plain(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if metadata is None else dict(metadata)


def _object(value: Any) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}
