"""How a client runs tools: `ToolLoop`, what it may do and when it stops.

Owns the options and their meaning. A step is one model call; `_tool_loop` strings them together, `_tool_calls` runs one
call, `_tool_crew` many at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .events import ToolCall
    from .response import LLMResponse

__all__ = ["Approval", "ToolLoop"]

Approval = bool | str
"""True runs the call, False refuses it, and so does a text, which tells the model why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLoop:
    """What happens to calls of tools that have a function, and when the conversation with the model ends.

    Calls run as soon as the model has written them, while its answer goes on; functions that are not asynchronous run
    in threads, each with the caller's context variables. Under trio, asynchronous ones run on an asyncio loop beside
    it. What a tool raises, wrong arguments and refusals go back to the model as results that are errors. What `approve`
    or `stop` raise ends the operation, and so does what a tool raises that is no `Exception`. A call of a tool without
    a function ends it too, in peace: the caller answers that one.

    After the first step a tool choice that forces a call is relaxed to `auto`; else the model could never answer.

    Args:
        max_steps: model calls in one operation, without the one that repairs an output.
        on_limit: when the model wants more than that: `raise` is a `ToolLoopError`, `stop` an ordinary finish with a
            warning. The tools of the last step have run by then.
        concurrency: tools that run at the same time; the others wait in the order of their calls.
        timeout: seconds that one tool may take, None for ever. The model is told when it passes. An asynchronous tool
            is then cancelled; a thread cannot be, it is left behind and its result dropped.
        unknown: a call of a tool that the request does not have: `answer` tells the model which there are, `raise` is
            a `ToolLoopError`.
        approve: asked before each call, one at a time and in the order of the calls, in a thread if not asynchronous.
        stop: asked between steps, with the answer so far; True ends the operation.
    """

    max_steps: int = 16
    on_limit: Literal["raise", "stop"] = "raise"
    concurrency: int = 8
    timeout: float | None = 120.0
    unknown: Literal["answer", "raise"] = "answer"
    approve: Callable[[ToolCall], Approval | Awaitable[Approval]] | None = None
    stop: Callable[[LLMResponse], bool | Awaitable[bool]] | None = None

    def __post_init__(self) -> None:
        for name in ("max_steps", "concurrency"):
            value: object = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"ToolLoop.{name} must be a whole number from 1, not {value!r}")
        if self.timeout is not None and not 0 < self.timeout < float("inf"):
            raise ValueError(f"ToolLoop.timeout must be a positive number of seconds, not {self.timeout!r}")
        for name, known in (("on_limit", ("raise", "stop")), ("unknown", ("answer", "raise"))):
            if getattr(self, name) not in known:
                raise ValueError(f"ToolLoop.{name} must be {known[0]!r} or {known[1]!r}, not {getattr(self, name)!r}")
