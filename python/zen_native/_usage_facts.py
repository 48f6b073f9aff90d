"""What a provider's own usage object and notes say that changes a price: the tier that served, calls, kinds of tokens.

Owns the spellings, which nothing else reads. Sources: the usage pages of Anthropic (`service_tier`, `speed`,
`inference_geo`, `server_tool_use`), OpenAI (`service_tier`, `*_tokens_details`), Google (`usageMetadata`:
`serviceTier`, `trafficType`, `*TokensDetails`), Bedrock (`serviceTier`), xAI (`server_side_tool_usage_details`),
OpenRouter and Perplexity (`num_search_queries`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

__all__ = ["Object", "calls_in", "calls_noted", "kinds_in", "service_name", "service_of"]

Object = Mapping[str, Any]

# In words of all providers, "as always".
_STANDARD = frozenset({"", "auto", "default", "global", "none", "normal", "not_available", "on_demand", "standard"})
_SERVICE = ("service_tier", "serviceTier", "trafficType", "speed", "inference_geo")
_DETAILS = ("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details")
_MODALITIES = ("promptTokensDetails", "candidatesTokensDetails", "toolUsePromptTokensDetails")
_KINDS = ("audio", "image", "video")


def service_name(text: str) -> str | None:
    """The tier in small letters, without what providers put before it; `None` for the ordinary one."""
    name = text.strip().lower().removeprefix("traffic_type_").removeprefix("on_demand_")
    return None if name in _STANDARD else name


def service_of(raw: Object | None, metadata: Mapping[str, Any] | None) -> str | None:
    """The service tier that served, as the answer says; `None` for the ordinary one.

    Several things out of the ordinary are joined by `+`: a table has a row for all of them or has none.
    """
    found: dict[str, None] = {}
    notes = [cast("Object", note) for note in (metadata or {}).values() if _is_object(note)]
    for said in (*notes, raw or {}):
        for field in _SERVICE:
            value: object = said.get(field)
            if value is None:
                continue
            if isinstance(value, Mapping):  # Bedrock: {"type": "flex"}
                value = cast("Object", value).get("type")
            name = service_name(value) if isinstance(value, str) else None
            if name is not None:
                found[name] = None
    return "+".join(sorted(found)) or None


def calls_in(raw: Object | None) -> dict[str, int]:
    """How often each hosted tool was called, where usage counts that."""
    if raw is None:
        return {}
    counts: dict[str, int] = {}
    for field, endings in (("server_tool_use", ("_requests",)), ("server_side_tool_usage_details", ("_calls",))):
        for name, count in _counts(raw.get(field)):
            counts[_without(name, endings)] = count
    if (queries := raw.get("num_search_queries")) is not None:
        for name, count in _counts({"web_search": queries}):
            counts.setdefault(name, count)
    return {name: count for name, count in counts.items() if count > 0}


def calls_noted(metadata: Mapping[str, Any] | None) -> dict[str, int]:
    """The same, zeros included, where an answer says it beside its usage: `tool_usage` of OpenAI Responses.

    Images that were made on the way are charged by the tokens of another model: they count as one call.
    """
    counts: dict[str, int] = {}
    for note in (metadata or {}).values():
        noted: object = _object(note).get("tool_usage")
        if noted is None:
            continue
        said = _object(noted)
        counts.update((name, count) for name, count in _counts({"web_search": _number(said, "web_search")}))
        if any(name == "total_tokens" and count > 0 for name, count in _counts(said.get("image_gen"))):
            counts["image_generation"] = 1
    return counts


def kinds_in(raw: Object | None) -> frozenset[str]:
    """The kinds of tokens other than text that usage counts apart."""
    if not raw:
        return frozenset()
    found: set[str] = set()
    for field in _DETAILS:
        if (details := raw.get(field)) is not None:
            found.update(name.removesuffix("_tokens") for name, count in _counts(details) if count > 0)
    for field in _MODALITIES:
        if (listed := raw.get(field)) is not None:
            found.update(_modalities(listed))
    if any(name == "citation_tokens" and count > 0 for name, count in _counts(raw)):
        found.add("citation")
    return frozenset(found & {*_KINDS, "citation"})


def _modalities(listed: object) -> Iterable[str]:
    entries = cast("list[object]", listed) if isinstance(listed, list) else []
    for entry in entries:
        if isinstance(entry, Mapping):
            said = cast("Object", entry)
            if isinstance(said.get("modality"), str) and said.get("tokenCount"):
                yield str(said["modality"]).lower()


def _number(said: Object, tool: str) -> object:
    return _object(said.get(tool)).get("num_requests")


def _object(value: object) -> Object:
    return cast("Object", value) if _is_object(value) else {}


def _is_object(value: object) -> bool:
    # A dict is asked for first: whether something is a `Mapping` takes five times as long to say.
    return isinstance(value, dict | Mapping)


def _counts(value: object) -> list[tuple[str, int]]:
    if value is None or not _is_object(value):
        return []
    said = cast("Object", value)
    return [(name, count) for name, count in said.items() if isinstance(count, int) and not isinstance(count, bool)]


def _without(name: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        name = name.removesuffix(ending)
    return name
