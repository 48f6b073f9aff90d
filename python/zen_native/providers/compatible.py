"""Servers that speak a known format: llama.cpp, vLLM, and any other whose base URL the user gives.

github.com/ggml-org/llama.cpp (tools/server), docs.vllm.ai (OpenAI-compatible server).
"""

from __future__ import annotations

from dataclasses import replace

from zen_native.dialect import Dialect

from ._base import CHAT, RESPONSES, Endpoint, Provider, generate_content
from .anthropic import ANTHROPIC_VERSION

__all__ = ["COMPATIBLE", "LLAMACPP", "VLLM"]

# No key of the environment: a key that is meant for one server must not go to another that happens to be configured.
COMPATIBLE = Provider(
    id="compatible",
    name="a compatible server",
    base_url_hint="configure its base_url, such as http://localhost:8000/v1",
    endpoints={
        **CHAT,
        **RESPONSES,
        "anthropic-messages": Endpoint(
            path="/messages",
            auth="x-api-key",
            headers={"anthropic-version": ANTHROPIC_VERSION},
            dialect=Dialect(top_k="top_k", tool_ids="word"),
        ),
        "google-generate-content": replace(
            generate_content("/models"), auth="x-goog-api-key", dialect=Dialect(top_k="top_k")
        ),
    },
    key_required=False,
)
LLAMACPP = Provider(
    id="llamacpp",
    name="llama.cpp",
    base_url="http://localhost:8080/v1",
    endpoints=CHAT,
    key_required=False,
    dialect=Dialect(top_k="top_k"),
)
VLLM = Provider(
    id="vllm",
    name="vLLM",
    base_url="http://localhost:8000/v1",
    endpoints={**CHAT, **RESPONSES},
    key_required=False,
    dialect=Dialect(top_k="top_k"),
)
