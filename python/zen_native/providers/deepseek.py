"""DeepSeek. api-docs.deepseek.com: chat completions, thinking mode (reasoning goes back with tool calls)."""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import CHAT, KeyEnv, Provider

__all__ = ["DEEPSEEK"]

DEEPSEEK = Provider(
    id="deepseek",
    name="DeepSeek",
    base_url="https://api.deepseek.com",
    endpoints=CHAT,
    keys=(KeyEnv("DEEPSEEK_API_KEY"),),
    dialect=Dialect(
        reasoning="thinking",
        reasoning_field="reasoning_content",
        reasoning_required=True,
        json_schema=False,
        parallel_tool_calls=False,
        seed=None,
        media=frozenset(),
    ),
)
