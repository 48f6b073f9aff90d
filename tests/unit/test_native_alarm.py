"""When the time of a task that waits is over, in the native transport, and the timers that say so. Who resumes it is in
`test_native_waiting`."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest
from tests.kit.under_way import new_waiter, suspended

from zen_native.errors import StreamTimeoutError
from zen_native.transport.limits import Timeouts, Watch
from zen_native.transport.native.waiting import Alarm, Bells, Waiter


class Clock:
    """A time that is set, and a silence."""

    def __init__(self) -> None:
        self.now = 100.0
        self.silence = 0.0

    def __call__(self) -> float:
        return self.now

    def silent(self) -> float:
        return self.silence


async def rung(clock: Clock, watch: Watch, waiter: Waiter) -> Alarm:
    """The alarm, after its timer went off."""
    alarm = Alarm(Bells(asyncio.get_running_loop()), watch, waiter, clock.silent, bool)
    alarm.set()
    await went_off(alarm)
    return alarm


async def went_off(alarm: Alarm) -> None:
    """After the timer that was set just now: what it was set for is no longer what it is set for."""
    before = alarm.set_for
    async with asyncio.timeout(10):
        while alarm.set_for == before:  # noqa: ASYNC110 - its timer tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize(("silence", "ends"), [(5.0, False), (10.0, True)])
def test_a_wait_ends_when_nothing_came_for_so_long(silence: float, ends: bool) -> None:
    """The timer is set by the clock of the watch, and goes off by the loop's: it is asked again when it does."""

    async def main() -> None:
        clock = Clock()
        watch = Watch(Timeouts(), clock=clock)
        waiter = new_waiter()
        task = await suspended(waiter, [])
        watch.each("idle", 10.0)
        alarm = Alarm(Bells(asyncio.get_running_loop()), watch, waiter, clock.silent, bool)
        watch.within("idle", 0.0)  # due at once
        alarm.set()
        watch.each("idle", 10.0)
        clock.silence = silence
        await went_off(alarm)
        assert task.done() is ends
        if ends:
            task.result()
            with pytest.raises(StreamTimeoutError, match="idle"):
                alarm.set()
        alarm.stop()
        task.cancel()

    asyncio.run(main())


@pytest.mark.parametrize("ends", [False, True])
def test_what_has_come_by_then_counts(ends: bool) -> None:
    """It is read when the timer goes off; that may be the end of the answer, too."""

    async def main() -> None:
        clock = Clock()
        watch = Watch(Timeouts(), clock=clock)
        watch.each("idle", 10.0)
        clock.silence = 20.0
        waiter = new_waiter()
        task = await suspended(waiter, [])
        read: list[None] = []

        def take_in() -> None:
            read.append(None)
            clock.silence = 0.0
            if ends:
                alarm.stop()

        alarm = Alarm(Bells(asyncio.get_running_loop()), watch, waiter, clock.silent, take_in)
        watch.within("idle", 0.0)  # due at once
        alarm.set()
        watch.each("idle", 10.0)
        await went_off(alarm)
        assert read
        assert (alarm.set_for == watch.changes) is not ends
        assert not task.done()
        alarm.stop()
        task.cancel()

    asyncio.run(main())


def test_an_alarm_that_nobody_waits_for_is_set_anew_by_the_next_wait() -> None:
    async def main() -> None:
        clock = Clock()
        watch = Watch(Timeouts(), clock=clock)
        watch.within("first-event", 0.0)
        alarm = await rung(clock, watch, new_waiter())
        assert alarm.set_for != watch.changes

    asyncio.run(main())


def test_a_brief_wait_ends_without_an_error() -> None:
    async def main() -> None:
        clock = Clock()
        watch = Watch(Timeouts(), clock=clock)
        waiter, log = new_waiter(), list[str]()
        task = await suspended(waiter, log)
        watch.briefly(0.0)
        alarm = await rung(clock, watch, waiter)
        await task
        assert alarm.late
        assert log == ["resumed in outside"]

    asyncio.run(main())


@pytest.mark.parametrize("brief", [True, False])
def test_a_limit_holds_though_something_always_comes_first(brief: bool) -> None:
    """At the second time: what has come at the first may be what was waited for, and then another limit is in force."""

    async def main() -> None:
        watch = Watch(Timeouts(), clock=Clock())
        if brief:
            watch.briefly(0.0)
        else:
            watch.within("first-event", 0.0)
        alarm = await rung(Clock(), watch, new_waiter())
        alarm.set()
        assert not alarm.late
        await went_off(alarm)
        assert alarm.late is brief
        if brief:
            alarm.set()
        else:
            with pytest.raises(StreamTimeoutError, match="first-event"):
                alarm.set()
        watch.each("idle", 10.0)
        alarm.set()
        alarm.stop()

    asyncio.run(main())


