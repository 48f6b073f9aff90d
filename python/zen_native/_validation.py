"""What is wrong with a value, for the model that wrote it. Owns the wording: where and why, without the values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["listed"]

_MAX = 8


def listed(error: ValidationError) -> str:
    """The first few of what is wrong, in one line."""
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in wrong[:_MAX]]
    return "; ".join(shown) + (f"; and {len(wrong) - _MAX} more" if len(wrong) > _MAX else "")
