"""Failures of decoding, each made in one line where it happens.

Owns the wording that both runtimes share; the classes and the classifier are `zen_native.errors`.
Twin of `rust/core/src/error.rs`.
"""

from __future__ import annotations

from typing import Any

from zen_native.errors import LLMError, decode_error
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import Value, as_count

__all__ = ["incomplete", "invalid_output", "is_error", "limit_exceeded", "provider_error"]


def provider_error(payload: Any, frame: Frame) -> LLMError:
    """The provider said that the request failed; `payload` holds its error object."""
    return decode_error("provider", "the provider reported an error", body=frame.data, payload=payload, name=frame.name)


def incomplete(message: str) -> LLMError:
    """The body ended before the protocol's terminal."""
    return decode_error("incomplete", message)


def invalid_output(message: str, body: str) -> LLMError:
    """The bytes are not what the protocol allows; `body` is the frame's text."""
    return decode_error("invalid-output", message, body=body)


def limit_exceeded(message: str) -> LLMError:
    """A configured limit was passed."""
    return decode_error("limit-exceeded", message)


def is_error(value: Value) -> bool:
    """Whether a JSON value says by itself that the request failed, in any of the shapes that providers use."""
    if isinstance(value, list):
        return bool(value) and is_error(value[0])
    if not isinstance(value, dict):
        return False
    said: Value = value.get("error")
    if isinstance(said, dict) or (isinstance(said, (str, list)) and said):
        return True
    if value.get("type") == "error":
        return True
    base: Value = value.get("base_resp")  # MiniMax
    if isinstance(base, dict) and as_count(base.get("status_code")) not in (None, 0):
        return True
    return len(value) == 1 and bool({"detail", "message", "Message"} & value.keys())  # ChatGPT; Bedrock, Cohere