def test_a_bell_that_rings_too_early_for_the_next_alarm_ends_nothing() -> None:
    async def main() -> None:
        clock = Clock()
        bells, waiter = Bells(asyncio.get_running_loop()), new_waiter()
        first, second = (Watch(Timeouts(), clock=clock) for _ in range(2))
        first.within("first-event", 0.05)
        gone = Alarm(bells, first, waiter, clock.silent, bool)
        gone.set()
        gone.stop()
        task = await suspended(waiter, [])
        second.each("idle", 10.0)
        alarm = Alarm(bells, second, waiter, clock.silent, bool)
        alarm.set()
        await asyncio.sleep(0.1)  # by which the first one's timer has gone off
        assert not task.done()
        clock.silence = 10.0
        second.within("idle", 0.0)
        alarm.set()
        await task
        with pytest.raises(StreamTimeoutError, match="idle"):
            alarm.set()
        assert len(bells._free) == 1  # given back while it rang

    asyncio.run(main())


class Timer:
    """A timer that goes off when it is told to."""

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.go_off = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """A loop that notes its timers, and whose time is set."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, due: float, call: Callable[[], None], *, context: contextvars.Context) -> Timer:
        assert not list(context)
        self.timers.append(Timer(due, call))
        return self.timers[-1]

    @property
    def live(self) -> list[float]:
        return [timer.due for timer in self.timers if not timer.cancelled]


def bells_of(loop: Any) -> Bells:
    return Bells(loop)


def test_a_timer_goes_on_from_one_alarm_to_the_next() -> None:
    loop, rung = Loop(), list[str]()
    bells = bells_of(loop)
    first = bells.take(lambda: rung.append("first"))
    first.ring_in(10.0)
    bells.give(first)
    loop.now = 105.0
    second = bells.take(lambda: rung.append("second"))
    second.ring_in(10.0)
    assert loop.live == [110.0]
    loop.timers[0].go_off()
    assert rung == ["second"]
    second.ring_in(5.0)
    assert [timer.due for timer in loop.timers] == [110.0, 110.0]


def test_a_timer_never_goes_off_too_late() -> None:
    loop = Loop()
    bells = bells_of(loop)
    bell = bells.take(lambda: None)
    bell.ring_in(10.0)
    bells.give(bell)
    bells.take(lambda: None).ring_in(9.0)
    assert loop.live == [109.0]


def test_a_timer_that_nobody_has_rings_for_nobody() -> None:
    loop, rung = Loop(), list[str]()
    bells = bells_of(loop)
    bell = bells.take(lambda: rung.append("first"))
    bell.ring_in(10.0)
    bells.give(bell)
    loop.timers[0].go_off()
    assert rung == []
    assert len(loop.timers) == 1


def test_closed_bells_leave_no_timer_in_the_loop() -> None:
    loop = Loop()
    bells = bells_of(loop)
    lent, free = bells.take(lambda: None), bells.take(lambda: None)
    lent.ring_in(10.0)
    free.ring_in(20.0)
    bells.give(free)
    bells.close()
    assert loop.live == [110.0]
    bells.give(lent)
    assert loop.live == []


def test_few_timers_stay_for_those_who_may_come() -> None:
    loop = Loop()
    bells = bells_of(loop)
    lent = [bells.take(lambda: None) for _ in range(100)]
    for bell in lent:
        bell.ring_in(10.0)
    for bell in lent:
        bells.give(bell)
    assert len(loop.live) == 64


@pytest.mark.parametrize("limit", [10.0, None])
def test_a_timer_that_goes_off_too_early_between_waits_ends_nothing(limit: float | None) -> None:
    """However often: only one that finds the time over counts."""

    async def main() -> None:
        loop, clock, waiter = Loop(), Clock(), new_waiter()
        watch = Watch(Timeouts(), clock=clock)
        alarm = Alarm(bells_of(loop), watch, waiter, clock.silent, bool)
        watch.within("first-event", 5.0)
        alarm.set()
        watch.within("first-event", limit)
        for _ in range(3):
            loop.timers[0].go_off()
        alarm.set()
        assert not alarm.late
        assert loop.live[1:] == ([] if limit is None else [110.0])

    asyncio.run(main())
