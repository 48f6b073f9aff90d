"""A failed, closed, dropped or cancelled operation: its tools end with it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import anyio
import pytest
from tests.kit.order import check_order
from tests.kit.steps import (
    BOTH,
    START,
    Script,
    add,
    call,
    called,
    crew_of,
    heard,
    no_threads_left,
    pause,
    request,
    run,
    said,
)

import zen_native as zen
from zen_native._io import drive
from zen_native._tool_loop import Loop
from zen_native.tools import ToolLoop

# Failures and cancelling


@BOTH
def test_a_failed_step_keeps_what_came_and_cancels_the_tools(kind: str) -> None:
    cancelled = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def begun() -> Any:
        return pause(kind, 0.02)

    failure = zen.ReadError("gone", partial=zen.LLMResponse())
    steps = [called(call("a", "add", a=1)), [[*START, *said("half"), *call("b", "slow")], begun, failure]]
    script = Script(steps)
    with pytest.raises(zen.ReadError) as caught:
        heard(kind, script, request(add, slow))
    assert cancelled.is_set()
    partial = caught.value.partial
    assert [part.type for part in partial.parts] == ["tool-call", "tool-result", "text", "tool-call"]
    assert [step.index for step in partial.steps] == [0]
    assert script.closed == 2
    assert no_threads_left()


@BOTH
def test_closing_cancels_tools_and_the_connection(kind: str) -> None:
    cancelled, began = threading.Event(), threading.Event()

    async def slow() -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    script = Script([[[*START, *call("b", "slow")], said("never")]])
    loop = Loop(script.open, request(slow), ToolLoop(), crew_of(kind))

    async def main() -> None:
        check_order(await loop.batch(), failed=True)
        while not began.is_set():
            await pause(kind, 0.001)
        await loop.close()
        assert cancelled.is_set()
        assert await loop.batch() == []

    run(kind, main)
    assert script.closed == 1
    assert no_threads_left()


def test_a_cancelled_task_cancels_its_tools() -> None:
    cancelled = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    script = Script([called(call("b", "slow"))])

    async def main() -> None:
        loop = Loop(script.open, request(slow), ToolLoop(), crew_of("asyncio"))

        async def read() -> None:
            while await loop.batch():
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cancelled.is_set()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


@BOTH
def test_a_dropped_operation_cancels_from_any_thread(kind: str) -> None:
    cancelled, began = threading.Event(), threading.Event()

    async def slow() -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    script = Script([[[*START, *call("b", "slow")], said("never")]])
    loop = Loop(script.open, request(slow), ToolLoop(), crew_of(kind))

    async def main() -> None:
        await loop.batch()
        while not began.is_set():
            await pause(kind, 0.001)
        threading.Thread(target=loop.abandon).start()
        until = time.monotonic() + 5
        while not cancelled.is_set() and time.monotonic() < until:
            await pause(kind, 0.001)
        assert cancelled.is_set()

    run(kind, main)
    assert script.closed == 1
    assert no_threads_left()


@BOTH
def test_another_can_hang_up_while_a_tool_is_waited_for(kind: str) -> None:
    async def slow() -> None:
        await asyncio.sleep(30)

    script = Script([called(call("b", "slow"))])
    loop = Loop(script.open, request(slow), ToolLoop(), crew_of(kind))

    async def read() -> None:
        while await loop.batch():
            pass

    async def both() -> None:
        async def later() -> None:
            await anyio.sleep(0.05)
            await loop.close()

        async with anyio.create_task_group() as group:
            group.start_soon(later)
            await heard_of_it()

    async def heard_of_it() -> None:
        with pytest.raises(zen.IncompleteStreamError, match="closed while its tools ran"):
            await read()

    if kind == "sync":
        threading.Timer(0.05, lambda: drive(loop.close())).start()
    run(kind, heard_of_it if kind == "sync" else both)
    assert no_threads_left()
