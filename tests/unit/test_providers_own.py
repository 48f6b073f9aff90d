"""Servers of the user's own: Ollama, compatible ones, and base URLs of the environment."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.providers import KEY, REGION, key_headers, resolved

from zen_native.errors import NoRouteError
from zen_native.settings import ProviderSettings


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:9999", "http://127.0.0.1:9999/v1"),
        ("box", "http://box:11434/v1"),
        ("box:80", "http://box/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
        ("[::]:1234", "http://127.0.0.1:1234/v1"),
        ("https://ollama.com", "https://ollama.com/v1"),
        ("http://box:11434/", "http://box:11434/v1"),
        ("https://box/sub", "https://box/sub"),
    ],
)
def test_ollama_host_in_all_its_forms(host: str, url: str) -> None:
    assert resolved("ollama/m", {"OLLAMA_HOST": host}).base_url == url


def test_ollama_host_with_a_password_is_refused() -> None:
    with pytest.raises(NoRouteError, match="OLLAMA_HOST: a base URL must not hold a user name"):
        resolved("ollama/m", {"OLLAMA_HOST": "http://user:pass@box"})


def test_ollama_host_that_is_no_address_is_refused() -> None:
    with pytest.raises(NoRouteError, match="OLLAMA_HOST: a base URL must"):
        resolved("ollama/m", {"OLLAMA_HOST": "box:port"})


@pytest.mark.parametrize(
    ("name", "variable", "value", "base_url"),
    [
        ("groq", "GROQ_BASE_URL", "https://proxy.example", "https://proxy.example/openai/v1"),
        ("cerebras", "CEREBRAS_BASE_URL", "https://proxy.example/", "https://proxy.example/v1"),
        ("google", "GOOGLE_GEMINI_BASE_URL", "https://proxy.example/v1beta/", "https://proxy.example"),
        ("vertex", "GOOGLE_VERTEX_BASE_URL", "https://proxy.example", "https://proxy.example"),
        ("opencode-go", "OPENCODE_GO_API_BASE", "https://proxy.example/go/v1", "https://proxy.example/go/v1"),
        ("bedrock", "AWS_ENDPOINT_URL", "http://localhost:4566", "http://localhost:4566"),
        ("bedrock", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://localhost:4567", "http://localhost:4567"),
    ],
)
def test_base_url_of_the_environment(name: str, variable: str, value: str, base_url: str) -> None:
    assert resolved(f"{name}/m", {**REGION, variable: value}).base_url == base_url


def test_compatible_server_needs_a_base_url() -> None:
    with pytest.raises(NoRouteError, match="compatible has no base URL: configure its base_url"):
        resolved("compatible/m")


@pytest.mark.parametrize(
    ("protocol", "path", "header"),
    [
        ("openai-chat", "/chat/completions", "authorization"),
        ("openai-responses", "/responses", "authorization"),
        ("anthropic-messages", "/messages", "x-api-key"),
        ("google-generate-content", "/models/m:streamGenerateContent?alt=sse", "x-goog-api-key"),
    ],
)
def test_compatible_server_speaks_any_format_that_is_chosen(protocol: Any, path: str, header: str) -> None:
    settings = ProviderSettings(base_url="http://box:1/v1", api_key=KEY, protocol=protocol)
    route = resolved("compatible/m", compatible=settings)
    assert route.url(stream=True) == f"http://box:1/v1{path}"
    assert list(key_headers(route)) == [header]
