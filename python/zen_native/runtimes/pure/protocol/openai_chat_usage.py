"""Usage and finish reasons of chat completions: the tables of every dialect's spellings.

Owns which wire field feeds which count. Twin of `rust/core/src/protocol/openai_chat_usage.rs`.

Source: https://platform.openai.com/docs/api-reference/chat/object (prompt includes cached tokens, completion includes
reasoning), https://openrouter.ai/docs/use-cases/usage-accounting, https://api-docs.deepseek.com/guides/kv_cache,
https://docs.x.ai/docs/api-reference, https://docs.perplexity.ai/api-reference/chat-completions-post

xAI counts reasoning beside `completion_tokens`. Its total gives that away (prompt + completion + reasoning), so the
rule needs no name of a provider.
"""

from __future__ import annotations

from typing import Any

from zen_native.events import NormalizedReason
from zen_native.runtimes.pure.cost import exact
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import as_count, is_object
from zen_native.runtimes.pure.lifecycle import Lifecycle
from zen_native.runtimes.pure.usage import wire_cost

__all__ = ["CUT", "FAILED", "REASONS", "take_usage"]

UNREAD_COST = "a cost on the wire could not be read"

_PROMPT = ("prompt_tokens_details", "input_tokens_details")
_COMPLETION = ("completion_tokens_details", "output_tokens_details")
_COUNTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    # field, objects inside usage, spellings there, spellings in usage itself
    ("input", (), (), ("prompt_tokens", "input_tokens")),
    ("output", (), (), ("completion_tokens", "output_tokens")),
    ("total", (), (), ("total_tokens",)),
    (
        "cache_read",
        _PROMPT,
        ("cached_tokens",),
        ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens"),
    ),
    (
        "cache_write",
        _PROMPT,
        ("cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens"),
        ("cache_creation_input_tokens", "cache_write_tokens"),
    ),
    ("reasoning", _COMPLETION, ("reasoning_tokens",), ("reasoning_tokens",)),
)

REASONS: dict[str, NormalizedReason] = {
    "stop": "stop",
    "end": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool-calls",
    "tool_call": "tool-calls",
    "tool_use": "tool-calls",
    "function_call": "tool-calls",
    "content_filter": "content-filter",
    "sensitive": "content-filter",
}
CUT = frozenset({"length", "content-filter"})
FAILED: dict[str, str] = {
    # Reasons that are failures, and the type of error that each is, as far as it says that.
    "error": "",
    "network_error": "server_error",
    "insufficient_system_resource": "overloaded_error",
}


def take_usage(usage: dict[str, Any], path: tuple[str | int, ...], frame: Frame, life: Lifecycle) -> None:
    """Takes a usage object found at `path` of the frame; the first spelling that is a count feeds its field."""
    counts = life.usage
    said = {field: _count(usage, inside, inner, outer) for field, inside, inner, outer in _COUNTS}
    given, output, reasoning = said["input"], said["output"], said["reasoning"]
    if reasoning and given is not None and output is not None and said["total"] == given + output + reasoning:
        said["output"] = output + reasoning
    for field, count in said.items():
        counts.set(field, count)
    counts.raw = usage
    _take_cost(usage, path, frame, life)


def _count(
    usage: dict[str, Any], inside: tuple[str, ...], inner: tuple[str, ...], outer: tuple[str, ...]
) -> int | None:
    for name in inside:
        details = usage.get(name)
        if is_object(details):
            for key in inner:
                count = as_count(details.get(key))
                if count is not None:
                    return count
    for key in outer:
        count = as_count(usage.get(key))
        if count is not None:
            return count
    return None


def _take_cost(usage: dict[str, Any], path: tuple[str | int, ...], frame: Frame, life: Lifecycle) -> None:
    ticks, cost = usage.get("cost_in_usd_ticks"), usage.get("cost")
    where: tuple[str | int, ...] = (*path, "cost")
    if is_object(cost):  # Perplexity itemises it.
        cost, where = cost.get("total_cost"), (*where, "total_cost")
    if cost is not None:
        amount = wire_cost(exact(cost, frame, *where))
    elif ticks is not None:
        amount = wire_cost(ticks, ticks=True)
    else:
        return
    if amount is None:
        life.warn(UNREAD_COST)
    else:
        life.usage.cost = amount
