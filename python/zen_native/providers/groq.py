"""Groq. console.groq.com/docs: API reference, reasoning, structured outputs."""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import CHAT, KeyEnv, Provider, UrlEnv

__all__ = ["GROQ"]

GROQ = Provider(
    id="groq",
    name="Groq",
    base_url="https://api.groq.com/openai/v1",
    endpoints=CHAT,
    keys=(KeyEnv("GROQ_API_KEY"),),
    urls=(UrlEnv("GROQ_BASE_URL", path="/openai/v1"),),  # its SDK adds the path itself
    dialect=Dialect(max_tokens="max_completion_tokens"),
)
