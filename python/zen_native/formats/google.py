"""Lowering to Google generateContent, of the Gemini API and of Vertex AI.

Owns the members of the body. Contents are in `google_contents`.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thinking (levels, budgets),
https://ai.google.dev/api/caching#Tool
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zen_native.route import Route

from .common import Draft, Json, Lowered, generation, present
from .google_contents import Contents
from .history import repaired, with_leading_system
from .schema import google_schema_of

if TYPE_CHECKING:
    from zen_native.request import LLMRequest, Tool

__all__ = ["lower"]

_GEMINI = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?")
_BUDGETS = {"minimal": 512, "low": 2048, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
_LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "XHIGH", "max": "XHIGH"}


def lower(request: LLMRequest, route: Route, *, stream: bool) -> Lowered:  # noqa: ARG001 - the address says it
    """The body of one request."""
    draft = Draft(request, route)
    version = _version(route.model)
    system, history = with_leading_system(draft, repaired(draft))
    body: Json = {"contents": Contents(draft, newer=version >= 3).lowered(history)}
    if system:
        body["systemInstruction"] = {"parts": [{"text": part.text} for part in system]}
    body |= _tools(draft)
    config = _options(draft) | _thinking(draft, version) | _response_format(draft, version)
    if config:
        body["generationConfig"] = config
    return draft.finish(body | draft.labels("labels"))


def _version(model: str) -> float:
    """The generation of a Gemini; one that says none, as `gemini-flash-latest`, is new, other models are old."""
    found = _GEMINI.search(model)
    if found is None:
        return 99 if "gemini" in model else 0
    return float(f"{found[1]}.{found[2] or 0}")


def _options(draft: Draft) -> Json:
    return generation(
        draft,
        {
            "max_tokens": "maxOutputTokens",
            "temperature": "temperature",
            "top_p": "topP",
            "top_k": "topK",
            "frequency_penalty": "frequencyPenalty",
            "presence_penalty": "presencePenalty",
            "seed": "seed",
            "stop": "stopSequences",
        },
    )


def _thinking(draft: Draft, version: float) -> Json:
    asked = draft.request.reasoning
    if asked is None:
        return {}
    leveled = version >= 3 if draft.dialect.thinking == "by-model" else draft.dialect.thinking == "level"
    if asked.off:
        return _without_thinking(draft, leveled=leveled)
    config: Json = {"includeThoughts": asked.summary != "none"}
    if asked.budget_tokens:
        config["thinkingBudget"] = asked.budget_tokens
    elif asked.effort is not None:
        known = _LEVELS.get(asked.effort) if leveled else _BUDGETS.get(asked.effort)
        if known is None:
            draft.cannot("reasoning.effort", f"{asked.effort!r} is not known here")
        else:
            config["thinkingLevel" if leveled else "thinkingBudget"] = known
    return {"thinkingConfig": config}


def _without_thinking(draft: Draft, *, leveled: bool) -> Json:
    """The Pro models always think, and the newer others at least a little."""
    if "pro" in draft.route.model:
        draft.cannot("reasoning", "this model always thinks")
        return {}
    if leveled:
        draft.note("this model cannot be kept from thinking: it thinks as little as it can")
        return {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}
    return {"thinkingConfig": {"thinkingBudget": 0}}


def _response_format(draft: Draft, version: float) -> Json:
    asked = draft.format()
    if asked is None:
        return {}
    if draft.request.tools and version < 3:
        draft.cannot("response_format", "this model takes no tools beside it")
        return {}
    config: Json = {"responseMimeType": "application/json"}
    if asked.json_schema is not None:
        if draft.dialect.json_schema:
            config["responseJsonSchema"] = google_schema_of(draft, asked.json_schema)
        else:
            draft.cannot("response_format", "an answer cannot be held to a schema")
    return config


# Tools


def _tools(draft: Draft) -> Json:
    request = draft.request
    functions = [one for one in (_function(draft, tool) for tool in request.tools if tool.native is None) if one]
    tools: list[Json] = [{"functionDeclarations": functions}] if functions else []
    tools += [tool.native for tool in request.tools if tool.native is not None]
    choice = request.tool_choice
    if not tools:
        draft.without_tools()
        return {}
    body: Json = {"tools": tools}
    if choice is None:
        return body
    if choice.parallel is False:
        draft.cannot_forbid_parallel_calls()
    mode = {"auto": "AUTO", "none": "NONE"}.get(choice.mode, "ANY")
    named = [choice.name] if choice.name is not None else None
    calling = present(mode=mode, allowedFunctionNames=named)
    return body | {"toolConfig": {"functionCallingConfig": calling}}


def _function(draft: Draft, tool: Tool) -> Json | None:
    if draft.drops_freeform(tool):
        return None
    if tool.strict:
        draft.cannot(f"tools[{tool.name}].strict", "not taken here")
    schema = google_schema_of(draft, tool.input_schema)
    without = schema.get("type") == "object" and not schema.get("properties") and "anyOf" not in schema
    return present(name=tool.name, description=tool.description, parametersJsonSchema=None if without else schema)
