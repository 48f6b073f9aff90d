"""The demo's recorded answers: written for it by hand in the providers' published formats, nobody's traffic.

Owns where they are and their order.
"""

from __future__ import annotations

from importlib.resources import files

from zen_native._cli.exchange import Exchange, parse_exchange

__all__ = ["load_recordings"]

_ORDER = (
    "messages-thinking-tool",
    "responses-search-citation-tool",
    "chat-parallel-tools",
    "chat-zen-trailing-cost",
    "google-thought-function-call",
    "google-json-array",
    "converse-reasoning-parallel-tools",
    "invoke-text",
)


def load_recordings() -> list[Exchange]:
    """All of them, in the order of the demo."""
    return [_load(name) for name in _ORDER]


def _load(name: str) -> Exchange:
    exchange = parse_exchange(files(__name__).joinpath(f"{name}.json").read_bytes())
    if exchange is None:
        raise ValueError(f"the recording {name} is no exchange")
    return exchange
