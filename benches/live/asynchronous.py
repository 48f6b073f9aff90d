"""The measurements of a client on an event loop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from time import monotonic_ns
from typing import Any

from .control import request
from .meter import Meter, percentile, resident_kib
from .scenario import ENDING, GROUP, OPENING, WARM, NotOpenedError, Paced, Sequence, Span
from .sides import Ask, Open

TICK = 0.005


async def paced(open_side: Open, base: str, port: int, plan: Paced) -> dict[str, Any]:
    """CPU time and delays of many streams at a time, the lag of the loop if asked for."""
    meter = Meter()
    async with open_side(base + plan.path) as ask:
        crowd = Crowd(ask, meter)
        try:
            await crowd.open(plan.streams)
            await asyncio.to_thread(request, port, "go")
            await asyncio.sleep(plan.settle)
            found = await _measured(meter, plan)
            complete = await crowd.finished(plan.settle + plan.grace)
        finally:
            await crowd.stop()
        return plan.judged(found, complete, meter.count)


async def _measured(meter: Meter, plan: Paced) -> dict[str, Any]:
    due: list[int] = []
    late: list[int] = []
    ticker = asyncio.ensure_future(_tick(due, late)) if plan.lag else None
    await asyncio.sleep(0)
    span = Span(meter.delays)
    await asyncio.sleep(plan.length)
    found = span.end()
    if ticker is not None:
        ticker.cancel()
        late.append(monotonic_ns() - due[-1])  # of the tick that is still to come
        found["lag_p99_us"] = percentile(late, 99)
    return found


async def _tick(due: list[int], late: list[int]) -> None:
    while True:
        due.append(monotonic_ns() + int(TICK * 1e9))
        await asyncio.sleep(TICK)
        late.append(monotonic_ns() - due[-1])


async def sequence(open_side: Open, base: str, mode: str, events: int, count: int) -> dict[str, Any]:
    """One request after the other."""
    plan = Sequence(count, events)
    async with open_side(f"{base}/{mode}/{events}/0") as ask:
        for at in range(-plan.warm, count):
            if at == 0:
                plan.start()
            asked = monotonic_ns()
            await ask(plan.seen)
            plan.answered(asked)
        return plan.end()


async def once(open_side: Open, base: str) -> None:
    """One short request."""
    async with open_side(f"{base}/burst/1/0") as ask:
        await ask(Meter().seen)


async def idle(open_side: Open, base: str, port: int, streams: int) -> dict[str, Any]:
    """Memory of a stream that has begun and waits."""
    async with open_side(f"{base}/paced/2/1000") as ask:
        crowd = Crowd(ask, Meter())
        try:
            await crowd.open(WARM)
            gc.collect()
            before = resident_kib()
            await crowd.open(streams)
            gc.collect()
            after = resident_kib()
            await asyncio.to_thread(request, port, "go")
            complete = await crowd.finished(ENDING)
        finally:
            await crowd.stop()
    return {"kib": (after - before) / streams, "complete": complete}


class Crowd:
    """Streams that are under way."""

    def __init__(self, ask: Ask, meter: Meter) -> None:
        self._ask = ask
        self._meter = meter
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, count: int) -> None:
        """Opens more of them, group by group: each gives one event and then waits.

        Raises:
            NotOpenedError: it took too long, or one has failed.
        """
        until = monotonic_ns() + int(OPENING * 1e9)
        for group in range(0, count, GROUP):
            asked: list[Coroutine[Any, Any, None]] = [
                self._ask(self._meter.seen)  # type: ignore[misc]
                for _ in range(min(GROUP, count - group))
            ]
            self._tasks += [asyncio.ensure_future(each) for each in asked]
            while self._meter.count < len(self._tasks):
                for task in self._tasks[group:]:
                    if task.done():
                        task.result()
                if monotonic_ns() > until:
                    raise NotOpenedError(f"{self._meter.count} of {count} streams opened in {OPENING:g} s")
                await asyncio.sleep(0.002)

    async def finished(self, seconds: float) -> bool:
        """Whether all are over within that time; an error of one is raised."""
        done, pending = await asyncio.wait(self._tasks, timeout=seconds)
        for task in done:
            task.result()
        return not pending

    async def stop(self) -> None:
        """Cancels what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
