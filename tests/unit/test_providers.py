"""Every provider: address, format, key and environment names, one row each; and what is special about some."""

from __future__ import annotations

import pytest
from tests.kit.providers import BEARER, KEY, REGION, key_headers, resolved

from zen_native.errors import UnsupportedError
from zen_native.formats import lower
from zen_native.providers import PROVIDERS
from zen_native.request import LLMRequest, Tool
from zen_native.routing import provider_of
from zen_native.settings import ProviderSettings

CHAT, RESPONSES, MESSAGES = "openai-chat", "openai-responses", "anthropic-messages"
GOOGLE, CONVERSE, INVOKE = "google-generate-content", "bedrock-converse", "bedrock-invoke-anthropic"
AZURE_URL = {"AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/"}

# name, environment without the key, variable of the key, format, URL of a stream, headers with the key
ROWS = [
    ("openai/m", {}, "OPENAI_API_KEY", RESPONSES, "https://api.openai.com/v1/responses", BEARER),
    ("openai-chat/m", {}, "OPENAI_API_KEY", CHAT, "https://api.openai.com/v1/chat/completions", BEARER),
    ("anthropic/m", {}, "ANTHROPIC_API_KEY", MESSAGES, "https://api.anthropic.com/v1/messages", {"x-api-key": KEY}),
    ("anthropic/m", {}, "ANTHROPIC_AUTH_TOKEN", MESSAGES, "https://api.anthropic.com/v1/messages", BEARER),
    (
        "google/m",
        {},
        "GOOGLE_API_KEY",
        GOOGLE,
        "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
        {"x-goog-api-key": KEY},
    ),
    (
        "google/models/m",
        {},
        "GEMINI_API_KEY",
        GOOGLE,
        "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
        {"x-goog-api-key": KEY},
    ),
    (
        "vertex/m",
        {},
        "GOOGLE_API_KEY",
        GOOGLE,
        "https://aiplatform.googleapis.com/v1/publishers/google/models/m:streamGenerateContent?alt=sse",
        {"x-goog-api-key": KEY},
    ),
    (
        "bedrock/m",
        REGION,
        "AWS_BEARER_TOKEN_BEDROCK",
        CONVERSE,
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream",
        BEARER,
    ),
    (
        "bedrock-invoke/anthropic.m",
        REGION,
        "AWS_BEARER_TOKEN_BEDROCK",
        INVOKE,
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.m/invoke-with-response-stream",
        BEARER,
    ),
    (
        "azure/m",
        AZURE_URL,
        "AZURE_OPENAI_API_KEY",
        RESPONSES,
        "https://res.openai.azure.com/openai/v1/responses",
        {"api-key": KEY},
    ),
    (
        "azure-chat/m",
        AZURE_URL,
        "AZURE_OPENAI_AD_TOKEN",
        CHAT,
        "https://res.openai.azure.com/openai/v1/chat/completions",
        BEARER,
    ),
    ("openrouter/m", {}, "OPENROUTER_API_KEY", CHAT, "https://openrouter.ai/api/v1/chat/completions", BEARER),
    ("groq/m", {}, "GROQ_API_KEY", CHAT, "https://api.groq.com/openai/v1/chat/completions", BEARER),
    ("mistral/m", {}, "MISTRAL_API_KEY", CHAT, "https://api.mistral.ai/v1/chat/completions", BEARER),
    ("deepseek/m", {}, "DEEPSEEK_API_KEY", CHAT, "https://api.deepseek.com/chat/completions", BEARER),
    ("xai/m", {}, "XAI_API_KEY", RESPONSES, "https://api.x.ai/v1/responses", BEARER),
    ("xai-chat/m", {}, "XAI_API_KEY", CHAT, "https://api.x.ai/v1/chat/completions", BEARER),
    ("together/m", {}, "TOGETHER_API_KEY", CHAT, "https://api.together.xyz/v1/chat/completions", BEARER),
    ("fireworks/m", {}, "FIREWORKS_API_KEY", CHAT, "https://api.fireworks.ai/inference/v1/chat/completions", BEARER),
    ("cerebras/m", {}, "CEREBRAS_API_KEY", CHAT, "https://api.cerebras.ai/v1/chat/completions", BEARER),
    ("ollama/m", {}, "OLLAMA_API_KEY", CHAT, "http://localhost:11434/v1/chat/completions", BEARER),
    ("llamacpp/m", {}, "NOBODY_READS_THIS", CHAT, "http://localhost:8080/v1/chat/completions", {}),
    ("vllm/m", {}, "NOBODY_READS_THIS", CHAT, "http://localhost:8000/v1/chat/completions", {}),
    ("opencode/glm-5", {}, "OPENCODE_API_KEY", CHAT, "https://opencode.ai/zen/v1/chat/completions", BEARER),
    ("opencode/gpt-5", {}, "OPENCODE_ZEN_API_KEY", RESPONSES, "https://opencode.ai/zen/v1/responses", BEARER),
    (
        "opencode/claude-opus-5",
        {},
        "OPENCODE_API_KEY",
        MESSAGES,
        "https://opencode.ai/zen/v1/messages",
        {"x-api-key": KEY},
    ),
    (
        "opencode/gemini-3-flash",
        {},
        "OPENCODE_API_KEY",
        GOOGLE,
        "https://opencode.ai/zen/v1/models/gemini-3-flash:streamGenerateContent?alt=sse",
        {"x-goog-api-key": KEY},
    ),
    ("opencode-go/glm-5.1", {}, "OPENCODE_GO_API_KEY", CHAT, "https://opencode.ai/zen/go/v1/chat/completions", BEARER),
    (
        "opencode-go/minimax-m3",
        {},
        "OPENCODE_API_KEY",
        MESSAGES,
        "https://opencode.ai/zen/go/v1/messages",
        {"x-api-key": KEY},
    ),
]


