"""Turns of threads, and of tasks: in their order, to those who still wait, and none is lost."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from functools import partial
from random import Random

import pytest
from tests.kit.interrupts import interrupted

import zen_native as zen
from zen_native.transport.limits import Timeouts, Watch
from zen_native.transport.native import turns as tasks
from zen_native.transport.native.blocking_turns import Turn, Turns

MODULE = "blocking_turns.py"


def take(turns: Turns, seconds: float | None = 5.0) -> Turn | None:
    return turns.take(lambda: seconds, lambda wake: None)


def queued(turns: Turns, count: int) -> None:
    """Wait until so many wait."""
    while len(turns._queue) < count:
        time.sleep(0.001)


def taken(turns: Turns, seconds: float | None = 5.0) -> Turn:
    """One that there is."""
    turn = take(turns, seconds)
    assert turn is not None
    return turn


def test_as_many_as_there_are() -> None:
    turns = Turns(2)
    first, *others = [take(turns, 0.0) for _ in range(3)]
    assert first
    assert [bool(each) for each in others] == [True, False]
    turns.give(first)
    assert [bool(take(turns, 0.0)) for _ in range(2)] == [True, False]


def test_a_turn_that_is_over_is_not_over_again() -> None:
    turns = Turns(1)
    first = taken(turns)
    turns.give(first)
    second = taken(turns)
    turns.give(first)
    assert not take(turns, 0.0)
    turns.give(second)
    assert take(turns, 0.0)


def test_in_their_order() -> None:
    turns, served = Turns(1), list[int]()
    first = taken(turns)

    def work(number: int) -> None:
        if turn := take(turns):
            served.append(number)
            turns.give(turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for count, thread in enumerate(threads, 1):
        thread.start()
        queued(turns, count)
    turns.give(first)
    for thread in threads:
        thread.join(5)
    assert served == [0, 1, 2, 3, 4]


def test_who_comes_late_is_not_served_early() -> None:
    turns = Turns(1)
    first = taken(turns)
    waiting = threading.Thread(target=take, args=(turns,))
    waiting.start()
    queued(turns, 1)
    turns.give(first)
    assert not take(turns, 0.0)
    waiting.join(5)


def test_who_left_is_passed_over() -> None:
    turns, results = Turns(1), list[Turn | None]()
    taken_first = taken(turns)
    wakes: list[Callable[[], object]] = []
    first = threading.Thread(target=lambda: results.append(turns.take(lambda: None, wakes.append)))
    first.start()
    queued(turns, 1)
    wakes[0]()
    first.join(5)
    assert results == [None]
    turns.give(taken_first)
    assert take(turns, 0.0)


def test_who_is_woken_after_being_served_has_the_turn() -> None:
    turns, wakes = Turns(1), list[Callable[[], object]]()
    turn = turns.take(lambda: None, wakes.append)
    assert turn
    wakes[0]()
    assert not take(turns, 0.0)
    turns.give(turn)
    assert take(turns, 0.0)


@pytest.mark.parametrize("free", [True, False])
def test_who_is_interrupted_takes_no_turn_along(free: bool) -> None:
    turns = Turns(1)
    first = None if free else taken(turns)

    def interrupt() -> float | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turns.take(interrupt, lambda wake: None)
    assert not turns._queue
    if first is not None:
        turns.give(first)
    assert take(turns, 0.0)
    assert not take(turns, 0.0)


def test_who_waited_in_vain_is_forgotten() -> None:
    """However long nobody gives a turn."""
    turns = Turns(1)
    assert [bool(take(turns, 0.0)) for _ in range(3)] == [True, False, False]
    assert not turns._queue


def test_ctrl_c_between_any_two_steps_of_who_takes_one() -> None:
    for step in itertools.count(1):
        turns = Turns(1)
        if not interrupted(lambda turns=turns: take(turns), MODULE, step):  # type: ignore[misc] - mypy infers no type for a lambda's default
            break
        assert not turns._queue
        assert take(turns, 0.0)
        assert not take(turns, 0.0)
    assert step > 5


def test_ctrl_c_between_any_two_steps_of_who_gives_one() -> None:
    """He says it again where he could not begin, and so nobody waits for nothing."""
    for step in itertools.count(1):
        turns, results = Turns(1), list[Turn | None]()
        turn = taken(turns)
        waiting = threading.Thread(target=lambda turns=turns, kept=results: kept.append(take(turns)), daemon=True)  # type: ignore[misc] - mypy infers no type for a lambda's default
        waiting.start()
        queued(turns, 1)
        over = not interrupted(lambda turns=turns, turn=turn: turns.give(turn), MODULE, step)  # type: ignore[misc] - mypy infers no type for a lambda's default
        waiting.join(5)
        assert results[0]
        assert not turns._queue
        assert not take(turns, 0.0)
        turns.give(results[0])
        assert take(turns, 0.0)
        if over:
            break
    assert step > 5


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_task_that_waited_in_vain_is_forgotten(cancelled: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        turns = tasks.Turns(loop, 1)
        await turns.take(None, Watch(Timeouts()))
        waiting = asyncio.create_task(turns.take(None if cancelled else loop.time(), Watch(Timeouts())))
        await asyncio.sleep(0)
        assert len(turns._queue) == 1
        if cancelled:
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else zen.PoolTimeoutError):
            await waiting
        assert not turns._queue

    asyncio.run(main())


def test_tasks_of_a_loop_that_is_closed_are_told_nothing() -> None:
    """Nothing could be, and whoever closes the client from elsewhere goes on."""
    loop = asyncio.new_event_loop()
    turns = tasks.Turns(loop, 1)
    loop.run_until_complete(turns.take(None, Watch(Timeouts())))
    waiting = loop.create_task(turns.take(None, Watch(Timeouts())))
    loop.run_until_complete(asyncio.sleep(0))
    assert len(turns._queue) == 1
    loop.close()
    turns.end()
    assert not turns._queue
    del waiting  # whose coroutine ends here, without a word


def test_none_is_lost_whatever_happens_at_once() -> None:
    turns, inside, most = Turns(3), list[None](), list[int]()

    def leave_soon(wake: Callable[[], object]) -> None:
        threading.Thread(target=wake).start()

    def work(seed: int) -> None:
        rng = Random(seed)
        for _ in range(500):
            seconds = rng.choice([0.0, 0.0001, 5.0])
            if turn := turns.take(partial(float, seconds), rng.choice([leave_soon, bool, bool])):
                inside.append(None)
                most.append(len(inside))
                inside.pop()
                turns.give(turn)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert max(most) <= 3
    assert [bool(take(turns, 0.0)) for _ in range(4)] == [True, True, True, False]
