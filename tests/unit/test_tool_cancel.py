"""A failed, closed, dropped or cancelled operation: its tools end with it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import anyio
import pytest
import trio
from tests.kit.order import check_order
from tests.kit.steps import (
    BOTH,
    START,
    Script,
    Slow,
    add,
    call,
    called,
    crew_of,
    heard,
    no_threads_left,
    request,
    run,
    said,
)

import zen_native as zen
from zen_native._io import drive
from zen_native._tool_loop import Loop
from zen_native.tools import ToolLoop

ASYNC = pytest.mark.parametrize("kind", ["asyncio", "trio"])


@pytest.fixture
def tool() -> Slow:
    return Slow()


def loop_of(kind: str, script: Script, tool: Slow) -> Loop:
    return Loop(script.open, request(tool.slow), ToolLoop(), crew_of(kind))


async def read(loop: Loop) -> None:
    while await loop.batch():
        pass


@BOTH
def test_a_failed_step_keeps_what_came_and_cancels_the_tools(kind: str, tool: Slow) -> None:
    failure = zen.ReadError("gone", partial=zen.LLMResponse())

    def begun() -> object:
        return tool.has(kind, tool.began)

    steps = [called(call("a", "add", a=1)), [[*START, *said("half"), *call("b", "slow")], begun, failure]]
    script = Script(steps)
    with pytest.raises(zen.ReadError) as caught:
        heard(kind, script, request(add, tool.slow))
    assert tool.cancelled.is_set()
    partial = caught.value.partial
    assert [part.type for part in partial.parts] == ["tool-call", "tool-result", "text", "tool-call"]
    assert [step.index for step in partial.steps] == [0]
    assert script.closed == 2
    assert no_threads_left()


@BOTH
def test_closing_cancels_tools_and_the_connection(kind: str, tool: Slow) -> None:
    script = Script([[[*START, *call("b", "slow")], said("never")]])
    loop = loop_of(kind, script, tool)

    async def main() -> None:
        check_order(await loop.batch(), failed=True)
        await tool.has(kind, tool.began)
        await loop.close()
        assert tool.cancelled.is_set()
        assert await loop.batch() == []

    run(kind, main)
    assert script.closed == 1
    assert no_threads_left()


def test_a_cancelled_task_cancels_its_tools(tool: Slow) -> None:
    script = Script([called(call("b", "slow"))])

    async def main() -> None:
        task = asyncio.create_task(read(loop_of("asyncio", script, tool)))
        await tool.has("asyncio", tool.began)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert tool.cancelled.is_set()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


@ASYNC
def test_a_cancelled_scope_cancels_its_tools(kind: str, tool: Slow) -> None:
    script = Script([called(call("b", "slow"))])

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(read, loop_of(kind, script, tool))
            await tool.has(kind, tool.began)
            group.cancel_scope.cancel()
        assert tool.cancelled.is_set()

    run(kind, main)
    assert script.closed == 1
    assert no_threads_left()


def test_trio_goes_on_while_tools_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their loop is beside trio's, and its end is waited for in a thread."""
    monkeypatch.setattr("zen_native._tool_crew._CLEANUP_SECONDS", 30.0)
    began, free = threading.Event(), threading.Event()

    async def stubborn() -> None:
        """Stubborn."""
        began.set()
        try:
            await asyncio.sleep(600)
        finally:
            free.wait(30)

    script = Script([[[*START, *call("b", "stubborn")], said("never")]])
    loop = Loop(script.open, request(stubborn), ToolLoop(), crew_of("trio"))
    seen: list[str] = []

    async def close() -> None:
        await loop.close()
        seen.append("closed")

    async def main() -> None:
        await loop.batch()
        await trio.to_thread.run_sync(began.wait)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(close)
            await trio.sleep(0.001)
            await trio.sleep(0.001)
            seen.append("went on")
            free.set()

    trio.run(main)
    assert seen == ["went on", "closed"]
    assert no_threads_left()


@BOTH
def test_a_dropped_operation_cancels_from_any_thread(kind: str, tool: Slow) -> None:
    script = Script([[[*START, *call("b", "slow")], said("never")]])
    loop = loop_of(kind, script, tool)
    another = threading.Thread(target=loop.abandon)

    async def main() -> None:
        await loop.batch()
        await tool.has(kind, tool.began)
        another.start()
        await tool.has(kind, tool.cancelled)

    run(kind, main)
    another.join()
    assert script.closed == 1
    assert no_threads_left()


@BOTH
def test_another_can_hang_up_while_a_tool_is_waited_for(kind: str, tool: Slow) -> None:
    script, waiting = Script([called(call("b", "slow"))]), threading.Event()
    crew = crew_of(kind)
    wait = crew.wait

    async def noted(handle: Any) -> zen.ToolResult:
        waiting.set()
        result: zen.ToolResult = await wait(handle)
        return result

    crew.wait = noted
    loop = Loop(script.open, request(tool.slow), ToolLoop(), crew)

    async def hear() -> None:
        with pytest.raises(zen.IncompleteStreamError, match="closed while its tools ran"):
            await read(loop)

    async def hang_up() -> None:
        await tool.has(kind, waiting)
        await loop.close()

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(hang_up)
            await hear()

    if kind == "sync":
        threading.Thread(target=lambda: drive(hang_up())).start()
    run(kind, hear if kind == "sync" else both)
    assert no_threads_left()
