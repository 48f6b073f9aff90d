"""Secrets stay out of texts: what looks like one, what was sent as one, and what is left of one where a text is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zen_native._redact import MAX_BODY_BYTES, redact, redacted_body, redacted_message
from zen_native.errors import LLMError, classify_error, decode_error

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
        "sk-abcdefgh" + "\\" * 60_000,
        "sk-abcdefgh" + "%25" * 20_000,
        "sk-abcdefgh" + "&amp;" * 12_000,
        "sk-abcdefgh\\/" * 4_000,
        "sk-abcdefgh" + ".\\" * 30_000,
        '\\"api_key\\": \\"' + "\\" * 60_000,
        "secret=" + "&#0" * 20_000,
    ],
)
@pytest.mark.timeout(20)  # each takes hundredths of a second, forty in a row a minute if the square of the length
def test_redaction_is_linear(text: str) -> None:
    for _ in range(40):
        redacted = redacted_body(text)
    assert redacted is not None
    assert len(redacted) <= MAX_BODY_BYTES


# --- where a text is cut -----------------------------------------------------------------------------


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
