"""Fireworks. docs.fireworks.ai: chat completions, prompt caching (`x-session-affinity`), reasoning history."""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import CHAT, KeyEnv, Provider

__all__ = ["FIREWORKS"]

FIREWORKS = Provider(
    id="fireworks",
    name="Fireworks",
    base_url="https://api.fireworks.ai/inference/v1",
    endpoints=CHAT,
    keys=(KeyEnv("FIREWORKS_API_KEY"),),
    dialect=Dialect(top_k="top_k", prompt_cache_key=True, reasoning_field="reasoning_content"),
    session_headers=("x-session-affinity",),
)
