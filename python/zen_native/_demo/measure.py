"""What decoding a recording costs, without the network.

Owns the measuring: CPU time of whole passes (a new decoder, one `feed` of the body, `finish`), the runtimes taking
turns, the median of the turns.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from statistics import median
from time import process_time

from zen_native._cli.exchange import Exchange
from zen_native.runtimes import RuntimeName

from .case import new_decoder

__all__ = ["measure"]

_TURNS = 3
_TURN = 0.04
"""Seconds; the clock of some systems ticks every 16 ms."""


def measure(recording: Exchange, runtimes: Sequence[RuntimeName]) -> dict[RuntimeName, float]:
    """Microseconds of CPU for each event, by runtime."""
    turns: dict[RuntimeName, list[float]] = {runtime: [] for runtime in runtimes}
    collecting = gc.isenabled()
    gc.disable()  # what else is in memory is not the decoder's cost
    try:
        for _ in range(_TURNS):
            for runtime in runtimes:
                turns[runtime].append(_turn(recording, runtime))
    finally:
        if collecting:
            gc.enable()
    return {runtime: median(costs) for runtime, costs in turns.items()}


def _turn(recording: Exchange, runtime: RuntimeName) -> float:
    events = 0
    start = process_time()
    while (spent := process_time() - start) < _TURN:
        decoder = new_decoder(recording, runtime)
        events += len(decoder.feed(recording.body))
        if not decoder.done:
            events += len(decoder.finish())
    return spent / events * 1e6
