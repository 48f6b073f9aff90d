"""What a request costs: usage times a row of a dated table, in exact decimals.

Owns the rules by which a row is chosen and its prices are applied; the tables are `price_table`'s, and what usage
means is `usage`'s. The rules, which hold for every provider:

- Tokens are split into disjoint buckets first, so that none is charged twice. What nobody counted apart (reads of a
  cache, reasoning) is charged as what it is part of, and so is what a table has no price of its own for: input that
  is read from or written to a cache without such a price is input. Hour-long writes are the exception: they cost more
  than any price that could stand in for theirs.
- A tier is chosen by all input of the one request, cache included, and re-prices all of it. So price each step of an
  operation and add the costs; a sum of usages has no tier.
- The service tier is the one that served, as the answer says, not the one that was asked for. A table without a row
  for it has no price.
- What is not known makes the cost unknown, with a reason; it never makes it zero.
- What the wire says was charged wins. The table is then a check: `Priced.difference`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from ._usage_facts import calls_in, calls_noted, kinds_in, service_name, service_of
from .price_table import Found, PriceTable, find_prices
from .route import Prices, Route
from .usage import Usage, charged

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["PriceLine", "PriceTable", "Priced", "Prices", "apply", "price", "price_by"]

# Exact for any real bill, bounded against hostile counts.
_EXACT = Context(prec=1_000, traps=[])
_MILLION = -6
# Gateways round what they charge: Zen to 1e-8 USD, xAI to 1e-10.
_ROUNDING = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One position of a bill."""

    name: str
    """`input`, `cache-read`, `cache-write-5m`, `cache-write-1h`, `output`, `reasoning` or `call:` and a tool's name."""
    quantity: int
    price: Decimal
    """USD per million tokens, or per call."""
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a request costs by a table, or why that is not known."""

    cost: Decimal | None = None
    """USD; the exact sum of the lines."""
    reason: str | None = None
    """Why there is no cost."""
    lines: tuple[PriceLine, ...] = ()
    """Also where there is no cost: what could be priced."""
    as_of: str | None = None
    source: str | None = None
    service_tier: str | None = None
    """The tier that served; None is the ordinary one."""
    above_input_tokens: int | None = None
    """The tier of long prompts that counted."""

    def applied(self, usage: Usage) -> Usage:
        """The usage with this cost, where the wire said none."""
        if usage.cost is not None or self.cost is None:
            return usage
        return charged(usage, self.cost, "table")

    def difference(self, usage: Usage, tolerance: Decimal = Decimal("0.01")) -> str | None:
        """A warning where the wire charged something else than the table says; `tolerance` is a share of the larger.

        List prices are compared where the wire says them. A charge of zero is a plan or credit and no price.
        """
        said = usage.list_cost if usage.list_cost is not None else usage.cost
        if usage.cost_source != "wire" or said is None or self.cost is None or said == 0:
            return None
        gap = abs(_EXACT.subtract(said, self.cost))
        if gap <= _ROUNDING or gap <= _EXACT.multiply(tolerance, max(said, self.cost)):
            return None
        table = f"{self.source}{f' of {self.as_of}' if self.as_of else ''}"
        return f"the provider says that this cost {said:f} USD; by the prices of {table} it is {self.cost:f} USD"


def price(
    usage: Usage,
    model: str | Route,
    *,
    service_tier: str | None = None,
    calls: Mapping[str, int] | None = None,
    metadata: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    table: PriceTable | None = None,
) -> Priced:
    """What one request costs by the tables.

    Args:
        usage: of that one request.
        model: `provider/model`, an id that the table of models has, or the route that was taken.
        service_tier: that served; default: what the answer says in `metadata` and the usage object.
        calls: of hosted tools by name, where usage does not count them.
        metadata: of the step, where some providers note the tier.
        at: when the request was sent, for prices that change; default: now.
        table: the user's own prices, which go before all others.
    """
    found = find_prices(model, table, at)
    return price_by(found, usage, service_tier=service_tier, calls=calls, metadata=metadata)


def price_by(
    found: Found,
    usage: Usage,
    *,
    service_tier: str | None = None,
    calls: Mapping[str, int] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Priced:
    """The same by prices that were found."""
    if found.prices is None:
        return Priced(reason=found.reason)
    served = service_name(service_tier) if service_tier is not None else service_of(usage.raw, metadata)
    row = _row(found, found.prices, served, usage.input_tokens)
    if isinstance(row, str):
        return Priced(reason=row, as_of=found.as_of, source=found.source, service_tier=served)
    bill = _Bill(row, found)
    bill.add_tokens(usage)
    bill.add_calls({**calls_noted(metadata), **calls_in(usage.raw), **(calls or {})})
    bill.add_kinds(kinds_in(usage.raw) & set(found.prices.apart))
    return Priced(
        cost=None if bill.problems else bill.total(),
        reason="; ".join(bill.problems) or None,
        lines=tuple(bill.lines),
        as_of=found.as_of,
        source=found.source,
        service_tier=served,
        above_input_tokens=row.above_input_tokens,
    )


def apply(
    usage: Usage,
    model: str | Route,
    *,
    service_tier: str | None = None,
    calls: Mapping[str, int] | None = None,
    metadata: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    table: PriceTable | None = None,
) -> Usage:
    """The usage of one request with its cost by the tables; unchanged where the wire said a cost, or none is known."""
    if usage.cost is not None:
        return usage
    priced = price(usage, model, service_tier=service_tier, calls=calls, metadata=metadata, at=at, table=table)
    return priced.applied(usage)


def _row(found: Found, ordinary: Prices, served: str | None, input_tokens: int | None) -> Prices | str:
    """The row for that service tier and a prompt of that size, with the prices of calls, or why there is none."""
    row = ordinary if served is None else ordinary.services.get(served)
    if row is None:
        return f"{found.source} has no prices for the service tier {served!r}"
    if row.tiers and input_tokens is None:
        return "the number of input tokens is not known, and the price depends on it"
    steps = ((tier.above_input_tokens, tier) for tier in row.tiers)
    reached = [(step, tier) for step, tier in steps if step is not None and (input_tokens or 0) > step]
    chosen = max(reached, key=lambda pair: pair[0])[1] if reached else row
    calls = chosen.calls or row.calls or ordinary.calls
    return chosen if calls == chosen.calls else replace(chosen, calls=calls)


class _Bill:
    """Lines as they are added, and what stands against a total."""

    def __init__(self, row: Prices, found: Found) -> None:
        self.lines: list[PriceLine] = []
        self.problems: list[str] = []
        self._row = row
        self._found = found

    def add_tokens(self, usage: Usage) -> None:
        row, buckets = self._row, usage.buckets()
        read = row.input if row.cache_read is None else row.cache_read
        write = row.input if row.cache_write is None else row.cache_write
        reasoning = row.output if row.reasoning is None else row.reasoning
        self._tokens("input", buckets.fresh_input, row.input, needed=True)
        self._tokens("cache-read", buckets.cache_read, read)
        self._tokens("cache-write-5m", buckets.cache_write_5m, write)
        self._tokens("cache-write-1h", buckets.cache_write_1h, row.cache_write_1h)
        self._tokens("output", buckets.visible_output, row.output, needed=True)
        self._tokens("reasoning", buckets.reasoning, reasoning)

    def add_calls(self, calls: Mapping[str, int]) -> None:
        counts = dict(calls)
        if "request" in self._row.calls:
            counts.setdefault("request", 1)
        for name, count in counts.items():
            each = self._row.calls.get(name)
            if each is None and self._found.unlisted_is_free:
                each = Decimal(0)
            if each is not None:
                self.lines.append(PriceLine(f"call:{name}", count, each, _EXACT.multiply(each, Decimal(count))))
            elif count > 0:
                self.problems.append(f"{self._found.source} has no price for a call of {name}")

    def add_kinds(self, kinds: frozenset[str]) -> None:
        """Tokens that were counted apart, and whose prices the row has not."""
        if kinds:
            self.problems.append(f"{' and '.join(sorted(kinds))} tokens have prices of their own")

    def total(self) -> Decimal:
        total = Decimal(0)
        for line in self.lines:
            total = _EXACT.add(total, line.cost)
        plain = total.normalize(_EXACT)
        exponent = plain.as_tuple().exponent
        return plain if isinstance(exponent, int) and exponent <= 0 else plain.quantize(Decimal(1), context=_EXACT)

    def _tokens(self, name: str, count: int | None, rate: Decimal | None, *, needed: bool = False) -> None:
        if count is None and needed and rate != 0:
            self.problems.append(f"the number of {name} tokens is not known")
        elif count and rate is None:
            self.problems.append(f"{self._found.source} has no price for {name} tokens")
        elif count is not None and rate is not None:
            cost = _EXACT.scaleb(_EXACT.multiply(rate, Decimal(count)), _MILLION)
            self.lines.append(PriceLine(name, count, rate, cost))
