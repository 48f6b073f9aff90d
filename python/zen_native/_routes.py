"""The routes of one client: each is resolved once, for as long as what it was resolved from stays as it is.

Owns what a route depends on: what was read of the environment, and the table of models. Resolving is `routing`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .catalogue import table_in_force
from .routing import resolve

if TYPE_CHECKING:
    from .catalogue import Table
    from .route import Route
    from .settings import Config

__all__ = ["Routes"]

_MAX_KNOWN = 256


class _Known:
    """What is read may be a key: this has no repr of its own."""

    __slots__ = ("read", "route", "table")

    def __init__(self, route: Route, table: Table, read: tuple[tuple[str, str | None], ...]) -> None:
        self.route = route
        self.table = table
        self.read = read


class Routes:
    """`of(model)` is `resolve(model, config)` and takes far less time when asked again. Usable from several threads."""

    __slots__ = ("_config", "_known")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: dict[str, _Known] = {}

    def of(self, model: str) -> Route:
        """The route of a model's name.

        Raises:
            NoRouteError: nobody is known by that name, or something of the address is missing.
            OSError: the table that was configured cannot be read.
            ValueError: it is no table.
        """
        config = self._config
        environ = config.environment
        known = self._known.get(model)
        if known is not None and known.table is table_in_force(config.models, environ):
            for name, value in known.read:
                if environ.get(name) != value:
                    break
            else:
                return known.route
        return self._resolved(model, environ)

    def _resolved(self, model: str, environ: Mapping[str, str]) -> Route:
        config = self._config
        table = table_in_force(config.models, environ)
        reading = _Reading(environ)
        route = resolve(model, replace(config, environ=reading))
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[model] = _Known(route, table, tuple(reading.read.items()))
        return route


class _Reading(Mapping[str, str]):
    """An environment that notes what is read of it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.read: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        value = self.read[name] = self._environ.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        raise TypeError("what a route depends on is read by name")

    def __len__(self) -> int:
        return len(self._environ)
