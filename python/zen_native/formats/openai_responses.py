"""Lowering to OpenAI Responses: nothing is stored, reasoning comes and goes encrypted.

Owns the members of the body. Input items are in `openai_responses_items`.
Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zen_native.route import Route

from .common import Draft, Json, Lowered, generation, present
from .history import repaired
from .openai_cache import cache_members
from .openai_chat import named_schema, parallel_calls, projected_schema
from .openai_responses_items import Items
from .strict import strict_tool

if TYPE_CHECKING:
    from zen_native.request import LLMRequest, Tool

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
    body |= cache_members(draft) | draft.labels("metadata")
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
    named = named_schema(draft, asked, asked.json_schema)
    return {"text": {"format": {"type": "json_schema", **named}}} if named else {}


# Tools


def _tools(draft: Draft) -> Json:
    choice = draft.request.tool_choice
    tools = draft.request.tools
    if not tools:
        draft.without_tools()
        return {}
    body: Json = {"tools": [_tool(draft, tool) for tool in tools]}
    if choice is None:
        return body
    body["tool_choice"] = choice.mode
    if choice.mode == "tool":
        named = next((tool for tool in tools if tool.name == choice.name), None)
        body["tool_choice"] = _named(choice.name or "", named)
    return body | parallel_calls(draft, choice)


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
