"""What is measured: the commands for the clients' processes, and the figures that their answers give.

Owns the sizes. How often and in which order is `turns`'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .sides import Side

RATE = 100
"""Events a second and stream: a fast model."""

Answer = Mapping[str, Any]
Take = Callable[[Answer], float]


@dataclass(frozen=True)
class Sizes:
    """How many streams, and how long; times in milliseconds."""

    rounds: int
    few: int = 20
    many: int = 50
    collected: int = 40
    crowd: int = 500
    idle: int = 500
    most: int = 2_512
    """Where the search for the streams that a client holds ends."""
    length: int = 2_000
    settle: int = 300
    grace: int = 1_500
    requests: int = 200
    events: int = 2_000
    apart: bool = True
    """Memory and starts in processes of their own."""

    def paced(self, streams: int, times: int = 1) -> str:
        """The command for so many streams, measured `times` as long."""
        return f"paced {streams} {RATE} {self.length * times} {self.settle} {self.grace}"


QUICK = Sizes(1, 2, 2, 2, 2, 2, 3, length=100, settle=50, grace=20_000, requests=3, events=20, apart=False)
"""Shows that all works, not how fast."""


@dataclass(frozen=True)
class Job:
    """One command and what its answer says."""

    command: str
    figures: Mapping[str, Take]
    secure: bool = False
    """Over TLS."""
    fresh: bool = False
    """In a process of its own."""
    streams: int = 0
    """How many at a time, if so many that not every client can."""
    loops: tuple[str, ...] = ("asyncio", "uvloop", "threads")
    """For which clients."""

    def suits(self, side: Side) -> bool:
        """Whether that client does it."""
        return side.loop in self.loops


def cores(job: Job, cpu: float | None) -> float:
    """How many cores a client would need that spends so many microseconds an event."""
    return job.streams * RATE * (cpu or 0) / 1e6


def cpu_per_event(answer: Answer) -> float:
    """Microseconds."""
    return answer["cpu_us"] / max(answer["events"], 1)


def milliseconds(name: str) -> Take:
    """A time of the answer."""
    return lambda answer: answer[name] / 1_000


def value(name: str, divisor: int = 1) -> Take:
    """A number of the answer."""
    return lambda answer: answer[name] / divisor


def jobs(sizes: Sizes) -> tuple[Job, ...]:
    """All of them but the search for the streams that a client holds."""
    every, loops = ("asyncio", "uvloop", "threads", "epoll"), ("asyncio", "uvloop")
    requests, events = f"sequence burst 1 {sizes.requests}", sizes.events
    return (
        Job(sizes.paced(sizes.few), {"cpu few": cpu_per_event, "p99 few": milliseconds("p99_us")}, loops=every),
        Job(
            sizes.paced(sizes.many),
            {"cpu many": cpu_per_event, "p50 many": milliseconds("p50_us"), "p99 many": milliseconds("p99_us")},
            loops=every,
        ),
        Job(sizes.paced(sizes.collected, 2), {"p99 collected": milliseconds("p99_us")}, loops=every),
        Job(f"{sizes.paced(sizes.crowd)} lag", {"lag": milliseconds("lag_p99_us")}, loops=loops, streams=sizes.crowd),
        Job(requests, {"request": value("cpu_us"), "first": value("first_us")}, loops=every),
        Job(f"sequence single {events} 5", {"single": value("cpu_us", events)}, loops=every),
        Job(f"sequence burst {events} 5", {"burst": value("cpu_us", events)}, loops=every),
        Job(sizes.paced(sizes.few), {"tls cpu few": cpu_per_event, "tls p99 few": milliseconds("p99_us")}, secure=True),
        Job(sizes.paced(sizes.many), {"tls cpu many": cpu_per_event}, secure=True),
        Job(requests, {"tls request": value("cpu_us"), "tls first": value("first_us")}, secure=True),
        Job(f"idle {sizes.idle}", {"idle": value("kib")}, fresh=sizes.apart),
        Job(f"idle {sizes.idle}", {"tls idle": value("kib")}, secure=True, fresh=sizes.apart),
        Job("first", {"start": milliseconds("cpu_us"), "start memory": value("kib", 1_024)}, fresh=sizes.apart),
    )
