"""No secret gets into a cassette, in whatever place or spelling it was sent, nor into the text of an error."""

from __future__ import annotations

import base64
import json
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit.recording import SSE, URL, Answer, Chunked, cassette, interaction, record

from zen_native.recording import (
    NoMatchError,
    RecordedRequest,
    Recorder,
    SecretFoundError,
    load_cassette,
    save_cassette,
    save_vcr,
)
from zen_native.recording.redaction import clean_request

SENTINEL = "zq-S3nt/inel+Value=42"
OTHER = "0ther-Sentinel-Value-77"
SPELLINGS = (SENTINEL, quote(SENTINEL, safe=""), quote(SENTINEL), quote_plus(SENTINEL))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.json"


def assert_clean(text: str, *secrets: str) -> None:
    for secret in secrets or (SENTINEL,):
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
            assert spelling not in text
        assert base64.b64encode(secret.encode()).decode().rstrip("=") not in text


SENT: dict[str, dict[str, Any]] = {
    "bearer": {"headers": {"authorization": f"Bearer {SENTINEL}"}},
    "basic": {"headers": {"Authorization": "Basic " + base64.b64encode(f"user:{SENTINEL}".encode()).decode()}},
    "x-api-key": {"headers": {"x-api-key": SENTINEL}},
    "x-goog-api-key": {"headers": {"X-Goog-Api-Key": SENTINEL}},
    "api-key": {"headers": {"api-key": SENTINEL}},
    "cookie": {"headers": {"cookie": f"session={SENTINEL}"}},
    "unknown-header": {"headers": {"x-our-own": SENTINEL}},
    "organization": {"headers": {"openai-organization": SENTINEL}},
    "query-key": {"params": {"key": SENTINEL}},
    "query-token": {"params": {"access_token": SENTINEL}},
    "query-signature": {"params": {"X-Amz-Signature": SENTINEL}},
    "userinfo": {"url": f"https://user:{quote(SENTINEL, safe='')}@api.acme.test/v1"},
    "body-field": {"json": {"model": "m", "api_key": SENTINEL}},
    "body-deep": {"json": {"tools": [{"config": {"client_secret": SENTINEL}}]}},
    "body-password": {"json": {"password": SENTINEL}},
    "sent-and-repeated": {
        "headers": {"x-api-key": SENTINEL},
        "json": {"messages": [{"content": f"my key is {SENTINEL}, {quote(SENTINEL, safe='')}"}]},
    },
    "in-the-name-of-a-field": {"headers": {"x-api-key": SENTINEL}, "json": {SENTINEL: 1}},
    "body-form": {"json": None, "data": {"client_secret": SENTINEL}},
}


@pytest.mark.parametrize("request_", SENT.values(), ids=SENT.keys())
def test_a_secret_that_was_sent_is_not_in_the_cassette(path: Path, request_: dict[str, Any]) -> None:
    sent = record(path, requests=[request_])
    assert_clean(path.read_text())
    assert sent.requests
    recorder = Recorder(path, "replay", environ={})
    client = httpx.Client(transport=recorder.transport())
    response = client.request(**{"method": "POST", "url": URL, "json": {"model": "m"}, **request_})
    assert response.content == b"".join(SSE)


@pytest.mark.parametrize("name", ["bearer", "x-api-key", "query-key", "body-field", "sent-and-repeated"])
def test_it_plays_without_the_key_that_it_was_recorded_with(path: Path, name: str) -> None:
    request = SENT[name]
    record(path, requests=[request])
    other = json.loads(json.dumps(request).replace(SENTINEL, OTHER).replace(quote(SENTINEL, safe=""), OTHER))
    recorder = Recorder(path, "replay", environ={})
    client = httpx.Client(transport=recorder.transport())
    assert client.request(**{"method": "POST", "url": URL, "json": {"model": "m"}, **other}).status_code == 200


def test_a_secret_that_the_answer_repeats_is_starred_out(path: Path) -> None:
    said = f'data: {{"error": "wrong key {SENTINEL}"}}\n\n'.encode()
    headers = {"set-cookie": SENTINEL, "x-request-id": f"r-{SENTINEL}", "openai-organization": "org-secret"}
    record(path, Answer((said[:25], said[25:]), headers=headers), requests=[{"headers": {"x-api-key": SENTINEL}}])
    assert_clean(path.read_text(), SENTINEL, "org-secret")
    (one,) = load_cassette(path).interactions
    assert [chunk.length for chunk in one.response.chunks] == [25, len(said) - 25]
    assert one.response.body == said.replace(SENTINEL.encode(), b"*" * len(SENTINEL))
    assert one.response.headers == {"x-request-id": "r-[redacted]"}


def test_secrets_can_be_named(path: Path) -> None:
    record(path, Answer((f"hello {SENTINEL}".encode(),)), requests=[{"json": {"a": SENTINEL}}], secrets=[SENTINEL])
    assert_clean(path.read_text())


