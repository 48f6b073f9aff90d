"""What lowering to every wire format shares: the draft of one body, what cannot be carried, text, merging.

Owns how a lack is reported, whose replay data may be sent, lone surrogates, and the overlays that come last. Owns no
field of any format. History and ids of calls are in `history`, JSON Schema in `schema`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from zen_native.errors import InvalidRequestError, UnsupportedError
from zen_native.route import Route

from .body import encoded, encoded_with_long, long_characters

if TYPE_CHECKING:
    from zen_native.request import (
        AudioContent,
        Content,
        DocumentContent,
        ImageContent,
        LLMRequest,
        MediaContent,
        Message,
        ReasoningContent,
        ResponseFormat,
        TextContent,
        Tool,
        ToolCallContent,
        ToolResultContent,
    )

__all__ = [
    "Draft",
    "Json",
    "Lowered",
    "call_object",
    "data_url",
    "dump",
    "generation",
    "is_alternative",
    "is_call",
    "is_media",
    "is_object",
    "marked",
    "merge",
    "present",
    "result_text",
    "takes",
    "whole",
    "wrapped_system",
]

Json = dict[str, Any]

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_SURROGATE = re.compile("[\ud800-\udfff]")
_OTHER_CANDIDATES = ("candidate", "choice")


@dataclass(frozen=True, slots=True)
class Lowered:
    """A request in the words of one wire format. `headers` are those that the format itself asks for."""

    said: Json
    """The body with texts as the caller gave them, which need not be fit for UTF-8."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    warnings: tuple[str, ...] = ()
    has_long: bool = False
    """Whether there are long texts in it, such as images."""

    @property
    def body(self) -> Json:
        """The body as it is sent."""
        return as_json(whole(self.said))

    def encoded(self) -> bytes:
        """The body as bytes. Nearly every one is fit for UTF-8: that it is not shows while it is written.

        Raises:
            InvalidRequestError: it is no JSON.
        """
        encode = encoded_with_long if self.has_long else encoded
        try:
            try:
                return encode(self.said)
            except (TypeError, UnicodeEncodeError):
                return encode(self.body)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequestError(f"the request cannot be written as JSON: {error}") from None


class Draft:
    """One lowering under way: what is asked, of whom, and what had to be left out."""

    def __init__(self, request: LLMRequest, route: Route) -> None:
        self.request = request
        self.route = route
        self.dialect = route.dialect
        self._warnings: dict[str, None] = {}
        self._own_ids = {
            part.id
            for message in request.messages
            for part in message.content
            if is_call(part) and route.metadata_key in (part.metadata or {})
        }

    def cannot(self, field: str, why: str) -> None:
        """A field that was set and cannot be carried: an error, or a warning where the caller is not strict."""
        text = f"{field}: {why}"
        if self.request.strict:
            raise UnsupportedError(
                f"{self.route.protocol} at {self.route.provider} cannot carry {text}",
                provider=self.route.provider,
                model=self.route.model,
            )
        self.note(f"left out {text}")

    def note(self, text: str) -> None:
        """Something the caller should know and that is no reason to fail."""
        self._warnings[text] = None

    def replay(self, part: TextContent | MediaContent | ToolCallContent | ToolResultContent | ReasoningContent) -> Json:
        """What this route's issuer said of a part; nothing of what others said."""
        return as_json((part.metadata or {}).get(self.route.metadata_key))

    def is_own(self, part: ToolCallContent | ToolResultContent | ReasoningContent) -> bool:
        """Whether a part comes from this route's issuer. A hosted call that nothing was said of belongs to whose result
        it has, and a result to whose call."""
        if part.metadata or part.type == "reasoning":
            return self.route.metadata_key in (part.metadata or {})
        return part.id in self._own_ids

    def without_cache_marks(self, messages: Sequence[Message]) -> None:
        """The server caches by itself: hints are not lost, but mean nothing."""
        request = self.request
        parts = [*request.tools, *request.system, *(part for message in messages for part in message.content)]
        if any(part.cache is not None for part in parts):
            self.note("cache hints: this server decides itself what it caches")

    def labels(self, member: str) -> Json:
        """The request's metadata under the server's name, where it takes any."""
        said = self.request.metadata
        if said and not self.dialect.metadata:
            self.note("metadata: this server takes none")
        return {member: dict(said)} if said and self.dialect.metadata else {}

    def without_tools(self) -> None:
        """There are none, or none is left: then none can be demanded."""
        choice = self.request.tool_choice
        if choice is not None and choice.mode in ("required", "tool"):
            self.cannot("tool_choice", "there are no tools to choose from")

    def drops_freeform(self, tool: Tool) -> bool:
        """Whether a tool is left out because its input is no JSON, which is reported."""
        if tool.freeform:
            self.cannot(f"tools[{tool.name}].freeform", "all tools take JSON")
        return tool.freeform

    def cannot_forbid_parallel_calls(self) -> None:
        """The server has no word for it."""
        self.cannot("tool_choice.parallel", "several calls at once cannot be forbidden")

    def foreign_reasoning(self) -> None:
        """Reasoning that another provider issued, or nobody says who."""
        self.note("reasoning of another provider was left out")

    def foreign_tool(self, name: str) -> None:
        """A call that another provider ran."""
        self.note(f"the call and result of {name!r}, which another provider ran, were left out")

    def format(self) -> ResponseFormat | None:
        """What the answer must be; `output_type` stands for its schema."""
        request = self.request
        if request.response_format is not None or request.output_type is None:
            asked = request.response_format
            return None if asked is None or asked.type == "text" else asked
        from zen_native._output_schema import OutputSchema

        return OutputSchema(request.output_type).response_format()

    def finish(self, body: Json, headers: dict[str, str] | None = None) -> Lowered:
        """The body with the caller's own members over it."""
        for provider in dict.fromkeys((self.route.metadata_key, self.route.provider)):
            if options := self.request.provider_options.get(provider):
                body = merge(body, options)
        if self.request.http.body:
            body = merge(body, self.request.http.body)
        return Lowered(body, headers or {}, tuple(self._warnings), long_characters(self.request) > 0)


