"""From a request to what goes out: the route, the body, the headers, and the decision of the gate.

Owns the last step before sending. Reads no network. What cannot be sent fails here, before any byte went out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ._routes import Place
from .errors import InvalidRequestError, LLMError
from .formats import lower
from .runtimes import new_decoder
from .transport.base import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._routes import Routes
    from .formats.common import Lowered
    from .gate import Decision
    from .request import LLMRequest
    from .route import Route
    from .runtimes import RuntimeDecoder

__all__ = ["Prepared", "prepare", "secrets_of"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(slots=True)
class Prepared:
    """One request on one route, ready but for its credentials, which are put on at every sending anew. Nobody changes
    it; one that says so takes three times as long to make."""

    request: LLMRequest
    place: Place = field(repr=False)
    decision: Decision
    http: HttpRequest
    lowered: Lowered = field(repr=False)
    ahead: float = 0.0
    """Seconds that the clock of whoever is asked is ahead of ours."""

    @property
    def route(self) -> Route:
        """Where it goes."""
        return self.place.route

    def authorized(self) -> HttpRequest:
        """With credentials; may block where AWS is asked for them."""
        return self.place.authorized(self.http, self.ahead)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent in confidence, the caller's own headers and query parameters included."""
        return secrets_of(self.request, self.route)

    def sent(self) -> Prepared:
        """Without what has gone out, which may be long."""
        http = HttpRequest(self.http.method, self.http.url, {}, b"")
        return replace(self, http=http, lowered=replace(self.lowered, said={}))

    def decoder(self) -> RuntimeDecoder:
        """A fresh decoder for the answer."""
        place, runtime = self.place, self.decision.runtime
        first = place.decoders.get(runtime)
        if first is None:
            first = new_decoder(runtime, place.route.protocol, place.route.framing, place.options)
            place.decoders[runtime] = first
        return first.fresh()


def prepare(
    request: LLMRequest, model: str, routes: Routes, decide: Callable[..., Decision], *, framed: bool = False
) -> Prepared:
    """The request as it goes to a model, which is its own or one to fall back to. With `framed`, what was said is not
    in `lowered` where one of the route's frames fits: only the body is.

    Raises:
        NoRouteError: nobody is known to serve the model.
        UnsupportedError: the wire format cannot carry what is asked.
        InvalidRequestError: what the caller put over it is no JSON, or no header.
        ImportError: the native runtime was demanded and is not there.
    """
    if model != request.model:
        request = request.model_copy(update={"model": model})
    place = _framed(routes.place(model), request)
    route = place.route
    try:
        known = place.frames.lowered(request, route) if framed else None
        lowered = lower(request, route, stream=True) if known is None else known[0]
        body = lowered.encoded() if known is None else known[1]
    except LLMError as error:
        decide(request, route, failure=error.message)  # for the record
        raise
    decision = decide(request, route, body_bytes=len(body))
    query = request.http.query
    url = route.url(stream=True, query=query) if query else place.url
    http = HttpRequest("POST", url, _headers(request, place, lowered), body)
    return Prepared(request, place, decision, http, lowered)  # by place: with names it takes twice as long


def secrets_of(request: LLMRequest, route: Route) -> tuple[str, ...]:
    """What a request sends in confidence."""
    overlay = request.http
    if not overlay.headers and not overlay.query:
        return route.secrets
    headers = {**route.headers, **overlay.headers}
    return replace(route, headers=headers, query={**route.query, **overlay.query}).secrets


def _framed(place: Place, request: LLMRequest) -> Place:
    """Google streams a JSON array where the caller's query takes the route's `alt=sse` away."""
    query = request.http.query
    if not query or query.get("alt", "sse") == "sse" or place.route.stream_query.get("alt") != "sse":
        return place
    return Place(replace(place.route, framing="json-array"))


def _headers(request: LLMRequest, place: Place, lowered: Lowered) -> Mapping[str, str]:
    route, session, own = place.route, request.session_id, request.http.headers
    if session is None and not route.session_required and not lowered.headers and not own:
        return place.headers
    return {**place.headers, **route.request_headers(session), **lowered.headers, **_checked(own)}


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise InvalidRequestError(f"http.headers: {name[:100]!r} is not the name of a header")
        if not value.isascii() or not value.isprintable():
            raise InvalidRequestError(f"http.headers: the value of {name!r} is not printable ASCII")
    return {name.lower(): value for name, value in headers.items()}
