"""Cerebras. inference-docs.cerebras.ai: chat completions, reasoning, structured outputs."""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import CHAT, KeyEnv, Provider, UrlEnv

__all__ = ["CEREBRAS"]

CEREBRAS = Provider(
    id="cerebras",
    name="Cerebras",
    base_url="https://api.cerebras.ai/v1",
    endpoints=CHAT,
    keys=(KeyEnv("CEREBRAS_API_KEY"),),
    urls=(UrlEnv("CEREBRAS_BASE_URL", path="/v1"),),  # its SDK adds the path itself
    dialect=Dialect(max_tokens="max_completion_tokens", strict_tools=True, media=frozenset()),
)
