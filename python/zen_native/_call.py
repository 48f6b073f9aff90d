"""What a call takes by keyword, for the four methods that take the same: `stream` and `generate` of both clients.

Owns the names and what may be given for each; the fields of a request are checked by `LLMRequest`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from .gate import RuntimeChoice
    from .request import (
        CachePolicy,
        GenerationOptions,
        HttpOverlay,
        ReasoningOptions,
        ResponseFormat,
        TextContent,
        Tool,
        ToolChoice,
    )
    from .tools import ToolLoop

__all__ = ["CallOptions", "RequestFields"]


class RequestFields(TypedDict, total=False):
    """Fields of `LLMRequest`, which also count over those of a whole request. A mapping may stand for any model."""

    model: str
    """Whom to ask in place of whom a whole request names."""
    system: str | TextContent | Mapping[str, Any] | Sequence[str | TextContent | Mapping[str, Any]]
    """Instructions."""
    tools: Iterable[Tool | Callable[..., Any] | Mapping[str, Any]]
    """Tools that the model may call; functions are tools by their signature and docstring."""
    tool_choice: ToolChoice | Mapping[str, Any] | Literal["auto", "none", "required"] | None
    """Whether and which tool must be called."""
    generation: GenerationOptions | Mapping[str, Any]
    """How tokens are chosen and when to stop."""
    reasoning: ReasoningOptions | Mapping[str, Any] | str | bool | None
    """How much the model thinks: an effort in the provider's words, yes or no, or a budget."""
    response_format: ResponseFormat | Mapping[str, Any] | Literal["text", "json"] | None
    """What the text of the answer must be."""
    output_type: Any
    """A type that pydantic knows: the answer is JSON that makes one."""
    cache: CachePolicy | Mapping[str, Any] | Literal["auto", "none"]
    """Where the prompt is marked for the provider's cache."""
    session_id: str | None
    """What requests of one conversation have in common."""
    metadata: Mapping[str, str]
    """Labels for the provider's records."""
    provider_options: Mapping[str, Mapping[str, Any]]
    """Members for the body by provider name, merged over it; other providers' are not looked at."""
    http: HttpOverlay | Mapping[str, Any]
    """Headers, query and body to put over the HTTP request."""
    strict: bool
    """Whether what a provider cannot carry is an error, not a warning."""


class CallOptions(RequestFields, total=False):
    """What besides the request and its messages."""

    fallbacks: Iterable[str]
    """Models to ask in turn where one fails before its first event in a way that another may not."""
    runtime: RuntimeChoice | None
    """Who decodes; by default what the client says."""
    tool_loop: ToolLoop | None
    """How tools that are functions are run, and when that ends."""
    repair: bool
    """Ask once more where the answer is no valid `output_type`."""
