"""`zen-native models`: the table of models in force, and how it is refreshed.

Owns the search, the columns, and the words of a refresh. The table and its sources are `catalogue`'s.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from zen_native.catalogue import FLAG, refresh, table_in_force

from .asking import as_wrong_use
from .problem import UsageError
from .screen import Align, Screen, Style, open_screen
from .text import count, line, money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zen_native.catalogue import ModelEntry, Refreshed, Table

__all__ = ["run_models"]

_HEADS: tuple[tuple[str, Align], ...] = (
    ("model", "left"),
    ("provider", "left"),
    ("protocol", "left"),
    ("context", "right"),
    ("$/M in", "right"),
    ("out", "right"),
    ("cache read", "right"),
)
_PRICES = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning")


def run_models(chosen: Namespace) -> int:
    """Print the models whose names have every word of the query; 1 if there are none, or a refresh fails."""
    if chosen.refresh is not None:
        return _refresh(chosen.refresh, as_json=chosen.json)
    with as_wrong_use():
        table = table_in_force(None, os.environ)
    words: list[str] = " ".join(chosen.query).lower().split()
    found = [entry for name, entry in table.models.items() if all(word in name.lower() for word in words)]
    if chosen.json:
        document = {"as_of": table.as_of, "source": table.source, "models": [_described(entry) for entry in found]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif found:
        _print(open_screen(), table, found)
    else:
        sys.stderr.write(line(f"no model of the table is called {' '.join(words)!r}; {_elsewhere(table)}") + "\n")
    return 0 if found else 1


def _print(screen: Screen, table: Table, found: Sequence[ModelEntry]) -> None:
    screen.table(_HEADS, [_row(entry) for entry in found])
    screen.write(line(f"{_models(len(found))}; {table.source}, {table.as_of}; {_elsewhere(table)}") + "\n", "dim")


def _models(number: int) -> str:
    return f"{number} model{'' if number == 1 else 's'}"


def _elsewhere(table: Table) -> str:
    from zen_native.providers import PROVIDERS

    listed = {entry.provider for entry in table.models.values()}
    return f"by provider/model also: {', '.join(sorted(PROVIDERS.keys() - listed))}"


def _row(entry: ModelEntry) -> list[tuple[str, Style]]:
    prices = entry.info.prices
    costs = (None, None, None) if prices is None else (prices.input, prices.output, prices.cache_read)
    return [
        (line(entry.id), ""),
        (line(entry.provider), ""),
        (entry.protocol, "dim"),
        (count(entry.info.context), ""),
        *((money(cost), _priced(cost)) for cost in costs),
    ]


def _priced(cost: Decimal | None) -> Style:
    return "good" if cost == 0 else ""


def _described(entry: ModelEntry) -> dict[str, Any]:
    """One model as JSON data; None is unknown, and prices are texts, for they are exact."""
    info, prices = entry.info, entry.info.prices
    return {
        "model": entry.name,
        "provider": entry.provider,
        "id": entry.id,
        "protocol": entry.protocol,
        "context": info.context,
        "max_input": info.max_input,
        "max_output": info.max_output,
        "reasoning": info.reasoning,
        "prices": None if prices is None else {name: _text(getattr(prices, name)) for name in _PRICES},
    }


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


def _refresh(source: str, *, as_json: bool) -> int:
    if not os.environ.get(FLAG):
        raise UsageError(f"set {FLAG} to the file that the table should go to; it is read from there afterwards")
    try:
        done = refresh(source)
    except (OSError, ValueError) as error:
        sys.stderr.write(line(f"cannot refresh from {source}: {error}") + "\n")
        return 1
    if as_json:
        sys.stdout.write(json.dumps(_outcome(done), indent=2) + "\n")
    else:
        _print_outcome(open_screen(), done)
    return 0


def _outcome(done: Refreshed) -> dict[str, Any]:
    return {
        "path": str(done.path),
        "as_of": done.table.as_of,
        "source": done.table.source,
        "models": len(done.table.models),
        "added": done.added,
        "removed": done.removed,
        "changed": done.changed,
        "skipped": done.skipped,
    }


def _print_outcome(screen: Screen, done: Refreshed) -> None:
    screen.write(line(f"{_models(len(done.table.models))} of {done.table.source} in {done.path}") + "\n", "title")
    for label, names in (("added", done.added), ("removed", done.removed), ("changed", done.changed)):
        screen.write(f"{label:<9}", "label")
        screen.write(line(", ".join(names) or "none") + "\n")
    for reason in done.skipped:
        screen.write(f"{'skipped':<9}", "label")
        screen.write(line(reason) + "\n")
