"""What a read costs when its stream was last touched a while ago: many decoders in turn, and caches emptied in between.

Owns that one measurement, of one event a read. Live streams are like this: between two reads of one of them stand the
event loop, the kernel and a thousand others. A megabyte is read before each feed, which is more than the caches of one
core keep; the feed alone is timed, and the clock's own time is taken off.

    python benches/cold.py                              # every wire, native
    python benches/cold.py --only openai-chat --decoders 1000 --runtime python
"""

from __future__ import annotations

import argparse
import sys
from statistics import median
from time import perf_counter_ns
from typing import Literal

import streams
from worker import DECODERS
from zen_native import Decoder

DECODER_COUNTS = (1, 100, 1_000, 2_000)
BEGUN = 12
"""Frames that every decoder has had before: its answer is in the middle of its text."""
FRAMES = 100
LEAST_FEEDS = 3_000
CACHE = bytes(1 << 20)


def clock_ns() -> int:
    """What two readings of the clock differ by when nothing stands between them."""
    return min(-(perf_counter_ns() - perf_counter_ns()) for _ in range(1_000))  # the first is read first


def feed_us(protocol: str, decoders: int, runtime: Literal["native", "python"], *, warm: bool = False) -> float:
    """Median time of a feed of one event, the decoders in turn."""
    frames = streams.body(protocol, FRAMES).frames
    made = [Decoder(protocol, runtime=runtime) for _ in range(decoders)]
    for decoder in made:
        for frame in frames[:BEGUN]:
            decoder.feed(frame)
    events = frames[BEGUN : FRAMES // 2]
    times: list[int] = []
    for turn in range(max(3, LEAST_FEEDS // decoders)):
        event = events[turn % len(events)]
        for feed in [decoder.feed for decoder in made]:
            if not warm:
                CACHE.count(b"\x01")
            start = perf_counter_ns()
            feed(event)
            times.append(perf_counter_ns() - start)
    return (median(times) - clock_ns()) / 1e3


def main() -> int:
    """Prints a table: a row a wire, a column for each number of decoders."""
    parser = argparse.ArgumentParser(description="Time feeds of one event with cold caches.")
    parser.add_argument("--only", choices=streams.PROTOCOLS, action="append")
    parser.add_argument("--decoders", type=int, action="append")
    parser.add_argument("--runtime", choices=DECODERS.values(), default="native")
    options = parser.parse_args()
    counts = options.decoders or DECODER_COUNTS
    print("| us a feed | warm, 1 |", *(f"cold, {count:,} |" for count in counts))
    print("| --- |", *("---: |" for _ in range(len(counts) + 1)))
    for protocol in options.only or streams.PROTOCOLS:
        warm = feed_us(protocol, 1, options.runtime, warm=True)
        found = [feed_us(protocol, count, options.runtime) for count in counts]
        print(f"| {protocol} |", *(f"{time:.2f} |" for time in (warm, *found)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
