"""What a user asks of a model: `LLMRequest` and its options, the one form that every wire format is lowered from.

Owns the public request models, what plain strings and dicts stand for, and which part may stand in which message. Owns
no wire format (`formats`) and no choice of provider (`routing`). Parts of messages are in `_request_parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from pydantic import Field, PydanticUserError, TypeAdapter, field_validator, model_validator

from ._request_parts import (
    AudioContent,
    CacheHint,
    CacheMark,
    Content,
    DocumentContent,
    ImageContent,
    MediaContent,
    ProviderMetadata,
    ReasoningContent,
    RequestModel,
    ResultPart,
    TextContent,
    ToolCallContent,
    ToolResultContent,
    as_mapping,
    as_parts,
)

__all__ = [
    "AudioContent",
    "CacheHint",
    "CachePolicy",
    "Content",
    "DocumentContent",
    "GenerationOptions",
    "HttpOverlay",
    "ImageContent",
    "LLMRequest",
    "MediaContent",
    "Message",
    "ProviderMetadata",
    "ReasoningContent",
    "ReasoningOptions",
    "ResponseFormat",
    "ResultPart",
    "TextContent",
    "Tool",
    "ToolCallContent",
    "ToolChoice",
    "ToolResultContent",
]

_ALLOWED = {
    "system": ("text",),
    "user": ("text", "image", "document", "audio"),
    "assistant": ("text", "reasoning", "tool-call", "tool-result", "image", "audio"),
    "tool": ("tool-result",),
}


class Message(RequestModel):
    """One turn. A `system` message between others changes the instructions from there on."""

    role: Literal["system", "user", "assistant", "tool"]
    content: tuple[Content, ...]

    @field_validator("content", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return as_parts(value)

    @model_validator(mode="after")
    def _parts_fit(self) -> Message:
        for part in self.content:
            if part.type not in _ALLOWED[self.role]:
                where = "; results of tools stand in a message of role 'tool'" if part.type == "tool-result" else ""
                raise ValueError(f"a {self.role} message cannot hold {part.type!r}{where}")
            if self.role == "assistant" and isinstance(part, ToolResultContent) and not part.provider_executed:
                raise ValueError("an assistant message holds only results of tools that the provider ran")
        return self


class Tool(RequestModel):
    """A tool the model may call. A function can be given in its place, or as its `handler` without an `input_schema`:
    signature and docstring then say what the tool does not."""

    name: str = Field(min_length=1)
    description: str | None = None
    input_schema: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    freeform: bool = False
    """The input is text, not JSON."""
    grammar: dict[str, Any] | None = None
    """What a freeform input must look like, as the provider writes it."""
    native: dict[str, Any] | None = None
    """A tool that the provider runs, in its own words; what else is said here is then not sent."""
    strict: bool | None = None
    cache: CacheMark = None
    handler: Callable[..., Any] | None = Field(default=None, exclude=True, repr=False)
    """What runs the call; no part of the wire."""

    @model_validator(mode="before")
    @classmethod
    def _function(cls, data: Any) -> Any:
        given = {"handler": data} if _is_function(data) else as_mapping(data) or {}
        function = given.get("handler")
        if not callable(function) or given.get("freeform"):
            return given or data
        from ._function_schema import Arguments, function_schema  # what it needs of pydantic is slow to import

        if "input_schema" in given or given.get("native") is not None:
            Arguments(function)
            return given
        described = function_schema(function)
        if "name" not in given and not described["name"].isidentifier():
            raise ValueError("a lambda has no name: give it one, by Tool(name=..., handler=...)")
        return {**described, **given}


class ToolChoice(RequestModel):
    """Whether and which tool must be called, and whether several may be called at once."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str | None = None
    parallel: bool | None = None

    @model_validator(mode="after")
    def _named(self) -> ToolChoice:
        if (self.mode == "tool") != (self.name is not None):
            raise ValueError("ToolChoice has a name exactly where its mode is 'tool'")
        return self


