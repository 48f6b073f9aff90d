"""Makes a table of models from a catalogue: our own form, that of models.dev, or the list of the OpenCode CLI.

Owns those forms, and how a table is written. What a catalogue says of addresses counts only on the provider's own
origin, for it comes from elsewhere. models.dev: github.com/anomalyco/models.dev (MIT), `api.json`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from .catalogue import FORM, MAX_BYTES, ModelEntry, Table, mapping, parse_table, price, read_json
from .providers import PROVIDERS
from .route import ModelInfo, Prices, ProtocolName, checked_base_url, origin_of

__all__ = ["Imported", "fetch", "import_catalogue", "write_table"]

# The package of the AI SDK that serves a model says its format.
_PACKAGES: Mapping[str, ProtocolName] = {
    "@ai-sdk/anthropic": "anthropic-messages",
    "@ai-sdk/google": "google-generate-content",
    "@ai-sdk/openai": "openai-responses",
    "@ai-sdk/openai-compatible": "openai-chat",
}
_LONG_CONTEXT = 200_000
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Imported:
    """The table, and what of the catalogue is not in it, with the reason."""

    table: Table
    skipped: tuple[str, ...] = ()


@dataclass(slots=True)
class _Rows:
    models: dict[str, ModelEntry] = field(default_factory=dict[str, ModelEntry])
    skipped: list[str] = field(default_factory=list[str])


def import_catalogue(document: Any, *, source: str, as_of: str | None = None) -> Imported:
    """The table in that document. `source` and `as_of` count where it does not say them itself.

    Raises:
        ValueError: it is no catalogue, or has no model that can be used.
    """
    top = mapping(document, "the catalogue")
    if "form" in top:
        return Imported(parse_table(top))
    rows = _Rows()
    listed = list(_listed(top) if isinstance(top.get("models"), list) else _models_dev(top))
    for provider, model, row in listed:
        _add(rows, provider, model, row)
    if not rows.models:
        raise ValueError("the catalogue has no model of " + " or ".join(_gateways()))
    table = Table(
        as_of=as_of or str(top.get("as_of") or datetime.now(UTC).date().isoformat()),
        source=source if "source" not in top else str(top["source"]),
        license="MIT (facts of models.dev)",
        models=_in_order(rows.models.values()),
    )
    # Once through the reader: what is written can be read.
    return Imported(parse_table(read_json(_text(table).encode())), tuple(rows.skipped))


def fetch(source: str) -> bytes:
    """The bytes of a file, or of what a URL answers without a redirect.

    Raises:
        OSError: they cannot be had.
        ValueError: there are too many of them.
    """
    if not source.startswith(("http://", "https://")):
        with Path(source).open("rb") as file:
            return _bounded([file.read(MAX_BYTES + 1)])
    import httpx

    try:
        with httpx.stream("GET", source, timeout=_SECONDS, follow_redirects=False) as response:
            if response.status_code != 200:
                moved = f", moved to {response.headers['location']}" if "location" in response.headers else ""
                raise OSError(f"{source} answered {response.status_code}{moved}")
            return _bounded(response.iter_bytes())
    except httpx.HTTPError as error:
        raise OSError(f"{source}: {error}") from error


def write_table(table: Table, path: Path) -> None:
    """The table as a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(_text(table))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# --- forms of catalogues


def _gateways() -> list[str]:
    return [provider.id for provider in PROVIDERS.values() if provider.by_prefix]


def _in_order(entries: Iterable[ModelEntry]) -> dict[str, ModelEntry]:
    """By gateway, then by id: of several that serve a bare id the first is asked."""
    gateways = _gateways()
    ordered = sorted(entries, key=lambda entry: (gateways.index(entry.provider), entry.id))
    return {entry.name: entry for entry in ordered}


