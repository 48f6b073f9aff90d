"""Routes as data: what a base URL may be, URLs of requests, session headers, and secrets that never show."""

from __future__ import annotations

import copy
import dataclasses
import logging
import pickle
import traceback
from typing import Any

import pytest

from zen_native.errors import InvalidRequestError
from zen_native.route import AwsCredentials, Route, Secret, checked_base_url, origin_of

SENTINEL = "sentinel-key-8421"


def route(**fields: Any) -> Route:
    known = {"provider": "acme", "model": "m-1", "protocol": "openai-chat"}
    return Route(**{**known, "base_url": "https://api.example.com/v1", "path": "/chat/completions", **fields})


def test_url_joins_base_path_and_query() -> None:
    assert route(query={"api-version": "1"}).url(stream=False) == (
        "https://api.example.com/v1/chat/completions?api-version=1"
    )


def test_url_of_a_stream_has_its_own_path_and_query() -> None:
    streaming = route(path="/{model}:one", stream_path="/{model}:many", stream_query={"alt": "sse"})
    assert streaming.url(stream=True) == "https://api.example.com/v1/m-1:many?alt=sse"
    assert streaming.url(stream=False) == "https://api.example.com/v1/m-1:one"


def test_query_of_the_request_lies_over_the_routes() -> None:
    assert route(query={"a": "1", "b": "2"}).url(stream=False, query={"b": "3 4"}).endswith("?a=1&b=3+4")


def test_model_in_the_path_is_percent_encoded() -> None:
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.a/b"
    assert route(model=arn, path="/model/{model}/converse").url(stream=False) == (
        "https://api.example.com/v1/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a%2Fb/converse"
    )


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://Api.Example.com/v1/", "https://api.example.com/v1"),
        ("https://api.example.com:443", "https://api.example.com"),
        ("http://localhost:8080/v1//", "http://localhost:8080/v1"),
        ("http://[::1]:11434/v1", "http://[::1]:11434/v1"),
    ],
)
def test_base_url_is_normalised(url: str, kept: str) -> None:
    assert checked_base_url(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "ftp://api.example.com",
        "file:///etc/passwd",
        "api.example.com/v1",
        "https://",
        "//api.example.com",
        "https://user@api.example.com",
        "https://user:password@api.example.com",
        "https://@api.example.com",
        "https://api.example.com?key=1",
        "https://api.example.com/?",
        "https://api.example.com/#part",
        "https://api.example.com:99999",
        "https://api.example.com:port",
        "https://api.example.com\\@evil.example",
        "https://api.example.com/\r\nhost: evil.example",
        "https://api example.com",
        "https://ex\u00e4mple.com",
        "https://api..example.com",
        f"https://{'a' * 64}.example.com",
        "https://[::1",
        "",
    ],
)
def test_base_url_that_hides_something_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^a base URL must"):
        route(base_url=url)


def test_refused_base_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="user name") as caught:
        checked_base_url(f"https://user:{SENTINEL}@api.example.com")
    assert SENTINEL not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example:443/x?y", "https://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("http://a.example:80", "http://a.example"),
    ],
)
def test_origin_names_only_an_unusual_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_key_is_bound_to_the_origin_it_came_with() -> None:
    bound = route(api_key=Secret(SENTINEL))
    moved = dataclasses.replace(bound, base_url="https://evil.example")
    assert (moved.origin, moved.key_origin) == ("https://evil.example", "https://api.example.com")


def test_metadata_key_is_the_provider_unless_said() -> None:
    assert route().metadata_key == "acme"
    assert route(metadata_key="bedrock").metadata_key == "bedrock"


def test_session_headers_carry_the_session_id() -> None:
    kept = route(headers={"a": "b"}, session_headers=("x-session", "x-affinity"))
    assert kept.request_headers("s-1") == {"a": "b", "x-session": "s-1", "x-affinity": "s-1"}


def test_no_session_sends_no_session_header() -> None:
    assert route(session_headers=("x-session",)).request_headers() == {}


def test_required_session_is_made_up_for_each_request() -> None:
    needy = route(session_headers=("x-session",), session_required=True)
    first, second = needy.request_headers()["x-session"], needy.request_headers()["x-session"]
    assert len(first) == 32
    assert first != second


@pytest.mark.parametrize("session", ["", "a\r\nx-evil: 1", "s\u00e9ance", "x" * 257])
def test_session_id_that_is_no_header_value_is_refused(session: str) -> None:
    with pytest.raises(InvalidRequestError, match="session_id must be"):
        route(session_headers=("x-session",)).request_headers(session)


def secretive() -> Route:
    return route(
        api_key=Secret(SENTINEL),
        aws=AwsCredentials(
            access_key_id=SENTINEL, secret_access_key=Secret(SENTINEL), session_token=Secret(SENTINEL), profile="work"
        ),
        headers={"x-api-key": SENTINEL},
        query={"key": SENTINEL},
    )


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__, ascii])
def test_secret_never_shows_in_text(show: Any) -> None:
    for value in (Secret(SENTINEL), secretive(), [secretive()], {"route": secretive()}):
        text = show((value,)) if show == "%s".__mod__ else show(value)
        assert SENTINEL not in text


def test_secret_never_shows_through_a_format_spec() -> None:
    assert SENTINEL not in f"{Secret(SENTINEL):>100}"


def test_secret_never_shows_in_a_log_record(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("zen_native").debug("%s %r", secretive(), Secret(SENTINEL), extra={"route": secretive()})
    (record,) = caplog.records
    assert SENTINEL not in caplog.text
    assert SENTINEL not in repr(record.__dict__)


def test_secret_never_shows_in_a_traceback_with_locals() -> None:
    local = secretive()
    try:
        raise RuntimeError(f"failed for {local}")
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "local = Route(" in shown
    assert SENTINEL not in shown


@pytest.mark.parametrize("value", [Secret(SENTINEL), secretive()])
def test_secret_refuses_to_be_pickled(value: object) -> None:
    with pytest.raises(TypeError, match="a Secret is not pickled"):
        pickle.dumps(value)


def test_secret_survives_copies_as_itself() -> None:
    secret = Secret(SENTINEL)
    assert copy.copy(secret) is secret
    assert copy.deepcopy(secret) is secret
    assert dataclasses.asdict(secretive())["api_key"] == secret


def test_secrets_are_equal_by_value_and_only_to_secrets() -> None:
    assert Secret("abcd") == Secret("abcd")
    assert Secret("abcd") != Secret("abce")
    assert Secret("abcd") != "abcd"
    assert len({Secret("abcd"), Secret("abcd")}) == 1


@pytest.mark.parametrize("text", ["", f" {SENTINEL}", f"{SENTINEL}\n", f"{SENTINEL}\u00e9", f"{SENTINEL}\r\nb"])
def test_key_that_is_no_header_value_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a key must be printable ASCII") as caught:
        Secret(text)
    assert SENTINEL not in str(caught.value)


def test_secrets_of_a_route_name_all_that_was_sent_in_confidence() -> None:
    assert set(secretive().secrets) == {SENTINEL}
    assert len(secretive().secrets) == 5
    assert route(headers={"anthropic-version": "2023-06-01"}).secrets == ()


def test_plain_text_given_for_a_secret_of_aws_is_wrapped() -> None:
    text: Any = SENTINEL
    given = AwsCredentials(access_key_id="AKIDEXAMPLE", secret_access_key=text, session_token=text)
    assert SENTINEL not in repr(given)
    assert given.secret_access_key is not None
    assert given.secret_access_key.reveal() == SENTINEL
