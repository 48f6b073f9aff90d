"""What the gate is told of one client, and what it decided there before.

Owns what the decisions of a client depend on besides the request and its route. The gate's answer is remembered where
neither can change it; the reasons and their order are `gate`'s.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from . import gate
from ._environment import Readings
from .runtimes import FLAG
from .transport.proxies import Proxies

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .gate import Decision, Decisions, RuntimeChoice, TransportChoice
    from .request import LLMRequest
    from .route import Route

__all__ = ["Chooser"]

_MAX_KNOWN = 256
_Around = tuple[str, tuple[str, ...], str | None, str | None]
"""What `ZEN_NATIVE` says, the hooks of a client that was brought, the origin that is behind a proxy, and what runs the
calling task where that is no use to the native transport."""


class Chooser:
    """Decides for one client. Usable from several threads."""

    __slots__ = (
        "_brought", "_choice", "_custom", "_event_loop", "_flag", "_has_native", "_known", "_proxies", "_select",
        "asks",
    )  # fmt: skip

    def __init__(
        self,
        *,
        runtime: RuntimeChoice,
        transport: TransportChoice,
        brought: object | None,
        has_native: bool,
        event_loop: Callable[[], str | None],
    ) -> None:
        """What the client says, what the caller gave it in place of sockets, whether it has a transport of its own for
        the native path, and what runs the calling task where that is no use there."""
        self._select = partial(gate.select, client_runtime=runtime)
        self.asks = callable(runtime)
        """Whether a function of the client's is asked of each request."""
        self._choice: TransportChoice = transport
        self._brought = brought
        self._custom = None if brought is None else f"a transport of the caller's: {type(brought).__name__}"
        self._has_native = has_native
        self._event_loop = event_loop
        self._proxies: Proxies | None = None
        self._flag: Readings | None = None
        self._known: dict[Hashable, Decision] = {}

    def decide(
        self,
        request: LLMRequest,
        route: Route,
        decisions: Decisions,
        *,
        runtime: RuntimeChoice | None = None,
        body_bytes: int = 0,
        failure: str | None = None,
    ) -> Decision:
        """The decision for one request, counted and logged. What can be done natively in a process does not change
        while there is a client; the environment may.

        Raises:
            ImportError: native was demanded, but the extension is not there.
            UnsupportedError: native was demanded, but something else stands against it.
        """
        around = self._around(route)
        is_plain = failure is None and body_bytes <= gate.MAX_BODY_BYTES and not request.http.headers
        same = runtime, route.protocol, route.framing, (*route.headers,), around
        key = same if is_plain and _is_word(runtime) else None
        if key is not None and (known := self._known.get(key)) is not None:
            return gate.recorded(known, route, decisions)
        capabilities = self._capabilities(around)
        decision = self._select(
            request, route, capabilities, decisions, runtime=runtime, body_bytes=body_bytes, failure=failure
        )
        if key is not None and self._is_kept(capabilities, around):
            self._known[key] = decision
        return decision

    def _around(self, route: Route) -> _Around:
        """What may change from one request to the next."""
        hooks = () if self._brought is None else self._hooks()
        return self._flag_now(), hooks, self._proxied(route), self._event_loop()

    def _capabilities(self, around: _Around) -> gate.Capabilities:
        _, hooks, proxied, event_loop = around
        return gate.current_capabilities(
            native_transport=self._has_native,
            transport=self._choice,
            custom_transport=self._custom,
            hooks=hooks,
            proxied=proxied,
            event_loop=event_loop,
        )

    def _is_kept(self, capabilities: gate.Capabilities, around: _Around) -> bool:
        """Whether the decision depends on nothing else, and there is room for it."""
        is_pure = not capabilities.refused_content and not self.asks and capabilities.flag == around[0]
        return is_pure and len(self._known) < _MAX_KNOWN

    def _hooks(self) -> tuple[str, ...]:
        from .transport.foreign import hooks_of

        return hooks_of(self._brought)

    def _flag_now(self) -> str:
        """What `ZEN_NATIVE` says."""
        found = self._flag
        if found is None or not found.hold(os.environ):
            found = self._flag = Readings(os.environ, {FLAG: os.environ.get(FLAG)})
        return found.read[FLAG] or ""

    def _proxied(self, route: Route) -> str | None:
        """The origin of a request that is reached through a proxy."""
        if self._custom is not None:
            return None
        if self._proxies is None:
            self._proxies = Proxies()
        return None if self._proxies.proxy_for(route.base_url) is None else route.origin


def _is_word(choice: object) -> bool:
    return choice is None or isinstance(choice, str)
