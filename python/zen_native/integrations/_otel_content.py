"""What was said, as the JSON that the conventions have for it, for who wants it in spans.

Owns the form of messages and parts (the schemas gen-ai-input-messages.json, gen-ai-output-messages.json,
gen-ai-system-instructions.json and gen-ai-tool-definitions.json of the conventions), that secrets go, and how much is
kept: 16 KiB of a text, 64 KiB of an attribute, of a conversation its end. Data of media is left out, addresses lose
their query.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from zen_native._redact import redacted_body, redacted_value
from zen_native._tool_values import is_content
from zen_native.events import Media, ToolCall, ToolInputError, ToolResult
from zen_native.request import (
    Content,
    LLMRequest,
    Message,
    ReasoningContent,
    TextContent,
    Tool,
    ToolCallContent,
    ToolResultContent,
)
from zen_native.response import LLMResponse, Part, ReasoningPart, TextPart

from ._otel_attributes import Attributes, finish_reason

__all__ = ["Said"]

_MAX_ATTRIBUTE = 64 << 10
_MAX_PARTS = 60 << 10
"""Of one message, which with its frame still fits an attribute."""
_MAX_VALUE = 16 << 10

_Said = dict[str, Any]


class Said:
    """Puts content into attributes; `secrets` are those that are sent."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._text = cast("Callable[[str], str]", partial(redacted_body, secrets=secrets))

    def request(self, request: LLMRequest) -> Attributes:
        """The instructions, the end of the conversation, and the tools."""
        messages = [partial(self._message, message) for message in request.messages]
        found: Attributes = {"gen_ai.input.messages": _last(messages)}
        if request.system:
            found["gen_ai.system_instructions"] = _first(self._part(part) for part in request.system)
        if request.tools:
            found["gen_ai.tool.definitions"] = _first(self._tool(tool) for tool in request.tools)
        return found

    def answer(self, response: LLMResponse) -> Attributes:
        """What the model said, whole or not."""
        parts = [said for part in response.parts if (said := self._answered(part)) is not None]
        reason = "error" if response.reason is None else finish_reason(response.reason)
        message = {"role": "assistant", "parts": _parts(parts), "finish_reason": reason}
        return {"gen_ai.output.messages": json.dumps([message])}

    def call(self, call: ToolCall) -> Attributes:
        """The arguments of a call."""
        return {"gen_ai.tool.call.arguments": json.dumps(self._value(call.input))}

    def result(self, result: ToolResult) -> Attributes:
        """What a tool gave back."""
        return {"gen_ai.tool.call.result": json.dumps(self._value(_without_data(result)))}

    def message(self, text: str) -> str:
        """The message of an error."""
        return self._text(text)

    def _value(self, value: object) -> object:
        """JSON without secrets; where there is too much of it, the beginning as text."""
        plain = json.loads(json.dumps(value, default=_named))
        cleaned = redacted_value(plain, self._text)
        text = json.dumps(cleaned)
        return cleaned if len(text) <= _MAX_VALUE else text[:_MAX_VALUE]

    def _message(self, message: Message) -> _Said:
        return {"role": message.role, "parts": _parts(self._part(part) for part in message.content)}

    def _part(self, part: Content) -> _Said:
        match part:
            case TextContent():
                return {"type": "text", "content": self._text(part.text)}
            case ReasoningContent():
                return {"type": "reasoning", "content": self._text(part.text)}
            case ToolCallContent():
                return self._call(part.id, part.name, part.input, hosted=part.provider_executed)
            case ToolResultContent():
                result = [self._part(inner) for inner in part.content] if part.content else self._value(part.result)
                return _result(part.id, part.name, result, hosted=part.provider_executed)
            case _:
                return _medium(part.type, part.mime_type, url=part.url, file_id=part.file_id)

    def _answered(self, part: Part) -> _Said | None:
        match part:
            case TextPart():
                return {"type": "text", "content": self._text(part.text)}
            case ReasoningPart():
                return {"type": "reasoning", "content": self._text(part.text)}
            case ToolCall():
                return self._call(part.id, part.name, part.input, hosted=part.provider_executed)
            case ToolInputError():
                return self._call(part.id, part.name, part.raw, hosted=False)
            case ToolResult(provider_executed=True):
                return _result(part.id, part.name, self._value(part.result), hosted=True)
            case Media():
                return _medium(part.mime_type.partition("/")[0], part.mime_type, url=part.url)
            case _:
                return None

    def _call(self, call_id: str, name: str, given: object, *, hosted: bool) -> _Said:
        said = self._value(given)
        if hosted:
            inner = {"type": name, "arguments": said}
            return {"type": "server_tool_call", "id": call_id, "name": name, "server_tool_call": inner}
        return {"type": "tool_call", "id": call_id, "name": name, "arguments": said}

    def _tool(self, tool: Tool) -> _Said:
        if tool.native is not None:
            return {"type": str(tool.native.get("type", tool.name)), "name": tool.name}
        described = {} if tool.description is None else {"description": self._text(tool.description)}
        return {"type": "function", "name": tool.name, **described, "parameters": self._value(tool.input_schema)}


def _result(call_id: str, name: str, result: object, *, hosted: bool) -> _Said:
    if hosted:
        inner = {"type": name, "response": result}
        return {"type": "server_tool_call_response", "id": call_id, "server_tool_call_response": inner}
    return {"type": "tool_call_response", "id": call_id, "response": result}


def _medium(modality: str, mime_type: str | None, *, url: str | None = None, file_id: str | None = None) -> _Said:
    """A picture, a document, a sound. Where its data was sent along, only that it was."""
    said = {"modality": modality, "mime_type": mime_type}
    if url is not None:
        return {"type": "uri", **said, "uri": _without_query(url)}
    return {"type": "blob", **said, "content": ""} if file_id is None else {"type": "file", **said, "file_id": file_id}


def _without_query(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _without_data(result: ToolResult) -> object:
    if not is_content(result.metadata):
        return result.result
    parts = cast("list[Mapping[str, object]]", result.result)
    return [{name: value for name, value in part.items() if name != "data"} for part in parts]


def _named(value: object) -> str:
    return type(value).__name__


# --- how much is kept


def _first(items: Iterable[_Said]) -> str:
    return json.dumps(list(_fitting(items, _MAX_ATTRIBUTE)))


def _last(items: Sequence[Callable[[], _Said]]) -> str:
    """The items at the end; those before are not even looked at."""
    return json.dumps(list(_fitting((item() for item in reversed(items)), _MAX_ATTRIBUTE))[::-1])


def _parts(parts: Iterable[_Said]) -> list[_Said]:
    return list(_fitting(parts, _MAX_PARTS))


def _fitting(items: Iterable[_Said], left: int) -> Iterator[_Said]:
    for item in items:
        left -= len(json.dumps(item))
        if left < 0:
            return
        yield item
