"""How servers of one wire format differ, as data.

Owns the words. What they do to a body is the formats' business: no format asks for a provider by name. Providers and
the model table write these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Dialect", "MediaKind"]

MediaKind = Literal[
    "image", "image-url", "image-file", "document", "document-url", "document-file", "audio", "audio-url", "audio-file"
]
"""What a part can hold, and how: as data, as an address, or as a file that the provider keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a server spells what its protocol leaves open.

    The defaults are those of an unknown OpenAI-compatible server: the least that all of them take.
    """

    # Options
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: Literal["seed", "random_seed"] | None = "seed"
    top_k: Literal["top_k"] | None = None
    penalties: bool = True
    stop: bool = True
    sampling: bool = True
    """Temperature, top_p and top_k may be chosen; models that reason refuse them at some servers."""
    stream_usage: bool = True
    """`stream_options.include_usage` is asked for; without it, usage comes anyway or never."""
    store: bool = False
    """The server knows `store` in chat completions, and is told not to."""
    metadata: bool = False
    """The request's metadata is taken."""
    json_object: bool = True
    json_schema: bool = True
    """`response_format` takes a schema, not only `json_object`."""
    prompt_cache_key: bool = False
    cache_breakpoints: bool = False
    """Content parts take `prompt_cache_breakpoint`, where the model is one that does."""
    cache_control: bool = False
    """Cache marks as Anthropic has them are taken on content parts of chat completions."""

    # Messages
    system_role: Literal["system", "developer"] = "system"
    media: frozenset[MediaKind] | None = None
    """What user messages may hold; by default what the format itself has."""
    answer_after_tools: bool = False
    """A user message must not follow a tool message at once; an assistant message stands between them."""

    # Reasoning
    reasoning: Literal["reasoning_effort", "reasoning", "thinking", "enable_thinking"] | None = "reasoning_effort"
    """Where the wish for reasoning goes: the effort by itself, OpenRouter's `reasoning` object, DeepSeek's `thinking`
    object beside the effort, Qwen's switch and budget; None where there is no such wish."""
    reasoning_field: str | None = "observed"
    """Field of an assistant message in which its reasoning comes back: `observed` is the one it came under from this
    server; None where it must not come back."""
    reasoning_required: bool = False
    """An assistant message with calls needs that field, be it empty (DeepSeek, Kimi)."""
    think_tags: tuple[str, ...] = ()
    """Tags inside the answer whose text is reasoning."""
    thinking: Literal["by-model", "budget", "adaptive", "level"] = "by-model"
    """How Claude and Gemini are asked to think; `by-model` goes by the generation that the model's id says."""

    # Tools
    strict_tools: bool = False
    freeform_tools: bool = False
    parallel_tool_calls: bool = True
    required_choice: Literal["required", "any"] = "required"
    empty_tools: bool = False
    """`tools` must be there, be it empty, where the history has calls; other servers refuse an empty list."""
    tool_stream: bool = False
    """Arguments stream only where `tool_stream` asks for it (Z.ai)."""
    tool_ids: Literal["any", "alphanumeric-9", "word", "short"] = "any"
    """Ids of calls: exactly nine letters or digits (Mistral); letters, digits, `_` and `-` (Claude); up to 40
    characters (OpenAI, Azure)."""
    call_ids: bool = True
    """Google: calls and their results have an `id`."""
    tool_schema: Literal["json-schema", "gemini", "moonshot"] = "json-schema"
