"""From names and configuration to routes: names, tables, prefixes. Keys are in `test_routing_keys`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.kit.routing import SENTINEL, config

from zen_native.dialect import Dialect
from zen_native.errors import NoRouteError
from zen_native.routing import provider_of, resolve
from zen_native.settings import ProviderSettings


def write_table(path: Path, **providers: Any) -> Path:
    rows = {name.replace("_", "-"): listed for name, listed in providers.items()}
    document = {"form": "zen-native-models/1", "as_of": "2026-01-02", "source": "a test", "providers": rows}
    path.write_text(json.dumps(document))
    return path


# --- names


def test_provider_and_model_are_split_at_the_first_slash() -> None:
    route = resolve("openrouter/acme/model:free", config())
    assert (route.provider, route.model) == ("openrouter", "acme/model:free")


def test_bare_id_is_found_in_the_table() -> None:
    route = resolve("qwen3.6-plus", config())
    assert (route.provider, route.protocol) == ("opencode", "anthropic-messages")


def test_bare_id_that_only_the_second_gateway_serves_goes_there() -> None:
    assert resolve("qwen3.7-max", config()).provider == "opencode-go"


def test_one_id_has_another_format_at_the_other_gateway() -> None:
    assert resolve("opencode/qwen3.6-plus", config()).protocol == "anthropic-messages"
    assert resolve("opencode-go/qwen3.6-plus", config()).protocol == "openai-chat"


@pytest.mark.parametrize(
    ("model", "protocol"),
    [
        ("gpt-6-astra", "openai-responses"),
        ("grok-4.5", "openai-responses"),
        ("muse-spark-1.3", "openai-responses"),
        ("qwen3.8-flash", "anthropic-messages"),
    ],
)
def test_table_decides_where_a_prefix_would_be_wrong(model: str, protocol: str) -> None:
    assert resolve(f"opencode/{model}", config()).protocol == protocol


@pytest.mark.parametrize(
    ("model", "protocol"),
    [
        ("claude-unheard-of", "anthropic-messages"),
        ("gpt-5.99", "openai-responses"),
        ("gemini-99", "google-generate-content"),
        ("gpt-4-unheard-of", "openai-chat"),
        ("Claude-unheard-of", "openai-chat"),
        ("unheard-of", "openai-chat"),
    ],
)
def test_prefix_decides_for_ids_that_no_table_knows(model: str, protocol: str) -> None:
    for name in (model, f"opencode/{model}", f"opencode-go/{model}"):
        route = resolve(name, config())
        assert (route.protocol, route.info) == (protocol, None)


def test_unknown_bare_id_goes_to_the_gateway() -> None:
    assert resolve("unheard-of", config()).provider == "opencode"


def test_prefix_does_not_touch_other_providers() -> None:
    assert resolve("openrouter/claude-unheard-of", config()).protocol == "openai-chat"


def test_unknown_provider_is_no_route_and_suggests_the_nearest() -> None:
    with pytest.raises(NoRouteError, match=r"unknown provider 'antropic'.*did you mean anthropic/claude-x\?"):
        resolve("antropic/claude-x", config())


def test_unknown_provider_without_a_near_one_lists_all() -> None:
    with pytest.raises(NoRouteError, match=r"unknown provider 'zzzzzzzz'.*known: anthropic, azure"):
        resolve("zzzzzzzz/m", config())


def test_provider_without_a_model_is_no_route() -> None:
    for name in ("anthropic", "anthropic/"):
        with pytest.raises(NoRouteError, match="model"):
            resolve(name, config())


@pytest.mark.parametrize("name", ["", " openai/m", "openai/m\n", "openai/\x00", "openai/" + "m" * 3000])
def test_name_that_is_no_name_is_no_route(name: str) -> None:
    with pytest.raises(NoRouteError, match="printable text"):
        resolve(name, config())


@pytest.mark.parametrize("name", ["bedrock/..", "bedrock/.", "compatible/a/.."])
def test_name_of_dots_cannot_climb_in_the_address(name: str) -> None:
    with pytest.raises(NoRouteError, match="is no model's name"):
        resolve(name, config(compatible=ProviderSettings(base_url="http://localhost:1")))


def test_provider_that_only_the_user_knows_is_a_compatible_server() -> None:
    route = resolve("mine/m", config(mine=ProviderSettings(base_url="http://localhost:9000/v1")))
    assert route.url(stream=True) == "http://localhost:9000/v1/chat/completions"
    assert (route.provider, route.metadata_key, route.auth) == ("mine", "mine", "none")


def test_provider_that_only_the_user_knows_needs_a_base_url() -> None:
    with pytest.raises(NoRouteError, match="mine has no base URL"):
        resolve("mine/m", config(mine=ProviderSettings(api_key="k-12345")))


def test_protocol_can_be_chosen() -> None:
    settings = ProviderSettings(base_url="http://localhost:9000/v1", protocol="anthropic-messages")
    route = resolve("mine/m", config(mine=settings))
    assert route.url(stream=True) == "http://localhost:9000/v1/messages"
    assert route.headers["anthropic-version"] == "2023-06-01"


def test_protocol_that_a_provider_does_not_serve_is_no_route() -> None:
    with pytest.raises(NoRouteError, match="Anthropic does not serve openai-chat; known: anthropic-messages"):
        resolve("anthropic/m", config(anthropic=ProviderSettings(protocol="openai-chat")))


def test_unknown_option_is_no_route() -> None:
    with pytest.raises(NoRouteError, match="OpenAI has no option 'organisation'; known: organization, project"):
        resolve("openai/m", config(openai=ProviderSettings(options={"organisation": "o"})))


def test_provider_of_an_unknown_name_is_no_route() -> None:
    with pytest.raises(NoRouteError, match="did you mean groq/MODEL"):
        provider_of("grok", config())


# --- the table


def test_table_of_the_configuration_replaces_the_packages(tmp_path: Path) -> None:
    rows = {"models": {"claude-sonnet-5": {"protocol": "openai-chat"}}}
    table = write_table(tmp_path / "t.json", opencode=rows)
    assert resolve("opencode/claude-sonnet-5", config(models=table)).protocol == "openai-chat"
    assert resolve("opencode/qwen3.6-plus", config(models=table)).protocol == "openai-chat"


def test_table_of_the_environment_replaces_the_packages(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.json", opencode={"models": {"m": {"protocol": "openai-responses"}}})
    assert resolve("m", config({"ZEN_NATIVE_MODELS": str(table)})).protocol == "openai-responses"


def test_table_may_name_an_id_with_a_slash(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.json", opencode={"models": {"acme/m": {"protocol": "openai-responses"}}})
    route = resolve("acme/m", config(models=table))
    assert (route.provider, route.model, route.protocol) == ("opencode", "acme/m", "openai-responses")


def test_table_moves_an_address_within_the_origin(tmp_path: Path) -> None:
    row = {"protocol": "openai-chat", "base_url": "https://opencode.ai/inference/v1"}
    table = write_table(tmp_path / "t.json", opencode={"models": {"m": row}})
    assert resolve("opencode/m", config(models=table)).base_url == "https://opencode.ai/inference/v1"


def test_table_cannot_lead_a_key_to_another_origin(tmp_path: Path) -> None:
    row = {"protocol": "openai-chat", "base_url": "https://evil.example/v1"}
    table = write_table(tmp_path / "t.json", opencode={"models": {"m": row}})
    with pytest.raises(NoRouteError, match=r"places opencode/m at https://evil\.example, which is not OpenCode Zen's"):
        resolve("opencode/m", config({"OPENCODE_API_KEY": SENTINEL}, models=table))


def test_what_the_table_knows_is_on_the_route() -> None:
    route = resolve("opencode/big-pickle", config())
    assert route.info is not None
    assert (route.info.context, route.info.max_input, route.info.max_output) == (200000, 160000, 32000)
    assert route.info.as_of == "2026-09-28"


def test_reasoning_field_of_the_table_is_in_the_dialect() -> None:
    assert resolve("opencode/kimi-k3", config()).dialect.reasoning_field == "reasoning_content"


def test_dialect_of_the_user_stands_over_all() -> None:
    mine = Dialect(think_tags=("think",))
    assert resolve("opencode/kimi-k3", config(opencode=ProviderSettings(dialect=mine))).dialect is mine
