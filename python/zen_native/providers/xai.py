"""xAI. docs.x.ai: Responses and chat completions, prompt caching (`x-grok-conv-id`; Responses has a field for it)."""

from __future__ import annotations

from dataclasses import replace

from zen_native.dialect import Dialect

from ._base import CHAT, RESPONSES, Endpoint, KeyEnv, Provider

__all__ = ["XAI", "XAI_CHAT"]

_CHAT_DIALECT = Dialect(max_tokens="max_completion_tokens", strict_tools=True, reasoning_field="reasoning_content")

XAI = Provider(
    id="xai",
    name="xAI",
    base_url="https://api.x.ai/v1",
    endpoints={**RESPONSES, "openai-chat": Endpoint(path="/chat/completions", dialect=_CHAT_DIALECT)},
    keys=(KeyEnv("XAI_API_KEY"),),
    dialect=Dialect(
        system_role="system",
        prompt_cache_key=True,
        store=True,
        strict_tools=True,
        seed=None,
        penalties=False,
        stop=False,
    ),
    session_headers=("x-grok-conv-id",),
)
XAI_CHAT = replace(XAI, id="xai-chat", endpoints=CHAT, dialect=_CHAT_DIALECT, metadata_key="xai")
