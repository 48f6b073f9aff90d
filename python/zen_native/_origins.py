"""Which base URL is in force, and which credentials may go there.

Owns the rule that a key goes only to the origin it was configured for. Three places say base URLs: the user's settings,
the environment, and the provider's own; a key of the environment belongs to the environment's base URL or, where there
is none, to the provider's. A key of the settings belongs to the base URL in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ._secret import Secret
from .catalogue import ModelEntry
from .errors import NoRouteError
from .providers import Endpoint, KeyEnv, Provider, UrlEnv
from .route import AuthScheme, AwsCredentials, checked_base_url, origin_of
from .settings import ProviderSettings

__all__ = ["Credentials", "Reached", "base_url_of", "credentials_of", "headers_of"]

_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - read from the user's setting, not bound to
_MAX_HEADER = 8192


@dataclass(frozen=True, slots=True)
class Reached:
    """The base URL in force, and the one that the environment and the provider alone would lead to. None where the
    provider has yet to compute it."""

    base_url: str | None
    ambient_url: str | None

    @property
    def ambient_is_meant(self) -> bool:
        """Whether what the environment holds in confidence is meant for the base URL in force."""
        if self.ambient_url is None or self.base_url is None:
            return False
        return origin_of(self.ambient_url) == origin_of(self.base_url)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes to the origin of the base URL, or what to do where that is nothing."""

    auth: AuthScheme
    api_key: Secret | None = None
    aws: AwsCredentials | None = None
    profile: str | None = None
    hint: str = ""


def base_url_of(
    provider: Provider, settings: ProviderSettings, environ: Mapping[str, str], entry: ModelEntry | None
) -> Reached:
    """The base URL in force."""
    own = _of_table(provider, entry) or provider.base_url
    ambient = _of_environment(provider, environ) or own
    return Reached(settings.base_url or ambient, ambient)


def credentials_of(
    provider: Provider,
    settings: ProviderSettings,
    environ: Mapping[str, str],
    endpoint: Endpoint,
    reached: Reached,
    options: Mapping[str, str],
) -> Credentials:
    """The key or signature for the base URL in force."""
    usual = settings.auth or endpoint.auth or provider.auth
    if usual == "none":
        return Credentials("none")
    if settings.key is not None:
        # What signs cannot take a key: a key of the settings is then one that is sent.
        return Credentials("bearer" if usual == "sigv4" else usual, settings.key)
    if settings.aws is not None and usual == "sigv4":
        return Credentials("sigv4", aws=settings.aws)
    profile = options.get("profile") if provider.profiles is not None else None
    if provider.profiles is not None and profile is not None and "profile" in settings.options:
        return Credentials(provider.profiles, profile=profile)
    found = next((key for key in provider.keys if environ.get(key.name)), None)
    meant = reached.ambient_is_meant
    if found is not None and meant:
        return Credentials(settings.auth or found.auth or usual, _key(found, environ))
    if provider.profiles is not None and profile is not None and meant:
        return Credentials(provider.profiles, profile=profile)
    if usual == "sigv4" and meant:
        hint = "set AWS_BEARER_TOKEN_BEDROCK, or AWS credentials in any of the usual ways"
        return Credentials("sigv4", aws=AwsCredentials(profile=options.get("profile")), hint=hint)
    if not provider.key_required:
        return Credentials("none")
    return Credentials("bearer" if usual == "sigv4" else usual, hint=_hint(provider, found, reached))


def headers_of(
    provider: Provider,
    settings: ProviderSettings,
    environ: Mapping[str, str],
    endpoint: Endpoint,
    reached: Reached,
    options: Mapping[str, str],
) -> dict[str, str]:
    """Headers of provider, endpoint, options and settings, the later over the earlier, whatever their case."""
    layers = [provider.headers, endpoint.headers, _option_headers(provider, settings, reached, options)]
    if provider.headers_env is not None and reached.ambient_is_meant:
        layers.append(_listed_headers(provider.headers_env, environ.get(provider.headers_env, "")))
    layers.append(settings.headers)
    return {name.lower(): _checked_header(name, value) for layer in layers for name, value in layer.items()}


# --- base URLs


def _of_table(provider: Provider, entry: ModelEntry | None) -> str | None:
    """The table's address, which may be refreshed from elsewhere, and so may not lead a key away."""
    if entry is None or entry.base_url is None:
        return None
    if provider.base_url is None or origin_of(entry.base_url) != origin_of(provider.base_url):
        raise NoRouteError(
            f"the table of models places {entry.name} at {origin_of(entry.base_url)}, which is not {provider.name}'s;"
            " configure a base_url if it is meant",
            provider=provider.id,
            model=entry.id,
        )
    return entry.base_url


def _of_environment(provider: Provider, environ: Mapping[str, str]) -> str | None:
    for variable in provider.urls:
        value = environ.get(variable.name, "").strip()
        if value:
            try:
                return checked_base_url(_completed(variable, value))
            except ValueError as error:
                raise NoRouteError(f"{variable.name}: {error}", provider=provider.id) from None
    return None


def _completed(variable: UrlEnv, value: str) -> str:
    if variable.port is None and not variable.path:
        return value
    url = value if "://" in value else f"http://{value}"
    parts = urlsplit(checked_base_url(url))
    host, port = parts.hostname or "", urlsplit(url).port
    if host in _ANY_ADDRESS:
        host = "127.0.0.1"  # a server's setting: it listens everywhere
    netloc = f"[{host}]" if ":" in host else host
    if port is None and "://" not in value:
        port = variable.port
    path = parts.path if parts.path.strip("/") else variable.path
    return urlunsplit((parts.scheme, netloc if port is None else f"{netloc}:{port}", path, "", ""))


# --- keys and headers


def _key(variable: KeyEnv, environ: Mapping[str, str]) -> Secret:
    try:
        return Secret(environ[variable.name].strip())
    except ValueError as error:
        raise NoRouteError(f"the variable {variable.name} is not usable: {error}") from None


def _hint(provider: Provider, found: KeyEnv | None, reached: Reached) -> str:
    there = reached.base_url and origin_of(reached.base_url)
    if found is not None:
        meant = origin_of(reached.ambient_url) if reached.ambient_url else provider.name
        return f"{found.name} is for {meant} and is not sent to {there}; give an api_key together with the base_url"
    if not provider.keys or not reached.ambient_is_meant:
        return f"give an api_key for {there}"
    return f"set {' or '.join(key.name for key in provider.keys)}, or give an api_key{provider.key_note}"


def _option_headers(
    provider: Provider, settings: ProviderSettings, reached: Reached, options: Mapping[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, option in provider.options.items():
        if option.header is None or name not in options:
            continue
        public = options[name] == option.default
        if public or name in settings.options or reached.ambient_is_meant:
            found[option.header] = options[name]
    return found


def _listed_headers(variable: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if line.strip() and (not colon or not name.strip()):
            raise NoRouteError(f"{variable}: every line must be 'Name: value'")
        if line.strip():
            found[name.strip()] = value.strip()
    return found


def _checked_header(name: str, value: str) -> str:
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise NoRouteError(f"not the name of a header: {name[:100]!r}")
    if not value.isascii() or not value.isprintable() or len(value) > _MAX_HEADER:
        raise NoRouteError(f"the header {name!r} must be printable ASCII of at most {_MAX_HEADER} characters")
    return value
