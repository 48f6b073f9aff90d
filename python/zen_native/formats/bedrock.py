"""Lowering to Bedrock Converse.

Owns the members of the body and what each family of models takes; messages are in `bedrock_blocks`. The other format
of Bedrock, InvokeModel with Anthropic's body, is in `anthropic_messages`.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html (which family caches what),
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zen_native.cache_policy import CachePlan, plan_cache
from zen_native.route import Route

from .anthropic_messages import thinking_of
from .bedrock_blocks import Blocks, cache_point
from .claude import Claude, claude_of
from .common import Draft, Json, Lowered, dump, generation, merge, present
from .history import has_calls, repaired, with_leading_system
from .strict import claude_input, claude_schema, holds

if TYPE_CHECKING:
    from zen_native.request import LLMRequest, Message, TextContent, Tool

__all__ = ["lower"]


def lower(request: LLMRequest, route: Route, *, stream: bool) -> Lowered:  # noqa: ARG001 - the address says it
    """The body of one request; the model is in the address."""
    draft = Draft(request, route)
    claude = claude_of(route.model)
    nova = "nova" in route.model
    system, history = with_leading_system(draft, repaired(draft))
    plan = _plan(draft, system, history, claude, nova=nova)
    body: Json = {"messages": Blocks(draft, claude, plan).messages(history)}
    if system:
        body["system"] = _with_points([({"text": part.text}, plan.system(i)) for i, part in enumerate(system)])
    extra: Json = {}
    config = _options(draft, claude, extra, nova=nova)
    output = _response_format(draft, claude)
    _think(draft, claude, config, output, extra, nova=nova)
    body |= _tools(draft, history, plan, extra, claude)
    named = {"inferenceConfig": config, "outputConfig": output, "additionalModelRequestFields": extra}
    body |= {name: value for name, value in named.items() if value}
    return draft.finish(body | draft.labels("requestMetadata"))


# Cache


def _plan(
    draft: Draft, system: Sequence[TextContent], history: Sequence[Message], claude: Claude | None, *, nova: bool
) -> CachePlan:
    """Claude caches everywhere, newer ones for an hour; Nova caches no tools; others cache nothing."""
    caches = nova or (claude is not None and claude.caches)
    hour = claude is not None and claude.hour_cache
    plan = plan_cache(draft.request, system, history, budget=4 if caches else 0, tools=claude is not None, long=hour)
    if plan.dropped:
        draft.note(f"{plan.dropped} cache hints were over the limit, or this model does not cache there")
    return plan


def _with_points(blocks: list[tuple[Json, bool | None]]) -> list[Json]:
    out: list[Json] = []
    for block, mark in blocks:
        out += [block, *cache_point(mark)]
    return out


# Options


def _options(draft: Draft, claude: Claude | None, extra: Json, *, nova: bool) -> Json:
    free = draft.dialect.sampling and (claude is None or claude.sampling)
    thinks = draft.request.reasoning is not None and not draft.request.reasoning.off and claude is not None
    asked = draft.request.generation
    both = claude is not None and claude.one_of_sampling and asked.temperature is not None
    names: dict[str, str | None] = {
        "max_tokens": "maxTokens",
        "temperature": "temperature" if free and not (thinks and asked.temperature != 1) else None,
        "top_p": "topP" if free and not thinks and not both else None,
        "top_k": "topK" if free and not thinks and (claude is not None or nova) else None,
        "frequency_penalty": None,
        "presence_penalty": None,
        "seed": None,
        "stop": "stopSequences",
    }
    config = generation(draft, names)
    top_k = config.pop("topK", None)
    if top_k is not None:
        extra.update({"inferenceConfig": {"topK": top_k}} if nova else {"top_k": top_k})
    return config


def _response_format(draft: Draft, claude: Claude | None) -> Json:
    asked = draft.format()
    if asked is None:
        return {}
    if asked.json_schema is None:
        draft.cannot("response_format", "an answer can be held to a schema only")
        return {}
    if not draft.dialect.json_schema or (claude is not None and not claude.schema):
        draft.cannot("response_format", "an answer of this model cannot be held to a schema")
        return {}
    if not holds(draft, "response_format", asked.json_schema, recursive=False):
        return {}
    text = dump(claude_schema(asked.json_schema))
    schema = present(schema=text, name=asked.name, description=asked.description)
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _think(draft: Draft, claude: Claude | None, config: Json, output: Json, extra: Json, *, nova: bool) -> None:
    """Thinking in the words of the family."""
    asked = draft.request.reasoning
    if asked is None:
        return
    if claude is not None:
        said = thinking_of(draft, claude)
        extra.update({name: value for name, value in said.items() if name == "thinking"})
        output.update(said.get("output_config", {}))
        budget: int = said.get("thinking", {}).get("budget_tokens", 0)
        if budget and config.get("maxTokens", budget + 1) <= budget:
            config["maxTokens"] = budget + 1
    elif asked.budget_tokens:
        draft.cannot("reasoning.budget_tokens", "this model has no budget for thinking")
    elif nova:
        effort = "high" if asked.effort in ("xhigh", "max") else "low" if asked.effort == "minimal" else asked.effort
        enabled = {"type": "enabled", "maxReasoningEffort": effort or "medium"}
        extra["reasoningConfig"] = {"type": "disabled"} if asked.off else enabled
    elif "gpt-oss" in draft.route.model and asked.effort and not asked.off:
        extra["reasoning_effort"] = asked.effort
    else:
        draft.cannot("reasoning", "this model cannot be told how to think")


# Tools


def _tools(draft: Draft, history: Sequence[Message], plan: CachePlan, extra: Json, claude: Claude | None) -> Json:
    """Without tools there is no `toolConfig`, except that calls in the history demand one."""
    choice = draft.request.tool_choice
    tools = [(spec, plan.tool(i)) for i, tool in enumerate(draft.request.tools) if (spec := _tool(draft, tool))]
    called = has_calls(history)
    if choice is not None and choice.mode == "none":
        if not called:
            return {}
        draft.cannot("tool_choice", "calls cannot be forbidden once there were some")
        choice = None
    if not tools:
        draft.without_tools()
        return {"toolConfig": {"tools": _called_tools(history)}} if called else {}
    config: Json = {"tools": _with_points(tools)}
    if choice is not None:
        kinds: dict[str, Json] = {
            "auto": {"auto": {}},
            "required": {"any": {}},
            "tool": {"tool": {"name": choice.name}},
        }
        thinks = extra.get("thinking", {}).get("type") in ("enabled", "adaptive")
        if thinks and choice.mode in ("required", "tool"):
            draft.cannot("tool_choice", "a model that thinks cannot be made to call a tool")
            kinds[choice.mode] = {"auto": {}}
        config["toolChoice"] = kinds[choice.mode]
        if choice.parallel is False:
            _one_at_a_time(draft, config, extra, claude)
    return {"toolConfig": config}


def _one_at_a_time(draft: Draft, config: Json, extra: Json, claude: Claude | None) -> None:
    """Converse has no word for it; Claude's own is taken beside it."""
    if claude is None:
        draft.cannot_forbid_parallel_calls()
        return
    kind, said = next(iter(config.pop("toolChoice").items()))
    extra.update(merge(extra, {"tool_choice": {"type": kind, **said, "disable_parallel_tool_use": True}}))


def _called_tools(history: Sequence[Message]) -> list[Json]:
    """The tools that were called, by name alone."""
    calls = [part for message in history for part in message.content if part.type == "tool-call"]
    schema: Json = {"json": {"type": "object"}}
    return [{"toolSpec": {"name": name, "inputSchema": schema}} for name in dict.fromkeys(call.name for call in calls)]


def _tool(draft: Draft, tool: Tool) -> Json | None:
    if tool.native is not None:
        return tool.native
    if draft.drops_freeform(tool):
        return None
    schema, strict = claude_input(draft, tool)
    spec = present(name=tool.name, description=tool.description or None, inputSchema={"json": schema}, strict=strict)
    return {"toolSpec": spec}
