"""Lowering to OpenAI Responses: nothing is stored, reasoning comes and goes encrypted.

Owns the members of the body. Input items are in `openai_responses_items`.
Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

import re

from zen_native.request import LLMRequest, Tool
from zen_native.route import Route

from .common import Draft, Json, Lowered, generation, present
from .history import repaired
from .openai_chat import projected_schema
from .openai_responses_items import Items
from .strict import holds, strict_tool

__all__ = ["lower"]

_WITHOUT_REASONING = re.compile(r"(^|/)(gpt-3|gpt-4|chatgpt-4)")
"""Models of OpenAI that refuse to be asked for encrypted reasoning."""


def lower(request: LLMRequest, route: Route, *, stream: bool) -> Lowered:
    """The body of one response."""
    draft = Draft(request, route)
    body: Json = {"model": route.model, "input": Items(draft).lowered(repaired(draft)), "store": False}
    if stream:
        body["stream"] = True
    if _reasons(route):
        body["include"] = ["reasoning.encrypted_content"]
    body |= _options(draft)
    body |= _reasoning(draft)
    body |= _text(draft)
    body |= _tools(draft)
    body |= _context(draft)
    return draft.finish(body)


def _reasons(route: Route) -> bool:
    known = route.info.reasoning if route.info else None
    return not _WITHOUT_REASONING.search(route.model) if known is None else known


def _options(draft: Draft) -> Json:
    sampling = draft.dialect.sampling
    return generation(
        draft,
        {
            "max_tokens": "max_output_tokens",
            "temperature": "temperature" if sampling else None,
            "top_p": "top_p" if sampling else None,
            "top_k": None,
            "frequency_penalty": None,
            "presence_penalty": None,
            "seed": None,
            "stop": None,
        },
    )


def _reasoning(draft: Draft) -> Json:
    asked = draft.request.reasoning
    if asked is None:
        return {}
    if draft.dialect.reasoning is None:
        draft.cannot("reasoning", "not taken here")
        return {}
    if asked.budget_tokens:
        draft.cannot("reasoning.budget_tokens", "reasoning has an effort, but no budget")
    summary = None if asked.summary == "none" else asked.summary
    said = present(effort="none" if asked.off else asked.effort, summary=summary)
    return {"reasoning": said} if said else {}


def _text(draft: Draft) -> Json:
    asked = draft.format()
    if asked is None:
        return {}
    if asked.json_schema is None:
        return {"text": {"format": {"type": "json_object"}}}
    if not draft.dialect.json_schema:
        draft.cannot("response_format", "an answer cannot be held to a schema")
        return {}
    strict = asked.strict and holds(draft, "response_format.strict", asked.json_schema)
    schema = projected_schema(draft, asked.json_schema, strict=strict is True)
    named = present(name=asked.name, description=asked.description, schema=schema, strict=strict)
    return {"text": {"format": {"type": "json_schema", **named}}}


# Tools


def _tools(draft: Draft) -> Json:
    choice = draft.request.tool_choice
    tools = draft.request.tools
    if not tools:
        if choice is not None and choice.mode in ("required", "tool"):
            draft.cannot("tool_choice", "there are no tools to choose from")
        return {}
    body: Json = {"tools": [_tool(draft, tool) for tool in tools]}
    if choice is None:
        return body
    body["tool_choice"] = choice.mode
    if choice.mode == "tool":
        named = next((tool for tool in tools if tool.name == choice.name), None)
        body["tool_choice"] = _named(choice.name or "", named)
    if choice.parallel is not None:
        if draft.dialect.parallel_tool_calls:
            body["parallel_tool_calls"] = choice.parallel
        elif not choice.parallel:
            draft.cannot("tool_choice.parallel", "several calls at once cannot be forbidden")
    return body


def _named(name: str, tool: Tool | None) -> Json:
    if tool is not None and tool.native is not None:
        return {"type": tool.native.get("type")}
    return {"type": "custom" if tool is not None and tool.freeform else "function", "name": name}


def _tool(draft: Draft, tool: Tool) -> Json:
    """`strict` is always said: without it this format means yes."""
    if tool.native is not None:
        return tool.native
    if tool.freeform:
        return present(type="custom", name=tool.name, description=tool.description, format=tool.grammar)
    strict = strict_tool(draft, tool) is True
    parameters = projected_schema(draft, tool.input_schema, strict=strict)
    named = present(name=tool.name, description=tool.description)
    return {"type": "function", **named, "parameters": parameters, "strict": strict}


# What is no part of the question


def _context(draft: Draft) -> Json:
    request, dialect = draft.request, draft.dialect
    body: Json = {}
    if dialect.prompt_cache_key and request.session_id is not None:
        body["prompt_cache_key"] = request.session_id
    if request.metadata and dialect.metadata:
        body["metadata"] = dict(request.metadata)
    elif request.metadata:
        draft.note("metadata: this server takes none")
    return body
