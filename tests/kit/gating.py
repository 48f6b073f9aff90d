"""What the gate is asked in tests: a request, a route, and a process in which everything can be done natively.

Holds no test.
"""

from __future__ import annotations

from typing import Any

from zen_native.gate import Capabilities, Decision, decide
from zen_native.request import LLMRequest
from zen_native.route import Route, Secret

__all__ = ["ALL", "CASSETTE", "IMAGE", "SENTINEL", "ask", "decided", "route"]

SENTINEL = "sentinel-key-9914"
"""The key of the route."""
CASSETTE = "a recorder"
"""A transport of the caller's."""
IMAGE = {"role": "user", "content": [{"type": "image", "url": "https://example.com/a.png"}]}
"""A message."""

ALL = Capabilities(
    protocols=frozenset({"openai-chat", "anthropic-messages"}),
    framings=frozenset({"sse", "document"}),
    native_transport=True,
)
"""Nothing stands against it."""


def route(**fields: Any) -> Route:
    """A route of a chat server."""
    known = {"provider": "acme", "model": "m-1", "protocol": "openai-chat", "api_key": Secret(SENTINEL)}
    return Route(**{**known, "base_url": "https://api.example.com/v1", "path": "/chat/completions", **fields})


def ask(**fields: Any) -> LLMRequest:
    """A request for it."""
    return LLMRequest(**{"model": "acme/m-1", "messages": "hello", **fields})


def decided(capabilities: Capabilities = ALL, request: LLMRequest | None = None, **more: Any) -> Decision:
    """The decision on a request, by default that of `ask`. `more` goes to `decide`."""
    return decide(request or ask(), route(), capabilities, **more)
