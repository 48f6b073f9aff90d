"""Mistral. docs.mistral.ai/api: chat completions. Unknown members are refused there, so little is assumed."""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import CHAT, KeyEnv, Provider

__all__ = ["MISTRAL"]

MISTRAL = Provider(
    id="mistral",
    name="Mistral",
    base_url="https://api.mistral.ai/v1",
    endpoints=CHAT,
    keys=(KeyEnv("MISTRAL_API_KEY"),),
    dialect=Dialect(
        seed="random_seed",
        required_choice="any",
        tool_ids="alphanumeric-9",
        answer_after_tools=True,
        stream_usage=False,  # it comes unasked
    ),
)
