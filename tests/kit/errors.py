"""Errors as values that compare."""

from __future__ import annotations

from zen_native.errors import LLMError

__all__ = ["error_key"]


def error_key(error: LLMError) -> tuple[object, ...]:
    """The class and every field of an error, for comparing two of them."""
    return (type(error), *((name, getattr(error, name)) for name in error.FIELDS))
