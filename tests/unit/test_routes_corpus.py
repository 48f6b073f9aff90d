"""Addresses of recorded requests are the ones that routes have."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.kit import corpus

from zen_native.dialect import Dialect
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings

# Where a model stands in the address; else it is taken from the body.
_IN_PATH = re.compile(r"/(?:model|deployments)/([^/?]+)/|/models/([^/:?]+):")

_HOSTS: dict[str, tuple[str, ...]] = {
    "api.openai.com": ("openai", "openai-chat"),
    "api.anthropic.com": ("anthropic",),
    "generativelanguage.googleapis.com": ("google",),
    "openrouter.ai": ("openrouter",),
    "api.groq.com": ("groq",),
    "api.mistral.ai": ("mistral",),
    "api.deepseek.com": ("deepseek",),
    "api.x.ai": ("xai", "xai-chat"),
    "api.together.xyz": ("together",),
    "api.cerebras.ai": ("cerebras",),
    "opencode.ai": ("opencode",),
}
# Endpoints of the same hosts that no route of ours is for.
_OTHER = re.compile(
    r"openrouter\.ai/api/v1/responses|api\.deepseek\.com/(?:responses|beta/|v1/)|googleapis\.com/v1beta/openai/"
)
# A gateway's address goes by the model; these stand for one where the record does not name it.
_STAND_INS = {"messages": "claude-m", "responses": "gpt-5", "completions": "m"}


def _providers(host: str) -> tuple[str, ...]:
    if host.startswith("bedrock-runtime."):
        return ("bedrock", "bedrock-invoke")
    if host.endswith("aiplatform.googleapis.com"):
        return ("vertex",)
    if host.endswith(".openai.azure.com"):
        return ("azure", "azure-chat")
    return _HOSTS.get(host, ())


def _config(url: str) -> Config:
    parts = urlsplit(url)
    region = re.match(r"bedrock-runtime\.([a-z0-9-]+)\.", parts.netloc)
    project = re.search(r"/projects/([^/]+)/locations/([^/]+)/", parts.path)
    version = re.search(r"api-version=([\w-]+)", parts.query)
    environ = {
        "AWS_REGION": region[1] if region else "",
        "GOOGLE_CLOUD_PROJECT": project[1] if project else "",
        "GOOGLE_CLOUD_LOCATION": project[2] if project else "",
        "AZURE_OPENAI_ENDPOINT": f"https://{parts.netloc}",
        "OPENAI_API_VERSION": version[1] if version else "",
    }
    return Config(environ=environ, providers={"opencode": ProviderSettings(dialect=Dialect())})


def _model(url: str, body: Any) -> str:
    found = _IN_PATH.search(url)
    named = body.get("model") if isinstance(body, dict) else None
    if found:
        return unquote(found[1] or found[2])
    return named if isinstance(named, str) and named else _STAND_INS.get(urlsplit(url).path.rpartition("/")[2], "m")


def _comparable(url: str) -> str:
    """Without what callers add of their own: a query, doubled slashes, and which version of Vertex they ask."""
    plain = url.partition("#")[0].partition("?")[0].replace("/v1beta1/projects", "/v1/projects")
    return unquote(re.sub(r"(?<!:)//+", "/", plain))


def _ours(url: str, body: Any, provider: str) -> set[str]:
    model = _model(url, body)
    if provider == "bedrock-invoke" and "anthropic." not in model:
        return set()
    route = resolve(f"{provider}/{model}", _config(url))
    return {_comparable(route.url(stream=stream)) for stream in (True, False)}


def _known() -> list[Any]:
    exchanges = corpus.load("streams", "unary", "zen")
    requests = (one.record.get("request") or {} for one in exchanges if one.protocol != "other")
    found = [(request["url"], request.get("body")) for request in requests if request.get("url")]
    return [
        (url, body)
        for url, body in found
        if _providers(urlsplit(url).netloc) and not _OTHER.search(url.partition("?")[0])
    ]


@corpus.needed
def test_addresses_of_the_corpus_are_those_of_routes() -> None:
    reached: Counter[str] = Counter()
    wrong: dict[str, set[str]] = {}
    for url, body in _known():
        by_provider = {provider: _ours(url, body, provider) for provider in _providers(urlsplit(url).netloc)}
        match = next((provider for provider, urls in by_provider.items() if _comparable(url) in urls), None)
        if match is None:
            wrong[url] = set().union(*by_provider.values())
        else:
            reached[match] += 1
    assert wrong == {}
    assert reached.keys() >= {"openai", "openai-chat", "anthropic", "google", "vertex", "bedrock", "bedrock-invoke"}
    assert reached.keys() >= {"azure", "azure-chat", "openrouter", "groq", "mistral", "deepseek", "xai", "opencode"}
