"""The table of models: which wire format an id is served in, its limits and prices, as dated data.

Owns the table's form, how it is read and checked, and which file is in force. Making one from somebody else's is in
`_catalogue_import`. The package's table has the models of OpenCode Zen and Go, where formats differ by model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from .route import ModelInfo, Prices, ProtocolName, checked_base_url
from .runtimes.pure.names import DEFAULT_FRAMING

__all__ = [
    "FLAG",
    "FORM",
    "ModelEntry",
    "Refreshed",
    "Table",
    "load_table",
    "package_table",
    "parse_table",
    "refresh",
    "table_in_force",
]

FLAG = "ZEN_NATIVE_MODELS"
"""Environment variable: path of the table that stands in for the package's."""
FORM = "zen-native-models/1"
MAX_BYTES = 32 << 20

_PACKAGE_TABLE = Path(__file__).parent / "data" / "models.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model at one provider; None is unknown."""

    provider: str
    id: str
    protocol: ProtocolName
    base_url: str | None = None
    reasoning_field: str | None = None
    """Where reasoning must come back, in chat completions."""
    info: ModelInfo

    @property
    def name(self) -> str:
        """`provider/id`, as a user writes it."""
        return f"{self.provider}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Models by name, with the date and the source of what is said of them."""

    as_of: str
    source: str
    license: str = ""
    models: Mapping[str, ModelEntry] = field(default_factory=dict[str, ModelEntry])

    def get(self, provider: str, model: str) -> ModelEntry | None:
        """The model at that provider."""
        return self.models.get(f"{provider}/{model}")

    def find(self, model: str) -> tuple[ModelEntry, ...]:
        """The model at whoever serves it, in the order of the table."""
        return tuple(entry for entry in self.models.values() if entry.id == model)


def table_in_force(path: str | Path | None, environ: Mapping[str, str]) -> Table:
    """The table of that path, else of the environment's, else of the package."""
    chosen = path or environ.get(FLAG)
    return load_table(chosen) if chosen else package_table()


@cache
def package_table() -> Table:
    """The table that comes with the package."""
    return load_table(_PACKAGE_TABLE)


