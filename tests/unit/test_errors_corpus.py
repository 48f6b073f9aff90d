"""Every recorded error answer is the class that a reader of it says. The table is reviewed by hand, not generated."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.kit.corpus import Exchange, load, needed, params

from zen_native import errors
from zen_native.errors import classify_error

EXPECTED: Mapping[str, tuple[str, ...]] = {
    "AuthenticationError": (
        "anthropic-messages.dd-trace-py.44d8474eea",
        "anthropic-messages.dd-trace-py.7d088d5b11",
        "bedrock-converse.dd-trace-py.9a5f226667",
        "google-generate-content.chia.03d4722b05",
        "openai-chat.dd-trace-py.29ace43e0d",
        "openai-chat.dd-trace-py.8c2c4fabec",
        "openai-chat.langsmith.bd53fdcee8",
        "openai-chat.openinference.19b86cdcee",
        "openai-chat.openinference.8e9bb97088",
        "openai-responses.dd-trace-py.8c2e37d66b",
        "other.dd-trace-py.8c2c4fabec",
    ),
    "ContextOverflowError": ("openai-chat.chia.9e3c636cde",),
    "InvalidRequestError": (
        "anthropic-messages.langsmith.91eca1568e",
        "anthropic-messages.pydantic-ai.def85257a9",
        "bedrock-converse.otel-contrib.d05aec4e7c",
        "bedrock-converse.pydantic-ai.65827f433a",
        "bedrock-converse.pydantic-ai.aaf474da0a",
        "google-generate-content.chia.1a14debda1",
        "google-generate-content.chia.aa7be48b08",
        "google-generate-content.otel-contrib.27e0e9524a",
        "google-generate-content.otel-contrib.89b0cf90f2",
        "google-generate-content.otel-contrib.ef16a5c1fd",
        "google-generate-content.pydantic-ai.535f69c14e",
        "openai-chat.chia.e4b26998c2",
        "openai-chat.openllmetry.0e3d455636",
        "openai-chat.openllmetry.510efcec7f",
        "openai-chat.openllmetry.d0d0ec6ad6",
        "openai-chat.pydantic-ai.10add580af",
        "openai-chat.pydantic-ai.41ab29b8a3",
        "openai-chat.pydantic-ai.8007196045",
        "openai-chat.pydantic-ai.874a82f192",
        "openai-chat.pydantic-ai.8f83ddac22",
        "openai-chat.pydantic-ai.9127847a0d",
        "openai-chat.pydantic-ai.97f9429c94",
        "openai-chat.pydantic-ai.c1a0ba1ec8",
        "openai-responses.otel-contrib.abee77fcd2",
        "openai-responses.pydantic-ai.598204b955",
        "openai-responses.pydantic-ai.9b98212135",
        "openai-responses.pydantic-ai.9e29a45a44",
        "openai-responses.pydantic-ai.a203349b2a",
        "openai-responses.pydantic-ai.c2b8fe8e40",
        "openai-responses.pydantic-ai.eeec0aee85",
        "openai-responses.pydantic-ai.fe7047ab1f",
        "openai-responses.vercel-ai.c84952e837",
        "openai-responses.vercel-ai.da5bdf5665",
        "other.dd-trace-py.493819241b",
        "other.langsmith.c442f86524",
        "other.openinference.fe58d937ef",
        "other.openllmetry.1fdbb0f103",
        "other.openllmetry.f30187b818",
        "other.otel-contrib.d05aec4e7c",
    ),
    "PermissionDeniedError": ("bedrock-converse.chia.61b55a3f8c",),
    "QuotaExceededError": ("openai-chat.chia.2dbe46ea1c",),
    "RateLimitError": ("bedrock-converse.chia.508769f294", "google-generate-content.vercel-ai.772251af15"),
    "ServerError": ("bedrock-converse.chia.b0cc621098", "google-generate-content.chia.aad9d7761b"),
    "WrongEndpointError": ("other.langsmith.af891d9f73",),
}

CLASSES = {exchange: name for name, ids in EXPECTED.items() for exchange in ids}

# These say a message and nothing else.
WITHOUT_CODE = {
    "bedrock-converse.pydantic-ai.65827f433a",
    "bedrock-converse.pydantic-ai.aaf474da0a",
    "other.openinference.fe58d937ef",
    "other.openllmetry.1fdbb0f103",
    "other.openllmetry.f30187b818",
}


@pytest.mark.parametrize("exchange", params("errors"))
def test_recorded_error_has_its_class(exchange: Exchange) -> None:
    error = classify_error(
        None, status=exchange.status, headers=exchange.headers, body=exchange.body, provider=exchange.provider
    )
    assert type(error) is getattr(errors, CLASSES[exchange.id])
    assert error.status == exchange.status
    assert error.message
    assert error.body
    assert error.code is not None or exchange.id in WITHOUT_CODE


@needed
def test_table_and_corpus_hold_the_same_files() -> None:
    assert {exchange.id for exchange in load("errors")} == set(CLASSES)
