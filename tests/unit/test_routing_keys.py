"""Which key may go where, what a missing one is told, and that none shows."""

from __future__ import annotations

import logging
import traceback

import pytest
from tests.kit.routing import SENTINEL, config

from zen_native.auth import authorize
from zen_native.errors import AuthenticationError, NoRouteError
from zen_native.route import AwsCredentials, Route, Secret
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings

OPENCODE_KEY = "set OPENCODE_ZEN_API_KEY or OPENCODE_API_KEY, or give an api_key"


def sent(route: Route, url: str | None = None) -> dict[str, str]:
    """The headers of a request on that route."""
    return authorize(
        route, method="POST", url=url or route.url(stream=True), headers=route.request_headers(), body=b"{}"
    )


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
