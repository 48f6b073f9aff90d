"""Anthropic. Keys go in `x-api-key`, tokens as bearer; docs.anthropic.com/en/api/versioning, names as in its SDK, and
the order of credentials: a key, a token, a profile.
"""

from __future__ import annotations

from zen_native.dialect import Dialect

from ._base import Endpoint, KeyEnv, Option, Provider, UrlEnv

__all__ = ["ANTHROPIC", "ANTHROPIC_VERSION", "MESSAGES_DIALECT"]

ANTHROPIC_VERSION = "2023-06-01"

MESSAGES_DIALECT = Dialect(strict_tools=True, metadata=True, tool_ids="word", top_k="top_k")

ANTHROPIC = Provider(
    id="anthropic",
    name="Anthropic",
    base_url="https://api.anthropic.com",
    endpoints={"anthropic-messages": Endpoint(path="/v1/messages")},
    auth="x-api-key",
    keys=(KeyEnv("ANTHROPIC_API_KEY"), KeyEnv("ANTHROPIC_AUTH_TOKEN", "bearer")),
    urls=(UrlEnv("ANTHROPIC_BASE_URL"),),
    key_note=", or name a profile in ANTHROPIC_PROFILE",
    profiles="anthropic-profile",
    options={
        "api_version": Option(default=ANTHROPIC_VERSION, header="anthropic-version"),
        "profile": Option(env=("ANTHROPIC_PROFILE",)),
    },
    headers_env="ANTHROPIC_CUSTOM_HEADERS",
    dialect=MESSAGES_DIALECT,
)
