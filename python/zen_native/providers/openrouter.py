"""OpenRouter. openrouter.ai/docs: API reference, reasoning tokens, prompt caching, session id."""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import CHAT, KeyEnv, Provider

__all__ = ["OPENROUTER"]

OPENROUTER = Provider(
    id="openrouter",
    name="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    endpoints=CHAT,
    keys=(KeyEnv("OPENROUTER_API_KEY"),),
    dialect=Dialect(
        reasoning="reasoning",
        top_k="top_k",
        cache_control=True,
        strict_tools=True,
        media=frozenset({"image", "image-url", "document", "document-url", "audio"}),
    ),
    session_headers=("x-session-id",),
)
