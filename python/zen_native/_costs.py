"""What an answer costs, told to its events: as the wire says it, else by the price tables.

Owns which events are told, which calls of hosted tools are counted from events, and the warning where wire and table
differ. How a price is found and applied is `pricing`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ._usage_facts import calls_noted
from .events import Finish, LLMEvent, StepFinish, ToolCall
from .pricing import PriceTable, price
from .usage import Usage, sum_usage

if TYPE_CHECKING:
    from .route import Route

__all__ = ["Costs", "hosted_calls"]

# platform.openai.com/docs/pricing (built-in tools): Responses names no counts in its usage. Of a web search, opening
# and reading what was found costs nothing.
_CHARGED = frozenset({"code_interpreter", "file_search", "image_generation", "web_search"})


class Costs:
    """Prices the steps of one operation, each by itself: a tier is chosen by the input of one request."""

    def __init__(self, route: Route, table: PriceTable | None = None) -> None:
        self._route = route
        self._table = table
        self._steps: list[Usage] = []
        self._warnings: dict[str, None] = {}

    def told(self, events: Iterable[LLMEvent], calls: Mapping[str, int]) -> list[LLMEvent]:
        """The events, with the cost in the usage of those that end something; `calls` are those of hosted tools."""
        return [self._told(event, calls) for event in events]

    def _told(self, event: LLMEvent, calls: Mapping[str, int]) -> LLMEvent:
        if isinstance(event, StepFinish) and event.usage is not None:
            priced = self._step(event, event.usage, calls)
            return event if priced is event.usage else replace(event, usage=priced)
        if isinstance(event, Finish):
            total = self._total(event.usage)
            if total is event.usage and not self._warnings:
                return event
            return replace(event, usage=total, warnings=(*event.warnings, *self._warnings))
        return event

    def _step(self, event: StepFinish, usage: Usage, calls: Mapping[str, int]) -> Usage:
        counted = {**calls, **calls_noted(event.metadata)}
        found = price(usage, self._route, metadata=event.metadata, calls=counted, table=self._table)
        differs = found.difference(usage)
        if differs is not None:
            self._warnings[differs] = None
        self._steps.append(found.applied(usage))
        return self._steps[-1]

    def _total(self, usage: Usage | None) -> Usage | None:
        """A sum is known only where every step's cost is."""
        total = sum_usage(self._steps)
        if usage is None or total is None or total.cost is None:
            return usage
        return replace(usage, cost=total.cost, cost_source=total.cost_source)


def hosted_calls(events: Iterable[LLMEvent]) -> dict[str, int]:
    """How often tools were called that the provider runs and charges by the call."""
    names = (event.name for event in events if isinstance(event, ToolCall) and _is_charged(event))
    return dict(Counter(names))


def _is_charged(call: ToolCall) -> bool:
    if not call.provider_executed or call.name not in _CHARGED:
        return False
    said: object = call.input
    action = cast("Mapping[str, Any]", said).get("type") if isinstance(said, Mapping) else None
    return call.name != "web_search" or action in {None, "search"}