def _listed(top: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """One list of `provider/id` with `npm` and `url`, as the CLI prints it."""
    for index, listed in enumerate(_sequence(top["models"], "models")):
        row = mapping(listed, f"models[{index}]")
        provider, _, model = str(row.get("id", "")).partition("/")
        if provider in _gateways():
            yield provider, model, row


def _models_dev(top: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Models by provider; what a model does not say of its package and address, the provider says."""
    for provider in _gateways():
        known = mapping(top.get(provider, {}), provider)
        for model, listed in mapping(known.get("models", {}), f"{provider}.models").items():
            row = mapping(listed, f"{provider}.models.{model}")
            own = mapping(row.get("provider", {}), f"{provider}.models.{model}.provider")
            npm, url = own.get("npm", known.get("npm")), own.get("api", known.get("api"))
            yield provider, model, {**row, "npm": npm, "url": url}


def _add(rows: _Rows, provider: str, model: str, row: Mapping[str, Any]) -> None:
    name = f"{provider}/{model}"
    protocol = _PACKAGES.get(str(row.get("npm")))
    if not model or row.get("status") == "deprecated":
        rows.skipped.append(f"{name}: deprecated, or without an id")
    elif protocol is None:
        rows.skipped.append(f"{name}: unknown package {row.get('npm')!r}")
    elif not _is_at_home(provider, row.get("url")):
        rows.skipped.append(f"{name}: its address is not {PROVIDERS[provider].name}'s")
    else:
        rows.models[name] = _entry(provider, model, protocol, row)


def _is_at_home(provider: str, url: Any) -> bool:
    own = PROVIDERS[provider].base_url or ""
    try:
        return url is None or origin_of(checked_base_url(str(url))) == origin_of(own)
    except ValueError:
        return False


def _entry(provider: str, model: str, protocol: ProtocolName, row: Mapping[str, Any]) -> ModelEntry:
    name = f"{provider}/{model}"
    limits = mapping(row.get("limit", {}), f"{name}.limit")
    interleaved: Any = row.get("interleaved")
    found: Any = cast("Mapping[str, Any]", interleaved).get("field") if isinstance(interleaved, dict) else None
    return ModelEntry(
        provider=provider,
        id=model,
        protocol=protocol,
        base_url=None if row.get("url") is None else checked_base_url(str(row["url"])),
        reasoning_field=found,
        info=ModelInfo(
            context=limits.get("context"),
            max_input=limits.get("input"),
            max_output=limits.get("output"),
            reasoning=row.get("reasoning"),
            prices=_prices(mapping(row["cost"], f"{name}.cost"), name) if row.get("cost") else None,
        ),
    )


def _prices(cost: Mapping[str, Any], name: str) -> Prices:
    prices = _price_row(cost, name)
    tiers = [
        replace(_price_row(tier, name), above_input_tokens=size)
        for tier in (mapping(listed, f"{name}.cost.tiers") for listed in _sequence(cost.get("tiers", []), name))
        if (size := _tier_size(tier, name)) is not None
    ]
    long_context = cost.get("context_over_200k")
    if not tiers and long_context:
        over = _price_row(mapping(long_context, f"{name}.cost.context_over_200k"), name)
        tiers = [replace(over, above_input_tokens=_LONG_CONTEXT)]
    return replace(prices, tiers=tuple(tiers))


def _sequence(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: must have a list here")
    return cast("list[object]", value)


def _tier_size(tier: Mapping[str, Any], name: str) -> Any:
    said = mapping(tier.get("tier", {}), f"{name}.cost.tiers.tier")
    return said.get("size") if said.get("type") == "context" else None


def _price_row(cost: Mapping[str, Any], name: str) -> Prices:
    cache = mapping(cost.get("cache", {}), f"{name}.cost.cache")
    return Prices(
        input=price(cost.get("input"), name),
        output=price(cost.get("output"), name),
        cache_read=price(cost.get("cache_read", cache.get("read")), name),
        cache_write=price(cost.get("cache_write", cache.get("write")), name),
        reasoning=price(cost.get("reasoning"), name),
    )


# --- our form


def _text(table: Table) -> str:
    """One model a line, so that a difference between two tables can be read."""
    providers: dict[str, list[ModelEntry]] = {}
    for entry in table.models.values():
        providers.setdefault(entry.provider, []).append(entry)
    blocks = ",\n".join(_block(provider, entries) for provider, entries in providers.items())
    head = {"form": FORM, "as_of": table.as_of, "source": table.source, "license": table.license}
    lines = [f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}," for name, value in head.items() if value]
    return "\n".join(["{", *lines, ' "providers": {', blocks, " }", "}", ""])


def _block(provider: str, entries: list[ModelEntry]) -> str:
    urls = [entry.base_url for entry in entries]
    common = max(set(urls), key=urls.count) if urls else None
    rows = ",\n".join(
        f"    {json.dumps(entry.id)}: {json.dumps(_row(entry, common), default=str)}" for entry in entries
    )
    head = f'   "base_url": {json.dumps(common)},\n' if common else ""
    return f'  {json.dumps(provider)}: {{\n{head}   "models": {{\n{rows}\n   }}\n  }}'


def _row(entry: ModelEntry, common: str | None) -> dict[str, Any]:
    info = entry.info
    limits = {"context": info.context, "input": info.max_input, "output": info.max_output}
    row = {
        "protocol": entry.protocol,
        "base_url": None if entry.base_url == common else entry.base_url,
        "reasoning": info.reasoning,
        "reasoning_field": entry.reasoning_field,
        "limits": {name: value for name, value in limits.items() if value is not None},
        "prices": None if info.prices is None else _price_dict(info.prices),
    }
    return {name: value for name, value in row.items() if value is not None}


def _price_dict(prices: Prices) -> dict[str, Any]:
    row: dict[str, Any] = {
        "above_input_tokens": prices.above_input_tokens,
        "input": _decimal(prices.input),
        "output": _decimal(prices.output),
        "cache_read": _decimal(prices.cache_read),
        "cache_write": _decimal(prices.cache_write),
        "cache_write_1h": _decimal(prices.cache_write_1h),
        "reasoning": _decimal(prices.reasoning),
        "calls": {name: _decimal(cost) for name, cost in prices.calls.items()} or None,
        "apart": list(prices.apart) or None,
        "tiers": [_price_dict(tier) for tier in prices.tiers] or None,
        "services": {name: _price_dict(row) for name, row in prices.services.items()} or None,
    }
    return {name: value for name, value in row.items() if value is not None}


def _decimal(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"


def _bounded(chunks: Iterable[bytes]) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > MAX_BYTES:
            raise ValueError(f"a catalogue has at most {MAX_BYTES} bytes")
    return bytes(data)
