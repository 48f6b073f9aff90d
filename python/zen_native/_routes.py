"""The routes of one client: each is resolved once, for as long as what it was resolved from stays as it is.

Owns what a route depends on: what was read of the environment, and the table of models; and `Place`, what a request
says on a route whatever it asks. Resolving is `routing`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._environment import Readings
from .auth import authorize, blocks
from .catalogue import FLAG, table_in_force
from .decoder import checked_options
from .formats.frame import Frames
from .routing import resolve
from .transport.base import HttpRequest

if TYPE_CHECKING:
    from pathlib import Path

    from .catalogue import Table
    from .price_table import Found, PriceTable
    from .route import Route
    from .runtimes import RuntimeDecoder, RuntimeName
    from .runtimes.pure.options import Options
    from .settings import Config

__all__ = ["Place", "Routes"]

_MAX_KNOWN = 256
_ACCEPT = {
    "document": "application/json",
    "eventstream": "application/vnd.amazon.eventstream",
    "json-array": "application/json",
    "sse": "text/event-stream",
}


class Place:
    """A route, and what requests have in common on it: URL, headers, frames of bodies, the options of the decoder. What
    was read for it, and what is sent, may be a key: this has no repr of its own."""

    __slots__ = (
        "_authorized",
        "_readings",
        "_table",
        "decoders",
        "found",
        "frames",
        "headers",
        "options",
        "origin",
        "route",
        "url",
    )

    def __init__(self, route: Route, table: Table | None = None, readings: Readings | None = None) -> None:
        self.route = route
        self.url = route.url(stream=True)
        self.origin = route.origin
        self.headers: Mapping[str, str] = {
            "content-type": "application/json",
            "accept": _ACCEPT[route.framing],
            "accept-encoding": "identity",
            "user-agent": "zen-native",
            **route.headers,
        }
        """Without those of `auth` and of a session."""
        self.frames = Frames()
        self.options: Options = checked_options(route.metadata_key, route.dialect.think_tags, route.trailing_cost)
        self.decoders: dict[RuntimeName, RuntimeDecoder] = {}
        """One of each runtime, which decodes nothing: to make another one after it takes less than to say all again."""
        self._table = table
        self._readings = readings
        self._authorized: Mapping[str, str] | None = None
        self.found: tuple[PriceTable | None, Found] | None = None
        """The prices, where they are the same at any time, and the user's own table that was asked for them."""

    def holds(self, models: str | Path | None, environ: Mapping[str, str]) -> bool:
        """Whether resolving the name again would give the same route."""
        if self._readings is None or not self._readings.hold(environ):
            return False
        # A table of the user's may have been written anew. That of the package stays as it is.
        if models or self._readings.read.get(FLAG):
            return self._table is table_in_force(models, environ)
        return True

    def authorized(self, http: HttpRequest, ahead: float) -> HttpRequest:
        """A request with the route's credentials; may block where AWS is asked for them. Its headers are nobody
        else's: a transport of the caller's may add to them."""
        if http.headers is self.headers and http.url is self.url and self._authorized is not None:
            return HttpRequest(http.method, http.url, dict(self._authorized), http.body)
        route = self.route
        headers = authorize(route, method=http.method, url=http.url, headers=http.headers, body=http.body, ahead=ahead)
        if http.headers is self.headers and http.url is self.url and not blocks(route):
            self._authorized = dict(headers)  # which depend on nothing else
        return HttpRequest(http.method, http.url, headers, http.body)


class Routes:
    """`of(model)` is `resolve(model, config)` and takes far less time when asked again. Usable from several threads."""

    __slots__ = ("_config", "_known")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: dict[str, Place] = {}

    def of(self, model: str) -> Route:
        """The route of a model's name.

        Raises:
            NoRouteError: nobody is known by that name, or something of the address is missing.
            OSError: the table that was configured cannot be read.
            ValueError: it is no table.
        """
        return self.place(model).route

    def place(self, model: str) -> Place:
        """The same with what requests have in common on it."""
        config = self._config
        environ = config.environment
        known = self._known.get(model)
        if known is not None and known.holds(config.models, environ):
            return known
        return self._resolved(model, environ)

    def _resolved(self, model: str, environ: Mapping[str, str]) -> Place:
        config = self._config
        reading = _Reading(environ)
        table = table_in_force(config.models, reading)
        route = resolve(model, replace(config, environ=reading))
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        place = self._known[model] = Place(route, table, Readings(environ, reading.read))
        return place


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
