"""Clients and transports that the caller brings: httpx's and httpx2's, told apart without importing either.

Owns what counts as one, and how a request is put to it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import HttpRequest

__all__ = ["Foreign", "foreign"]

_LIBRARIES = ("httpx", "httpx2")


@dataclass(frozen=True, slots=True)
class Foreign:
    """What the caller brought. `handle` takes a request of the library and gives its response, or a coroutine."""

    given: Any
    is_async: bool
    is_client: bool
    library: Any

    def request(self, request: HttpRequest, timeout: Mapping[str, object]) -> Any:
        """The request in the library's words. A client's own headers, such as a user agent, lie below ours."""
        make = self.given.build_request if self.is_client else self.library.Request
        return make(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.body,
            extensions={"timeout": dict(timeout)},
        )

    def send(self, request: Any) -> Any:
        """The response with its body unread, or the coroutine that gives it."""
        if self.is_client:
            return self.given.send(request, stream=True, follow_redirects=False)
        return self.given.handle_async_request(request) if self.is_async else self.given.handle_request(request)


def foreign(given: object, *, is_async: bool) -> Foreign | None:
    """What the caller brought, None where it is neither a client nor a transport of httpx or httpx2.

    Raises:
        TypeError: it is of the other kind, synchronous or not.
    """
    is_client = callable(getattr(given, "build_request", None)) and callable(getattr(given, "send", None))
    has_async = callable(getattr(given, "aclose" if is_client else "handle_async_request", None))
    has_sync = callable(getattr(given, "close" if is_client else "handle_request", None))
    if not (has_async or has_sync):
        return None
    if not (has_async if is_async else has_sync):
        name = type(given).__name__
        right = "AsyncClient takes asynchronous" if is_async else "Client takes synchronous"
        raise TypeError(f"{right} clients and transports of httpx, not {name}")
    return Foreign(given, is_async, is_client, _library(given))


def hooks_of(given: object) -> tuple[str, ...]:
    """What a client of httpx or httpx2 has hooks for: `request`, `response`. They may be set at any time."""
    hooks: dict[str, list[object]] = getattr(given, "event_hooks", {})
    return tuple(sorted(name for name, calls in hooks.items() if calls))


def _library(given: object) -> Any:
    """The module that its classes come from; httpx for one that is written without a base class."""
    homes = (cls.__module__.partition(".")[0] for cls in type(given).__mro__)
    name = next((home for home in homes if home in _LIBRARIES), None)
    if name is None:
        import httpx

        return httpx
    return sys.modules[name]
