"""Routes that a client remembers: never older than the environment and the table they were resolved from."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import pytest

from zen_native._routes import Place, Routes
from zen_native.errors import AuthenticationError, NoRouteError
from zen_native.providers import PROVIDERS
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings
from zen_native.transport.base import HttpRequest

SENTINEL = "sentinel-key-7741"


def write_table(path: Path, modified: int, **row: object) -> None:
    document = {
        "form": "zen-native-models/1",
        "as_of": "2026-01-02",
        "source": "a test",
        "providers": {"opencode": {"models": {"new-model": row}}},
    }
    path.write_text(json.dumps(document))
    os.utime(path, ns=(modified, modified))


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if PROVIDERS[name].base_url is not None])
def test_a_route_is_what_resolving_gives_and_is_kept(provider: str) -> None:
    config = Config(environ=dict.fromkeys(("AWS_REGION", "OPENAI_API_KEY", "GOOGLE_CLOUD_PROJECT"), "value"))
    routes = Routes(config)
    try:
        expected = resolve(f"{provider}/m", config)
    except NoRouteError as refused:
        with pytest.raises(NoRouteError, match=str(refused).partition(";")[0][:40]):
            routes.of(f"{provider}/m")
        return
    assert routes.of(f"{provider}/m") == expected
    assert routes.of(f"{provider}/m") is routes.of(f"{provider}/m")


def test_a_key_that_was_changed_counts_at_once() -> None:
    environ = {"OPENAI_API_KEY": "first"}
    routes = Routes(Config(environ=environ))
    before = routes.of("openai/gpt-5")
    environ["OPENAI_API_KEY"] = "second"
    assert routes.of("openai/gpt-5").secrets == ("second",)
    assert before.secrets == ("first",)


def test_a_variable_that_was_not_there_and_one_that_is_gone_count_at_once() -> None:
    environ: dict[str, str] = {}
    routes = Routes(Config(environ=environ))
    assert routes.of("openai/gpt-5").api_key is None
    environ["OPENAI_API_KEY"] = "k"
    environ["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
    assert routes.of("openai/gpt-5").origin == "http://127.0.0.1:9"
    del environ["OPENAI_BASE_URL"]
    assert routes.of("openai/gpt-5").origin == "https://api.openai.com"
    assert routes.of("openai/gpt-5").secrets == ("k",)


def test_the_environment_of_the_process_is_read_where_the_configuration_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    routes = Routes(Config())
    monkeypatch.setenv("GROQ_API_KEY", "first")
    assert routes.of("groq/m").secrets == ("first",)
    monkeypatch.setenv("GROQ_API_KEY", "second")
    assert routes.of("groq/m").secrets == ("second",)


def test_a_table_that_was_written_anew_counts_at_once(tmp_path: Path) -> None:
    table = tmp_path / "models.json"
    write_table(table, 10**18, protocol="openai-chat")
    routes = Routes(Config(models=table, environ={}))
    assert routes.of("opencode/new-model").protocol == "openai-chat"
    write_table(table, 2 * 10**18, protocol="anthropic-messages")
    assert routes.of("opencode/new-model").protocol == "anthropic-messages"


def test_a_table_that_the_environment_names_later_counts_at_once(tmp_path: Path) -> None:
    table = tmp_path / "models.json"
    write_table(table, 10**18, protocol="anthropic-messages")
    environ: dict[str, str] = {}
    routes = Routes(Config(environ=environ))
    assert routes.of("opencode/new-model").protocol == "openai-chat"
    environ["ZEN_NATIVE_MODELS"] = str(table)
    assert routes.of("opencode/new-model").protocol == "anthropic-messages"


def test_a_name_that_nobody_serves_is_refused_every_time() -> None:
    routes = Routes(Config(environ={}))
    for _ in range(2):
        with pytest.raises(NoRouteError):
            routes.of("nobody/m")


def test_so_many_models_are_remembered_and_no_more() -> None:
    settings = ProviderSettings(base_url="http://127.0.0.1:9/v1")
    routes = Routes(Config(providers={"local": settings}, environ={}))
    first = routes.of("local/0")
    for number in range(1, 256):
        routes.of(f"local/{number}")
    assert routes.of("local/0") is first
    routes.of("local/256")
    assert routes.of("local/0") is not first


def test_no_key_that_was_read_is_in_a_repr() -> None:
    routes = Routes(Config(environ={"OPENAI_API_KEY": SENTINEL}))
    routes.of("openai/gpt-5")
    seen = [routes, *gc.get_referents(routes)]
    for each in list(seen):
        seen += [inner for inner in gc.get_referents(each) if type(inner).__module__.startswith("zen_native")]
    assert not [each for each in seen if SENTINEL in repr(each)]


def request_of(place: Place) -> HttpRequest:
    return HttpRequest("POST", place.url, place.headers, b"{}")


def test_credentials_are_those_of_the_route_as_it_is_now() -> None:
    environ = {"OPENAI_API_KEY": "first"}
    routes = Routes(Config(environ=environ))
    for key in ("first", "second"):
        environ["OPENAI_API_KEY"] = key
        for _ in range(2):
            place = routes.place("openai/gpt-5")
            assert place.authorized(request_of(place), 0.0).headers["authorization"] == f"Bearer {key}"
        assert "authorization" not in place.headers


def test_what_was_sent_before_decides_nothing_of_what_differs() -> None:
    place = Routes(Config(environ={"OPENAI_API_KEY": "k"})).place("openai/gpt-5")
    place.authorized(request_of(place), 0.0)
    own = HttpRequest("POST", place.url, {"Authorization": "mine"}, b"")
    assert place.authorized(own, 0.0).headers == {"Authorization": "mine"}
    with pytest.raises(AuthenticationError, match="belongs to"):
        place.authorized(HttpRequest("POST", "https://elsewhere.example/", place.headers, b""), 0.0)


def test_a_key_that_is_missing_is_missed_every_time() -> None:
    place = Routes(Config(environ={})).place("openai/gpt-5")
    for _ in range(2):
        with pytest.raises(AuthenticationError, match="no key"):
            place.authorized(request_of(place), 0.0)


def test_what_a_transport_adds_to_its_headers_is_in_no_other_request() -> None:
    place = Routes(Config(environ={"OPENAI_API_KEY": "k"})).place("openai/gpt-5")
    before = dict(place.headers)
    for _ in range(3):
        given: Any = place.authorized(request_of(place), 0.0).headers
        assert given == {**before, "authorization": "Bearer k"}
        given["x-trace"] = "of one request"
    assert place.headers == before


def test_without_credentials_each_request_has_headers_of_its_own_too() -> None:
    provider = ProviderSettings(base_url="http://127.0.0.1:9/v1", protocol="openai-chat")
    place = Routes(Config(providers={"local": provider}, environ={})).place("local/m")
    assert place.route.auth == "none"
    given: Any = place.authorized(request_of(place), 0.0).headers
    given["x-trace"] = "of one request"
    assert "x-trace" not in place.headers
    assert "x-trace" not in place.authorized(request_of(place), 0.0).headers
