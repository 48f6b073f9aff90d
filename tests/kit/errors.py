"""Errors as values that compare, and one of every class with a value in every field."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

from zen_native import errors
from zen_native.errors import LLMError, RateLimitError, StreamTimeoutError
from zen_native.events import TextDelta, TextStart
from zen_native.response import fold

__all__ = ["CLASSES", "error_key", "full"]

CLASSES: list[type[LLMError]] = [
    cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, LLMError)
]


def error_key(error: LLMError) -> tuple[object, ...]:
    """The class and every field of an error, for comparing two of them."""
    return (type(error), *((name, getattr(error, name)) for name in error.FIELDS))


def full(cls: type[LLMError]) -> LLMError:
    """An error with a value in every field."""
    fields: dict[str, Any] = {
        "provider": "openai",
        "model": "m",
        "status": 418,
        "code": "teapot",
        "request_id": "req_1",
        "retryable": True,
        "retry_after": 1.5,
        "body": '{"error": "\u00e9"}',
        "partial": fold([TextStart("0"), TextDelta("0", "hi")]),
    }
    if cls is RateLimitError:
        fields["reset_time"] = datetime(2026, 1, 2, tzinfo=UTC)
    if issubclass(cls, StreamTimeoutError):
        fields["phase"] = "idle"
    error = cls("short and stout", **fields)
    assert all(getattr(error, name) is not None for name in error.FIELDS)
    return error
