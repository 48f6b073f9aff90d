"""Azure OpenAI: the v1 API, or a dated `api-version` with deployments in the address. A model is a deployment.

learn.microsoft.com/azure/foundry/openai/api-version-lifecycle; names as in the openai SDK.
"""

from __future__ import annotations

from dataclasses import replace

from ._base import Endpoint, KeyEnv, Option, Provider, Target, UrlEnv
from .openai import CHAT_DIALECT, RESPONSES_DIALECT

__all__ = ["AZURE", "AZURE_CHAT"]

_CURRENT = frozenset({"v1", "latest", "preview"})
_DATED = {
    "openai-chat": "/openai/deployments/{model}/chat/completions",
    "openai-responses": "/openai/responses",
}
_CHAT = Endpoint(path="/openai/v1/chat/completions", dialect=CHAT_DIALECT)


def _by_version(target: Target) -> Target:
    version = target.options.get("api_version", "v1")
    if version == "v1":
        return target
    path = target.endpoint.path if version in _CURRENT else _DATED[target.protocol]
    return replace(target, endpoint=replace(target.endpoint, path=path, query={"api-version": version}))


AZURE = Provider(
    id="azure",
    name="Azure OpenAI",
    base_url_hint="set AZURE_OPENAI_ENDPOINT, such as https://NAME.openai.azure.com",
    endpoints={"openai-responses": Endpoint(path="/openai/v1/responses"), "openai-chat": _CHAT},
    auth="api-key",
    keys=(KeyEnv("AZURE_OPENAI_API_KEY"), KeyEnv("AZURE_OPENAI_AD_TOKEN", "bearer")),
    urls=(UrlEnv("AZURE_OPENAI_ENDPOINT"),),
    options={"api_version": Option(env=("OPENAI_API_VERSION",))},
    dialect=RESPONSES_DIALECT,
    adapt=_by_version,
)
AZURE_CHAT = replace(
    AZURE, id="azure-chat", endpoints={"openai-chat": _CHAT}, dialect=CHAT_DIALECT, metadata_key="azure"
)
