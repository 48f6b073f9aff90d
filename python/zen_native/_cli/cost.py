"""What the command line says of a cost: by which table it is, or why there is none.

Owns the words. The client has priced the answer by then; this asks the tables again for what the events do not say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from zen_native.events import Finish, LLMEvent, StepFinish
from zen_native.pricing import price

if TYPE_CHECKING:
    from zen_native.route import Route

__all__ = ["Costs"]


class Costs:
    """Notes for the steps of one operation."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._notes: dict[str, None] = {}
        self.table: str | None = None
        """The table by which something was priced, with its date."""

    def priced(self, events: Iterable[LLMEvent]) -> list[LLMEvent]:
        """The events; the last one warns of a cost that is not known."""
        return [self._noted(event) for event in events]

    def _noted(self, event: LLMEvent) -> LLMEvent:
        if isinstance(event, Finish):
            return replace(event, warnings=(*event.warnings, *self._notes))
        if isinstance(event, StepFinish) and event.usage is not None:
            found = price(event.usage, self._route, metadata=event.metadata)
            if event.usage.cost is None:
                self._notes[f"the cost is not known: {found.reason}"] = None
            elif event.usage.cost_source == "table":
                self.table = f"{found.source}{f', {found.as_of}' if found.as_of else ''}"
        return event
