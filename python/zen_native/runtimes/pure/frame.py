"""A frame: what every framing yields and every protocol takes, and the limits all framings keep.

Owns no parsing. Twin of `rust/core/src/frame.rs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zen_native.errors import LLMError, decode_error

__all__ = ["Frame", "FrameKind", "Limits", "too_large"]

FrameKind = Literal["event", "exception", "error", "document"]
"""`event`: ordinary. `exception` and `error`: EventStream message types. `document`: a whole body that is no stream."""


class Frame:
    """One frame: its kind, its name ("" when it has none) and its payload text (invalid UTF-8 became U+FFFD)."""

    __slots__ = ("data", "kind", "name")

    def __init__(self, kind: FrameKind, name: str, data: str) -> None:
        self.kind: FrameKind = kind
        self.name = name
        self.data = data


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings on what a peer may make us hold, in bytes; `None` is unlimited."""

    max_event_bytes: int = 16 << 20
    max_frame_bytes: int = 16 << 20
    max_header_bytes: int = 128 << 10
    max_response_bytes: int | None = None


def too_large(what: str, name: str, limit: int) -> LLMError:
    """More of `what` than the limit of that name allows."""
    return decode_error("limit-exceeded", f"{what} is larger than {limit} bytes ({name})")