@pytest.mark.parametrize(("name", "environ", "variable", "protocol", "url", "headers"), ROWS)
def test_provider_is_reached(
    name: str, environ: dict[str, str], variable: str, protocol: str, url: str, headers: dict[str, str]
) -> None:
    route = resolved(name, {**environ, variable: KEY})
    assert (route.protocol, route.url(stream=True), key_headers(route)) == (protocol, url, headers)
    assert route.framing == ("eventstream" if "bedrock" in protocol else "sse")


def test_every_provider_has_a_row() -> None:
    assert {row[0].partition("/")[0] for row in ROWS} == PROVIDERS.keys() - {"compatible"}


def test_every_key_variable_has_a_row() -> None:
    tested = {(row[0].partition("/")[0], row[2]) for row in ROWS}
    shared = {"openai-chat", "azure", "azure-chat", "xai-chat", "bedrock-invoke"}
    named = {(one.id, key.name) for one in PROVIDERS.values() for key in one.keys if one.id not in shared}
    go = {("opencode-go", "OPENCODE_API_KEY"), ("opencode", "OPENCODE_ZEN_API_KEY")}
    assert named - tested - go == set()


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_registry_names_each_provider_by_its_id(provider: str) -> None:
    known = PROVIDERS[provider]
    assert known.id == provider
    assert known.endpoints
    assert known.name
    assert (known.base_url is None) == (
        provider in {"azure", "azure-chat", "bedrock", "bedrock-invoke", "compatible", "vertex"}
    )


@pytest.mark.parametrize(
    ("provider", "wins", "loses"),
    [
        ("google", "GOOGLE_API_KEY", "GEMINI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
        ("opencode", "OPENCODE_ZEN_API_KEY", "OPENCODE_API_KEY"),
        ("opencode-go", "OPENCODE_GO_API_KEY", "OPENCODE_API_KEY"),
    ],
)
def test_first_key_variable_wins(provider: str, wins: str, loses: str) -> None:
    assert key_headers(resolved(f"{provider}/claude-x", {wins: KEY, loses: "other"}))


def test_environment_of_a_provider_names_every_variable() -> None:
    assert provider_of("anthropic").environment == (
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_CUSTOM_HEADERS",
    )


# --- whole answers


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("google/m", "/v1beta/models/m:generateContent"),
        ("bedrock/m", "/model/m/converse"),
        ("bedrock-invoke/anthropic.m", "/model/anthropic.m/invoke"),
        ("opencode/gemini-3-flash", "/zen/v1/models/gemini-3-flash:generateContent"),
    ],
)
def test_answer_in_one_piece_has_its_own_address(name: str, path: str) -> None:
    assert resolved(name, REGION).url(stream=False).endswith(path)


# --- anthropic, openai


def test_anthropic_version_is_sent_and_can_be_another() -> None:
    assert resolved("anthropic/m").headers["anthropic-version"] == "2023-06-01"
    other = ProviderSettings(options={"api_version": "2099-01-01"})
    assert resolved("anthropic/m", anthropic=other).headers["anthropic-version"] == "2099-01-01"


@pytest.mark.parametrize("base", ["https://proxy.example", "https://proxy.example/", "https://proxy.example/v1"])
def test_anthropic_base_url_is_taken_with_and_without_the_version(base: str) -> None:
    assert resolved("anthropic/m", {"ANTHROPIC_BASE_URL": base}).url(stream=True) == "https://proxy.example/v1/messages"


def test_anthropic_token_can_be_chosen_for_a_key_of_the_settings() -> None:
    assert key_headers(resolved("anthropic/m", anthropic=ProviderSettings(api_key=KEY, auth="bearer"))) == BEARER


