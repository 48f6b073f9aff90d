"""Together. docs.together.ai: chat completions, reasoning models."""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import CHAT, KeyEnv, Provider

__all__ = ["TOGETHER"]

TOGETHER = Provider(
    id="together",
    name="Together",
    base_url="https://api.together.xyz/v1",
    endpoints=CHAT,
    keys=(KeyEnv("TOGETHER_API_KEY"),),
    dialect=Dialect(top_k="top_k"),
)
