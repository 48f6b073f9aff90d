"""Lowering to Anthropic Messages, from Anthropic, compatible hosts, and inside Bedrock's InvokeModel.

Owns the members of the body. Messages are in `anthropic_blocks`, what models take is in `claude`.

Sources: https://platform.claude.com/docs/en/api/messages/create,
https://platform.claude.com/docs/en/build-with-claude/extended-thinking (what thinking excludes),
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from zen_native.cache_policy import CachePlan, plan_cache
from zen_native.route import Route

from .anthropic_blocks import Blocks, text_block
from .claude import BUDGETS, LEAST_BUDGET, Claude, claude_of
from .common import Draft, Json, Lowered, generation, marked, present
from .history import repaired, with_leading_system
from .strict import claude_input, claude_schema, holds

if TYPE_CHECKING:
    from zen_native.request import LLMRequest, Tool

__all__ = ["lower", "thinking_of"]

_BEDROCK_VERSION = "bedrock-2023-05-31"
_MAX_TOKENS = 4096
"""Sent where nobody says another limit: the format demands one."""


def lower(request: LLMRequest, route: Route, *, stream: bool) -> Lowered:
    """The body of one message."""
    draft = Draft(request, route)
    model = claude_of(route.model)
    system, history = with_leading_system(draft, repaired(draft))
    plan = plan_cache(request, system, history)
    if plan.dropped:
        draft.note(f"{plan.dropped} cache hints were over the limit of four")
    thinking = thinking_of(draft, model)
    body: Json = {"model": route.model, "max_tokens": _max_tokens(draft, thinking)}
    if stream:
        body["stream"] = True
    if system:
        body["system"] = [marked(text_block(part.text), plan.system(i)) for i, part in enumerate(system)]
    body["messages"] = Blocks(draft, model, plan).messages(history)
    body |= thinking
    body |= _options(draft, model, thinks=_thinks(thinking))
    body |= _tools(draft, plan, thinks=_thinks(thinking))
    body = _with_format(draft, model, body)
    body |= _metadata(draft)
    return _finished(draft, body)


def _finished(draft: Draft, body: Json) -> Lowered:
    """Bedrock has model and stream in the address, and the betas in the body."""
    bedrock = draft.route.protocol == "bedrock-invoke-anthropic"
    if bedrock:
        body = {name: value for name, value in body.items() if name not in ("model", "stream")}
        body = {"anthropic_version": _BEDROCK_VERSION, **body}
    lowered = draft.finish(body)
    betas = lowered.said.get("anthropic_beta")
    if not isinstance(betas, list) or bedrock:
        return lowered
    names: list[str] = [name for name in draft.route.headers.get("anthropic-beta", "").split(",") if name]
    names += [str(name) for name in lowered.said.pop("anthropic_beta")]
    return replace(lowered, headers={"anthropic-beta": ",".join(dict.fromkeys(names))})


# Thinking


def thinking_of(draft: Draft, model: Claude | None) -> Json:
    """`thinking` and `output_config.effort`. A model that is no Claude is asked in the old way, by a budget."""
    asked = draft.request.reasoning
    if asked is None:
        return {}
    way: str | None = draft.dialect.thinking
    if way == "by-model":
        way = "budget" if model is None else model.thinking
    if way is None:
        if not asked.off:
            draft.cannot("reasoning", "this model does not think")
        return {}
    if asked.off:
        return {"thinking": {"type": "disabled"}} if model is not None and model.thinks_unasked else {}
    shown = present(display=_display(draft)) if way != "budget" else {}
    if way == "budget" and asked.summary == "none":
        draft.note("reasoning.summary: this model always shows what it thinks")
    if way == "budget" or (way == "both" and asked.budget_tokens):
        return {"thinking": {"type": "enabled", "budget_tokens": _budget(draft), **shown}}
    if asked.budget_tokens:
        draft.cannot("reasoning.budget_tokens", "this model decides itself how much it thinks; it has an effort")
    effort = "low" if asked.effort == "minimal" else asked.effort
    return {"thinking": {"type": "adaptive", **shown}} | ({"output_config": {"effort": effort}} if effort else {})


def _display(draft: Draft) -> str | None:
    summary = draft.request.reasoning.summary if draft.request.reasoning else None
    return None if summary is None else "omitted" if summary == "none" else "summarized"


def _budget(draft: Draft) -> int:
    """The budget asked for or meant by the effort, at least what the format takes, and less than the whole answer."""
    asked = draft.request.reasoning
    effort = (asked.effort if asked else None) or "medium"
    budget = (asked.budget_tokens if asked else None) or BUDGETS.get(effort)
    if budget is None:
        draft.cannot("reasoning.effort", f"nobody knows how many tokens {effort!r} are")
        budget = BUDGETS["medium"]
    limit = draft.request.generation.max_tokens
    if limit is not None and budget >= limit:
        draft.note("the thinking budget was cut to fit in generation.max_tokens")
        budget = limit - 1
    if budget < LEAST_BUDGET:
        if limit is not None and limit <= LEAST_BUDGET:
            draft.cannot("reasoning", f"generation.max_tokens leaves less than {LEAST_BUDGET} tokens to think")
        draft.note(f"the thinking budget was raised to {LEAST_BUDGET} tokens")
    return max(budget, LEAST_BUDGET)


def _thinks(thinking: Json) -> bool:
    return thinking.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _max_tokens(draft: Draft, thinking: Json) -> int:
    asked = draft.request.generation.max_tokens
    budget: int = thinking.get("thinking", {}).get("budget_tokens", 0)
    if asked is not None:
        return max(asked, budget + 1)
    known = draft.route.info.max_output if draft.route.info else None
    return known if known is not None and known > budget else budget + _MAX_TOKENS


# Options


def _options(draft: Draft, model: Claude | None, *, thinks: bool) -> Json:
    asked = draft.request.generation
    free = draft.dialect.sampling and (model is None or model.sampling)
    temperature = free and not (thinks and asked.temperature not in (None, 1))
    top_p = free and not (thinks and asked.top_p is not None and asked.top_p < 0.95)
    if model is not None and model.one_of_sampling and asked.temperature is not None:
        top_p = False
    spellings: dict[str, str | None] = {
        "temperature": "temperature" if temperature else None,
        "top_p": "top_p" if top_p else None,
        "top_k": "top_k" if free and not thinks else None,
        "frequency_penalty": None,
        "presence_penalty": None,
        "seed": None,
        "stop": "stop_sequences",
    }
    return generation(draft, spellings)


def _with_format(draft: Draft, model: Claude | None, body: Json) -> Json:
    asked, messages = draft.format(), draft.request.messages
    if asked is None:
        return body
    if asked.json_schema is None:
        draft.cannot("response_format", "an answer can be held to a schema only")
    elif not draft.dialect.json_schema or model is None or not model.schema:
        draft.cannot("response_format", "an answer of this model cannot be held to a schema")
    elif any(part.type == "document" and part.citations for message in messages for part in message.content):
        draft.cannot("response_format", "an answer with citations cannot be held to a schema")
    elif holds(draft, "response_format", asked.json_schema, recursive=False):
        form = {"type": "json_schema", "schema": claude_schema(asked.json_schema)}
        return {**body, "output_config": {**body.get("output_config", {}), "format": form}}
    return body


def _metadata(draft: Draft) -> Json:
    said = draft.request.metadata
    if said.keys() - {"user_id"}:
        draft.note("metadata: this format has a user_id only")
    return {"metadata": {"user_id": said["user_id"]}} if "user_id" in said else {}


# Tools


def _tools(draft: Draft, plan: CachePlan, *, thinks: bool) -> Json:
    request = draft.request
    tools = [_tool(draft, tool, plan.tool(index)) for index, tool in enumerate(request.tools)]
    kept = [tool for tool in tools if tool]
    choice = request.tool_choice
    if not kept:
        draft.without_tools()
        return {}
    body: Json = {"tools": kept}
    if choice is None:
        return body
    kind = {"required": "any"}.get(choice.mode, choice.mode)
    if thinks and kind in ("any", "tool"):
        draft.cannot("tool_choice", "a model that thinks cannot be made to call a tool")
        kind = "auto"
    said: Json = {"type": kind}
    if kind == "tool":
        said["name"] = choice.name
    if choice.parallel is not None and kind != "none":
        said["disable_parallel_tool_use"] = not choice.parallel
    return body | {"tool_choice": said}


def _tool(draft: Draft, tool: Tool, mark: bool | None) -> Json | None:
    if tool.native is not None:
        return marked(tool.native, mark)
    if draft.drops_freeform(tool):
        return None
    schema, strict = claude_input(draft, tool)
    lowered = present(name=tool.name, description=tool.description, input_schema=schema, strict=strict)
    return marked(lowered, mark)
