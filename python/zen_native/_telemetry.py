"""What a client tells of its work to whoever listens: the shape of `telemetry=`.

Owns no span and no metric, and imports nobody who has one: `integrations.otel` is who listens. A client without
telemetry has nothing of this between itself and its steps. Whoever listens must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ._prepare import Prepared
    from ._step import Source
    from ._tool_loop import Around
    from .errors import LLMError
    from .request import LLMRequest
    from .route import Route

__all__ = ["StepWatcher", "Telemetry"]


class StepWatcher(Protocol):
    """Is told what a step does besides giving events."""

    def prepared(self, prepared: Prepared) -> None:
        """A request is ready for its model, and the gate has decided."""
        ...

    def sent_again(self, error: LLMError, seconds: float) -> None:
        """It failed, and is sent again after so many seconds."""
        ...

    def fell_back(self, model: str, instead: str, error: LLMError) -> None:
        """It failed, and another model is asked."""
        ...


class Telemetry(Protocol):
    """Puts itself between the sources of events and whoever reads them. `route` is where a model is served."""

    def step(
        self, request: LLMRequest, route: Callable[[str], Route], open_step: Callable[[StepWatcher], Source]
    ) -> Source:
        """One model call, of which nothing was sent yet."""
        ...

    def loop(self, request: LLMRequest, route: Callable[[str], Route], open_loop: Callable[[Around], Source]) -> Source:
        """An operation of several steps, each of which is told apart."""
        ...
