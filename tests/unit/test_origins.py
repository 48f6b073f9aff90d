"""A key never reaches another origin than its own, whatever is configured, and all readers of a URL agree on it."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zen_native.auth import authorize
from zen_native.errors import AuthenticationError, NoRouteError
from zen_native.route import checked_base_url, origin_of
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings

IN_SETTINGS, IN_ENVIRONMENT = "key-of-the-settings", "key-of-the-environment"

_pieces = st.sampled_from(
    [
        *("https", "http", "://", ":", "/", "//", "\\", "@", "#", "?", "%2f", "%40", "..", "[", "]", "::1", " ", "\t"),
        *("a.example", "b.example", "api.openai.com", "evil", "8443", "443", "v1", "\u3002", "\u2100", ";", "&"),
    ]
)
_urls = st.lists(_pieces, max_size=9).map("".join) | st.builds(
    "https://{}".format, st.lists(_pieces, max_size=6).map("".join)
)


@settings(max_examples=1500, deadline=None)
@given(_urls)
@example("https://api.openai.com\\@evil.example/v1")
@example("https://evil.example%2f@api.openai.com")
@example("https://api.openai.com%2eevil.example")
@example("https://api.openai.com:443@evil.example")
@example("https://[::1]:8443/v1")
@example("https://[::ffff:1.2.3.4%25eth0]/v1")
@example("https://a.example:/v1")
def test_url_that_is_accepted_means_the_same_to_the_transport(url: str) -> None:
    try:
        base_url = checked_base_url(url)
    except ValueError:
        return
    assert checked_base_url(base_url) == base_url
    theirs = httpx.URL(base_url + "/chat/completions?a=b")
    assert not theirs.userinfo
    assert str(theirs.copy_with(raw_path=b"/")) == origin_of(base_url) + "/"


_hosts = ("https://a.example/v1", "https://b.example/v1", "https://api.openai.com/v1", "http://a.example/v1", None)
_host = st.sampled_from(_hosts)


@settings(max_examples=300, deadline=None)
@given(st.booleans(), _host, st.booleans(), _host)
def test_key_goes_to_its_own_origin_alone(
    own_key: bool, own_url: str | None, set_key: bool, set_url: str | None
) -> None:
    environ = {"OPENAI_API_KEY": IN_ENVIRONMENT} if set_key else {}
    environ |= {"OPENAI_BASE_URL": set_url} if set_url else {}
    mine = ProviderSettings(api_key=IN_SETTINGS if own_key else None, base_url=own_url)
    route = resolve("openai/m", Config(environ=environ, providers={"openai": mine}))
    url = route.url(stream=True)
    in_force = own_url or set_url or "https://api.openai.com/v1"
    assert origin_of(url) == origin_of(in_force)
    meant = origin_of(set_url or "https://api.openai.com/v1")
    expected = IN_SETTINGS if own_key else IN_ENVIRONMENT if set_key and origin_of(in_force) == meant else None
    assert route.secrets == ((expected,) if expected else ())
    if expected is None:
        with pytest.raises(AuthenticationError):
            authorize(route, method="POST", url=url, headers={}, body=b"")
        return
    assert authorize(route, method="POST", url=url, headers={}, body=b"") == {"authorization": f"Bearer {expected}"}
    for other in filter(None, _hosts):
        if origin_of(other) != origin_of(url):
            with pytest.raises(AuthenticationError):
                authorize(route, method="POST", url=other, headers={}, body=b"")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.lists(_pieces, max_size=4).map("".join))
def test_model_never_changes_where_the_key_goes(model: str) -> None:
    for provider in ("openai", "google", "bedrock", "azure", "opencode"):
        environ = {"AWS_REGION": "us-east-1", "AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com"}
        try:
            route = resolve(f"{provider}/{model}", Config(environ=environ))
        except NoRouteError:
            continue
        plain = resolve(f"{provider}/m", Config(environ=environ))
        for stream in (True, False):
            url = httpx.URL(route.url(stream=stream))
            assert url.host == httpx.URL(plain.base_url).host
            assert url.path.count("/") >= 2 or provider == "google"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.lists(_pieces, max_size=4).map("".join))
def test_option_never_changes_where_the_key_goes(value: str) -> None:
    providers = {name: ProviderSettings(options={"region": value}) for name in ("bedrock",)}
    providers["vertex"] = ProviderSettings(options={"project": value, "location": value})
    for name, domain in (("bedrock", ".amazonaws.com"), ("vertex", "aiplatform.googleapis.com")):
        try:
            route = resolve(f"{name}/m", Config(environ={}, providers=providers))
        except NoRouteError:
            continue
        assert httpx.URL(route.url(stream=True)).host.removesuffix(".cn").endswith(domain)
