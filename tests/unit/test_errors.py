"""The error classes: fields, pickling, redaction. What the classifier decides is in test_classify."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.errors import CLASSES, error_key, full

from zen_native import errors
from zen_native._redact import MAX_BODY_BYTES, redact, redacted_body, redacted_message
from zen_native.errors import (
    IncompleteStreamError,
    LLMError,
    RateLimitError,
    TransportError,
    classify_error,
    decode_error,
)

RETRYABLE = {
    "RateLimitError", "ServerError", "OverloadedError", "ConnectError", "PoolTimeoutError", "IncompleteStreamError",
}  # fmt: skip


def raised(error: LLMError) -> None:
    """What another process does."""
    raise error


@pytest.mark.parametrize("cls", CLASSES)
class TestEveryClass:
    def test_survives_pickling_and_copying_with_every_field(self, cls: type[LLMError]) -> None:
        error = full(cls)
        copies = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
        copies += [copy.copy(error), copy.deepcopy(error), cloudpickle.loads(cloudpickle.dumps(error))]
        for other in copies:
            assert error_key(other) == error_key(error)
            assert (str(other), repr(other), other.args) == (str(error), repr(error), error.args)

    def test_unset_fields_are_none_and_retryable_is_its_own(self, cls: type[LLMError]) -> None:
        error = cls("x")
        unset = set(error.FIELDS) - {"message", "retryable"}
        assert {getattr(error, name) for name in unset} == {None}
        assert error.retryable is (cls.__name__ in RETRYABLE)

    def test_is_public_and_in_the_docstring(self, cls: type[LLMError]) -> None:
        assert cls.__name__ in errors.__all__
        assert errors.__doc__ is not None
        assert f" {cls.__name__}" in errors.__doc__

    def test_secrets_stay_out_of_every_text(self, cls: type[LLMError]) -> None:
        key = "sk-ant-REDACTED"
        error = cls(f"bad key {key}", body=f'{{"api_key": "{key}", "note": "Bearer {key}"}}')
        assert key not in f"{error} {error!r} {error.body} {error.args} {error.__reduce__()}"


def test_notes_survive_pickling() -> None:
    error = RateLimitError("slow down")
    error.add_note("third attempt")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["third attempt"]


def test_every_class_survives_a_spawned_process() -> None:
    """There and back: as an argument, and as what is raised there."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        calls = [(cls, pool.submit(raised, full(cls))) for cls in CLASSES]
        for cls, call in calls:
            other = call.exception(timeout=50)
            assert isinstance(other, LLMError)
            assert error_key(other) == error_key(full(cls))


def test_every_field_of_a_subclass_with_its_own_constructor_survives() -> None:
    class OddError(TransportError):
        def __init__(self, first: int, second: int) -> None:
            super().__init__(f"{first} and {second}")
            self.second = second

    other = copy.copy(OddError(1, 2))
    assert (other.message, other.second) == ("1 and 2", 2)


def test_repr_shows_what_is_known_and_neither_body_nor_partial() -> None:
    shown = repr(full(RateLimitError))
    assert shown.startswith("RateLimitError('short and stout', provider='openai', model='m', status=418")
    assert "retry_after=1.5" in shown
    assert "body" not in shown
    assert "partial" not in shown
    assert repr(LLMError("x")) == "LLMError('x', retryable=False)"


# --- the body -------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["a", "\u00e9", "\u20ac", "\U0001f600"])
def test_body_is_cut_at_16_kib_between_characters(character: str) -> None:
    body = LLMError("x", body=character * 20_000).body
    assert body is not None
    size = len(body.encode())
    assert MAX_BODY_BYTES - 4 < size <= MAX_BODY_BYTES
    assert set(body) == {character}


def test_body_of_bytes_is_read_as_utf8() -> None:
    assert LLMError("x", body=b"caf\xc3\xa9 \xff").body == "caf\u00e9 \ufffd"


def test_lone_surrogates_become_replacement_characters() -> None:
    error = classify_error({"error": {"message": "a\ud83d b", "code": "c\udc00"}}, body='{"\udfff"}')
    assert (error.message, error.code, error.body) == ("a\ufffd b", "c\ufffd", '{"\ufffd"}')


