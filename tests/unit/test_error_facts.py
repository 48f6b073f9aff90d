"""What is read of an error beside its class: waiting times, ids, message, code, status."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tests.unit.test_classify import anthropic, google, openai

from zen_native.errors import RateLimitError, classify_error

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LATER = format_datetime(NOW.replace(minute=2), usegmt=True)
DATE = format_datetime(NOW, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": LATER, "date": DATE}, 120.0),
        ({"retry-after": DATE, "date": LATER}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1" * 500}, None),
        ({"retry-after-ms": "x", "retry-after": "3"}, 3.0),
        ({}, None),
    ],
)
def test_retry_after_of_headers(headers: dict[str, str], expected: float | None) -> None:
    assert classify_error({}, status=429, headers=headers).retry_after == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (google("RESOURCE_EXHAUSTED", 429, "", {"@type": "x/google.rpc.RetryInfo", "retryDelay": "34.4s"}), 34.4),
        (google("RESOURCE_EXHAUSTED", 429, "", {"retryDelay": {"seconds": "3", "nanos": 500_000_000}}), 3.5),
        (openai(metadata={"retry_after_seconds": 12}), 12.0),
        ({"retry_after": "8"}, 8.0),
        (openai(retry_after=True), None),
        (openai(retry_after=[1]), None),
        (openai(retry_after=10**400), None),
    ],
)
def test_retry_after_of_payloads(payload: Any, expected: float | None) -> None:
    assert classify_error(payload, status=429).retry_after == expected


def test_header_wins_over_payload() -> None:
    assert classify_error({"retry_after": 8}, status=429, headers={"retry-after": "2"}).retry_after == 2


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({"x-ratelimit-reset": "1772366400000"}, {}),
        ({"x-ratelimit-reset": "1772366400"}, {}),
        ({"anthropic-ratelimit-unified-reset": "2026-03-01T12:00:00Z"}, {}),
        ({}, openai(resets_at=1772366400)),
    ],
)
def test_reset_time(headers: dict[str, str], payload: Any) -> None:
    error = classify_error(payload, status=429, headers=headers)
    assert isinstance(error, RateLimitError)
    assert error.reset_time == NOW


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0.5s"}, 360.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "1h2m"}, 3720),
        ({"x-ratelimit-remaining-tokens-minute": "0", "x-ratelimit-reset-tokens-minute": "11.5"}, 11.5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30),
        ({"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-03-01T12:00:40Z"}, 40),
        (
            {
                "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2s",
                "x-ratelimit-remaining-images": "3", "x-ratelimit-reset-images": "9s",
            },
            2,
        ),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m"}, None),
        ({"x-ratelimit-reset-requests": "6m"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9" * 400 + "h"}, None),
    ],
)  # fmt: skip
def test_the_limit_that_is_used_up_says_when_it_opens_again(headers: dict[str, str], seconds: float | None) -> None:
    error = classify_error({}, status=429, headers={"date": DATE, **headers})
    assert isinstance(error, RateLimitError)
    assert error.reset_time == (None if seconds is None else NOW + timedelta(seconds=seconds))
    assert error.retry_after is None


@pytest.mark.parametrize("value", ["30", "", "tomorrow", "9" * 30, "2026-03-01T12:00:00"])
def test_reset_time_that_is_no_point_in_time(value: str) -> None:
    error = classify_error({}, status=429, headers={"x-ratelimit-reset": value})
    assert isinstance(error, RateLimitError)
    assert error.reset_time is None


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("FALSE", False), ("maybe", True), ("", True)])
def test_should_retry_header_overrides(value: str, expected: bool) -> None:
    assert classify_error({}, status=500, headers={"X-Should-Retry": value}).retryable is expected


def test_should_retry_header_can_allow() -> None:
    assert classify_error({}, status=400, headers={"x-should-retry": "true"}).retryable is True


@pytest.mark.parametrize("header", ["x-request-id", "Request-Id", "x-amzn-requestid", "apim-request-id", "cf-ray"])
def test_request_id_of_headers(header: str) -> None:
    assert classify_error({"request_id": "in body"}, status=500, headers={header: "r1"}).request_id == "r1"


def test_request_id_of_payload() -> None:
    assert classify_error({**anthropic("api_error"), "request_id": "r1"}).request_id == "r1"


@pytest.mark.parametrize(
    ("payload", "message", "code"),
    [
        (openai("m", type="t", code="c"), "m", "c"),
        (openai("m", type="t", code=None), "m", "t"),
        (openai("m", code=400), "m", "400"),
        (anthropic("t", "m"), "m", "t"),
        (google("NOT_FOUND", 404, "m"), "m", "NOT_FOUND"),
        ({"error": "m"}, "m", None),
        ({"message": "m"}, "m", None),
        ({"detail": "m"}, "m", None),
        ({"detail": ["m", "n"]}, "m: n", None),
        ({"base_resp": {"status_code": 1004, "status_msg": "m"}}, "m", "1004"),
        (openai("outer", metadata={"raw": "inner"}), "outer: inner", None),
        (openai("outer", metadata={"raw": json.dumps(openai("inner", code="c"))}), "outer: inner", "c"),
        (openai("same", metadata={"raw": "same"}), "same", None),
        ({"error": {"error": {"message": "m", "type": "t"}}}, "m", "t"),
        ("m", "m", None),
        (openai(code="c"), "the provider answered c without a message", "c"),
        ({}, "the provider answered error without a message", None),
    ],
)
def test_message_and_code(payload: Any, message: str, code: str | None) -> None:
    error = classify_error(payload)
    assert (error.message, error.code) == (message, code)


def test_status_of_a_stream_that_began_well_is_the_payloads() -> None:
    assert classify_error(openai("x", code=429), status=200).status == 429
    assert classify_error(openai("x"), status=200).status is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": {"message": "m"}}', "m"),
        (b'\xef\xbb\xbf {"error": {"message": "m"}}', "m"),
        ('{"error": {"message": "m"}}event: ping\ndata: {"type": "ping", "cost": "0"}\n\n', "m"),
        ('"m"', "m"),
        ("upstream connect error\nreset", "upstream connect error"),
        ("<html><body>502</body></html>", "the provider answered HTTP 502 without a message"),
        ('{"error": {"message": "cut', "the provider answered HTTP 502 without a message"),
        ("", "the provider answered HTTP 502 without a message"),
    ],
)
def test_body_is_read_where_no_payload_is_given(body: str | bytes, message: str) -> None:
    assert classify_error(None, status=502, body=body).message == message


def test_names_of_the_caller_are_kept() -> None:
    error = classify_error({}, status=500, provider="p", model="m", message="said elsewhere")
    assert (error.provider, error.model, error.message) == ("p", "m", "said elsewhere")
