"""From a model's name and the user's configuration to a `Route`.

Owns what names mean and which format a model is asked in. Origins and keys are matched in `_origins`; facts stand in
`providers` and `catalogue`. Reads the environment, touches no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ._origins import Reached, base_url_of, credentials_of, headers_of
from .catalogue import ModelEntry, Table, table_in_force
from .errors import NoRouteError
from .providers import PROVIDERS, Endpoint, Provider, Target
from .providers.compatible import COMPATIBLE
from .route import ProtocolName, Route
from .runtimes.pure.names import DEFAULT_FRAMING
from .settings import Config, ProviderSettings

if TYPE_CHECKING:
    from .dialect import Dialect
    from .route import Framing

__all__ = ["provider_of", "resolve"]

GATEWAY = "opencode"
"""Who is asked for ids without a provider that no table knows."""

# For ids that no table knows: a new model of a family is most likely served as its siblings are.
_PREFIXES: tuple[tuple[str, ProtocolName], ...] = (
    ("claude-", "anthropic-messages"),
    ("gpt-5", "openai-responses"),
    ("gemini-", "google-generate-content"),
)
# Who makes the models of a family, for whoever meant to ask them and not the gateway.
_MAKERS = {
    "claude-": "anthropic",
    "deepseek-": "deepseek",
    "gemini-": "google",
    "gpt-": "openai",
    "grok-": "xai",
    "mistral-": "mistral",
}
_TRUE = frozenset({"1", "true", "yes", "on"})
# What options that stand in the host or in the path may be.
_IN_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?")  # part of a name of at most 63 (RFC 1035)
_IN_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_ADDRESS = {"region": _IN_HOST, "location": _IN_HOST, "project": _IN_PATH, "api_version": _IN_PATH}
_MAX_MODEL = 2048


@dataclass(frozen=True, slots=True)
class _Named:
    """What a name says: who serves the model, its id there, and what the table knows of it."""

    provider: Provider
    model: str
    entry: ModelEntry | None
    is_guess: bool = False
    """Whether the name says nobody who serves it, and no table does."""


def resolve(model: str, config: Config | None = None) -> Route:
    """The route of a model's name: `provider/model`, or an id that the table of models knows.

    Raises:
        NoRouteError: nobody is known by that name, or something of the address is missing.
        OSError: the table that was configured cannot be read.
        ValueError: it is no table.
    """
    config = config or Config()
    named = _named(model, config)
    settings = config.providers.get(named.provider.id) or ProviderSettings()
    protocol = _protocol(named, settings)
    endpoint = named.provider.endpoints[protocol]
    environ = config.environment
    options = _options(named.provider, settings, environ)
    reached = base_url_of(named.provider, settings, environ, named.entry)
    target = Target(model=named.model, protocol=protocol, endpoint=endpoint, base_url=reached.base_url, options=options)
    ambient = _adapted(named.provider, replace(target, base_url=reached.ambient_url))
    target = _filled(named.provider, _adapted(named.provider, target))
    return _route(named, settings, environ, target, Reached(target.base_url, ambient.base_url))


def provider_of(name: str, config: Config | None = None) -> Provider:
    """The provider of that name, also one that only the configuration knows.

    Raises:
        NoRouteError: there is none.
    """
    config = config or Config()
    known = PROVIDERS.get(name)
    if known is None and name in config.providers:
        return replace(COMPATIBLE, id=name, name=name, metadata_key=name)
    if known is None:
        raise NoRouteError(f"unknown provider {name!r}{_suggestion(name, _names(config))}")
    if known.instead is not None and config.environment.get(known.instead[0], "").strip().lower() in _TRUE:
        return PROVIDERS[known.instead[1]]
    return known


# --- names


def _named(name: str, config: Config) -> _Named:
    _check_name(name)
    table = table_in_force(config.models, config.environment)
    head, slash, rest = name.partition("/")
    if not slash:
        return _bare(name, table, config)
    if not rest:
        raise NoRouteError(f"{name!r} names a provider but no model", model=name)
    if head not in PROVIDERS and head not in config.providers:
        served = table.find(name)
        if served:
            return _Named(provider_of(served[0].provider, config), name, served[0])
        hint = _suggestion(head, _names(config), rest)
        raise NoRouteError(f"unknown provider {head!r} in the model {name!r}{hint}", model=name)
    provider = provider_of(head, config)
    return _Named(provider, rest, table.get(provider.id, rest))


def _bare(name: str, table: Table, config: Config) -> _Named:
    if name in PROVIDERS or name in config.providers:
        raise NoRouteError(f"{name!r} is a provider; name a model too: {name}/MODEL", model=name)
    for entry in table.find(name):
        if entry.provider in PROVIDERS or entry.provider in config.providers:
            return _Named(provider_of(entry.provider, config), name, entry)
    return _Named(provider_of(GATEWAY, config), name, None, is_guess=True)


def _check_name(name: str) -> None:
    if not name or not name.isprintable() or name != name.strip() or len(name) > _MAX_MODEL:
        raise NoRouteError("a model's name is printable text that is not empty, without spaces around it")
    if name.rpartition("/")[2] in {".", ".."}:
        # A path segment of dots would lead the address elsewhere.
        raise NoRouteError(f"{name!r} is no model's name", model=name)


def _names(config: Config) -> list[str]:
    return sorted({*PROVIDERS, *config.providers})


def _suggestion(name: str, known: list[str], rest: str = "MODEL") -> str:
    from difflib import get_close_matches  # for this error alone, and slow to import

    close = get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    if close:
        return "; did you mean " + " or ".join(f"{match}/{rest}" for match in close) + "?"
    return "; known: " + ", ".join(known)


# --- what is asked, and where


def _protocol(named: _Named, settings: ProviderSettings) -> ProtocolName:
    provider = named.provider
    chosen = settings.protocol or (named.entry.protocol if named.entry else None)
    if chosen is None and provider.by_prefix:
        chosen = _by_prefix(named.model)
    if chosen is None:
        return next(iter(provider.endpoints))
    if chosen not in provider.endpoints:
        raise NoRouteError(
            f"{provider.name} does not serve {chosen}; known: {', '.join(provider.endpoints)}",
            provider=provider.id,
            model=named.model,
        )
    return chosen


def _by_prefix(model: str) -> ProtocolName:
    for prefix, protocol in _PREFIXES:
        if model.startswith(prefix):
            return protocol
    return "openai-chat"


def _options(provider: Provider, settings: ProviderSettings, environ: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(settings.options.keys() - provider.options.keys())
    if unknown:
        known = ", ".join(sorted(provider.options)) or "none"
        raise NoRouteError(f"{provider.name} has no option {unknown[0]!r}; known: {known}", provider=provider.id)
    found: dict[str, str] = {}
    for name, option in provider.options.items():
        set_in = (environ[variable] for variable in option.env if environ.get(variable))
        value = settings.options.get(name) or next(set_in, option.default)
        if value is not None:
            found[name] = value
    return found


def _adapted(provider: Provider, target: Target) -> Target:
    """The target as the provider's own rules have it; what stands in the address is harmless there."""
    for name, value in target.options.items():
        allowed = _ADDRESS.get(name)
        if allowed is not None and (not allowed.fullmatch(value) or ".." in value):
            raise NoRouteError(
                f"{provider.name}: the option {name!r} stands in an address and cannot be {value!r}",
                provider=provider.id,
            )
    return target if provider.adapt is None else provider.adapt(target)


