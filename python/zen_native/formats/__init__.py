"""Wire formats: a request in a provider's own words.

Owns the choice of the format. Each module below owns one format; none knows a socket or a provider.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from zen_native.request import LLMRequest
    from zen_native.route import ProtocolName, Route

    from .common import Lowered

__all__ = ["lower"]

_MODULES = {
    "anthropic-messages": "anthropic_messages",
    "bedrock-converse": "bedrock",
    "bedrock-invoke-anthropic": "anthropic_messages",
    "google-generate-content": "google",
    "openai-chat": "openai_chat",
    "openai-responses": "openai_responses",
}


def lower(request: LLMRequest, route: Route, *, stream: bool) -> Lowered:
    """The body to send for a request on a route, and what had to be left out of it.

    Raises:
        UnsupportedError: the format cannot carry a field that was set, and the request is strict.
    """
    return _lowering(route.protocol)(request, route, stream=stream)


@cache
def _lowering(protocol: ProtocolName) -> Callable[..., Lowered]:
    return cast("Callable[..., Lowered]", import_module(f"{__name__}.{_MODULES[protocol]}").lower)
