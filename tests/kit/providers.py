"""Routes of providers for tests: by an environment of their own, and what of a route holds the key."""

from __future__ import annotations

from zen_native.auth import authorize
from zen_native.route import Route
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings

__all__ = ["BEARER", "KEY", "REGION", "key_headers", "resolved"]

KEY = "k-sentinel-7702"
BEARER = {"authorization": f"Bearer {KEY}"}
REGION = {"AWS_REGION": "us-east-1"}


def resolved(name: str, environ: dict[str, str] | None = None, **settings: ProviderSettings) -> Route:
    """The route of a name, in that environment alone."""
    return resolve(name, Config(environ=environ or {}, providers=settings))


def key_headers(route: Route) -> dict[str, str]:
    """The headers with the key in them."""
    headers = authorize(route, method="POST", url=route.url(stream=True), headers={}, body=b"")
    return {name: value for name, value in headers.items() if KEY in value}
