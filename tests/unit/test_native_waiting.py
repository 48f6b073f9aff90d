"""What a task waits on in the native transport: who resumes it, and when. When its time is over is in
`test_native_alarm`."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import pytest
from tests.kit.under_way import NAME, begun, new_waiter, suspended, waits, word


async def called_by_the_loop(call: Callable[[], object]) -> None:
    called = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: called.set_result(call()))
    await called


def test_a_task_goes_on_within_the_call_that_wakes_it_and_in_its_own_context() -> None:
    async def main() -> None:
        waiter, log = new_waiter(), list[str]()
        NAME.set("the task")
        task = await suspended(waiter, log, 2)
        NAME.set("the waker")

        def wake() -> None:
            waiter.set_result(None)
            log.append("woken")

        await called_by_the_loop(wake)
        await called_by_the_loop(wake)
        await task
        assert log == ["resumed in the task", "woken"] * 2

    asyncio.run(main())


def test_nobody_takes_the_place_of_a_task_that_is_about_to_be_cancelled() -> None:
    """It has not heard of that yet, and would go on as if it had been woken."""

    async def main() -> None:
        waiter, log = new_waiter(), list[str]()
        first = await suspended(waiter, log)
        second = asyncio.ensure_future(waits(waiter, log))
        first.cancel("enough")  # of which it hears behind the first step of the second one
        assert waiter.waiting
        with pytest.raises(RuntimeError, match="another task is waiting"):
            await asyncio.wait_for(second, 5)
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await asyncio.wait_for(first, 5)
        assert not waiter.waiting
        third = await suspended(waiter, log)
        await called_by_the_loop(lambda: waiter.set_result(None))
        await third
        assert len(log) == 1

    asyncio.run(main())


def test_a_wire_gives_who_waits_a_future_of_asyncios_own() -> None:
    async def main() -> None:
        waiter, wire, given = new_waiter(), begun(), list[asyncio.Future[None]]()
        waiter.expect()
        waiter.add_done_callback(given.append, context=contextvars.copy_context())
        wire.wait(waiter)
        wire.feed(word())
        assert [(type(each), each.result()) for each in given] == [(asyncio.Future, None)]

    asyncio.run(main())


def test_a_task_that_is_woken_while_another_one_runs_goes_on_after_it() -> None:
    async def main() -> None:
        waiter, log = new_waiter(), list[str]()
        task = await suspended(waiter, log)
        waiter.set_result(None)
        log.append("woken")
        await task
        assert log == ["woken", "resumed in outside"]

    asyncio.run(main())


def test_what_goes_wrong_in_the_task_is_its_own() -> None:
    async def main() -> None:
        waiter = new_waiter()

        async def fails() -> None:
            waiter.expect()
            await waiter
            raise RuntimeError("its own")

        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0)
        await called_by_the_loop(lambda: waiter.set_result(None))
        with pytest.raises(RuntimeError, match="its own"):
            await task

    asyncio.run(main())


@pytest.mark.parametrize("cancelled_first", [True, False])
def test_a_task_that_was_cancelled_is_resumed_once(cancelled_first: bool) -> None:
    async def main() -> None:
        waiter, log = new_waiter(), list[str]()
        task = await suspended(waiter, log)

        def both() -> None:
            if cancelled_first:
                task.cancel()
            waiter.set_result(None)
            if not cancelled_first:
                task.cancel()

        await called_by_the_loop(both)
        await asyncio.wait([task])
        assert task.cancelled() is cancelled_first
        assert log == ([] if cancelled_first else ["resumed in outside"])
        assert not waiter.waiting

    asyncio.run(main())


def test_a_second_task_may_not_wait_and_does_not_disturb_the_first() -> None:
    async def main() -> None:
        waiter, log = new_waiter(), list[str]()
        task = await suspended(waiter, log)
        with pytest.raises(RuntimeError, match="another task is waiting"):
            await waits(waiter, log)
        await called_by_the_loop(lambda: waiter.set_result(None))
        await task
        assert log == ["resumed in outside"]

    asyncio.run(main())


def test_who_was_woken_before_it_awaits_does_not_stop() -> None:
    async def main() -> None:
        waiter = new_waiter()
        waiter.expect()
        waiter.set_result(None)
        await asyncio.wait_for(as_task(waiter), 5)

    async def as_task(waiter: Awaitable[None]) -> None:
        await waiter

    asyncio.run(main())
