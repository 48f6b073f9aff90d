"""One call of a tool: approved, its arguments checked, run within its time, its value made a result.

Owns what the model is told when a call fails: the class of the error and its message, redacted, nothing of a traceback.
Owns no order of calls (`_tool_crew`) and no conversation (`_tool_loop`).
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from ._function_schema import Arguments
from ._redact import redacted_message
from ._tool_values import as_result
from ._validation import listed
from .events import ToolCall, ToolResult

if TYPE_CHECKING:
    from .request import Tool
    from .tools import Approval, ToolLoop

__all__ = ["LocalTool", "failed", "run_call", "unknown_tool"]

_LOGGER = logging.getLogger(__name__)
_MAX_NAMES = 64
_MAX_MESSAGE = 2000

_T = TypeVar("_T")


def failed(call_id: str, name: str, message: str) -> ToolResult:
    """A result that tells the model what went wrong."""
    return ToolResult(call_id, name, redacted_message(message)[:_MAX_MESSAGE], is_error=True)


def unknown_tool(call: ToolCall, tools: Mapping[str, object]) -> ToolResult:
    """The answer to a call of a tool that the request does not have."""
    known = ", ".join(list(tools)[:_MAX_NAMES])
    return failed(call.id, call.name, f"there is no tool {call.name!r}; there are: {known}")


class LocalTool:
    """A tool with its function.

    Raises:
        ValueError: the function has parameters that cannot be given by name.
    """

    def __init__(self, tool: Tool) -> None:
        function = tool.handler
        if function is None:
            raise ValueError(f"the tool {tool.name!r} has no function")
        self._function: Callable[..., Any] = function
        self._arguments = None if tool.freeform else Arguments(function)
        self.is_async = _is_async(function)

    def bind(self, given: Any) -> Callable[[], Any]:
        """The function with its arguments.

        Raises:
            pydantic.ValidationError: they do not fit its signature.
        """
        if self._arguments is None:
            return functools.partial(self._function, given if isinstance(given, str) else json.dumps(given))
        return functools.partial(self._function, **self._arguments.read(json.dumps(given)))


async def run_call(call: ToolCall, tool: LocalTool, options: ToolLoop, turn: asyncio.Lock) -> ToolResult:
    """The result of one call. `turn` lets one approval be asked at a time.

    Raises:
        Exception: what the approval hook raised.
    """
    if options.approve is not None:
        async with turn:
            said = await _called(options.approve, call)
        if (refusal := _refusal(call, said)) is not None:
            return failed(call.id, call.name, refusal)
    try:
        bound = tool.bind(call.input)
    except ValidationError as error:
        return failed(call.id, call.name, f"the arguments are not valid: {listed(error)}")
    except Exception as error:  # noqa: BLE001 - of the user's own types
        return _told(call, error)
    return await _within(call, bound, tool.is_async, options.timeout)


async def _within(call: ToolCall, bound: Callable[[], Any], is_async: bool, seconds: float | None) -> ToolResult:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return as_result(call, await bound()) if is_async else await _from_thread(call, bound)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return failed(call.id, call.name, "the tool was cancelled")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a tool does is told to the model
        if limit.expired():
            return failed(call.id, call.name, f"the tool gave no result within {seconds:g} seconds")
        return _told(call, error)


async def _from_thread(call: ToolCall, bound: Callable[[], Any]) -> ToolResult:
    """The result of a function that may block, made in its thread: the value may be large, or a generator."""

    async def later(value: Awaitable[Any]) -> ToolResult:
        return as_result(call, await value)

    def run() -> Any:
        value = bound()
        return later(value) if inspect.isawaitable(value) else as_result(call, value)

    made: ToolResult = await _in_thread(run)
    return made


def _told(call: ToolCall, error: BaseException) -> ToolResult:
    try:
        said = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an error of the user's own that fails to tell
        said = type(error).__name__
    result = failed(call.id, call.name, said)
    _LOGGER.warning("the tool %r failed: %s", call.name, result.result)
    return result


def _refusal(call: ToolCall, said: Approval) -> str | None:
    if isinstance(said, str):
        return f"the call was refused: {said}"
    if not isinstance(cast("object", said), bool):
        raise TypeError(f"ToolLoop.approve must say True, False or why not, not {said!r} (of {call.name!r})")
    return None if said else "the call was refused"


# --- where functions run


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - it is asked what it is


async def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    bound = functools.partial(function, *arguments)
    return await (bound() if _is_async(function) else _in_thread(bound))


async def _in_thread(call: Callable[[], Any]) -> Any:
    """The value of a function that may block, from a thread of its own.

    Not from a pool: a pool's threads are waited for when the process ends, and one that hangs would hold it up.
    """
    done: Future[tuple[Any, BaseException | None]] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        if done.set_running_or_notify_cancel():
            done.set_result(_outcome(functools.partial(context.run, call)))

    Thread(target=work, name="zen-native tool", daemon=True).start()
    value, error = await asyncio.wrap_future(done)
    if error is not None:
        raise error
    return await value if inspect.isawaitable(value) else value


def _outcome(call: Callable[[], _T]) -> tuple[_T | None, BaseException | None]:
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
        return None, error
