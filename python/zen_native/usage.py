"""Token counts and cost of a step or of a whole operation, and their exact sum.

Owns what the fields mean and how they add. Owns no price table, and no provider's spelling of a field.
A count that nobody reported is `None`, never 0; a cost of zero is a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal

__all__ = ["CostSource", "Usage", "UsageBuckets", "sum_usage"]

CostSource = Literal["wire", "table"]

_COUNTERS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "total_tokens",
)
_MONEY = ("cost", "list_cost")

# The default context rounds at 28 digits. This is exact for any real bill, and bounded against a hostile exponent.
_EXACT = Context(prec=10_000, traps=[])


@dataclass(frozen=True, slots=True)
class UsageBuckets:
    """The disjoint form of a `Usage`: every token is counted in one bucket, so the known ones sum to the total.

    `None` means that nobody reported it; such tokens, if there were any, are inside `fresh_input` or `visible_output`.
    """

    fresh_input: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    visible_output: int | None = None
    reasoning: int | None = None

    @property
    def total(self) -> int | None:
        """The sum of the known buckets; `None` when none is known."""
        inputs = (self.fresh_input, self.cache_read, self.cache_write_5m, self.cache_write_1h)
        known = [count for count in (*inputs, self.visible_output, self.reasoning) if count is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters as inclusive totals: reads and writes of the cache are part of input, reasoning is part of output."""

    input_tokens: int | None = None
    """All prompt tokens, cache reads and writes included."""
    output_tokens: int | None = None
    """All generated tokens, reasoning included."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    """All cache writes, whatever their lifetime."""
    cache_write_1h_tokens: int | None = None
    """The part of the writes that is kept for an hour."""
    reasoning_tokens: int | None = None
    total_tokens: int | None = None
    cost: Decimal | None = None
    """USD charged."""
    list_cost: Decimal | None = None
    """USD at list price, where a gateway says both."""
    cost_source: CostSource | None = None
    raw: Mapping[str, Any] | None = None
    """The provider's last usage object, untouched."""

    def buckets(self) -> UsageBuckets:
        """Split into disjoint buckets; parts that exceed their whole are cut so that none is negative."""
        fresh, (read, write) = _split(self.input_tokens, self.cache_read_tokens, self._writes())
        write_5m, (write_1h,) = _split(write, self.cache_write_1h_tokens)
        visible, (reasoning,) = _split(self.output_tokens, self.reasoning_tokens)
        return UsageBuckets(fresh, read, write_5m, write_1h, visible, reasoning)

    def _writes(self) -> int | None:
        return self.cache_write_1h_tokens if self.cache_write_tokens is None else self.cache_write_tokens

    def __add__(self, other: Usage) -> Usage:
        """Add two steps. A count that one of them has is the sum's too, for providers leave out what is zero. Money is
        known only where both have it: a bill that is too low is worse than none."""
        counts: dict[str, Any] = {name: _added(getattr(self, name), getattr(other, name)) for name in _COUNTERS}
        cost = _paid(self.cost, other.cost)
        sources = {self.cost_source, other.cost_source} - {None}
        return Usage(
            **counts,
            cost=cost,
            list_cost=_paid(self.list_cost, other.list_cost),
            # A sum is only as good as its weaker part.
            cost_source=None if cost is None or not sources else "table" if "table" in sources else "wire",
            raw=self.raw if other.raw is None else other.raw,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data: money as text, unknown fields left out."""
        out: dict[str, Any] = {}
        for name in (*_COUNTERS, *_MONEY, "cost_source", "raw"):
            value = getattr(self, name)
            if value is not None:
                out[name] = str(value) if name in _MONEY else value
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Usage:
        """The inverse of `to_dict`.

        Raises `ValueError` for an amount that is no number, and `TypeError` for a field that is not known.
        """
        values = dict(data)
        for name in _MONEY:
            if values.get(name) is not None:
                values[name] = _amount(name, values[name])
        return cls(**values)


def charged(usage: Usage, cost: Decimal | None, source: CostSource | None) -> Usage:
    """The same usage with that cost."""
    # As `dataclasses.replace`, which takes four times as long.
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        usage.total_tokens,
        cost,
        usage.list_cost,
        source,
        usage.raw,
    )


def _amount(name: str, value: object) -> Decimal:
    """By way of text, so that a float is the number it shows as."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} is no number: {value!r}") from None


def sum_usage(steps: Iterable[Usage | None]) -> Usage | None:
    """The exact sum over steps; `None` when no step reported anything. Nobody knows what a silent step cost, nor then
    what all of them did."""
    total: Usage | None = None
    silent = False
    for usage in steps:
        if usage is None:
            silent = True
        else:
            total = usage if total is None else total + usage
    return total + Usage() if silent and total is not None else total


def _added(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _paid(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None or right is None else _EXACT.add(left, right)


def _split(whole: int | None, *parts: int | None) -> tuple[int | None, list[int | None]]:
    """The rest of `whole` after `parts`, and the parts, each cut to what is left of a known whole."""
    rest = None if whole is None else max(0, whole)
    taken: list[int | None] = []
    for part in parts:
        count = None if part is None else max(0, part)
        if count is not None and rest is not None:
            count = min(count, rest)
            rest -= count
        taken.append(count)
    return rest, taken
