"""Profiles of Anthropic's command line: whose token is sent, when it is renewed, and where it never goes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kit import messages
from tests.kit.asking import KINDS, ask
from tests.kit.server import Reply, Server, sse_reply

import zen_native as zen
from zen_native._anthropic_profile import _profile
from zen_native.cli import main

pytest.importorskip("anthropic", reason="the SDKs are in the dependency group sdk")
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

TOKEN = "sentinel-token-0123456789"
FRESH = "sentinel-fresh-0123456789"
ANSWER = sse_reply(messages.sse(messages.start(), *messages.text_block(0, "Hello"), messages.end(), messages.STOP))
RENEWED = Reply(
    [json.dumps({"access_token": FRESH, "refresh_token": "next", "expires_in": 3600}).encode()],
    headers={"content-type": "application/json"},
)


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in list(os.environ):
        if name.startswith("ANTHROPIC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    _profile.cache_clear()
    yield tmp_path
    _profile.cache_clear()


@pytest.fixture
def server(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "ZEN_NATIVE"):
        monkeypatch.delenv(name, raising=False)
    with Server(ANSWER) as running:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running


def write(profiles: Path, name: str = "dev", *, token: str = TOKEN, expires_at: float = 1e10, **config: Any) -> None:
    """A profile as an interactive login leaves it."""
    authentication = {"type": "user_oauth", **config.pop("authentication", {})}
    kept = {"type": "oauth_token", "access_token": token, "refresh_token": "again", "expires_at": int(expires_at)}
    for folder, said in (("configs", {"authentication": authentication, **config}), ("credentials", kept)):
        path = profiles / folder / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(said), "utf-8")
        path.chmod(0o600)


def call(server: Server, kind: str = "sync", **settings: Any) -> zen.LLMError | None:
    providers = {"anthropic": zen.ProviderSettings(**settings)} if settings else {}
    return ask(kind, zen.Config(providers=providers), call={"request": "anthropic/claude-sonnet-5"}).error


@pytest.mark.parametrize("kind", KINDS)
def test_the_token_of_the_named_profile_is_sent(
    kind: str, profiles: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(profiles, workspace_id="wrkspc_1")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "dev")
    assert call(server, kind) is None
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["anthropic-beta"] == "oauth-2025-04-20"
    assert request.headers["anthropic-workspace-id"] == "wrkspc_1"
    assert "x-api-key" not in request.headers


def test_a_token_that_is_over_is_renewed_once(profiles: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    write(profiles, expires_at=time.time() - 60, authentication={"client_id": "client"})
    monkeypatch.setenv("ANTHROPIC_PROFILE", "dev")
    server.plays(RENEWED, ANSWER)
    with zen.Client() as client:
        for _ in range(2):
            assert client.generate("anthropic/claude-sonnet-5", "hi").text == "Hello"
    assert [request.path for request in server.requests] == ["/v1/oauth/token", "/v1/messages", "/v1/messages"]
    assert {request.headers["authorization"] for request in server.requests[1:]} == {f"Bearer {FRESH}"}
    assert FRESH in (profiles / "credentials" / "dev.json").read_text("utf-8")


def test_other_beta_flags_stay(profiles: Path, server: Server) -> None:
    write(profiles)
    settings = {"options": {"profile": "dev"}, "base_url": server.url, "headers": {"anthropic-beta": "one,two"}}
    assert call(server, **settings) is None
    assert server.requests[0].headers["anthropic-beta"] == "one,two,oauth-2025-04-20"


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_a_key_of_the_environment_goes_before_its_profile_but_not_before_one_that_is_configured(
    name: str, profiles: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(profiles)
    monkeypatch.setenv("ANTHROPIC_PROFILE", "dev")
    monkeypatch.setenv(name, "sk-environment-0123")
    assert call(server) is None
    assert call(server, options={"profile": "dev"}) is None
    first, second = server.requests
    assert "sk-environment-0123" in {first.headers.get("x-api-key"), first.headers.get("authorization", "")[7:]}
    assert TOKEN not in str(first.headers)
    assert second.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_profile_of_the_environment_is_not_for_another_base_url(
    profiles: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(profiles)
    monkeypatch.setenv("ANTHROPIC_PROFILE", "dev")
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    error = call(server, base_url=server.url)
    assert isinstance(error, zen.AuthenticationError)
    assert error.message == f"no key for anthropic: give an api_key for {server.url}"
    assert server.requests == []


def test_a_profile_that_belongs_elsewhere_is_not_sent(profiles: Path, server: Server) -> None:
    write(profiles, base_url="https://elsewhere.example")
    error = call(server, options={"profile": "dev"})
    assert isinstance(error, zen.AuthenticationError)
    assert "belongs to https://elsewhere.example and is not sent to http://127.0.0.1" in error.message
    assert server.requests == []


@pytest.mark.parametrize("name", ["nobody", "../dev", " dev"])
def test_a_profile_that_cannot_be_read_is_an_error_before_anything_is_sent(
    name: str, profiles: Path, server: Server
) -> None:
    error = call(server, options={"profile": name})
    assert isinstance(error, zen.AuthenticationError)
    assert error.message.startswith(f"the profile {name!r} gives no token: ")
    assert server.requests == []


def test_without_the_sdk_the_error_says_how_to_get_it(
    profiles: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    error = call(server, options={"profile": "dev"})
    assert isinstance(error, zen.AuthenticationError)
    assert "pip install 'zen-native[anthropic]'" in error.message
    assert server.requests == []


def test_a_token_that_comes_back_is_taken_out_of_the_error(profiles: Path, server: Server) -> None:
    write(profiles)
    said = {"error": {"type": "authentication_error", "message": f"bad {TOKEN}"}}
    server.plays(Reply([json.dumps(said).encode()], 401))
    error = call(server, options={"profile": "dev"})
    assert isinstance(error, zen.AuthenticationError)
    assert TOKEN not in f"{error.message} {error.body} {error!r}"


def test_explain_names_the_profile_and_reads_nothing(
    profiles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANTHROPIC_PROFILE", "dev")
    assert main(["explain", "-m", "anthropic/claude-sonnet-5", "hi"]) == 0
    out = capsys.readouterr().out
    assert "key          a token of the profile 'dev', which is asked for when it is sent\n" in out
    assert "ANTHROPIC_PROFILE: set\n" in out
