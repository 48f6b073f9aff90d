"""What a client's process notes: when each event came and was made, CPU time, memory.

The same few operations an event for every side, so that they weigh the same.
"""

from __future__ import annotations

import resource
from array import array
from pathlib import Path
from time import monotonic_ns

PAGE = resource.getpagesize()


class Meter:
    """The delays of all events, in nanoseconds, in order of arrival."""

    def __init__(self) -> None:
        self.delays = array("q")

    def seen(self, text: str | bytes | bytearray) -> None:
        """An event came: its text is the time at which the server made it."""
        self.delays.append(monotonic_ns() - int(text))

    @property
    def count(self) -> int:
        """How many came."""
        return len(self.delays)


def cpu_us() -> float:
    """CPU microseconds of this process, user and system, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e6


def resident_kib() -> float:
    """Memory of this process that is in RAM now; what the kernel holds for its sockets is not in it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1024


def percentile(values: array[int] | list[int], part: int) -> float:
    """A percentile of nanoseconds, in microseconds; zero of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * part // 100, len(ordered) - 1)] / 1_000 if ordered else 0.0
