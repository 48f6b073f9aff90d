"""The measurements of a client that blocks: a thread for each stream."""

from __future__ import annotations

import gc
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import monotonic_ns
from typing import Any, Self

from .control import request
from .meter import Meter, resident_kib
from .scenario import ENDING, GROUP, OPENING, WARM, NotOpenedError, Paced, Sequence, Span
from .sides import AskBlocking, OpenBlocking

MOST = 2_500
STACK = 256 << 10  # bytes; the default of 8 MB is address space, but thousands of them are refused


def paced(open_side: OpenBlocking, base: str, port: int, plan: Paced) -> dict[str, Any]:
    """CPU time and delays of many streams at a time."""
    meter = Meter()
    with open_side(base + plan.path) as ask, Crowd(ask, meter) as crowd:
        crowd.open(plan.streams)
        request(port, "go")
        time.sleep(plan.settle)
        span = Span(meter.delays)
        time.sleep(plan.length)
        found: dict[str, Any] = span.end()
        complete = crowd.finished(plan.settle + plan.grace)
    return plan.judged(found, complete, meter.count)


def sequence(open_side: OpenBlocking, base: str, mode: str, events: int, count: int) -> dict[str, Any]:
    """One request after the other."""
    plan = Sequence(count, events)
    with open_side(f"{base}/{mode}/{events}/0") as ask:
        for at in range(-plan.warm, count):
            if at == 0:
                plan.start()
            asked = monotonic_ns()
            ask(plan.seen)
            plan.answered(asked)
        return plan.end()


def once(open_side: OpenBlocking, base: str) -> None:
    """One short request."""
    with open_side(f"{base}/burst/1/0") as ask:
        ask(Meter().seen)


def idle(open_side: OpenBlocking, base: str, port: int, streams: int) -> dict[str, Any]:
    """Memory of a stream that has begun and waits, with its thread."""
    with open_side(f"{base}/paced/2/1000") as ask, Crowd(ask, Meter()) as crowd:
        crowd.open(WARM)
        gc.collect()
        before = resident_kib()
        crowd.open(streams)
        gc.collect()
        after = resident_kib()
        request(port, "go")
        complete = crowd.finished(ENDING)
    return {"kib": (after - before) / streams, "complete": complete}


class Crowd:
    """Streams that are under way. They cannot be cancelled: leaving the block waits for the server to end them."""

    def __init__(self, ask: AskBlocking, meter: Meter) -> None:
        threading.stack_size(STACK)
        self._ask = ask
        self._meter = meter
        self._pool = ThreadPoolExecutor(MOST)
        self._futures: list[Future[None]] = []

    def open(self, count: int) -> None:
        """Opens more of them, group by group: each gives one event and then waits.

        Raises:
            NotOpenedError: it took too long, or one has failed.
        """
        until = monotonic_ns() + int(OPENING * 1e9)
        for group in range(0, count, GROUP):
            more = [self._pool.submit(self._ask, self._meter.seen) for _ in range(min(GROUP, count - group))]
            self._futures += more
            while self._meter.count < len(self._futures):
                for future in more:
                    if future.done():
                        future.result()
                if monotonic_ns() > until:
                    raise NotOpenedError(f"{self._meter.count} of {count} streams opened in {OPENING:g} s")
                time.sleep(0.002)

    def finished(self, seconds: float) -> bool:
        """Whether all are over within that time; an error of one is raised."""
        done, pending = wait(self._futures, timeout=seconds)
        for future in done:
            future.result()
        return not pending

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
