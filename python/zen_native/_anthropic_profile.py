"""Tokens of a profile, as Anthropic's command line writes and its SDKs read them: `ANTHROPIC_PROFILE`.

Owns the headers that such a token needs, and that it goes to its own origin. Files, their checks, refreshing and the
exchange of federated identities are the SDK's, which the extra `anthropic` brings.

Source: https://platform.claude.com/docs/en/api/sdks (credentials); module `lib.credentials` of the Python SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from .errors import AuthenticationError
from .route import Route, origin_of

__all__ = ["profile_headers"]

_BETA = "anthropic-beta"
_SECONDS = 30.0
_OAUTH = "oauth-2025-04-20"
"""Without this flag the API takes no token of a profile."""


def profile_headers(route: Route, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the profile's token. May read files and ask for a fresh token, which blocks.

    Raises:
        AuthenticationError: the SDK is not there, the profile gives no token, or it belongs elsewhere.
    """
    profile = route.profile or ""
    try:
        failure = import_module("anthropic").AnthropicError
        import_module("anthropic.lib.credentials")
    except ImportError:
        how = "pip install 'zen-native[anthropic]', or set ANTHROPIC_API_KEY"
        raise _refused(route, f"the profile {profile!r} is read by Anthropic's SDK: {how}") from None
    try:
        file, tokens = _profile(profile, route.base_url)
        pinned = file.resolved_base_url
        if pinned is not None and origin_of(pinned) != route.key_origin:
            where = f"belongs to {origin_of(pinned)} and is not sent to {route.key_origin}"
            raise _refused(route, f"the profile {profile!r} {where}; set ANTHROPIC_BASE_URL")
        token, own = tokens.get_token(), file.extra_headers()
    except failure as error:
        raise _refused(route, f"the profile {profile!r} gives no token: {error}") from None
    flags = [flag for flag in headers.get(_BETA, "").split(",") if flag.strip()]
    named = {_BETA: ",".join([*flags, *([] if _OAUTH in flags else [_OAUTH])]), "authorization": f"Bearer {token}"}
    return {**own, **headers, **named}


@lru_cache(maxsize=32)
def _profile(profile: str, base_url: str) -> tuple[Any, Any]:
    """The profile's files, and what keeps its token while it is good; one for all clients, so that none is refreshed
    twice at the same time."""
    credentials, http = import_module("anthropic.lib.credentials"), import_module("httpx2")
    # Tokens are fetched once an hour or so: no connection is kept for the next time, and none is left behind.
    client = http.Client(timeout=_SECONDS, limits=http.Limits(max_keepalive_connections=0))
    file = credentials.CredentialsFile(profile, http_client=client)
    file.bind_base_url(base_url)
    return file, credentials.TokenCache(file)


def _refused(route: Route, message: str) -> AuthenticationError:
    return AuthenticationError(message, provider=route.provider, model=route.model)
