"""Every field of every JSON frame of a body, each with a value of another type in its place.

Owns the walk; `tests.kit.splits` knows where a frame's JSON is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.kit.splits import join, payload, replace_payload, split

__all__ = ["STRANGE", "strange_bodies"]

STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**64,
    "",
    "x",
    [],
    {},
    [[]],
    [{}],
    {"x": {}},
    "\ud83d",
    [None, 1, "x"],
)
"""Values of every type; a field gets those whose type it has not."""


def strange_bodies(framing: str, body: bytes, turn: int = 0) -> Iterator[tuple[str, bytes]]:
    """The body with one field changed at a time: by name of the place, and the body. `turn` moves the choice of values.

    Each field in turn gets one of the values, so that many fields and a few turns together try every pair of kinds.
    """
    frames = split(framing, body)
    count = turn
    for at, frame in enumerate(frames):
        try:
            value = json.loads(payload(framing, frame) or "")
        except (ValueError, RecursionError):
            continue
        for name, holder, key in list(_places("", value)):
            kept, count = holder[key], count + 1
            strange = STRANGE[count % len(STRANGE)]
            if type(strange) is type(kept) and strange == kept:
                continue
            holder[key] = strange
            changed = replace_payload(framing, frame, json.dumps(value))
            yield f"frame {at}{name} = {strange!r}", join(framing, [*frames[:at], changed, *frames[at + 1 :]])
            holder[key] = kept


def _places(path: str, value: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key}", value, key
            yield from _places(f"{path}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield f"{path}[{index}]", value, index
            yield from _places(f"{path}[{index}]", item)