def load_table(path: str | Path) -> Table:
    """The table in that file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no table; the message says where it is wrong.
    """
    known = Path(path)
    return _loaded(known, known.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _loaded(path: Path, _modified: int) -> Table:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: a table of models has at most {MAX_BYTES} bytes")
    try:
        return parse_table(read_json(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_json(data: bytes) -> Any:
    """A JSON document with exact numbers."""
    try:
        return json.loads(data, parse_float=Decimal, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh did."""

    table: Table
    path: Path
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    skipped: tuple[str, ...]
    """Models that the source has but the table has not, with the reason."""


def refresh(source: str, target: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> Refreshed:
    """Write a table from a file or URL: our own form, or the `api.json` of models.dev.

    It goes to `target` or, without one, to the path in `ZEN_NATIVE_MODELS`; nothing is read or written elsewhere.

    Raises:
        OSError: the source cannot be read, or the target not be written.
        ValueError: there is no target, or the source holds no table.
    """
    from ._catalogue_import import fetch, import_catalogue, write_table

    environ = os.environ if environ is None else environ
    chosen = target or environ.get(FLAG)
    if not chosen:
        raise ValueError(f"where should the table go? Name a file, and set {FLAG} to it so that it is used")
    path = Path(chosen)
    before = _table_before(path).models
    imported = import_catalogue(read_json(fetch(source)), source=source)
    write_table(imported.table, path)
    after = imported.table.models
    return Refreshed(
        table=imported.table,
        path=path,
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            sorted(name for name in after.keys() & before.keys() if _facts(after[name]) != _facts(before[name]))
        ),
        skipped=imported.skipped,
    )


def _table_before(path: Path) -> Table:
    """What was in force: the table that will be replaced, else the package's."""
    known = path if path.exists() else _PACKAGE_TABLE
    return load_table(known) if known.exists() else Table(as_of="", source="")


def _facts(entry: ModelEntry) -> ModelEntry:
    return replace(entry, info=replace(entry.info, as_of=None, source=None))


def parse_table(document: Any) -> Table:
    """The table that a document in our own form holds."""
    top = mapping(document, "the document")
    if top.get("form") != FORM:
        raise ValueError(f"not a table of models: form must be {FORM!r}")
    as_of, source = _required_text(top, "as_of"), _required_text(top, "source")
    models: dict[str, ModelEntry] = {}
    for provider, listed in mapping(top.get("providers"), "providers").items():
        where = f"providers.{provider}"
        known = mapping(listed, where)
        base_url = _base_url(known, where)
        for model, row in mapping(known.get("models"), f"{where}.models").items():
            entry = _entry(provider, model, mapping(row, f"{where}.models.{model}"), base_url, as_of, source)
            models[entry.name] = entry
    return Table(
        as_of=as_of,
        source=source,
        license=str(top.get("license") or ""),
        models=models,
    )


def _entry(
    provider: str, model: str, row: Mapping[str, Any], base_url: str | None, as_of: str, source: str
) -> ModelEntry:
    where = f"providers.{provider}.models.{model}"
    if not provider or not model or "/" in provider:
        raise ValueError(f"{where}: a provider's name has no slash, and neither name is empty")
    protocol = row.get("protocol")
    if protocol not in DEFAULT_FRAMING:
        raise ValueError(f"{where}.protocol: unknown protocol {protocol!r}; known: {', '.join(DEFAULT_FRAMING)}")
    limits = mapping(row.get("limits", {}), f"{where}.limits")
    reasoning, reasoning_field = row.get("reasoning"), row.get("reasoning_field")
    if not isinstance(reasoning, bool | None) or not isinstance(reasoning_field, str | None):
        raise ValueError(f"{where}: reasoning is true, false or null, and reasoning_field a text or null")
    return ModelEntry(
        provider=provider,
        id=model,
        protocol=cast("ProtocolName", protocol),
        base_url=_base_url(row, where) or base_url,
        reasoning_field=reasoning_field,
        info=ModelInfo(
            context=_count(limits, "context", where),
            max_input=_count(limits, "input", where),
            max_output=_count(limits, "output", where),
            reasoning=reasoning,
            prices=prices_of(row["prices"], f"{where}.prices") if row.get("prices") else None,
            as_of=as_of,
            source=source,
        ),
    )


def prices_of(value: object, where: str) -> Prices:
    """The prices that a row of a table holds."""
    row = mapping(value, where)
    calls = mapping(row.get("calls", {}), f"{where}.calls")
    services = mapping(row.get("services", {}), f"{where}.services")
    return Prices(
        input=price(row.get("input"), where),
        output=price(row.get("output"), where),
        cache_read=price(row.get("cache_read"), where),
        cache_write=price(row.get("cache_write"), where),
        cache_write_1h=price(row.get("cache_write_1h"), where),
        reasoning=price(row.get("reasoning"), where),
        calls={name: cost for name, each in calls.items() if (cost := price(each, where)) is not None},
        apart=tuple(str(kind) for kind in _list(row, "apart", where)),
        above_input_tokens=_count(row, "above_input_tokens", where),
        tiers=tuple(prices_of(tier, f"{where}.tiers") for tier in _list(row, "tiers", where)),
        services={name: prices_of(service, f"{where}.services.{name}") for name, service in services.items()},
    )


def price(value: Any, where: str) -> Decimal | None:
    """An exact price; None is unknown."""
    if value is None:
        return None
    try:
        exact = Decimal(value) if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) else None
    except InvalidOperation:
        exact = None
    if exact is None or not exact.is_finite() or exact < 0:
        raise ValueError(f"{where}: a price is a number of USD per million tokens, or per call, not {value!r}")
    return exact


def _list(row: Mapping[str, Any], name: str, where: str) -> list[object]:
    listed = row.get(name, [])
    if not isinstance(listed, list):
        raise ValueError(f"{where}.{name}: must be a list")
    return cast("list[object]", listed)


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """The value, if it is a JSON object."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: must be an object")
    return cast("Mapping[str, Any]", value)


def _count(row: Mapping[str, Any], name: str, where: str) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{where}.{name}: must be a number of tokens, not {value!r}")
    return value


def _base_url(row: Mapping[str, Any], where: str) -> str | None:
    value = row.get("base_url")
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{where}.base_url: must be a text")
    try:
        return checked_base_url(value)
    except ValueError as error:
        raise ValueError(f"{where}.base_url: {error}") from None


def _required_text(top: Mapping[str, Any], name: str) -> str:
    value = top.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: must be a text that is not empty")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
