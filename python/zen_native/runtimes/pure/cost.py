"""Cost frames of the OpenCode gateways, in every shape they have been seen in.

A ping (`{"type": "ping", "cost": ...}`) or a chunk without choices (`{"choices": [], "cost": ...}`), before or after
the terminal. Tagged `x-opencode-type: inference-cost` it is the price at list; untagged it is the charge.
Owns which is which; when to wait for one is the decoder's business. Twin of `rust/core/src/cost.rs`.
"""

from __future__ import annotations

from typing import Any, Literal

from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import as_text, parse_exact
from zen_native.runtimes.pure.lifecycle import Lifecycle
from zen_native.runtimes.pure.usage import wire_cost

__all__ = ["exact", "take"]

_TAG = "x-opencode-type"
_NOTIONAL = "inference-cost"


def take(value: dict[str, Any], frame: Frame, life: Lifecycle) -> Literal["charge", "list"] | None:
    """Takes a top-level `cost` and `normalizedUsage` of a frame or document. None where it has neither."""
    said, summary = value.get("cost"), value.get("normalizedUsage")
    if said is None and summary is None:
        return None
    life.usage.normalized(summary)
    tagged = as_text(value.get(_TAG)) == _NOTIONAL
    if said is not None:
        amount = wire_cost(exact(said, frame, "cost"))
        if amount is None:
            life.warn("a cost on the wire could not be read")
        elif tagged:
            life.usage.list_cost = amount
        else:
            life.usage.cost = amount
            return "charge"
    return "list"


def exact(value: Any, frame: Frame, *path: str | int) -> Any:
    """The value at `path` of the frame with a fraction as the `Decimal` it was written as, never by way of a float."""
    if isinstance(value, float):
        value = parse_exact(frame.data)
        for step in path:
            value = value[step]
    return value
