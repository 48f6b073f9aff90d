"""OpenCode Zen and Go: gateways that serve each model in one of four formats, which the table of models says.

opencode.ai/docs/zen and /docs/go. Each format takes the key where its own provider does. Both send the session's id,
which Go insists on, and an organization's; neither pretends to be another client. A charge comes after the answer.
"""

from __future__ import annotations

from dataclasses import replace

from zen_native.dialect import Dialect

from ._base import Endpoint, KeyEnv, Option, Provider, Target, UrlEnv, generate_content
from .anthropic import ANTHROPIC_VERSION, MESSAGES_DIALECT
from .openai import RESPONSES_DIALECT

__all__ = ["OPENCODE", "OPENCODE_GO"]

# Models that refuse an answer with calls whose reasoning does not come back, and what else is theirs.
_FAMILIES = (
    ("deepseek-", Dialect(reasoning_required=True)),
    ("kimi-", Dialect(reasoning_required=True, tool_schema="moonshot")),
)


def _by_family(target: Target) -> Target:
    """Models keep the ways of their makers behind the gateway."""
    if target.protocol == "openai-chat":
        for prefix, dialect in _FAMILIES:
            if target.model.startswith(prefix):
                return replace(target, endpoint=replace(target.endpoint, dialect=dialect))
    return target


OPENCODE = Provider(
    id="opencode",
    name="OpenCode Zen",
    base_url="https://opencode.ai/zen/v1",
    endpoints={
        "openai-chat": Endpoint(path="/chat/completions"),
        "openai-responses": Endpoint(path="/responses", dialect=RESPONSES_DIALECT),
        "anthropic-messages": Endpoint(
            path="/messages",
            auth="x-api-key",
            headers={"anthropic-version": ANTHROPIC_VERSION},
            dialect=MESSAGES_DIALECT,
        ),
        "google-generate-content": replace(
            generate_content("/models"), auth="x-goog-api-key", dialect=Dialect(top_k="top_k")
        ),
    },
    keys=(KeyEnv("OPENCODE_ZEN_API_KEY"), KeyEnv("OPENCODE_API_KEY")),
    options={"organization": Option(header="x-org-id")},
    session_headers=("x-opencode-session",),
    trailing_cost=True,
    by_prefix=True,
    adapt=_by_family,
)
OPENCODE_GO = replace(
    OPENCODE,
    id="opencode-go",
    name="OpenCode Go",
    base_url="https://opencode.ai/zen/go/v1",
    keys=(KeyEnv("OPENCODE_GO_API_KEY"), KeyEnv("OPENCODE_API_KEY")),
    urls=(UrlEnv("OPENCODE_GO_API_BASE"),),
    session_required=True,
)