def test_a_secret_at_the_edge_of_the_cut_is_not_shown_in_part() -> None:
    secret = "abcdefghijklmnopqrstuvwxyz"
    for lead in range(MAX_BODY_BYTES - 30, MAX_BODY_BYTES + 3):
        body = redacted_body("." * lead + secret + "." * 100, [secret])
        assert body is not None
        assert "abcd" not in body
    # Redaction shrinks what comes before, so that the edge of what is read comes into sight.
    long = "x" * 200
    for lead in range(17 << 10, 19 << 10, 7):
        shrunk = redacted_body(long * (lead // 200) + "." * (lead % 200) + secret + "." * 3000, [secret, long])
        assert shrunk is not None
        assert "abcd" not in shrunk


@pytest.mark.parametrize("secret", ["hf_abcdefghijklmnopqrstuvwxyz", "AKIAABCDEFGHIJKLMNOP", "sk-abcdefghijkl"])
def test_what_looks_like_a_secret_at_the_edge_is_not_shown_in_part(secret: str) -> None:
    for edge in (MAX_BODY_BYTES, MAX_BODY_BYTES + (2 << 10)):
        for lead in range(edge - 30, edge + 3):
            body = redacted_body("." * lead + secret + "." * 3000)
            assert body is not None
            assert secret[:8] not in body


@pytest.mark.parametrize(
    "text",
    [
        "x-api-key: \r\ncookie: sid=Zq9Secr3t; a=b\r\nhost: x",
        "Authorization: Bearer abcdefghijk|Cookie: sid=Zq9Secr3t",
        "(Authorization: Bearer abcdefghijk)(Cookie: sid=Zq9Secr3t)",
        "api_key:\nCookie: a=1; sid=Zq9Secr3t",
        "eyJhbGciOiJI-eyJhbGciOiJI.eyJzdWIiOiIx.Zq9Secr3t",
        "\u5bc6\u94a5sk-Zq9Secr3t",
    ],
)
def test_secrets_beside_others_are_found(text: str) -> None:
    assert "Zq9" not in redact(text)


@pytest.mark.parametrize("secret", ["Bearer 0123B56789abcdef", "abcXdef0123456", "x" * 3000 + "y"])
def test_the_longest_beginning_of_a_secret_is_dropped(secret: str) -> None:
    key = secret.rpartition(" ")[2]
    for shown in range(4, len(key), max(1, len(key) // 12)):
        body = redacted_body("." * 9000 + key[:shown], [secret, "key-0123456789", "X" + key])
        assert str(body).rstrip(".") == ""


def test_a_secret_that_was_cut_before_it_was_known_is_not_shown_in_part() -> None:
    """As that of a stream's error: the decoder does not know what was sent."""
    secret = "abcdefghijklmnopqrstuvwxyz"
    for lead in range(MAX_BODY_BYTES - 30, MAX_BODY_BYTES + 3):
        error = decode_error("provider", "x" * (lead % 4096) + secret, body="." * lead + secret + "." * 3000)
        assert "abcd" not in str(redacted_body(error.body, [secret]))
    for lead in range(4096 - 30, 4096):
        error = LLMError("sk-abcdefghijkl " + "." * (lead - 16) + secret)
        assert "abcd" not in redacted_message(error.message, [secret])


def test_a_secret_at_the_end_of_a_long_message_is_not_shown_in_part() -> None:
    for lead in range(4070, 4100):
        payload = {"error": {"message": "." * lead + "qwertzuiopasdfghjklyxcvbnm"}}
        assert "qwer" not in classify_error(payload, secrets=["qwertzuiopasdfghjklyxcvbnm"]).message


# --- redaction ------------------------------------------------------------------------------------

HIDDEN = [
    '{"api_key": "S3CR3T-value"}',
    '{"apiKey":"S3CR3T-value"}',
    '{"x-api-key" : "S3CR3T-value"}',
    '{"authorization": "Basic S3CR3T-value"}',
    '{"client_secret": "with \\"S3CR3T-value\\" inside"}',
    '{"access_token": "S3CR3T-value"}',
    '{"password": "S3CR3T-value',
    "{'session_token': 'S3CR3T-value'}",
    '{"raw": "{\\"api_key\\": \\"S3CR3T-value\\"}"}',
    '{"aws_credentials": "S3CR3T-value"}',
    '{"token": "S3CR3T-value-that-is-long"}',
    "Authorization: Bearer S3CR3T-value",
    "authorization: Basic S3CR3T-value",
    "x-goog-api-key: S3CR3T-value",
    "Cookie: a=b; session=S3CR3T-value; c=d",
    "set-cookie: id=S3CR3T-value; Path=/",
    "GET /v1?key=S3CR3T-value&alt=sse",
    "https://a.example/?x=1&sig=S3CR3T-value",
    "https://a.example/?X-Amz-Signature=S3CR3T-value&x=1",
    "https://a.example/?X-Amz-Security-Token=S3CR3T-value",
    "AWS4-HMAC-SHA256 Credential=S3CR3T-value/20260101/us-east-1",
    "sent Bearer S3CR3T-value.to.them",
    "key sk-S3CR3T-value was wrong",
    "key sk-proj-S3CR3T-value was wrong",
    "key gsk_S3CR3TvalueS3CR3Tvalue",
    "key hf_S3CR3TvalueS3CR3Tvalue",
    "key fw_S3CR3TvalueS3CR3Tvalue",
    "key csk-S3CR3Tvalue",
    "key nvapi-S3CR3T_value-1",
    "key ABSKQmVkcm9ja0FQSUtleS1S3CR3TvalueS3CR3TvalueS3CR3T=",
    "key AIzaS3CR3TvalueS3CR3TvalueS3CR3Tvalue",
    "token ya29.S3CR3TvalueS3CR3Tvalue",
    "eyJhbGciOiJI.eyJTM0NSM1Qi.S3CR3T-value",
    # a key with a dot in it, or what else a credential may have
    "key sk-abcdefghij.S3CR3T-value.",
    "key hf_abcdefghijklmnop+S3CR3T/value==",
    "key AIzaabcdefghijklmnopqrst..~S3CR3T",
    "key sk-abcdefghij%2FS3CR3T%3d",
    "eyJhbGciOiJI.eyJhYmNkZWZn.c2ln.S3CR3T~value",
]

KEPT = [
    '{"max_tokens": 10, "input_tokens": 5}',
    '{"max_tokens": "10"}',
    '{"signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h", "type": "thinking"}',
    '{"code":"invalid_api_key","param":null}',
    '{"token": "Hello", "logprob": -0.5}',
    "Incorrect API key provided. You can find your API key at https://platform.example/account/api-keys.",
    "risk-assessments and task-management-tools and disk-usage-statistics",
    "the bearer of bad news",
    "tokens: 5 of 10",
    "https://a.example/?monkey=banana&alt=sse",
    "the secretary passed the cookies around",
    "AKIA is a prefix",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_secret_is_hidden(text: str) -> None:
    shown = redact(text)
    assert "S3CR3T" not in shown
    assert "[redacted]" in shown


def test_aws_key_id_is_hidden() -> None:
    assert redact("id AKIAIOSFODNN7EXAMPLE.") == "id [redacted]."
    scope = "/20261122/us-east-1/bedrock/aws4_request"  # which is what one looks for
    assert redact(f"of AKIAIOSFODNN7EXAMPLE{scope}") == f"of [redacted]{scope}"


@pytest.mark.parametrize("behind", [".", ". You", "... and", ", which", ": no", '"}', ")", "?x=1", "%20no"])
def test_what_stands_behind_a_key_is_kept(behind: str) -> None:
    assert redact(f"key sk-abcdefghij.abc{behind}") == f"key [redacted]{behind}"


@pytest.mark.parametrize("text", KEPT)
def test_ordinary_text_is_kept(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "echo", ["p+ss/w rd&x", "p%2Bss%2Fw%20rd%26x", "p%2bss%2fw%20rd%26x", "p%2Bss%2Fw+rd%26x", "p%2Bss/w%20rd%26x"]
)
def test_a_sent_secret_is_hidden_however_it_is_encoded(echo: str) -> None:
    assert redact(f"you sent <{echo}>!", ["p+ss/w rd&x"]) == "you sent <[redacted]>!"


def test_the_credential_of_a_sent_header_is_hidden_alone_too() -> None:
    assert redact("got qwertz-1", ["Token qwertz-1"]) == "got [redacted]"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\x1b[31mb\x07\x9b2J\x00\x7f", "a\\x1b[31mb\\x07\\x9b2J\\x00\\x7f"),
        ("over\rwritten", "over\\x0dwritten"),
        ("one\r\ntwo\n\tthree \u00e9", "one\ntwo\n\tthree \u00e9"),
    ],
)
def test_a_message_cannot_steer_a_terminal(said: str, shown: str) -> None:
    error = classify_error({"error": {"message": said}}, status=400)
    assert (error.message, str(error)) == (shown, shown)
    assert LLMError(error.message).message == shown


def test_empty_and_tiny_secrets_hide_nothing() -> None:
    assert redact("abc", ["", "a"]) == "abc"


def test_sent_secrets_go_from_message_code_and_body() -> None:
    payload = {"error": {"message": "unknown key qwertz-1", "code": "no_qwertz-1"}}
    error = classify_error(payload, status=401, body=json.dumps(payload), secrets=["qwertz-1"])
    assert "qwertz" not in f"{error!r} {error.body}"


@given(st.text(alphabet='"\\:{}= api_keytoken-\n', max_size=200))
def test_redaction_is_idempotent_and_total(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        '"' * 60_000,
        "api_key" * 9_000,
        '"api_key"' + " " * 60_000,
        "a-" * 30_000,
        "\\" * 60_000,
        "Bearer " * 9_000,
        "eyJ" * 20_000,
        "secret " + "a=" * 30_000,
        "eyJ-" * 15_000,
        "eyJaaaaaaaa.eyJ-" * 4_000,
        'secret"' + '"a":' * 15_000,
        'secret\\"' + '\\"a\\":' * 10_000,
        "eyJ" + "a" * 30_000,
        "sk-abcdefgh" + "." * 60_000,
        "sk-abcdefgh." * 5_000,
        "sk-abcdefgh.!" * 5_000,
        "sk-abcdefgh" + "./" * 30_000 + "!",
        "eyJaaaaaaaa.eyJaaaaaaaa." + "." * 60_000,
        "eyJaaaaaaaa.eyJaaaaaaaa.." * 2_000,
    ],
)
@pytest.mark.timeout(20)  # each takes hundredths of a second, forty in a row a minute if the square of the length
def test_redaction_is_linear(text: str) -> None:
    for _ in range(40):
        redacted = redacted_body(text)
    assert redacted is not None
    assert len(redacted) <= MAX_BODY_BYTES


# --- errors of a decoder --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("incomplete", "IncompleteStreamError"),
        ("invalid-output", "InvalidProviderOutputError"),
        ("limit-exceeded", "LimitExceededError"),
        ("checksum", "ChecksumError"),
    ],
)
def test_decode_error_names_what_is_wrong_with_the_bytes(kind: Any, name: str) -> None:
    error = decode_error(kind, "no terminal", body="data: x" + "y" * 20_000, provider="p")
    assert type(error).__name__ == name
    assert (error.message, error.provider) == ("no terminal", "p")
    assert error.body is not None
    assert len(error.body) == MAX_BODY_BYTES


def test_decode_error_of_a_provider_is_the_classified_one() -> None:
    payload = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    error = decode_error("provider", "the provider reported an error", payload=payload, name="error", body="{}")
    assert error_key(error) == error_key(classify_error(payload, body="{}"))
    assert (type(error).__name__, error.message, error.code) == ("OverloadedError", "Overloaded", "overloaded_error")


def test_decode_error_keeps_its_message_where_the_payload_has_none() -> None:
    assert decode_error("provider", "the provider reported an error", payload={"error": {}}).message == (
        "the provider reported an error"
    )


def test_incomplete_stream_may_be_tried_again() -> None:
    assert decode_error("incomplete", "cut").retryable
    assert IncompleteStreamError("cut", retryable=False).retryable is False


# --- any JSON -------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        "error",
        "message",
        "type",
        "code",
        "status",
        "detail",
        "details",
        "metadata",
        "raw",
        "base_resp",
        "status_code",
        "status_msg",
        "errors",
        "response",
        "retryDelay",
        "retry_after",
        "resets_at",
        "@type",
        "reason",
        "throttlingException",
        "originalStatusCode",
        "request_id",
        "quotaId",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text()
    | st.text(alphabet=st.characters(categories=["Cs"]), max_size=3)
    | st.sampled_from(["429", "error", "rate_limit_error", '{"error": {"code": 429}}', "34.4s", "2026-01-01T00:00:00Z"])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5))


@settings(max_examples=500)
@given(JSON, st.none() | st.integers(0, 999), st.text(max_size=20), st.dictionaries(st.text(max_size=20), st.text()))
def test_any_json_makes_an_error_and_always_the_same(
    payload: object, status: int | None, name: str, headers: dict[str, str]
) -> None:
    error = classify_error(payload, status=status, name=name, headers=headers)
    again = classify_error(payload, status=status, name=name, headers=headers)
    assert error_key(error) == error_key(again)
    assert error.message
    assert error.message.encode()  # valid Unicode
    assert type(error) in CLASSES


@pytest.mark.timeout(20)
def test_deep_and_huge_payloads_cost_little() -> None:
    deep: Any = {"message": "bottom"}
    for _ in range(100_000):
        deep = {"error": deep}
    wide = {"error": {"message": "x" * 5_000_000, "details": [{"errors": [{}] * 100_000}] * 100_000}}
    for payload in (deep, wide, {"detail": "rate " * 1_000_000}):
        assert len(classify_error(payload).message) <= 8192
    assert classify_error(None, body="[" * 500_000).message
    while "error" in deep:  # taken apart by hand: freeing it as a whole would recurse
        deep = deep.pop("error")
