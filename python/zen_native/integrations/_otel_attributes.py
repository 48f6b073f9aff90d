"""Requests, routes, decisions and usage in the words of OpenTelemetry's conventions for generative AI.

Owns the names of attributes, and the version of the conventions: 1.41.1, the last release that has them (after it they
moved to github.com/open-telemetry/semantic-conventions-genai, which had released nothing by November 2026). What the
conventions have no name for is `zen.*`. Nothing here is content, and nothing a key or an address with its query.

Sources: opentelemetry.io/docs/specs/semconv/gen-ai, pages gen-ai-spans, gen-ai-agent-spans and gen-ai-metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from zen_native.errors import LLMError

if TYPE_CHECKING:
    from zen_native.events import FinishReason, StepFinish
    from zen_native.gate import Decision
    from zen_native.request import LLMRequest
    from zen_native.route import Route
    from zen_native.usage import Usage

__all__ = [
    "SCHEMA_URL",
    "Attributes",
    "decision_attributes",
    "error_attributes",
    "error_type",
    "finish_attributes",
    "finish_reason",
    "request_attributes",
    "route_attributes",
    "usage_attributes",
]

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.1"

Attributes = dict[str, str | bool | int | float | tuple[str, ...]]

# Where the conventions have another name for a provider than routes have.
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure-chat": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock-invoke": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "openai-chat": "openai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
    "xai-chat": "x_ai",
}
_OPENAI = ("openai", "azure.ai.openai")
_API_TYPES = {"openai-chat": "chat_completions", "openai-responses": "responses"}
_PORTS = {"http": 80, "https": 443}
_REASONS = {"tool-calls": "tool_call", "content-filter": "content_filter"}
_OPTIONS = ("max_tokens", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed")
_DOUBLES = ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty")
_USAGE = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "cache_write_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
}


def route_attributes(route: Route | None, model: str) -> Attributes:
    """Where a model is served; without a route, what is known of it by its name. These stand on metrics, too."""
    if route is None:
        return {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "unknown", "gen_ai.request.model": model}
    provider = _PROVIDERS.get(route.provider, route.provider)
    origin = urlsplit(route.origin)
    return {
        "gen_ai.operation.name": "generate_content" if route.protocol == "google-generate-content" else "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": route.model,
        "server.address": origin.hostname or "",
        "server.port": origin.port or _PORTS[origin.scheme],
    }


def request_attributes(request: LLMRequest, route: Route | None = None) -> Attributes:
    """What is asked for, without what is said."""
    found: Attributes = {}
    for name in _OPTIONS:
        value = getattr(request.generation, name)
        if value is not None:
            found[f"gen_ai.request.{name}"] = float(value) if name in _DOUBLES else value
    if request.generation.stop:
        found["gen_ai.request.stop_sequences"] = request.generation.stop
    if request.session_id is not None:
        found["gen_ai.conversation.id"] = request.session_id
    wanted = request.response_format
    if request.output_type is not None or wanted is not None:
        found["gen_ai.output.type"] = "text" if wanted is not None and wanted.type == "text" else "json"
    if route is not None and _PROVIDERS.get(route.provider, route.provider) in _OPENAI:
        found["openai.api.type"] = _API_TYPES.get(route.protocol, route.protocol)
    return found


def decision_attributes(decision: Decision) -> Attributes:
    """What the gate decided, and why."""
    return {
        "zen.runtime": decision.runtime,
        "zen.reason": decision.reason.slug,
        "zen.transport": decision.transport,
        "zen.transport_reason": decision.transport_reason.slug,
    }


def finish_attributes(finish: StepFinish) -> Attributes:
    """How a model call ended, and what it used."""
    found: Attributes = {"gen_ai.response.finish_reasons": (finish_reason(finish.reason),)}
    if finish.response_id is not None:
        found["gen_ai.response.id"] = finish.response_id
    if finish.model is not None:
        found["gen_ai.response.model"] = finish.model
    return {**found, **usage_attributes(finish.usage)}


def finish_reason(reason: FinishReason) -> str:
    """The reason in the conventions' words, or in ours where they have none."""
    return _REASONS.get(reason.normalized, reason.normalized)


def usage_attributes(usage: Usage | None) -> Attributes:
    """Tokens, totals with what was cached and thought, and the cost in USD: a float, for backends add those up."""
    if usage is None:
        return {}
    counts = {name: getattr(usage, field) for name, field in _USAGE.items()}
    found: Attributes = {name: count for name, count in counts.items() if count is not None}
    if usage.cost is not None:
        found["zen.usage.cost"] = float(usage.cost)
    if usage.cost_source is not None:
        found["zen.usage.cost_source"] = usage.cost_source
    return found


def error_type(error: BaseException) -> str:
    """The class of an error: those of `zen_native.errors`, or what ended the call otherwise."""
    return type(error).__name__


def error_attributes(error: BaseException) -> Attributes:
    """What an error is, without its message, which may repeat what was said."""
    found: Attributes = {"error.type": error_type(error)}
    if isinstance(error, LLMError):
        told = {
            "http.response.status_code": error.status,
            "zen.error.code": error.code,
            "zen.request_id": error.request_id,
        }
        found |= {name: value for name, value in told.items() if value is not None}
    return found