def test_openai_organization_and_project_are_sent() -> None:
    environ = {"OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}
    headers = resolved("openai/m", environ).headers
    assert headers == {"openai-organization": "org-1", "openai-project": "proj-1"}


def test_openai_chat_replays_to_the_same_issuer_as_responses() -> None:
    assert resolved("openai-chat/m").metadata_key == resolved("openai/m").metadata_key == "openai"


def test_openai_chat_speaks_its_own_dialect() -> None:
    chosen = ProviderSettings(protocol="openai-chat")
    for route in (resolved("openai-chat/m"), resolved("openai/m", openai=chosen)):
        assert (route.protocol, route.dialect.max_tokens) == ("openai-chat", "max_completion_tokens")


# --- the gateways


@pytest.mark.parametrize("name", ["opencode/claude-opus-5", "opencode/glm-5", "opencode-go/glm-5.1"])
def test_gateway_gets_the_session_and_no_identity_of_another_client(name: str) -> None:
    headers = resolved(name).request_headers("ses-1")
    assert headers["x-opencode-session"] == "ses-1"
    assert set(headers) <= {"x-opencode-session", "anthropic-version"}
    assert "user-agent" not in headers


def test_zen_needs_no_session() -> None:
    assert "x-opencode-session" not in resolved("opencode/glm-5").request_headers()


def test_go_always_gets_a_session() -> None:
    assert resolved("opencode-go/glm-5.1").request_headers()["x-opencode-session"]


def test_gateway_carries_the_organization() -> None:
    settings = ProviderSettings(options={"organization": "org_1"})
    assert resolved("opencode/glm-5", opencode=settings).headers["x-org-id"] == "org_1"


def test_gateways_charge_comes_after_the_answer() -> None:
    assert all(resolved(name).trailing_cost for name in ("opencode/glm-5", "opencode-go/glm-5.1"))
    assert not resolved("openai/m").trailing_cost
    off = ProviderSettings(trailing_cost=False)
    assert not resolved("opencode/glm-5", opencode=off).trailing_cost


@pytest.mark.parametrize(
    ("name", "header"),
    [("xai", "x-grok-conv-id"), ("fireworks", "x-session-affinity"), ("openrouter", "x-session-id")],
)
def test_session_reaches_the_cache_of_those_who_have_a_header_for_it(name: str, header: str) -> None:
    assert resolved(f"{name}/m").request_headers("s")[header] == "s"


# --- dialects


@pytest.mark.parametrize(("name", "environ"), sorted({(row[0], tuple(row[1].items())) for row in ROWS}))
@pytest.mark.parametrize("stream", [True, False])
def test_every_format_can_say_an_ordinary_request_in_every_dialect(
    name: str, environ: tuple[tuple[str, str], ...], stream: bool
) -> None:
    request = LLMRequest(
        model=name,
        system="Be brief.",
        messages=[
            "What is the weather?",
            {
                "role": "assistant",
                "content": [{"type": "tool-call", "id": "call_1", "name": "weather", "input": {"at": "x"}}],
            },
            {
                "role": "tool",
                "content": [{"type": "tool-result", "id": "call_1", "name": "weather", "result": "sunny"}],
            },
            "And tomorrow?",
        ],
        tools=[Tool(name="weather", input_schema={"type": "object", "properties": {"at": {"type": "string"}}})],
        tool_choice="required",
        generation={"max_tokens": 100},
        session_id="s-1",
    )
    lowered = lower(request, resolved(name, dict(environ)), stream=stream)
    assert lowered.body
    assert lowered.warnings == ()


def test_server_without_media_refuses_an_image() -> None:
    image = {"role": "user", "content": [{"type": "image", "url": "https://example.com/a.png"}]}
    request = LLMRequest(model="deepseek/m", messages=[image])
    with pytest.raises(UnsupportedError, match="image-url content"):
        lower(request, resolved("deepseek/m"), stream=True)


@pytest.mark.parametrize(
    ("name", "required", "schema"),
    [
        ("opencode/kimi-k3", True, "moonshot"),
        ("opencode-go/kimi-k3", True, "moonshot"),
        ("opencode/deepseek-v4-pro", True, "json-schema"),
        ("opencode/glm-5", False, "json-schema"),
        ("opencode/kimi-unheard-of", True, "moonshot"),
    ],
)
def test_gateway_keeps_the_ways_of_the_models_makers(name: str, required: bool, schema: str) -> None:
    dialect = resolved(name).dialect
    assert (dialect.reasoning_required, dialect.tool_schema) == (required, schema)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("mistral", "tool_ids", "alphanumeric-9"),
        ("mistral", "answer_after_tools", True),
        ("mistral", "seed", "random_seed"),
        ("mistral", "required_choice", "any"),
        ("mistral", "stream_usage", False),
        ("openrouter", "reasoning", "reasoning"),
        ("openrouter", "cache_control", True),
        ("deepseek", "reasoning_required", True),
        ("deepseek", "json_schema", False),
        ("groq", "max_tokens", "max_completion_tokens"),
        ("cerebras", "max_tokens", "max_completion_tokens"),
        ("anthropic", "tool_ids", "word"),
        ("vertex", "call_ids", False),
        ("azure", "system_role", "developer"),
        ("compatible", "max_tokens", "max_tokens"),
    ],
)
def test_dialect_says_what_is_different(name: str, field: str, value: object) -> None:
    environ = {**REGION, **AZURE_URL}
    settings = {"compatible": ProviderSettings(base_url="http://box:1")}
    assert getattr(resolved(f"{name}/m", environ, **settings).dialect, field) == value
