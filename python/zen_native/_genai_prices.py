"""Prices of the library genai-prices (MIT; https://github.com/pydantic/genai-prices), as rows of our own.

Owns the translation. Rows are taken and not results, so that every provider's requests are priced by one rule: the
library itself charges tokens of a tier it does not know at the ordinary price. It is imported here alone, on first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from .price_table import Found
from .route import Prices

if TYPE_CHECKING:
    from datetime import datetime

    from genai_prices.types import ModelInfo, ModelPrice

__all__ = ["find_in_library", "is_slow"]

# Names of ours that are others there. Who is in neither is not looked up: the library would guess.
_PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "azure-chat": "azure",
    "bedrock": "aws",
    "bedrock-invoke": "aws",
    "cerebras": "cerebras",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openai-chat": "openai",
    "openrouter": "openrouter",
    "together": "together",
    "vertex": "google",
    "xai": "x-ai",
    "xai-chat": "x-ai",
}
_CALLS = {"web_searches_kcount": "web_search", "storage_searches_kcount": "file_search", "requests_kcount": "request"}
_CONTEXTS = ("service_tier", "processing", "speed")
_KINDS = ("audio", "citation", "image", "video")
# platform.claude.com/docs/en/agents-and-tools/tool-use/web-fetch-tool: fetching costs nothing but its tokens.
_FREE_CALLS = {"anthropic": ("web_fetch",)}


def find_in_library(provider: str, model: str, at: datetime | None) -> Found:
    """The library's row, for a request at that time (default: now)."""
    known = _PROVIDERS.get(provider)
    if known is None:
        return Found(reason=f"no table of prices has models of {provider}", stands=True)
    library = _library()
    if library is None:
        hint = 'install "zen-native[prices]" or name a table of your own'
        return Found(reason=f"no table has prices of {provider}/{model}: {hint}")
    snapshot = library.data_snapshot.get_snapshot()
    kept = _KEPT.get((provider, model))
    if kept is None or not kept.holds(snapshot, at):
        if len(_KEPT) >= _MAX_KEPT:
            _KEPT.clear()
        kept = _KEPT[provider, model] = _Kept(library, snapshot, provider, model, at)
    return kept.found


class _Kept:
    """A row as we write it, which takes longer than a request. It holds for the same prices of the library, while the
    same of its conditions are met: some prices have a beginning, or hours of the day."""

    __slots__ = ("_conditions", "_met", "_snapshot", "found")

    def __init__(self, library: Any, snapshot: Any, provider: str, model: str, at: datetime | None) -> None:
        self._snapshot = snapshot
        self._conditions: tuple[Any, ...] = ()
        self._met: tuple[bool, ...] = ()
        version, known = library.__version__, _PROVIDERS[provider]
        try:
            _, info = snapshot.find_provider_model(model, None, known, None)
        except LookupError:
            self.found = Found(reason=f"genai-prices {version} does not know {provider}/{model}")
            return
        moment = at or _now()
        self._conditions = _conditions(info)
        self._met = tuple(_is_active(condition, moment) for condition in self._conditions)
        prices = _row(info, moment)
        free = {name: Decimal(0) for name in _FREE_CALLS.get(known, ())}
        self.found = Found(
            prices=replace(prices, calls={**free, **prices.calls}),
            as_of=snapshot.timestamp.date().isoformat() if snapshot.from_auto_update else None,
            source=f"genai-prices {version}",
        )

    def holds(self, snapshot: Any, at: datetime | None) -> bool:
        """Whether it would be the same now, or at that time."""
        if snapshot is not self._snapshot:
            return False
        if not self._conditions:
            return True
        moment = at or _now()
        return self._met == tuple(_is_active(condition, moment) for condition in self._conditions)


_KEPT: dict[tuple[str, str], _Kept] = {}
_MAX_KEPT = 256


def _conditions(info: ModelInfo) -> tuple[Any, ...]:
    """All that its prices depend on besides the request."""
    # One row, or a list of them with their conditions.
    listed = cast("list[Any]", info.prices) if isinstance(info.prices, list) else []
    every: list[Any] = [*listed, *(info.price_variants or ())]
    return tuple(each.constraint for each in every if each.constraint is not None)


def _now() -> datetime:
    from datetime import UTC, datetime  # the library imports it, too; who has no row there goes without

    return datetime.now(UTC)


def is_slow(provider: str) -> bool:
    """Whether a look-up takes time: the first one imports the library."""
    return provider in _PROVIDERS and _library.cache_info().currsize == 0


@lru_cache(maxsize=1)
def _library() -> Any:
    """The library with its prices loaded, None where it is not installed."""
    try:
        import genai_prices
    except ImportError:
        return None
    genai_prices.data_snapshot.get_snapshot()
    return genai_prices


def _row(info: ModelInfo, at: datetime) -> Prices:
    services: dict[str, Prices] = {}
    for variant in info.price_variants or ():
        names = list(variant.when.items())
        if len(names) == 1 and names[0][0] in _CONTEXTS and _is_active(variant.constraint, at):
            services[names[0][1]] = _prices(info.get_prices(at, variant.when))
    return replace(_prices(info.get_prices(at)), services=services)


def _is_active(constraint: Any, at: datetime) -> bool:
    return constraint is None or bool(constraint.active(at))


def _prices(said: ModelPrice) -> Prices:
    amounts: Mapping[str, Any] = {name: value for name, value in vars(said).items() if value is not None}
    starts = sorted({tier.start for value in amounts.values() for tier in getattr(value, "tiers", ())})
    tiers = tuple(replace(_amounts(amounts, start), above_input_tokens=start) for start in starts)
    return replace(_amounts(amounts, None), tiers=tiers)


def _amounts(amounts: Mapping[str, Any], start: int | None) -> Prices:
    calls = {ours: _at(amounts, name, start) for name, ours in _CALLS.items()}
    return Prices(
        input=_at(amounts, "input_mtok", start),
        output=_at(amounts, "output_mtok", start),
        cache_read=_at(amounts, "cache_read_mtok", start),
        cache_write=_at(amounts, "cache_write_mtok", start),
        cache_write_1h=_at(amounts, "cache_write_1h_mtok", start),
        reasoning=_at(amounts, "output_reasoning_mtok", start),
        calls={name: each.scaleb(-3) for name, each in calls.items() if each is not None},
        apart=_apart(amounts),
    )


def _at(amounts: Mapping[str, Any], name: str, start: int | None) -> Decimal | None:
    """The amount for requests above that many tokens: each column has steps of its own."""
    value = amounts.get(name)
    amount: Decimal | None = getattr(value, "base", value)
    for tier in getattr(value, "tiers", ()):
        if start is not None and tier.start <= start:
            amount = tier.price
    return amount


def _apart(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(kind for kind in _KINDS if any(kind in name for name in names))
