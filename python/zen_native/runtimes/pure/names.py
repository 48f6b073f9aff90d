"""Names of protocols and framings, and what is assumed where the caller does not say.

Owns no code, so that naming a protocol loads none. Held against both runtimes' registries by a test.
"""

from __future__ import annotations

__all__ = ["DEFAULT_FRAMING", "DEFAULT_PROVIDER", "FRAMINGS"]

FRAMINGS = ("document", "eventstream", "json-array", "sse")

DEFAULT_FRAMING = {
    "anthropic-messages": "sse",
    "bedrock-converse": "eventstream",
    "bedrock-invoke-anthropic": "eventstream",
    "google-generate-content": "sse",
    "openai-chat": "sse",
    "openai-responses": "sse",
}

DEFAULT_PROVIDER = {
    "anthropic-messages": "anthropic",
    "bedrock-converse": "bedrock",
    "bedrock-invoke-anthropic": "bedrock",
    "google-generate-content": "google",
    "openai-chat": "openai",
    "openai-responses": "openai",
}
