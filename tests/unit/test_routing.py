"""From names and configuration to routes: names, tables, prefixes, and which key may go where."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from zen_native.auth import authorize
from zen_native.dialect import Dialect
from zen_native.errors import AuthenticationError, NoRouteError
from zen_native.route import AwsCredentials, Route, Secret
from zen_native.routing import provider_of, resolve
from zen_native.settings import Config, ProviderSettings

SENTINEL = "sentinel-key-5190"
OPENCODE_KEY = "set OPENCODE_ZEN_API_KEY or OPENCODE_API_KEY, or give an api_key"


def config(environ: dict[str, str] | None = None, models: Path | None = None, **providers: ProviderSettings) -> Config:
    named = {name.replace("_", "-"): settings for name, settings in providers.items()}
    return Config(providers=named, models=models, environ=environ or {})


def sent(route: Route, url: str | None = None) -> dict[str, str]:
    """The headers of a request on that route."""
    return authorize(
        route, method="POST", url=url or route.url(stream=True), headers=route.request_headers(), body=b"{}"
    )


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


# --- keys and origins


def test_key_of_the_environment_goes_to_the_providers_own_origin() -> None:
    assert sent(resolve("openai/m", config({"OPENAI_API_KEY": SENTINEL})))["authorization"] == f"Bearer {SENTINEL}"


def test_key_of_the_environment_goes_to_the_environments_base_url() -> None:
    environ = {"OPENAI_API_KEY": SENTINEL, "OPENAI_BASE_URL": "https://proxy.example/v1"}
    route = resolve("openai/m", config(environ))
    assert route.url(stream=True) == "https://proxy.example/v1/responses"
    assert sent(route)["authorization"] == f"Bearer {SENTINEL}"


def test_key_of_the_environment_does_not_go_to_a_base_url_of_the_settings() -> None:
    settings = ProviderSettings(base_url="https://other.example/v1")
    route = resolve("openai/m", config({"OPENAI_API_KEY": SENTINEL}, openai=settings))
    assert route.api_key is None
    with pytest.raises(AuthenticationError, match=r"OPENAI_API_KEY is for https://api\.openai\.com and is not sent to"):
        sent(route)


def test_key_of_the_environment_goes_to_a_base_url_of_the_settings_on_its_origin() -> None:
    settings = ProviderSettings(base_url="https://API.openai.com:443/v2")
    route = resolve("openai/m", config({"OPENAI_API_KEY": SENTINEL}, openai=settings))
    assert sent(route)["authorization"] == f"Bearer {SENTINEL}"


@pytest.mark.parametrize("base_url", ["http://api.openai.com/v1", "https://api.openai.com:8443/v1"])
def test_another_scheme_or_port_is_another_origin(base_url: str) -> None:
    route = resolve("openai/m", config({"OPENAI_API_KEY": SENTINEL}, openai=ProviderSettings(base_url=base_url)))
    with pytest.raises(AuthenticationError):
        sent(route)


def test_key_of_the_settings_goes_to_the_base_url_of_the_settings() -> None:
    settings = ProviderSettings(base_url="https://other.example/v1", api_key=SENTINEL)
    assert sent(resolve("openai/m", config(openai=settings)))["authorization"] == f"Bearer {SENTINEL}"


def test_key_of_the_settings_wins_over_the_environments() -> None:
    route = resolve("openai/m", config({"OPENAI_API_KEY": "other-key"}, openai=ProviderSettings(api_key=SENTINEL)))
    assert sent(route)["authorization"] == f"Bearer {SENTINEL}"


def test_key_is_not_sent_to_a_url_on_another_origin() -> None:
    route = resolve("openai/m", config(openai=ProviderSettings(api_key=SENTINEL)))
    with pytest.raises(AuthenticationError, match=r"belongs to https://api\.openai\.com and is not sent to") as caught:
        sent(route, "https://evil.example/v1/responses")
    assert SENTINEL not in repr(caught.value)


def test_key_of_one_provider_does_not_go_to_another() -> None:
    environ = {"OPENAI_API_KEY": SENTINEL, "OPENAI_BASE_URL": "https://proxy.example/v1"}
    for name in ("groq/m", "compatible/m", "vllm/m", "opencode/m", "azure/m", "anthropic/m"):
        settings = {name.partition("/")[0]: ProviderSettings(base_url="https://proxy.example/v1")}
        assert SENTINEL not in resolve(name, config(environ, **settings)).secrets


def test_missing_key_says_which_variables_are_read() -> None:
    with pytest.raises(
        AuthenticationError, match="no key for anthropic: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN"
    ):
        sent(resolve("anthropic/m", config()))


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        ("gpt-99", "openai/gpt-99"),
        ("claude-next", "anthropic/claude-next"),
        ("gemini-99", "google/gemini-99"),
        ("grok-99", "xai/grok-99"),
        ("deepseek-v99", "deepseek/deepseek-v99"),
        ("mistral-next", "mistral/mistral-next"),
        ("what-is-this", "PROVIDER/what-is-this"),
    ],
)
def test_missing_key_for_an_id_of_no_table_says_how_it_was_understood(model: str, instead: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        sent(resolve(model, config()))
    assert caught.value.message == (
        f"no key for opencode: {OPENCODE_KEY}; {model!r} is in no table of models and was taken for one of "
        f"OpenCode Zen's, another provider is asked as {instead}"
    )
    if not instead.startswith("PROVIDER"):
        assert resolve(instead, config()).model == model
        assert "table" not in resolve(instead, config()).key_hint


def test_missing_key_for_an_id_of_a_table_says_nothing_of_tables() -> None:
    for name in ("qwen3.6-plus", "opencode/gpt-99"):
        assert resolve(name, config()).key_hint == OPENCODE_KEY


def test_missing_key_of_vertex_says_what_is_taken_instead() -> None:
    with pytest.raises(AuthenticationError, match="no key for vertex: set GOOGLE_API_KEY") as caught:
        sent(resolve("vertex/m", config()))
    for said in ("application default credentials are not read", "access token", "auth='bearer'"):
        assert said in caught.value.message


def test_vertex_takes_an_access_token_as_bearer() -> None:
    settings = ProviderSettings(api_key=SENTINEL, auth="bearer", options={"project": "p", "location": "europe-west1"})
    route = resolve("vertex/m", config(vertex=settings))
    assert sent(route)["authorization"] == f"Bearer {SENTINEL}"
    assert route.url(stream=False).startswith("https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/")


def test_empty_variable_is_no_key() -> None:
    assert resolve("anthropic/m", config({"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "t-1234"})).auth == "bearer"


def test_key_with_a_line_end_of_its_file_is_taken_without_it() -> None:
    assert sent(resolve("groq/m", config({"GROQ_API_KEY": f"{SENTINEL}\n"})))["authorization"] == f"Bearer {SENTINEL}"


def test_key_that_is_no_header_value_is_refused_by_name() -> None:
    with pytest.raises(NoRouteError, match="GROQ_API_KEY is not usable: a key must be printable ASCII") as caught:
        resolve("groq/m", config({"GROQ_API_KEY": f"{SENTINEL}\r\nx: y"}))
    assert SENTINEL not in str(caught.value)


def test_local_server_needs_no_key_and_takes_one() -> None:
    assert "authorization" not in sent(resolve("llamacpp/m", config()))
    settings = ProviderSettings(api_key=SENTINEL)
    assert sent(resolve("llamacpp/m", config(llamacpp=settings)))["authorization"] == f"Bearer {SENTINEL}"


def test_no_auth_can_be_chosen() -> None:
    settings = ProviderSettings(base_url="http://localhost:1234/v1", auth="none")
    assert "authorization" not in sent(resolve("openai/m", config({"OPENAI_API_KEY": SENTINEL}, openai=settings)))


def test_header_of_the_request_stands_in_place_of_the_key() -> None:
    route = resolve("openai/m", config(openai=ProviderSettings(api_key=SENTINEL)))
    headers = authorize(
        route, method="POST", url=route.url(stream=True), headers={"Authorization": "Bearer own"}, body=b""
    )
    assert headers == {"Authorization": "Bearer own"}


def test_headers_of_the_environment_stay_with_its_origin() -> None:
    environ = {
        "ANTHROPIC_CUSTOM_HEADERS": f"X-Proxy-Auth: {SENTINEL}\nX-Team: a:b",
        "OPENAI_ORG_ID": SENTINEL,
    }
    own = resolve("anthropic/m", config(environ))
    assert (own.headers["x-proxy-auth"], own.headers["x-team"]) == (SENTINEL, "a:b")
    elsewhere = ProviderSettings(base_url="https://other.example", api_key="k-12345")
    for name in ("anthropic", "openai"):
        assert SENTINEL not in str(dict(resolve(f"{name}/m", config(environ, **{name: elsewhere})).headers))


@pytest.mark.parametrize("text", ["no colon", ": value", "na me: value", "a: b\x07"])
def test_headers_of_the_environment_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(NoRouteError, match=r"header|ANTHROPIC_CUSTOM_HEADERS"):
        resolve("anthropic/m", config({"ANTHROPIC_CUSTOM_HEADERS": text}))


def test_headers_of_the_settings_stand_over_the_providers_whatever_their_case() -> None:
    settings = ProviderSettings(headers={"Anthropic-Version": "2099-01-01"})
    assert resolve("anthropic/m", config(anthropic=settings)).headers == {"anthropic-version": "2099-01-01"}


@pytest.mark.parametrize("base_url", ["ftp://x", "https://user:pass@x", "https://x?y", "x"])
def test_base_url_of_the_settings_is_checked(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"^a base URL must"):
        ProviderSettings(base_url=base_url)


@pytest.mark.parametrize("base_url", ["ftp://x", f"https://user:{SENTINEL}@x", "https://x?y", "x"])
def test_base_url_of_the_environment_is_checked(base_url: str) -> None:
    with pytest.raises(NoRouteError, match="OPENAI_BASE_URL: a base URL must") as caught:
        resolve("openai/m", config({"OPENAI_BASE_URL": base_url}))
    assert SENTINEL not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["", "My", "a/b", "a b"])
def test_name_of_a_provider_is_checked(name: str) -> None:
    with pytest.raises(ValueError, match="provider's name"):
        Config(providers={name: ProviderSettings()})


# --- secrets


def test_secrets_never_show() -> None:
    settings = ProviderSettings(
        api_key=SENTINEL,
        headers={"x-key": SENTINEL},
        query={"key": SENTINEL},
        aws=AwsCredentials(access_key_id=SENTINEL, secret_access_key=Secret(SENTINEL)),
    )
    kept = config({"OPENAI_API_KEY": SENTINEL, "ANTHROPIC_API_KEY": SENTINEL}, openai=settings)
    for value in (settings, kept, resolve("openai/m", kept), resolve("anthropic/m", kept)):
        assert SENTINEL not in repr(value)
        assert SENTINEL not in f"{value}"
        assert SENTINEL not in repr(logging.makeLogRecord({"msg": "%s", "args": (value,)}).getMessage())


def test_secrets_never_show_in_the_traceback_of_a_refusal() -> None:
    try:
        sent(resolve("openai/m", config({"OPENAI_API_KEY": SENTINEL}, openai=ProviderSettings(base_url="https://x.y"))))
    except AuthenticationError as error:
        shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)
        assert SENTINEL not in shown
    else:
        pytest.fail("the key went to another origin")
