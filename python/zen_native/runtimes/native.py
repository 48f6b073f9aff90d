"""The native runtime: loads the extension, or knows why it cannot.

Owns the reason, as text that a user can act on. Owns no decoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zen_native.runtimes import RuntimeDecoder
    from zen_native.runtimes.pure.options import Options

__all__ = ["CAUSE", "VERSION", "demand", "moves", "new_decoder", "served"]


def _load() -> tuple[str | None, str | None]:
    try:
        from zen_native import _core
    except ImportError as error:
        # Also what PyO3 raises in a sub-interpreter.
        return f"the extension does not load: {error}", None
    return None, _core.__version__


CAUSE, VERSION = _load()
"""Why the extension is not there, None where it is; and its version."""


def demand() -> None:
    """Raises `ImportError` with the reason where the extension is not there."""
    if CAUSE is not None:
        raise ImportError(f"the native runtime was asked for, but {CAUSE}", name="zen_native._core")


def served() -> tuple[frozenset[str], frozenset[str]]:
    """The protocols and framings that the extension has; none where it is not there."""
    if CAUSE is not None:
        return frozenset(), frozenset()
    from zen_native import _core

    protocols, framings = _core.names()
    return frozenset(protocols), frozenset(framings)


def moves() -> bool:
    """Whether the extension reads HTTP, too."""
    if CAUSE is not None:
        return False
    from zen_native import _core

    return hasattr(_core, "Wire")


def new_decoder(protocol: str, framing: str, options: Options) -> RuntimeDecoder:
    """A native decoder; `demand` was called before."""
    from zen_native import _core

    limits = options.limits
    return _core.Decoder(
        protocol,
        framing,
        provider=options.provider,
        max_event_bytes=limits.max_event_bytes,
        max_frame_bytes=limits.max_frame_bytes,
        max_header_bytes=limits.max_header_bytes,
        max_response_bytes=limits.max_response_bytes,
        think_tags=list(options.think_tags),
        trailing_cost=options.trailing_cost,
        require_finish_reason=options.require_finish_reason,
        raw_events=options.raw_events,
    )
