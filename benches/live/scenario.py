"""What all kinds of clients do alike: which plans they ask for, and what they answer of a measurement.

Owns what `replay/src/raw.rs` does alike too. `asynchronous` and `threaded` do the work.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from statistics import median
from time import monotonic_ns
from typing import Any

from .meter import cpu_us, percentile

GROUP = 50
"""Streams that are opened at a time."""
OPENING = 60.0
"""Seconds that the streams may take to open."""
WARM = 20
"""Streams that are opened before memory is looked at."""
ENDING = 10.0
"""Seconds that streams which only waited may take to end."""


class NotOpenedError(Exception):
    """The streams did not give their first events in time."""


@dataclass(frozen=True)
class Paced:
    """Many streams, so many events a second each. Times are in seconds."""

    streams: int
    rate: int
    length: float
    """How long is measured."""
    settle: float
    """From the start of the streams to that of the measurement, and from its end to theirs."""
    grace: float
    """What a client gets beyond that to finish; one that has not then is overloaded."""
    lag: bool = False
    """Whether the lag of the event loop is measured too, which costs a little."""

    @classmethod
    def of(cls, words: list[str]) -> Paced:
        """A plan from the words of a command: streams, rate, three times in milliseconds, `lag` or nothing."""
        streams, rate, *times = map(int, words[:5])
        return cls(streams, rate, *(each / 1_000 for each in times), lag=words[5:] == ["lag"])

    @property
    def events(self) -> int:
        """Deltas a stream: the one that comes at once, and those of the time it is under way."""
        return 1 + round((self.length + 2 * self.settle) * 1_000) * self.rate // 1_000

    @property
    def path(self) -> str:
        """The plan, as the server reads it."""
        return f"/paced/{self.events}/{self.rate}"

    def judged(self, found: dict[str, Any], finished: bool, seen: int) -> dict[str, Any]:
        """A measurement, and whether the client kept up: saw every event, and in time to take it."""
        in_time = found["wall_us"] < (self.length + self.grace) * 1e6
        return {**found, "complete": finished and in_time and seen == self.streams * self.events}


@dataclass
class Span:
    """A measurement from where it is made to `end`."""

    delays: array[int]
    first: int = field(init=False)
    cpu: float = field(init=False)
    start: int = field(init=False)

    def __post_init__(self) -> None:
        self.first, self.cpu, self.start = len(self.delays), cpu_us(), monotonic_ns()

    def end(self) -> dict[str, float]:
        """CPU time, events and their delays."""
        cpu, wall = cpu_us() - self.cpu, (monotonic_ns() - self.start) / 1_000
        delays = self.delays[self.first :]
        return {
            "cpu_us": cpu,
            "wall_us": wall,
            "events": len(delays),
            "p50_us": percentile(delays, 50),
            "p99_us": percentile(delays, 99),
        }


@dataclass
class Sequence:
    """Requests one after the other: the time to the first event of each, and the CPU time of one."""

    count: int
    events: int
    stamps: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def warm(self) -> int:
        """Requests that are not measured."""
        return self.count // 10 + 1

    def seen(self, _: str) -> None:
        """An event came."""
        self.stamps.append(monotonic_ns())

    def start(self) -> None:
        """The warming up is over."""
        self.firsts.clear()
        self.cpu = cpu_us()

    def answered(self, asked: int) -> None:
        """A request that was made then is over.

        Raises:
            AssertionError: the side has not given all events.
        """
        if len(self.stamps) != self.events:
            raise AssertionError(f"{len(self.stamps)} events seen, {self.events} sent")
        self.firsts.append(self.stamps[0] - asked)
        self.stamps.clear()

    def end(self) -> dict[str, float]:
        """Both figures."""
        return {"cpu_us": (cpu_us() - self.cpu) / self.count, "first_us": median(self.firsts) / 1_000}
