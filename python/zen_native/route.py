"""Where and how one model is served: `Route`, as data.

Owns the route's fields, what a base URL may be, and the URL of a request. Owns no choice (`routing`), no sending
(`transport`) and no credentials in use: `auth` alone puts a key on a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

from ._secret import Secret, as_secret
from .dialect import Dialect
from .errors import InvalidRequestError

__all__ = [
    "AuthScheme",
    "AwsCredentials",
    "Dialect",
    "Framing",
    "ModelInfo",
    "Prices",
    "ProtocolName",
    "Route",
    "Secret",
    "checked_base_url",
    "origin_of",
]

ProtocolName = Literal[
    "anthropic-messages",
    "bedrock-converse",
    "bedrock-invoke-anthropic",
    "google-generate-content",
    "openai-chat",
    "openai-responses",
]
Framing = Literal["document", "eventstream", "json-array", "sse"]
AuthScheme = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key", "sigv4", "anthropic-profile", "none"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_SESSION_ID = 256
# What two readers of a URL cannot take for different hosts.
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+")
_MAX_LABEL = 63
"""Of a part of a host's name (RFC 1035 section 2.3.4); what looks it up refuses longer ones in its own words."""
_SENSITIVE = re.compile(r"auth|key|token|secret|cookie|password|credential|signature", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """USD per million tokens; None is unknown, and `0` is free. What the prices are worth is `pricing`'s to say."""

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    """Of writes that are kept for five minutes."""
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    """Where reasoning has another price than the rest of output."""
    calls: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    """USD per call of a hosted tool, by its name; `request` is charged once for every request."""
    apart: tuple[str, ...] = ()
    """Kinds of tokens that have prices of their own, which are not in this row: audio, image ..."""
    above_input_tokens: int | None = None
    """Set in a tier: it counts for requests with more input than that."""
    tiers: tuple[Prices, ...] = ()
    """Each re-prices the whole request."""
    services: Mapping[str, Prices] = field(default_factory=dict[str, "Prices"])
    """Rows in place of this one for another service tier: batch, flex, priority ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a table knows about a model; None is unknown."""

    context: int | None = None
    max_input: int | None = None
    max_output: int | None = None
    reasoning: bool | None = None
    prices: Prices | None = None
    as_of: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCredentials:
    """What signs requests to AWS. Without an access key, its usual chain is asked: environment, profile, role."""

    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    profile: str | None = None

    def __post_init__(self) -> None:
        # Who gives plain text all the same shows it in no repr.
        for name in ("secret_access_key", "session_token"):
            object.__setattr__(self, name, as_secret(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one model is reached. Whatever may hold a secret is left out of the repr.

    `api_key`, `aws` and `profile` are for `key_origin` alone, which stays what it was when a copy gets another
    `base_url`. `path` and `stream_path` may hold `{model}`; it is percent-encoded.
    """

    provider: str
    model: str
    """The id on the wire."""
    protocol: ProtocolName
    base_url: str
    path: str
    stream_path: str | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    stream_query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    framing: Framing = "sse"
    """Of a streamed answer; others are one document."""
    auth: AuthScheme = "bearer"
    api_key: Secret | None = None
    aws: AwsCredentials | None = None
    profile: str | None = None
    """Whose token is asked for where `auth` is `anthropic-profile`."""
    key_origin: str | None = None
    key_hint: str = ""
    """What to do where the key is missing, for the error."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    session_headers: tuple[str, ...] = ()
    """Headers that carry the session id."""
    session_required: bool = False
    dialect: Dialect = field(default_factory=Dialect)
    trailing_cost: bool = False
    metadata_key: str = ""
    """Key of this issuer in events' metadata: replay data goes back to routes of the same key only."""
    region: str | None = None
    info: ModelInfo | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", checked_base_url(self.base_url))
        if self.key_origin is None:
            object.__setattr__(self, "key_origin", self.origin)
        if not self.metadata_key:
            object.__setattr__(self, "metadata_key", self.provider)

    @property
    def origin(self) -> str:
        """Scheme, host and port that the request goes to."""
        return origin_of(self.base_url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What was sent in confidence, for redaction."""
        aws = self.aws or AwsCredentials()
        kept = [secret.reveal() for secret in (self.api_key, aws.secret_access_key, aws.session_token) if secret]
        own = [value for name, value in (*self.headers.items(), *self.query.items()) if _SENSITIVE.search(name)]
        return tuple(kept + own)

    def url(self, *, stream: bool, query: Mapping[str, str] | None = None) -> str:
        """Where the request goes; `query` lies over the route's own."""
        path = self.stream_path if stream and self.stream_path is not None else self.path
        values = {**self.query, **(self.stream_query if stream else {}), **(query or {})}
        target = self.base_url + path.replace("{model}", quote(self.model, safe=""))
        return f"{target}?{urlencode(values)}" if values else target

    def request_headers(self, session_id: str | None = None) -> dict[str, str]:
        """The route's headers and the session's, without those of `auth`. A session that the server insists on but
        nobody named lasts for this request."""
        if session_id is None and self.session_required:
            from uuid import uuid4

            session_id = uuid4().hex
        if session_id is None:
            return dict(self.headers)
        return {**self.headers, **dict.fromkeys(self.session_headers, _checked_session(session_id))}


@lru_cache(maxsize=256)
def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, the port only where it is not the scheme's own."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port
    shown = f"[{host}]" if ":" in host else host
    own = port is None or port == _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{shown}" if own else f"{parts.scheme}://{shown}:{port}"


def checked_base_url(url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        ValueError: it is no absolute http(s) URL, or has a user name, a query or a fragment: secrets hide there.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("a base URL must be printable ASCII without spaces and backslashes")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("a base URL must be a valid URL; its host or port is not") from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("a base URL must begin with http:// or https:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("a base URL must not hold a user name or password; configure an api_key")
    if not _HOST.fullmatch(host) or not all(0 < len(label) <= _MAX_LABEL for label in host.split(".")):
        raise ValueError("a base URL must name a host of letters, digits, '.', '-' and '_', or an address")
    if "?" in url or "#" in url:
        raise ValueError("a base URL must not have a query or fragment; configure query parameters apart")
    return origin_of(url) + parts.path.rstrip("/")


def _checked_session(session_id: str) -> str:
    if not session_id.isascii() or not session_id.isprintable() or not 0 < len(session_id) <= _MAX_SESSION_ID:
        raise InvalidRequestError(f"session_id must be 1 to {_MAX_SESSION_ID} printable ASCII characters")
    return session_id
