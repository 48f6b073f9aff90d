"""OpenAI. platform.openai.com/docs/api-reference (responses, chat); names and headers as in its Python SDK."""

from __future__ import annotations

from dataclasses import replace

from zen_native.dialect import Dialect

from ._base import CHAT, RESPONSES, Endpoint, KeyEnv, Option, Provider, UrlEnv

__all__ = ["CHAT_DIALECT", "OPENAI", "OPENAI_CHAT", "RESPONSES_DIALECT"]

RESPONSES_DIALECT = Dialect(
    system_role="developer",
    strict_tools=True,
    freeform_tools=True,
    metadata=True,
    prompt_cache_key=True,
    store=True,
    tool_ids="short",
    seed=None,
    penalties=False,
    stop=False,
)
CHAT_DIALECT = replace(
    RESPONSES_DIALECT,
    max_tokens="max_completion_tokens",
    reasoning_field=None,
    seed="seed",
    penalties=True,
    stop=True,
    media=frozenset({"image", "image-url", "document", "document-file", "audio"}),
)
# Others serve its models, too, but say nothing of breakpoints.
_OWN_CHAT_DIALECT = replace(CHAT_DIALECT, cache_breakpoints=True)

OPENAI = Provider(
    id="openai",
    name="OpenAI",
    base_url="https://api.openai.com/v1",
    endpoints={**RESPONSES, "openai-chat": Endpoint(path="/chat/completions", dialect=_OWN_CHAT_DIALECT)},
    keys=(KeyEnv("OPENAI_API_KEY"),),
    urls=(UrlEnv("OPENAI_BASE_URL"),),
    options={
        "organization": Option(env=("OPENAI_ORG_ID", "OPENAI_ORGANIZATION"), header="openai-organization"),
        "project": Option(env=("OPENAI_PROJECT_ID",), header="openai-project"),
    },
    dialect=replace(RESPONSES_DIALECT, cache_breakpoints=True),
)
# The same server by chat completions, for those who want that format.
OPENAI_CHAT = replace(OPENAI, id="openai-chat", endpoints=CHAT, dialect=_OWN_CHAT_DIALECT, metadata_key="openai")
