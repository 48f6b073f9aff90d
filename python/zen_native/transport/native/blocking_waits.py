"""How long a thread may wait in a call of a socket, and what it means when such a wait is over."""

from __future__ import annotations

import sys
import time
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Left = Callable[[], float | None]
    """Seconds until a limit, None where there is none."""

__all__ = ["HEARS_CTRL_C", "SLICE", "checked", "is_timeout", "slices"]

HEARS_CTRL_C = sys.platform != "win32"
"""Whether a thread that waits for the network does, however long it waits."""
SLICE = None if HEARS_CTRL_C else 0.1
"""Seconds; where it does not, no wait is longer."""


def slices(left: float | None) -> Iterator[float | None]:
    """Pieces of a wait of so many seconds."""
    if SLICE is None:
        yield left
        return
    until = inf if left is None else time.monotonic() + left
    while (rest := until - time.monotonic()) > 0:
        yield min(rest, SLICE)


def checked(left: float | None) -> float | None:
    if left == 0:  # which a socket would take for "do not wait", and call another error
        raise TimeoutError
    return left


def is_timeout(error: OSError) -> bool:
    """Whether time passed here; the network has a timeout of its own, which comes with a number."""
    return isinstance(error, TimeoutError) and error.errno is None
