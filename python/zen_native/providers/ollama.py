"""Ollama, on this machine or by a key at ollama.com. docs.ollama.com: OpenAI compatibility; `OLLAMA_HOST`."""

from __future__ import annotations

from ._base import CHAT, KeyEnv, Provider, UrlEnv

__all__ = ["OLLAMA"]

OLLAMA = Provider(
    id="ollama",
    name="Ollama",
    base_url="http://localhost:11434/v1",
    endpoints=CHAT,
    key_required=False,
    keys=(KeyEnv("OLLAMA_API_KEY"),),
    urls=(UrlEnv("OLLAMA_HOST", path="/v1", port=11434),),
)
