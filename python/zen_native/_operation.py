"""What a client's call becomes: one step, or a loop of them where tools run or an output is read.

Owns when there is a loop, and which model its later steps ask. Owns no step (`_step`) and no loop (`_tool_loop`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ._step import Engine, Source, Step

if TYPE_CHECKING:
    from ._telemetry import StepWatcher, Telemetry
    from ._tool_crew import Crew
    from ._tool_loop import Around
    from .request import LLMRequest
    from .route import Route
    from .structured import Output
    from .tools import ToolLoop

__all__ = ["Looping", "first_request", "is_one_step", "operation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looping:
    """What an operation needs besides its steps."""

    crew: Callable[[int], Crew]
    route: Callable[[str], Route]
    options: ToolLoop | None = None
    repair: bool = False
    telemetry: Telemetry | None = None


def operation(engine: Engine, request: LLMRequest, fallbacks: tuple[str, ...], looping: Looping) -> Source:
    """The source of a call's events: one step, or a loop of them."""
    if is_one_step(request):
        return _heard(partial(Step, engine, request, fallbacks), request, looping)
    from ._tool_loop import Loop
    from .tools import ToolLoop

    options = looping.options or ToolLoop()
    output = None if request.output_type is None else lambda: _output(request, fallbacks, looping)

    def loop(around: Around | None = None) -> Source:
        steps = _Steps(engine, fallbacks, looping)
        return Loop(steps.open, request, options, looping.crew(options.concurrency), output, around)

    return loop() if looping.telemetry is None else looping.telemetry.loop(request, looping.route, loop)


def is_one_step(request: LLMRequest) -> bool:
    """Whether there is nothing that a second step would follow: no tools that run, and no output to be read."""
    if request.output_type is not None:
        return False
    return not any(tool.handler is not None or tool.native is not None for tool in request.tools)


def first_request(request: LLMRequest, route: Callable[[str], Route]) -> LLMRequest:
    """What the first step of an operation asks."""
    if request.output_type is None:
        return request
    from .structured import Output

    return Output(request, [route(request.model)]).asked(request)


def _output(request: LLMRequest, fallbacks: tuple[str, ...], looping: Looping) -> Output:
    from .structured import Output

    routes = [looping.route(model) for model in (request.model, *fallbacks)]
    return Output(request, routes, repair=looping.repair)


def _heard(open_step: Callable[..., Source], request: LLMRequest, looping: Looping) -> Source:
    """A step, and before it who listens."""
    if looping.telemetry is None:
        return open_step()
    return looping.telemetry.step(request, looping.route, lambda watcher: open_step(watcher=watcher))


class _Steps:
    """Opens one step after the other, under one limit of time. The model that answered is asked first from then on:
    what it thought, no other may read."""

    def __init__(self, engine: Engine, fallbacks: tuple[str, ...], looping: Looping) -> None:
        self._engine = engine
        self._fallbacks = fallbacks
        self._looping = looping
        total = engine.timeouts.total
        self._until = None if total is None else engine.retrier.clock() + total
        self._step: Step | None = None

    def open(self, request: LLMRequest) -> Source:
        """The next step."""
        prepared = None if self._step is None else self._step.prepared
        models = (request.model, *self._fallbacks)
        first = request.model if prepared is None else prepared.request.model
        others = tuple(model for model in models if model != first)
        asked = request.model_copy(update={"model": first})

        def open_step(watcher: StepWatcher | None = None) -> Source:
            self._step = Step(self._engine, asked, others, self._until, watcher)
            return self._step

        return _heard(open_step, asked, self._looping)
