"""What a caller may set on a decoder, already validated.

Owns no default that a user sees: those stand at `zen_native.Decoder`. Twin of `rust/core/src/options.rs`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zen_native.runtimes.pure.frame import Limits

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """See `zen_native.Decoder` for the meaning of each."""

    provider: str
    limits: Limits = field(default_factory=Limits)
    think_tags: tuple[str, ...] = ()
    trailing_cost: bool = False
    require_finish_reason: bool = False
    raw_events: bool = False
