"""What would happen to a request, as a value: `Explanation`.

Owns what is shown of it, and that no key is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._redact import REDACTED, redact
from .auth import blocks

if TYPE_CHECKING:
    from ._prepare import Prepared
    from .gate import Decision
    from .route import Route

__all__ = ["Explanation", "explained"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where a request would go and what would be sent; keys and tokens are left out."""

    route: Route
    decision: Decision
    url: str
    headers: Mapping[str, str]
    """Without those that carry the key."""
    body: Mapping[str, Any]
    warnings: tuple[str, ...]
    """What would be left out of the request."""
    has_key: bool
    """Whether there is what the server wants for a key; AWS is not asked, and no profile is read."""


def explained(prepared: Prepared) -> Explanation:
    """What is told of a request that is ready."""
    route, secrets = prepared.route, set(prepared.secrets)
    return Explanation(
        route=route,
        decision=prepared.decision,
        url=redact(prepared.http.url, secrets),
        headers={name: REDACTED if value in secrets else value for name, value in prepared.http.headers.items()},
        body=prepared.lowered.body,
        warnings=prepared.lowered.warnings,
        has_key=route.auth == "none" or blocks(route) or route.api_key is not None,
    )
