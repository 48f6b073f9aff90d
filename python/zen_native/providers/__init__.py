"""Who serves models: one short declarative file for each provider, and the registry of them all.

Owns which providers there are. How their words become a route is in `routing`.
"""

from __future__ import annotations

from ._base import Endpoint, KeyEnv, Option, Provider, Target, UrlEnv
from .anthropic import ANTHROPIC
from .azure import AZURE, AZURE_CHAT
from .bedrock import BEDROCK, BEDROCK_INVOKE
from .cerebras import CEREBRAS
from .compatible import COMPATIBLE, LLAMACPP, VLLM
from .deepseek import DEEPSEEK
from .fireworks import FIREWORKS
from .google import GOOGLE, VERTEX
from .groq import GROQ
from .mistral import MISTRAL
from .ollama import OLLAMA
from .openai import OPENAI, OPENAI_CHAT
from .opencode import OPENCODE, OPENCODE_GO
from .openrouter import OPENROUTER
from .together import TOGETHER
from .xai import XAI, XAI_CHAT

__all__ = ["PROVIDERS", "Endpoint", "KeyEnv", "Option", "Provider", "Target", "UrlEnv"]

PROVIDERS: dict[str, Provider] = {
    provider.id: provider
    for provider in (
        ANTHROPIC,
        AZURE,
        AZURE_CHAT,
        BEDROCK,
        BEDROCK_INVOKE,
        CEREBRAS,
        COMPATIBLE,
        DEEPSEEK,
        FIREWORKS,
        GOOGLE,
        GROQ,
        LLAMACPP,
        MISTRAL,
        OLLAMA,
        OPENAI,
        OPENAI_CHAT,
        OPENCODE,
        OPENCODE_GO,
        OPENROUTER,
        TOGETHER,
        VERTEX,
        VLLM,
        XAI,
        XAI_CHAT,
    )
}