def _filled(provider: Provider, target: Target) -> Target:
    """The target with its options in the address."""
    if target.base_url is None:
        hint = f": {provider.base_url_hint}" if provider.base_url_hint else ""
        raise NoRouteError(f"{provider.id} has no base URL{hint}", provider=provider.id, model=target.model)
    endpoint = target.endpoint
    for name, value in target.options.items():
        hole = f"{{{name}}}"
        if hole in endpoint.path:
            stream_path = endpoint.stream_path and endpoint.stream_path.replace(hole, value)
            endpoint = replace(endpoint, path=endpoint.path.replace(hole, value), stream_path=stream_path)
    base_url = _without_version(target.base_url, endpoint.path)
    return replace(target, base_url=base_url, endpoint=endpoint)


def _without_version(base_url: str, path: str) -> str:
    """The base URL without the version at its end that the path begins with: users write it with and without."""
    version = re.match(r"(?:/openai)?/v\d+\w*(?=/)", path)
    return base_url.removesuffix(version[0]) if version else base_url


def _route(
    named: _Named, settings: ProviderSettings, environ: Mapping[str, str], target: Target, reached: Reached
) -> Route:
    provider, endpoint, base_url = named.provider, target.endpoint, target.base_url or ""
    credentials = credentials_of(provider, settings, environ, endpoint, reached, target.options)
    return Route(
        provider=provider.id,
        model=target.model,
        protocol=target.protocol,
        base_url=base_url,
        path=endpoint.path,
        stream_path=endpoint.stream_path,
        query={**endpoint.query, **settings.query},
        stream_query=endpoint.stream_query,
        framing=_framing(target.protocol),
        auth=credentials.auth,
        api_key=credentials.api_key,
        aws=credentials.aws,
        profile=credentials.profile,
        key_hint=_key_hint(named, credentials.hint),
        headers=headers_of(provider, settings, environ, endpoint, reached, target.options),
        session_headers=provider.session_headers,
        session_required=provider.session_required,
        dialect=_dialect(named, settings, endpoint),
        trailing_cost=provider.trailing_cost if settings.trailing_cost is None else settings.trailing_cost,
        metadata_key=provider.metadata_key or provider.id,
        region=target.options.get("region"),
        info=named.entry.info if named.entry else None,
    )


def _key_hint(named: _Named, hint: str) -> str:
    """How a key is given; where nobody may have meant that provider, also how another one is asked."""
    if not named.is_guess:
        return hint
    maker = next((each for prefix, each in _MAKERS.items() if named.model.startswith(prefix)), "PROVIDER")
    return (
        f"{hint}; {named.model!r} is in no table of models and was taken for one of {named.provider.name}'s, "
        f"another provider is asked as {maker}/{named.model}"
    )


def _framing(protocol: ProtocolName) -> Framing:
    return "eventstream" if DEFAULT_FRAMING[protocol] == "eventstream" else "sse"


def _dialect(named: _Named, settings: ProviderSettings, endpoint: Endpoint) -> Dialect:
    if settings.dialect is not None:
        return settings.dialect
    dialect = endpoint.dialect or named.provider.dialect
    if named.entry is not None and named.entry.reasoning_field is not None:
        return replace(dialect, reasoning_field=named.entry.reasoning_field)
    return dialect
