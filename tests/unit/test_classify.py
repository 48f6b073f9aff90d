"""What the classifier makes of the shapes that providers send. One row is one thing that was sent somewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zen_native.errors import LLMError, classify_error


def openai(message: str = "", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def anthropic(kind: str, message: str = "") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def google(status: str, code: int, message: str = "", *details: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


def said(error: LLMError) -> str:
    return type(error).__name__


ROWS: list[tuple[str, int | None, Any, str]] = [
    # (what, HTTP status or None in a stream, payload, class)
    ("openai quota", 429, openai("You exceeded your current quota", type="insufficient_quota"), "QuotaExceededError"),
    ("openai rate", 429, openai("Rate limit reached", type="tokens", code="rate_limit_exceeded"), "RateLimitError"),
    ("openai context", 400, openai("too long", code="context_length_exceeded"), "ContextOverflowError"),
    (
        "openai invalid key",
        401,
        openai("no", type="invalid_request_error", code="invalid_api_key"),
        "AuthenticationError",
    ),
    ("openai server", None, openai("oops", type="server_error"), "ServerError"),
    (
        "openai chat model",
        404,
        openai("This is not a chat model and thus not supported in the v1/chat/completions endpoint."),
        "WrongEndpointError",
    ),
    (
        "openai responses only",
        404,
        openai("This model is only supported in v1/responses and not in v1/chat/completions."),
        "WrongEndpointError",
    ),
    (
        "azure filter",
        400,
        openai("filtered", code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}),
        "ContentPolicyError",
    ),
    ("anthropic overloaded", 529, anthropic("overloaded_error", "Overloaded"), "OverloadedError"),
    ("anthropic overloaded in stream", None, anthropic("overloaded_error"), "OverloadedError"),
    ("anthropic api error", None, anthropic("api_error", "Internal"), "ServerError"),
    ("anthropic rate", 429, anthropic("rate_limit_error"), "RateLimitError"),
    ("anthropic billing", 400, anthropic("billing_error"), "QuotaExceededError"),
    (
        "anthropic balance",
        400,
        anthropic("invalid_request_error", "Your credit balance is too low to access the API."),
        "QuotaExceededError",
    ),
    (
        "anthropic prompt",
        400,
        anthropic("invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
        "ContextOverflowError",
    ),
    (
        "anthropic limit",
        400,
        anthropic(
            "invalid_request_error", "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"
        ),
        "ContextOverflowError",
    ),
    ("anthropic size", 413, anthropic("request_too_large", "Request exceeds the maximum size"), "PayloadTooLargeError"),
    ("anthropic permission", 403, anthropic("permission_error"), "PermissionDeniedError"),
    (
        "google key",
        400,
        google("INVALID_ARGUMENT", 400, "API key not valid.", {"reason": "API_KEY_INVALID"}),
        "AuthenticationError",
    ),
    (
        "google exhausted",
        429,
        google("RESOURCE_EXHAUSTED", 429, "Resource has been exhausted (e.g. check quota)."),
        "RateLimitError",
    ),
    ("google exhausted in stream", None, google("RESOURCE_EXHAUSTED", 429), "RateLimitError"),
    (
        "google day",
        429,
        google("RESOURCE_EXHAUSTED", 429, "quota", {"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}),
        "QuotaExceededError",
    ),
    (
        "google minute wording",
        429,
        google("RESOURCE_EXHAUSTED", 429, "Quota exceeded for metric 'x' and limit 'requests per minute'"),
        "RateLimitError",
    ),
    ("google unavailable", 503, google("UNAVAILABLE", 503, "The service is currently unavailable."), "ServerError"),
    ("google overloaded in stream", None, google("UNAVAILABLE", 503, "The model is overloaded."), "OverloadedError"),
    ("google overloaded", 503, google("UNAVAILABLE", 503, "The model is overloaded."), "OverloadedError"),
    (
        "google tokens",
        400,
        google("INVALID_ARGUMENT", 400, "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        "ContextOverflowError",
    ),
    ("google permission", 403, google("PERMISSION_DENIED", 403), "PermissionDeniedError"),
    ("openrouter credits", 402, openai("Payment required", code=402), "QuotaExceededError"),
    (
        "openrouter upstream",
        400,
        openai("Provider returned error", code=429, metadata={"raw": "slow down", "provider_name": "X"}),
        "RateLimitError",
    ),
    (
        "openrouter raw json",
        None,
        openai("Provider returned error", code=502, metadata={"raw": json.dumps(anthropic("overloaded_error"))}),
        "OverloadedError",
    ),
    ("rate behind 400", 400, openai("Rate limit exceeded, try later", type="invalid_request_error"), "RateLimitError"),
    ("numeric text", None, openai("no", code="429"), "RateLimitError"),
    ("numeric float", None, openai("no", code=503.0), "ServerError"),
    (
        "groq in stream",
        None,
        openai("no tool", type="invalid_request_error", code="tool_use_failed", status_code=400),
        "InvalidRequestError",
    ),
    ("ollama", 404, {"error": "model 'x' not found"}, "InvalidRequestError"),
    ("chatgpt detail", 401, {"detail": "Unauthorized"}, "AuthenticationError"),
    (
        "chatgpt usage",
        429,
        openai("The usage limit has been reached", type="usage_limit_reached", resets_in_seconds=90),
        "QuotaExceededError",
    ),
    (
        "detail list",
        422,
        {"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]},
        "InvalidRequestError",
    ),
    ("cohere", 429, {"message": "trial key limit"}, "RateLimitError"),
    ("minimax rate", 200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, "RateLimitError"),
    (
        "minimax balance",
        200,
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        "QuotaExceededError",
    ),
    ("minimax key", 200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "AuthenticationError"),
    ("deepseek", 402, openai("Insufficient Balance", code="invalid_request_error"), "QuotaExceededError"),
    (
        "zen format",
        401,
        anthropic("ModelError", "Model gpt-x is not supported for format oa-compat"),
        "WrongEndpointError",
    ),
    ("zen credits", 401, anthropic("CreditsError", "Insufficient balance"), "QuotaExceededError"),
    ("zen monthly", 401, anthropic("MonthlyLimitError", "x"), "QuotaExceededError"),
    ("zen key", 401, anthropic("AuthError", "Invalid API key."), "AuthenticationError"),
    ("zen unknown model", 401, anthropic("ModelError", "Model x is not supported"), "AuthenticationError"),
    ("zen region", 403, anthropic("RegionError"), "PermissionDeniedError"),
    ("zen go", 429, anthropic("GoUsageLimitError", "Weekly limit reached"), "QuotaExceededError"),
    (
        "far reset",
        429,
        anthropic("RateLimitError", "Monthly usage limit reached. Resets in 16 days."),
        "QuotaExceededError",
    ),
    ("far reset without code", 429, {"message": "It resets in 16 days"}, "QuotaExceededError"),
    ("near reset", 429, {"message": "It resets in 16 seconds"}, "RateLimitError"),
    (
        "responses failed",
        None,
        {
            "type": "response.failed",
            "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}},
        },
        "RateLimitError",
    ),
    (
        "responses error",
        None,
        {"type": "error", "code": "server_error", "message": "oops", "param": None},
        "ServerError",
    ),
    (
        "responses unknown",
        None,
        {"type": "response.failed", "response": {"status": "failed", "error": {"code": "new_thing"}}},
        "UnknownProviderError",
    ),
    ("policy", 400, openai("Your request was rejected as a result of our safety system."), "ContentPolicyError"),
    ("policy usage", 403, openai("This prompt may violate our usage policy."), "ContentPolicyError"),
    ("content too long", 413, "too big", "PayloadTooLargeError"),
    ("conflict", 409, {}, "ServerError"),
    ("timeout", 408, None, "ServerError"),
    ("gateway", 502, None, "ServerError"),
    ("teapot", 418, {"message": "no coffee"}, "UnknownProviderError"),
    ("nothing", None, None, "UnknownProviderError"),
    ("number", None, 7, "UnknownProviderError"),
    ("sure status", 401, openai("x", code=500), "AuthenticationError"),
    ("hidden status", 500, openai("x", code=400), "InvalidRequestError"),
    # words that only look like the others
    ("explanation", 400, openai("The explanation field is missing; see the planet example"), "InvalidRequestError"),
    ("accredited", 400, openai("accredited models only accept credited authors"), "InvalidRequestError"),
    (
        "safety alone",
        400,
        openai("Unknown field safety_settings; safety is configured elsewhere"),
        "InvalidRequestError",
    ),
    ("policy alone", 400, openai("Invalid value for cache policy"), "InvalidRequestError"),
    ("credit in a 500", 500, openai("failed to read the credit balance"), "ServerError"),
    ("quota in a 404", 404, openai("no such quota exceeded handler"), "InvalidRequestError"),
    ("limit", 400, openai("max_tokens is above the limit of 4096"), "InvalidRequestError"),
    ("context", 400, openai("context must be an object"), "InvalidRequestError"),
    ("accurate limit", 400, openai("accurate limits are required"), "InvalidRequestError"),
    ("unoverloaded", 400, openai("method is overloaded in the schema"), "InvalidRequestError"),
    ("format", 400, openai("audio is not supported for formatting"), "InvalidRequestError"),
    ("throttle word", 500, openai("throttling layer crashed"), "ServerError"),
    ("too many tokens of a minute", 429, openai("context length exceeded for tokens per minute"), "RateLimitError"),
]


@pytest.mark.parametrize(("status", "payload", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_class(status: int | None, payload: Any, expected: str) -> None:
    assert said(classify_error(payload, status=status)) == expected


EXCEPTIONS = [
    ("throttlingException", "RateLimitError"),
    ("ThrottlingException", "RateLimitError"),
    ("ValidationException:http://internal.example/coral/", "InvalidRequestError"),
    ("com.amazon.coral.service#AccessDeniedException", "PermissionDeniedError"),
    ("internalServerException", "ServerError"),
    ("serviceUnavailableException", "ServerError"),
    ("modelStreamErrorException", "ServerError"),
    ("ModelTimeoutException", "ServerError"),
    ("ModelNotReadyException", "ServerError"),
    ("ModelErrorException", "ServerError"),
    ("ServiceQuotaExceededException", "QuotaExceededError"),
    ("ResourceNotFoundException", "InvalidRequestError"),
    ("UnrecognizedClientException", "AuthenticationError"),
    ("ExpiredTokenException", "AuthenticationError"),
    ("tomorrowsException", "UnknownProviderError"),
]


@pytest.mark.parametrize(("name", "expected"), EXCEPTIONS)
def test_bedrock_exception_by_frame_name_header_key_and_type(name: str, expected: str) -> None:
    plain = name.rpartition("#")[2].partition(":")[0]
    payload = {"message": "something"}
    for error in (
        classify_error(payload, name=name),
        classify_error(payload, headers={"x-amzn-ErrorType": name}),
        classify_error({"__type": name, **payload}),
        classify_error({plain: payload}),
    ):
        assert (said(error), error.message, error.code) == (expected, "something", plain)


def test_bedrock_too_long_input_is_an_overflow() -> None:
    error = classify_error(
        {"message": "Input is too long for requested model."}, status=400, name="validationException"
    )
    assert said(error) == "ContextOverflowError"


@pytest.mark.parametrize(
    ("status", "expected"), [(400, "InvalidRequestError"), (429, "RateLimitError"), (500, "ServerError")]
)
def test_model_stream_error_is_what_the_model_said(status: int, expected: str) -> None:
    payload = {"message": "The model failed", "originalStatusCode": status, "originalMessage": "bad thing"}
    error = classify_error(payload, name="ModelStreamErrorException")
    assert (said(error), error.message, error.status) == (expected, "bad thing", status)


def test_an_event_name_is_no_code() -> None:
    assert classify_error({"error": {"message": "x"}}, name="response.created").code is None
    assert classify_error({"error": {"message": "x"}}, name="error").code is None
