"""From a request to what goes out: the route, the body, the headers, and the decision of the gate.

Owns the last step before sending. Reads no network. What cannot be sent fails here, before any byte went out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .auth import authorize
from .decoder import checked_options
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
_ACCEPT = {
    "document": "application/json",
    "eventstream": "application/vnd.amazon.eventstream",
    "json-array": "application/json",
    "sse": "text/event-stream",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One request on one route, ready but for its credentials, which are put on at every sending anew."""

    request: LLMRequest
    route: Route
    decision: Decision
    http: HttpRequest
    lowered: Lowered = field(repr=False)
    ahead: float = 0.0
    """Seconds that the clock of whoever is asked is ahead of ours."""

    def authorized(self) -> HttpRequest:
        """With credentials; may block where AWS is asked for them."""
        http = self.http
        headers = authorize(
            self.route, method=http.method, url=http.url, headers=http.headers, body=http.body, ahead=self.ahead
        )
        return HttpRequest(http.method, http.url, headers, http.body)

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
        route = self.route
        options = checked_options(route.metadata_key, route.dialect.think_tags, route.trailing_cost)
        return new_decoder(self.decision.runtime, route.protocol, route.framing, options)


def prepare(request: LLMRequest, model: str, routes: Routes, decide: Callable[..., Decision]) -> Prepared:
    """The request as it goes to a model, which is its own or one to fall back to.

    Raises:
        NoRouteError: nobody is known to serve the model.
        UnsupportedError: the wire format cannot carry what is asked.
        InvalidRequestError: what the caller put over it is no JSON, or no header.
        ImportError: the native runtime was demanded and is not there.
    """
    if model != request.model:
        request = request.model_copy(update={"model": model})
    route = _framed(routes.of(model), request)
    try:
        lowered = lower(request, route, stream=True)
        body = lowered.encoded()
    except LLMError as error:
        decide(request, route, failure=error.message)  # for the record
        raise
    decision = decide(request, route, body_bytes=len(body))
    url = route.url(stream=True, query=request.http.query)
    http = HttpRequest("POST", url, _headers(request, route, lowered), body)
    return Prepared(request=request, route=route, decision=decision, http=http, lowered=lowered)


def secrets_of(request: LLMRequest, route: Route) -> tuple[str, ...]:
    """What a request sends in confidence."""
    overlay = request.http
    if not overlay.headers and not overlay.query:
        return route.secrets
    headers = {**route.headers, **overlay.headers}
    return replace(route, headers=headers, query={**route.query, **overlay.query}).secrets


def _framed(route: Route, request: LLMRequest) -> Route:
    """Google streams a JSON array where the caller's query takes the route's `alt=sse` away."""
    asked = request.http.query.get("alt", "sse")
    is_array = route.stream_query.get("alt") == "sse" and asked != "sse"
    return replace(route, framing="json-array") if is_array else route


def _headers(request: LLMRequest, route: Route, lowered: Lowered) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "accept": _ACCEPT[route.framing],
        "accept-encoding": "identity",
        "user-agent": "zen-native",
        **route.request_headers(request.session_id),
        **lowered.headers,
        **_checked(request.http.headers),
    }


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise InvalidRequestError(f"http.headers: {name[:100]!r} is not the name of a header")
        if not value.isascii() or not value.isprintable():
            raise InvalidRequestError(f"http.headers: the value of {name!r} is not printable ASCII")
    return {name.lower(): value for name, value in headers.items()}
