"""Work is linear in the bytes, in both runtimes: bodies that could make it grow faster, at a size and four times it.

Owns the measure and the verdict; the bodies are those of the tests (`tests/kit/steep.py`). Four times the bytes may
take ten times as long: quadratic work takes sixteen times. Exits with 1 where a body takes longer, three times in a
row.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from time import thread_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.kit.steep import SHAPES, Shape, decoding

GROWTH = 10
NOISE = 0.005
ENOUGH = 0.05
"""Seconds that the longer of two bodies must take for the ratio to mean something; sizes are doubled until it does."""
SMALLEST, LARGEST = 200, 6400


def seconds(shape: Shape, size: int, runtime: str) -> float:
    """CPU time of decoding the shape, the better of two."""
    best = float("inf")
    for _ in range(2):
        decode = decoding(shape, size, runtime)
        gc.collect()
        gc.disable()  # the collector's passes over many objects are not ours
        began = thread_time()
        decode()
        best = min(best, thread_time() - began)
        gc.enable()
    return best


def growth(shape: Shape, runtime: str) -> tuple[float, bool]:
    """How many times longer four times the bytes take, and whether that is linear."""
    size = SMALLEST
    while (longer := seconds(shape, size * 4, runtime)) < ENOUGH and size < LARGEST:
        size *= 2
    shorter = longer
    for _ in range(3):  # what is steep stays so; what the machine did meanwhile does not
        shorter = seconds(shape, size, runtime)
        if longer <= GROWTH * shorter + NOISE:
            return longer / shorter, True
        longer = seconds(shape, size * 4, runtime)
    return longer / shorter, False


def main() -> int:
    """Measures and prints."""
    steep = 0
    for name, shape in SHAPES.items():
        for runtime in ("native", "python"):
            times, is_linear = growth(shape, runtime)
            steep += not is_linear
            print(f"{name:36} {runtime:7} {times:5.1f} x{'' if is_linear else '  STEEP'}")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
