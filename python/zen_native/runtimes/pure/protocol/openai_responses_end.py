"""The end of an OpenAI Responses answer: usage, cost, what the step says of itself, why the model stopped or failed.

Owns the field names of usage and the table of reasons. Sources: https://platform.openai.com/docs/api-reference/responses/object
(usage, incomplete_details), https://openrouter.ai/docs/use-cases/usage-accounting (`cost`), https://docs.x.ai/docs/api-reference
(`cost_in_usd_ticks`). Twin of `rust/core/src/protocol/openai_responses_end.rs`.
"""

from __future__ import annotations

from typing import Any

from zen_native.errors import LLMError
from zen_native.events import FinishReason, NormalizedReason
from zen_native.runtimes.pure import error
from zen_native.runtimes.pure.cost import exact
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import as_object, as_text
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.usage import wire_cost

__all__ = ["failure", "finish_reason", "step_metadata", "take_usage"]

_STEP_FIELDS = ("service_tier", "incomplete_details", "end_turn", "tool_usage")
_REASONS: dict[str, NormalizedReason] = {"max_output_tokens": "length", "content_filter": "content-filter"}


def take_usage(value: Any, frame: Frame, life: Lifecycle, *path: str) -> None:
    """`input_tokens` includes cache reads and writes, `output_tokens` reasoning. `path` leads to the response."""
    if not isinstance(value, dict):
        return
    counts, usage = life.usage, as_object(value)
    counts.raw = usage
    details = as_object(usage.get("input_tokens_details"))
    counts.set("input", usage.get("input_tokens"))
    counts.set("output", usage.get("output_tokens"))
    counts.set("total", usage.get("total_tokens"))
    counts.set("cache_read", details.get("cached_tokens"))
    counts.set("cache_write", details.get("cache_write_tokens"))
    counts.set("reasoning", as_object(usage.get("output_tokens_details")).get("reasoning_tokens"))
    said, ticks = usage.get("cost"), usage.get("cost_in_usd_ticks")
    if said is None and ticks is None:
        return
    amount = wire_cost(ticks, ticks=True) if said is None else wire_cost(exact(said, frame, *path, "usage", "cost"))
    if amount is None:
        life.warn("a cost on the wire could not be read")
    else:
        counts.cost = amount


def step_metadata(status: str, response: dict[str, Any]) -> Meta:
    """What the response says about itself; counts beside `usage` (images, searches) stay as they are."""
    said = {field: response[field] for field in _STEP_FIELDS if response.get(field) is not None}
    return {"status": status, **said}


def finish_reason(status: str, response: dict[str, Any], *, calls: bool) -> FinishReason:
    """Why the model stopped: `raw` is the status, or the reason of an incomplete response."""
    if status == "completed":
        return FinishReason("tool-calls" if calls else "stop", status)
    if status != "incomplete":
        return FinishReason("unknown", status)
    said = as_text(as_object(response.get("incomplete_details")).get("reason"))
    return FinishReason(_REASONS.get(said or "", "unknown"), said or status)


def failure(said: Any, value: dict[str, Any], frame: Frame) -> LLMError:
    """What a failed response says: its own error, else the frame."""
    own = as_object(said) or as_text(said)
    return error.provider_error({"error": own} if own else value, frame)