class GenerationOptions(RequestModel):
    """How tokens are chosen and when to stop."""

    max_tokens: int | None = Field(default=None, ge=0)
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    @field_validator("stop", mode="before")
    @classmethod
    def _plain_stop(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class ReasoningOptions(RequestModel):
    """How much the model thinks: `effort` in the provider's words (`none` turns it off), or a budget of tokens."""

    effort: str | None = None
    budget_tokens: int | None = Field(default=None, ge=0)
    summary: str | None = None
    """How much of it is shown: `auto`, `concise`, `detailed`, or `none`."""

    @property
    def off(self) -> bool:
        """Whether the model is asked not to think."""
        return self.effort == "none" or self.budget_tokens == 0


class ResponseFormat(RequestModel):
    """What the text of the answer must be."""

    type: Literal["text", "json", "json_schema"] = "text"
    name: str = "response"
    description: str | None = None
    json_schema: dict[str, Any] | None = None
    strict: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        return {"type": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _with_schema(self) -> ResponseFormat:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError("ResponseFormat has a json_schema exactly where its type is 'json_schema'")
        return self


class CachePolicy(RequestModel):
    """Where the prompt is marked for caching, besides the hints on its parts, which count first.

    `messages`: the last user message, the last assistant message, or so many messages from the end.
    """

    tools: bool = False
    system: bool = False
    messages: Literal["latest-user-message", "latest-assistant"] | int | None = None
    ttl_seconds: int | None = Field(default=None, gt=0)


class HttpOverlay(RequestModel):
    """Put over the HTTP request at the very end; `body` is merged deeply, None in it removes a member."""

    headers: dict[str, str] = Field(default_factory=dict[str, str], repr=False)
    query: dict[str, str] = Field(default_factory=dict[str, str], repr=False)
    body: dict[str, Any] = Field(default_factory=dict[str, Any])


class LLMRequest(RequestModel):
    """One question to one model.

    `system` and `messages` may be plain strings, messages plain dicts, `tools` plain functions, `tool_choice`,
    `reasoning` and `response_format` the one word that matters. With `strict`, what a provider cannot carry is an
    `UnsupportedError`; without, it is left out and named in `finish.warnings`.
    """

    model: str = Field(min_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)
    system: tuple[TextContent, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    generation: GenerationOptions = GenerationOptions()
    reasoning: ReasoningOptions | None = None
    response_format: ResponseFormat | None = None
    output_type: Any = Field(default=None, exclude=True)
    """A type that pydantic knows: the answer is JSON that makes one."""
    cache: Literal["auto", "none"] | CachePolicy = "auto"
    session_id: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict[str, str])
    provider_options: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """Members for the body by provider name, merged deeply over it; other providers' are not looked at."""
    http: HttpOverlay = Field(default_factory=HttpOverlay)
    strict: bool = True

    @field_validator("messages", mode="before")
    @classmethod
    def _plain_messages(cls, value: Any) -> Any:
        items = cast("Sequence[Any]", value if isinstance(value, (list, tuple)) else (value,))
        return tuple({"role": "user", "content": item} if isinstance(item, str) else item for item in items)

    @field_validator("system", mode="before")
    @classmethod
    def _plain_system(cls, value: Any) -> Any:
        return as_parts(value)

    @field_validator("tools")
    @classmethod
    def _last_of_a_name(cls, value: tuple[Tool, ...]) -> tuple[Tool, ...]:
        """Of tools with one name the last counts, at the place of the first."""
        return tuple({tool.name: tool for tool in value}.values())

    @field_validator("output_type")
    @classmethod
    def _known_type(cls, value: Any) -> Any:
        try:
            TypeAdapter[Any](value).json_schema()
        except PydanticUserError as error:
            raise ValueError(f"no type for an answer: {error.message}") from None
        return value

    @field_validator("tool_choice", mode="before")
    @classmethod
    def _plain_choice(cls, value: Any) -> Any:
        return {"mode": value} if isinstance(value, str) else value

    @field_validator("reasoning", mode="before")
    @classmethod
    def _plain_reasoning(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return ReasoningOptions() if value else ReasoningOptions(effort="none")
        return {"effort": value} if isinstance(value, str) else value


def _is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, (type, RequestModel)) and as_mapping(value) is None
