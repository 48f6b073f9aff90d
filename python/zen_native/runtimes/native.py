"""The native runtime: loads the extension, or knows why it cannot.

Owns the reason, as text that a user can act on. Owns no decoding.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zen_native.runtimes import RuntimeDecoder
    from zen_native.runtimes.pure.options import Options

__all__ = ["CAUSE", "VERSION", "demand", "moves", "new_decoder", "refused_content", "served"]


_NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


def _load() -> tuple[str | None, Any]:
    try:
        from zen_native import _core
    except ImportError as error:
        # Also what PyO3 raises in a sub-interpreter.
        return f"the extension does not load: {error}", None
    return None, _core


CAUSE, _core = _load()
"""Why the extension is not there, None where it is."""
VERSION: str | None = getattr(_core, "__version__", None)


def demand() -> None:
    """Raises `ImportError` with the reason where the extension is not there."""
    if CAUSE is not None:
        raise ImportError(f"the native runtime was asked for, but {CAUSE}", name="zen_native._core")


def served() -> tuple[frozenset[str], frozenset[str]]:
    """The protocols and framings that the extension has; none where it is not there."""
    return _NOTHING if CAUSE is not None else _names()


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    protocols, framings = _core.names()
    return frozenset(protocols), frozenset(framings)


def refused_content() -> frozenset[str]:
    """The kinds of content that this build of the extension says it does not carry; it need not say anything."""
    return getattr(_core, "refused_content", frozenset())


def moves() -> bool:
    """Whether the extension reads HTTP, too."""
    return CAUSE is None and hasattr(_core, "Wire")


def new_decoder(protocol: str, framing: str, options: Options) -> RuntimeDecoder:
    """A native decoder; `demand` was called before."""
    limits = options.limits
    decoder: RuntimeDecoder = _core.Decoder(
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
    return decoder
