"""The end of a Bedrock Converse answer: usage, and why the model stopped.

Owns the field names of usage and the table of reasons. `inputTokens` excludes cache reads and writes: the recorded
totals only add up that way. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html.
Twin of `rust/core/src/protocol/bedrock_converse_end.rs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zen_native.runtimes.pure.json import as_count, as_list, as_object, as_text

if TYPE_CHECKING:
    from zen_native.events import NormalizedReason
    from zen_native.runtimes.pure.lifecycle import Lifecycle

__all__ = ["normalized", "take_usage"]

_COUNTS = (
    ("inputTokens", "input"),
    ("outputTokens", "output"),
    ("cacheReadInputTokenCount", "cache_read"),
    ("cacheReadInputTokens", "cache_read"),
    ("cacheWriteInputTokenCount", "cache_write"),
    ("cacheWriteInputTokens", "cache_write"),
    ("totalTokens", "total"),
)
_REASONS: dict[str, NormalizedReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool-calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "content_filtered": "content-filter",
    "guardrail_intervened": "content-filter",
}


def take_usage(usage: dict[str, Any], life: Lifecycle) -> None:
    """Cache counts have two names; the one that is documented is read last."""
    counts = life.usage
    counts.raw = usage
    for name, field in _COUNTS:
        counts.set(field, usage.get(name))
    details = [as_object(item) for item in as_list(usage.get("cacheDetails"))]
    written = [as_count(item.get("inputTokens")) for item in details if as_text(item.get("ttl")) == "1h"]
    known = [count for count in written if count is not None]
    if known:
        counts.set("cache_write_1h", sum(known))


def normalized(raw: str) -> NormalizedReason:
    """Why the model stopped, by the name that Bedrock gives it."""
    return _REASONS.get(raw, "unknown")