REFUSED = {
    "binary": (b"\xff\xfe" + SENTINEL.encode(), "a secret that was sent"),
    "base64": (base64.b64encode(b'{"key": "' + SENTINEL.encode() + b'"}'), "as base64"),
    "base64-in-json": (b'{"bytes":"' + base64.b64encode(b"x" + SENTINEL.encode() + b"y") + b'"}', "as base64"),
    "base64-after-letters": (b"x" + base64.b64encode(b"ab" + SENTINEL.encode() + b"cd"), "as base64"),
    "base64-without-padding": (base64.b64encode(SENTINEL.encode() + b"x").rstrip(b"="), "as base64"),
    "api-key": (b"use sk-proj-abcdefghijklmnop1234567 now", "an API key"),
    "google-key": (b'{"k": "AIzaSyA1234567890abcdefghijklmnopqrstuv"}', "a Google API key"),
    "aws-key": (b"id AKIAIOSFODNN7EXAMPLE.", "an AWS access key"),
    "github": (b"ghp_abcdefghijklmnopqrstuvwxyz0123456789", "a GitHub token"),
    "private-key": (b"-----BEGIN RSA PRIVATE KEY-----\nMII", "a private key"),
    "bearer": (b"Authorization: Bearer abcdefghijklmnop1234567890", "a bearer token"),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_left_of_a_secret_forbids_to_write(path: Path, body: bytes, message: str) -> None:
    path.write_text("before")
    recorder = Recorder(path, "record", environ={})
    client = httpx.Client(transport=recorder.transport(Chunked(Answer((body,)))))
    client.post(URL, headers={"x-api-key": SENTINEL})
    with pytest.raises(SecretFoundError) as caught:
        recorder.close()
    assert message in str(caught.value)
    assert "interactions[0].response.body" in str(caught.value)
    assert_clean("".join(traceback.format_exception(caught.value)))
    assert path.read_text() == "before"
    assert list(path.parent.iterdir()) == [path]


def test_secrets_of_the_environment_are_looked_for(path: Path) -> None:
    environ = {"ACME_API_KEY": SENTINEL, "HOME": "/home/somebody-with-a-name", "SHORT_TOKEN": "json"}
    recorder = Recorder(path, "record", environ=environ)
    client = httpx.Client(transport=recorder.transport(Chunked(Answer(), Answer())))
    client.post(URL, json={"prompt": f"is {SENTINEL} a good key?"})
    with pytest.raises(SecretFoundError, match=r"interactions\[0\]\.request\.body holds a secret") as caught:
        recorder.close()
    assert_clean(str(caught.value))
    client.post(URL, json={"prompt": "/home/somebody-with-a-name"})
    recorder.close()
    assert path.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"Bearer authentication is a scheme; the sk-learn-like names of pk-something are no keys",
        b'{"signature": "EqQBCkYIBxgCKkBzay1wcm9qLWFi+sk/AKIAABCDEFGHIJKLMNOP1234567890=="}',
        b'{"encrypted_content": "gAAAAABn-sk-aaaaaaaaaaaaaaaaaaaaaaaa1"}',
        b"Incorrect API key provided: sk-proj-********************abcd",
        b'{"usage": {"input_tokens": 1234567890123456, "token": "hello"}}',
    ],
)
def test_what_only_looks_like_a_secret_is_written(path: Path, body: bytes) -> None:
    record(path, Answer((body,)))
    assert load_cassette(path).interactions[0].response.body == body


@pytest.mark.parametrize("request_", SENT.values(), ids=SENT.keys())
def test_no_error_text_holds_a_secret(path: Path, request_: dict[str, Any]) -> None:
    record(path, requests=[{"json": {"model": "other", "secret": OTHER}}])
    recorder = Recorder(path, "replay", environ={})
    client = httpx.Client(transport=recorder.transport())
    sent = {"method": "POST", "url": URL, "json": {"model": "m"}, **request_}
    with pytest.raises(NoMatchError) as caught:
        client.request(**sent)
    assert_clean(str(caught.value), SENTINEL, OTHER)
    assert_clean(repr(caught.value), SENTINEL, OTHER)


def test_vcrpy_cassettes_are_looked_through_too(tmp_path: Path) -> None:
    one = cassette(interaction(SENTINEL.encode()))
    for save, name in ((save_vcr, "a.yaml"), (save_vcr, "a.json"), (save_cassette, "b.json")):
        with pytest.raises(SecretFoundError):
            save(one, tmp_path / name, [SENTINEL])
    assert list(tmp_path.iterdir()) == []


def test_prompts_and_counts_are_kept(path: Path) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Which token is next?"}]}
    record(path, requests=[{"json": body}])
    assert load_cassette(path).interactions[0].request.body.value == body


@given(
    secret=st.text("abcdefghXYZ0123456789+/=_-.~ ", min_size=8, max_size=40).filter(lambda text: text == text.strip()),
    around=st.text(max_size=20),
)
def test_any_secret_in_any_text_goes(secret: str, around: str) -> None:
    body = json.dumps({"a": [around + secret + around], "b": {secret: quote(secret, safe="")}}).encode()
    request: RecordedRequest = clean_request("post", URL, {"x-api-key": secret}, body, ())
    inside = json.dumps(request.body.value, ensure_ascii=False)
    assert secret not in inside.replace("[redacted]", "\0")
