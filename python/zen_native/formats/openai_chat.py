"""Lowering to OpenAI-compatible chat completions.

Owns the members of the body. Messages are in `openai_chat_messages`. Every difference between servers is read from
`Dialect`. Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zen_native.route import Route

from .common import Draft, Json, Lowered, generation, present
from .history import has_calls, repaired
from .openai_cache import cache_members
from .openai_chat_messages import ChatMessages
from .schema import google_schema_of, moonshot_schema
from .strict import holds, strict_schema, strict_tool

if TYPE_CHECKING:
    from zen_native.request import LLMRequest, ResponseFormat, Tool, ToolChoice

__all__ = ["lower", "named_schema", "parallel_calls", "projected_schema"]


def lower(request: LLMRequest, route: Route, *, stream: bool) -> Lowered:
    """The body of one chat completion."""
    draft = Draft(request, route)
    history = repaired(draft)
    body: Json = {"model": route.model, "messages": ChatMessages(draft, history).lowered()}
    if stream:
        body["stream"] = True
        if draft.dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    body |= _options(draft)
    body |= _reasoning(draft)
    body |= _response_format(draft)
    body |= _tools(draft, called=has_calls(history))
    body |= _context(draft)
    return draft.finish(body)


def _options(draft: Draft) -> Json:
    dialect = draft.dialect
    spellings: dict[str, str | None] = {
        "max_tokens": dialect.max_tokens,
        "temperature": "temperature" if dialect.sampling else None,
        "top_p": "top_p" if dialect.sampling else None,
        "top_k": dialect.top_k if dialect.sampling else None,
        "frequency_penalty": "frequency_penalty" if dialect.penalties else None,
        "presence_penalty": "presence_penalty" if dialect.penalties else None,
        "seed": dialect.seed,
        "stop": "stop" if dialect.stop else None,
    }
    return generation(draft, spellings)


def _reasoning(draft: Draft) -> Json:
    asked, way = draft.request.reasoning, draft.dialect.reasoning
    if asked is None:
        return {}
    if way is None:
        draft.cannot("reasoning", "not taken here")
        return {}
    if asked.budget_tokens and way in ("reasoning_effort", "thinking"):
        draft.cannot("reasoning.budget_tokens", "reasoning has an effort, but no budget")
    if asked.summary is not None and way != "reasoning":
        draft.note("reasoning.summary: this format has no such option")
    effort = "none" if asked.off else asked.effort
    if way == "reasoning_effort":
        return present(reasoning_effort=effort)
    if way == "thinking":
        said = {"thinking": {"type": "disabled" if asked.off else "enabled"}}
        return said | ({} if asked.off else present(reasoning_effort=effort))
    if way == "enable_thinking":
        if asked.effort not in (None, "none"):
            draft.cannot("reasoning.effort", "reasoning has a budget, but no effort")
        return {"enable_thinking": not asked.off} | present(thinking_budget=asked.budget_tokens or None)
    if asked.off:
        return {"reasoning": {"enabled": False}}
    wish = present(effort=effort, max_tokens=asked.budget_tokens)
    if asked.summary == "none":
        wish["exclude"] = True
    return {"reasoning": wish or {"enabled": True}}


def _response_format(draft: Draft) -> Json:
    asked = draft.format()
    if asked is None:
        return {}
    if asked.type == "json" or asked.json_schema is None:
        if draft.dialect.json_object:
            return {"response_format": {"type": "json_object"}}
        draft.cannot("response_format", "not taken here")
        return {}
    named = named_schema(draft, asked, asked.json_schema)
    return {"response_format": {"type": "json_schema", "json_schema": named}} if named else {}


def named_schema(draft: Draft, asked: ResponseFormat, schema: Json) -> Json | None:
    """The schema that an answer is held to, with its name; None where none is taken, which is reported."""
    if not draft.dialect.json_schema:
        draft.cannot("response_format", "an answer cannot be held to a schema")
        return None
    strict = asked.strict and holds(draft, "response_format.strict", schema)
    projected = projected_schema(draft, schema, strict=strict is True)
    return present(name=asked.name, description=asked.description, schema=projected, strict=strict)


def projected_schema(draft: Draft, schema: Json, *, strict: bool) -> Json:
    """A schema as the server takes it."""
    way = draft.dialect.tool_schema
    if strict:
        schema = strict_schema(schema)
    if way == "moonshot":
        return moonshot_schema(schema)
    if way == "gemini":
        return google_schema_of(draft, schema)
    return schema


# Tools


def _tools(draft: Draft, *, called: bool) -> Json:
    request, dialect = draft.request, draft.dialect
    lowered = [tool for tool in (_tool(draft, tool) for tool in request.tools) if tool]
    if not lowered:
        draft.without_tools()
        return {"tools": []} if called and dialect.empty_tools else {}
    body: Json = {"tools": lowered}
    if dialect.tool_stream:
        body["tool_stream"] = True
    return body | _tool_choice(draft)


def _tool(draft: Draft, tool: Tool) -> Json | None:
    if tool.native is not None:
        return tool.native
    if tool.freeform:
        if not draft.dialect.freeform_tools and draft.drops_freeform(tool):
            return None
        custom = present(name=tool.name, description=tool.description, format=tool.grammar)
        return {"type": "custom", "custom": custom}
    strict = strict_tool(draft, tool)
    parameters = projected_schema(draft, tool.input_schema, strict=strict is True)
    function = present(name=tool.name, description=tool.description, parameters=parameters, strict=strict)
    return {"type": "function", "function": function}


def _tool_choice(draft: Draft) -> Json:
    choice = draft.request.tool_choice
    if choice is None:
        return {}
    body: Json = {"tool_choice": draft.dialect.required_choice if choice.mode == "required" else choice.mode}
    if choice.mode == "tool":
        freeform = any(tool.freeform for tool in draft.request.tools if tool.name == choice.name)
        kind = "custom" if freeform else "function"
        body["tool_choice"] = {"type": kind, kind: {"name": choice.name}}
    return body | parallel_calls(draft, choice)


def parallel_calls(draft: Draft, choice: ToolChoice) -> Json:
    """Whether several calls may come at once, where that is said and can be."""
    if choice.parallel is None or draft.dialect.parallel_tool_calls:
        return present(parallel_tool_calls=choice.parallel)
    if not choice.parallel:
        draft.cannot_forbid_parallel_calls()
    return {}


# What is no part of the question


def _context(draft: Draft) -> Json:
    body: Json = {"store": False} if draft.dialect.store else {}
    return body | cache_members(draft) | draft.labels("metadata")
