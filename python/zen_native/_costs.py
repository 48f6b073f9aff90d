"""What an answer costs, told to its events: as the wire says it, else by the price tables.

Owns which events are told, which calls of hosted tools are counted from events, and the warning where wire and table
differ. How a price is found and applied is `pricing`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ._usage_facts import calls_noted
from .events import Finish, LLMEvent, StepFinish, ToolCall
from .price_table import Found, PriceTable, find_prices
from .pricing import price_by
from .usage import Usage, charged, sum_usage

if TYPE_CHECKING:
    from ._routes import Place
    from .route import Route

__all__ = ["Costs", "hosted_calls"]

# platform.openai.com/docs/pricing (built-in tools): Responses names no counts in its usage. Of a web search, opening
# and reading what was found costs nothing.
_CHARGED = frozenset({"code_interpreter", "file_search", "image_generation", "web_search"})
_ENDS = (StepFinish, Finish)


class Costs:
    """Prices the steps of one operation, each by itself: a tier is chosen by the input of one request."""

    def __init__(self, route: Route, table: PriceTable | None = None, place: Place | None = None) -> None:
        """`table` is the user's own; `place` remembers what was found for the route."""
        self._route = route
        self._table = table
        self._place = place
        self._steps: list[Usage] = []
        self._warnings: dict[str, None] = {}

    def told(self, events: Iterable[LLMEvent], calls: Mapping[str, int]) -> list[LLMEvent]:
        """The events, with the cost in the usage of those that end something; `calls` are those of hosted tools."""
        out = list(events)
        for at, event in enumerate(out):
            if isinstance(event, _ENDS):
                out[at] = self._step_told(event, calls) if isinstance(event, StepFinish) else self._finish_told(event)
        return out

    def _step_told(self, event: StepFinish, calls: Mapping[str, int]) -> StepFinish:
        usage = event.usage
        if usage is None:
            return event
        found = self._found()
        if found.prices is None:
            self._steps.append(usage)
            return event
        counted = {**calls, **calls_noted(event.metadata)}
        priced = price_by(found, usage, metadata=event.metadata, calls=counted)
        differs = priced.difference(usage)
        if differs is not None:
            self._warnings[differs] = None
        applied = priced.applied(usage)
        self._steps.append(applied)
        if applied is usage:
            return event
        return StepFinish(event.index, event.reason, applied, event.response_id, event.model, event.metadata)

    def _finish_told(self, event: Finish) -> Finish:
        total = self._total(event.usage)
        if total is event.usage and not self._warnings:
            return event
        return Finish(event.reason, total, event.steps, (*event.warnings, *self._warnings))

    def _found(self) -> Found:
        """The prices, now."""
        place, table = self._place, self._table
        if place is not None and place.found is not None and place.found[0] is table:
            return place.found[1]
        found = find_prices(self._route, table, None)
        if place is not None and found.stands:
            place.found = (table, found)
        return found

    def _total(self, usage: Usage | None) -> Usage | None:
        """A sum is known only where every step's cost is."""
        total = sum_usage(self._steps)
        if usage is None or total is None or total.cost is None:
            return usage
        return charged(usage, total.cost, total.cost_source)


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