def as_json(value: Any) -> Json:
    """The object, or an empty one for anything else."""
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}


def is_alternative(metadata: Mapping[str, Any] | None) -> bool:
    """Whether a part belongs to another candidate than the first, which alone goes on."""
    return any(as_json(data).get(name) for data in (metadata or {}).values() for name in _OTHER_CANDIDATES)


def merge(below: Json, above: Mapping[str, Any]) -> Json:
    """`above` over `below`, object by object; None removes a member."""
    merged = dict(below)
    for name, value in above.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            merged[name] = merge(as_json(before), cast("Mapping[str, Any]", value))
        else:
            merged[name] = value
    return merged


def present(**members: Any) -> Json:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def whole(value: Any) -> Any:
    """The same with surrogate pairs joined and U+FFFD for every lone half, so that it is UTF-8."""
    if isinstance(value, str):
        if value.isascii() or not _SURROGATE.search(value):
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, (list, tuple)):
        return [whole(item) for item in cast("list[Any]", value)]
    if isinstance(value, (int, float, NoneType)):
        return value  # asked before the next, which takes long to say no
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {whole(name): whole(item) for name, item in items}
    return value


def dump(value: Any) -> str:
    """Compact JSON text."""
    return _COMPACT.encode(value)


def is_object(value: object) -> bool:
    """Whether it is a JSON object."""
    return isinstance(value, Mapping)


def call_object(call: ToolCallContent) -> Json:
    """The input of a call as an object, which is what formats without argument text ask for."""
    given: Any = call.input
    if is_object(given):
        return as_json(given)
    return {} if given is None else {"invalid_arguments" if call.invalid else "input": given}


def result_text(result: ToolResultContent) -> str:
    """A result as text: text as it is, anything else as JSON; of content its texts."""
    if result.content:
        return "\n".join(part.text for part in result.content if part.type == "text")
    return result.result if isinstance(result.result, str) else dump(result.result)


def generation(draft: Draft, spellings: Mapping[str, str | None]) -> Json:
    """The generation options that are set, under the server's names; None stands for an option it does not have."""
    body: Json = {}
    for option, name in spellings.items():
        value = getattr(draft.request.generation, option)
        if value is None or value == ():
            continue
        if name is None:
            draft.cannot(f"generation.{option}", "not taken here")
        else:
            body[name] = list(draft.request.generation.stop) if option == "stop" else value
    return body


def wrapped_system(text: str) -> str:
    """Instructions amid the conversation, where the format has no place for them: marked, and closed by nothing in
    them."""
    from html import escape  # with a table of all entities, which hardly anybody needs

    return f"<system-message>\n{escape(text, quote=False)}\n</system-message>"


def data_url(part: ImageContent | DocumentContent | AudioContent) -> str:
    """The data of a part as an address."""
    return f"data:{part.mime_type};base64,{part.data}"


def is_media(part: Content) -> TypeGuard[MediaContent]:
    """Whether it is a picture, a document or sound."""
    return part.type in ("image", "document", "audio")


def is_call(part: Content) -> TypeGuard[ToolCallContent | ToolResultContent]:
    """Whether it is a call, or the result of one."""
    return part.type in ("tool-call", "tool-result")


def media_kind(part: MediaContent) -> str:
    """What `Dialect.media` calls it."""
    return part.type + ("-url" if part.url is not None else "-file" if part.file_id is not None else "")


def takes(
    draft: Draft,
    part: MediaContent,
    kinds: frozenset[str],
    types: Mapping[str, frozenset[str]],
    *,
    detail: bool = False,
) -> bool:
    """Whether a part of media can be sent; what cannot is reported. `types`: those allowed for data of a kind;
    `detail`: images may say how closely they are looked at."""
    if part.type == "image" and part.detail is not None and not detail:
        draft.note("the detail of an image: not taken here")
    kind = media_kind(part)
    if kind not in (kinds if draft.dialect.media is None else draft.dialect.media):
        draft.cannot("messages", f"{kind} content")
        return False
    allowed = types.get(part.type)
    if part.data is not None and allowed is not None and part.mime_type not in allowed:
        draft.cannot("messages", f"{part.type} content of the type {part.mime_type}")
        return False
    return True


def marked(block: Json, mark: bool | None) -> Json:
    """A block with its mark for the cache, in the words of Anthropic; None is no mark, True one that lasts an hour."""
    if mark is None:
        return block
    return {**block, "cache_control": {"type": "ephemeral", "ttl": "1h"} if mark else {"type": "ephemeral"}}
