"""The error classes: fields, pickling, the body. What the classifier decides is in test_classify, what is hidden of a
text in test_redact."""

from __future__ import annotations

import copy
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
from zen_native._redact import MAX_BODY_BYTES
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
