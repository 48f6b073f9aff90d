"""Where prices come from: the user's table, the table of models, the price library; each with its date and source.

Owns a user's table (its form, how it is read and checked) and the order in which tables are asked. What a request
costs by a row is `pricing`'s; how the library's rows are read is `_genai_prices`'s.

    {"form": "zen-native-prices/1", "as_of": "2026-11-01", "source": "our contract", "models": {
      "anthropic/claude-sonnet-5": {
        "input": "2", "output": "10", "cache_read": "0.2", "cache_write": "2.5", "cache_write_1h": "4",
        "calls": {"web_search": "0.01"}, "tiers": [{"above_input_tokens": 200000, "input": "4", "output": "15"}],
        "services": {"batch": {"input": "1", "output": "5"}}}}}

Prices are USD per million tokens, those of calls USD per call; see `Prices` for every field.

The library is an extra (`zen-native[prices]`), neither a dependency nor a copy in the package: it is kept up to date
by releases of its own, where a copy would be as old as this package, and it brings an HTTP client that decoding and
sending do not need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .catalogue import MAX_BYTES, mapping, package_table, prices_of, read_json
from .providers import PROVIDERS
from .route import Prices, Route, origin_of

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["FORM", "Found", "PriceTable", "find_prices"]

FORM = "zen-native-prices/1"

# What these gateways do not list is free there: prices of the cache, and calls of hosted tools.
_UNLISTED_IS_FREE = frozenset({"opencode", "opencode-go"})
_FIELDS = frozenset({
    "above_input_tokens", "apart", "cache_read", "cache_write", "cache_write_1h", "calls", "input", "output",
    "reasoning", "services", "tiers",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """A user's own prices, by `provider/model`. They go before all others."""

    as_of: str
    """The date of the prices."""
    source: str
    models: Mapping[str, Prices] = field(default_factory=dict[str, Prices])

    @classmethod
    def load(cls, path: str | Path) -> PriceTable:
        """The table in that file, a JSON object with `form`, `as_of`, `source` and `models`.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no table; the message says where it is wrong.
        """
        known = Path(path)
        if known.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path}: a table of prices has at most {MAX_BYTES} bytes")
        try:
            return cls.parse(read_json(known.read_bytes()))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, document: object) -> PriceTable:
        """The table that a document holds.

        Raises:
            ValueError: it holds none; the message says where it is wrong.
        """
        top = mapping(document, "the document")
        if top.get("form") != FORM:
            raise ValueError(f"not a table of prices: form must be {FORM!r}")
        said = {name: top.get(name) for name in ("as_of", "source")}
        for name, value in said.items():
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name}: must be a text that is not empty")
        rows = mapping(top.get("models"), "models")
        models = {name: _row(row, f"models.{name}") for name, row in rows.items()}
        return cls(as_of=str(said["as_of"]), source=str(said["source"]), models=models)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A row of a table and where it stands, or the reason why there is none."""

    prices: Prices | None = None
    as_of: str | None = None
    """The table's date; of the price library it is its release, which `source` names."""
    source: str | None = None
    unlisted_is_free: bool = False
    reason: str | None = None
    stands: bool = field(default=False, repr=False, compare=False)
    """Whether it is the same at any time."""


def find_prices(model: str | Route, table: PriceTable | None, at: datetime | None) -> Found:
    """The prices of that model, of the first table that has it."""
    provider, name = _named(model)
    if provider is None:
        return Found(reason=f"{name!r} names no provider, and no table has it; write provider/{name}", stands=True)
    row = table.models.get(f"{provider}/{name}") if table is not None else None
    if table is not None and row is not None:
        return Found(prices=row, as_of=table.as_of, source=table.source, stands=True)
    listed = _listed(model, provider, name)
    if listed is not None:
        return listed
    elsewhere = _elsewhere(model) if isinstance(model, Route) else None
    if elsewhere is not None:
        return Found(reason=elsewhere, stands=True)
    return _library()(provider, name, at)


@cache
def _library() -> Callable[[str, str, datetime | None], Found]:
    from ._genai_prices import find_in_library

    return find_in_library


def _row(value: object, where: str) -> Prices:
    row = mapping(value, where)
    _check_fields(row, where)
    return prices_of(row, where)


def _check_fields(row: Mapping[str, Any], where: str) -> None:
    unknown = sorted(row.keys() - _FIELDS)
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}; known: {', '.join(sorted(_FIELDS))}")
    tiers: object = row.get("tiers", [])
    for tier in cast("list[object]", tiers) if isinstance(tiers, list) else []:
        inner = mapping(tier, f"{where}.tiers")
        if "above_input_tokens" not in inner:
            raise ValueError(f"{where}.tiers: a tier needs above_input_tokens")
        _check_fields(inner, f"{where}.tiers")
    for name, service in mapping(row.get("services", {}), f"{where}.services").items():
        _check_fields(mapping(service, f"{where}.services.{name}"), f"{where}.services.{name}")


def _named(model: str | Route) -> tuple[str | None, str]:
    if isinstance(model, Route):
        return model.provider, model.model
    provider, slash, name = model.partition("/")
    if slash:
        return provider, name
    served = package_table().find(model)
    return (served[0].provider if served else None), model


def _listed(model: str | Route, provider: str, name: str) -> Found | None:
    """The row of the table of models."""
    info = model.info if isinstance(model, Route) else None
    if info is None and not isinstance(model, Route):
        entry = package_table().get(provider, name)
        info = entry.info if entry else None
    if info is None or info.prices is None:
        return None
    free = provider in _UNLISTED_IS_FREE
    prices = _cache_for_free(info.prices) if free else info.prices
    return Found(prices=prices, as_of=info.as_of, source=info.source, unlisted_is_free=free, stands=True)


def _cache_for_free(prices: Prices) -> Prices:
    """Of hour-long writes nothing is said: the table of models has no column for them."""
    free = Decimal(0)
    return replace(
        prices,
        cache_read=free if prices.cache_read is None else prices.cache_read,
        cache_write=free if prices.cache_write is None else prices.cache_write,
        tiers=tuple(_cache_for_free(tier) for tier in prices.tiers),
    )


def _elsewhere(route: Route) -> str | None:
    """Why the provider's prices do not count for this route."""
    provider = PROVIDERS.get(route.provider)
    own = provider.base_url if provider else None
    if own is None or "{" in own or origin_of(own) == route.origin:
        return None
    return f"{route.origin} is not {route.provider}'s own address, so its prices are not known"
