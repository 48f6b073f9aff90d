"""Proxies of the environment: requests go through them, by httpx, and the gate says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.kit.asking import KINDS, WHOLE, ask
from tests.kit.server import Server, sse_reply

import zen_native as zen
from zen_native.gate import Reason
from zen_native.transport import pool

FAR = zen.Config(providers={"far": zen.ProviderSettings(base_url="http://far.example", api_key="k")}, environ={})


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that stands before all others."""
    with Server(sse_reply(*WHOLE)) as running:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", running.url.replace("//", "//user:word@"))
        yield running


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_of_the_environment_is_used(kind: str, proxy: Server) -> None:
    heard = ask(kind, FAR, call={"request": "far/m"}, transport="auto")
    assert (heard.error, heard.text) == (None, "Hello")
    (request,) = proxy.requests
    assert request.path == "http://far.example/chat/completions"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"


@pytest.mark.parametrize("make", [zen.Client, zen.AsyncClient])
def test_the_gate_names_the_proxy_but_not_its_password(make: type[zen.Client], proxy: Server) -> None:
    decision = make(FAR).explain("far/m").decision
    assert (decision.transport, decision.transport_reason) == ("httpx", Reason.PROXY)
    assert decision.transport_detail == "http://far.example is reached through a proxy"


def test_the_native_transport_does_not_go_around_a_proxy(proxy: Server) -> None:
    with zen.Client(FAR, transport="native") as client, pytest.raises(zen.UnsupportedError, match="through a proxy"):
        client.generate("far/m", "hi")
    assert proxy.requests == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("url", ["http://far.example", "https://far.example"])
def test_a_proxy_that_cannot_be_reached_is_named(kind: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://user:word@127.0.0.1:9")
    far = zen.Config(providers={"far": zen.ProviderSettings(base_url=url, api_key="k")}, environ={})
    error = ask(kind, far, call={"request": "far/m"}, transport="auto", retry=zen.RetryPolicy(attempts=1)).error
    assert isinstance(error, zen.ConnectError)
    assert error.message.startswith("no connection to far.example through the proxy http://127.0.0.1:9: ")
    assert "word" not in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("socks5://user:word@127.0.0.1:9", " socks5://127.0.0.1:9: SOCKS needs the package socksio"),
        ("nonsense://user:word@127.0.0.1:9", " nonsense://127.0.0.1:9: httpx knows no such proxy"),
        ("http://user:wo/rd@127.0.0.1:9", " http://127.0.0.1:9: httpx knows no such proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    kind: str, proxy: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "find_spec", lambda name: None)
    monkeypatch.setenv("http_proxy", proxy)
    error = ask(kind, FAR, call={"request": "far/m"}, transport="auto").error
    assert isinstance(error, zen.ConnectError)
    assert error.message == f"no connection through the proxy{said}"
    assert not error.retryable


def test_who_needs_no_proxy_is_asked_directly(proxy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "far.example")
    decision = zen.AsyncClient(FAR).explain("far/m").decision
    assert decision.transport_reason is Reason.NATIVE
