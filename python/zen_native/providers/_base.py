"""What a provider is, as data: `Provider` and its parts.

Owns the words in which the files beside it are written. What they mean together is `routing`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from zen_native.dialect import Dialect
from zen_native.route import AuthScheme, ProtocolName

__all__ = ["CHAT", "RESPONSES", "Endpoint", "KeyEnv", "Option", "Provider", "Target", "UrlEnv", "generate_content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where one format is served, below the base URL. `{model}` and `{name of an option}` are filled in."""

    path: str
    stream_path: str | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    stream_query: Mapping[str, str] = field(default_factory=dict[str, str])
    auth: AuthScheme | None = None
    """Where this format has its own way to send a key."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    dialect: Dialect | None = None
    """Where it is another than the provider's."""


@dataclass(frozen=True, slots=True)
class KeyEnv:
    """An environment variable with a key, and how keys of that kind are sent."""

    name: str
    auth: AuthScheme | None = None


@dataclass(frozen=True, slots=True)
class UrlEnv:
    """An environment variable with a base URL. What users leave out of it is added: scheme, port and path."""

    name: str
    path: str = ""
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Something a user may say by `ProviderSettings.options` or the environment."""

    env: tuple[str, ...] = ()
    default: str | None = None
    header: str | None = None
    """Sent under this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What routing has found out so far; a provider's `adapt` may change it."""

    model: str
    protocol: ProtocolName
    endpoint: Endpoint
    base_url: str | None
    """None where nobody said one and the provider has none."""
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Somebody who serves models."""

    id: str
    name: str
    base_url: str | None = None
    """May hold `{name of an option}`. None: the user has to say it."""
    base_url_hint: str = ""
    endpoints: Mapping[ProtocolName, Endpoint]
    """The first is the one where neither table nor user says another."""
    auth: AuthScheme = "bearer"
    keys: tuple[KeyEnv, ...] = ()
    """The first that is set counts."""
    key_required: bool = True
    key_note: str = ""
    """What the error adds where the key is missing."""
    profiles: AuthScheme | None = None
    """How requests are authorized where the option `profile` is set and no key is: with a token of that profile."""
    urls: tuple[UrlEnv, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    headers_env: str | None = None
    """Environment variable with more headers, one `Name: value` a line."""
    dialect: Dialect = field(default_factory=Dialect)
    metadata_key: str | None = None
    session_headers: tuple[str, ...] = ()
    session_required: bool = False
    trailing_cost: bool = False
    by_prefix: bool = False
    """A gateway: ids that no table knows are served in the format that their prefix suggests."""
    instead: tuple[str, str] | None = None
    """Environment variable which, when true, names another provider to go to, and that provider."""
    adapt: Callable[[Target], Target] | None = None

    @property
    def environment(self) -> tuple[str, ...]:
        """Every environment variable that is read for it."""
        names = [key.name for key in self.keys] + [url.name for url in self.urls]
        names += [name for option in self.options.values() for name in option.env]
        names += [name for name in (self.headers_env, self.instead and self.instead[0]) if name]
        return tuple(dict.fromkeys(names))


CHAT: dict[ProtocolName, Endpoint] = {"openai-chat": Endpoint(path="/chat/completions")}
RESPONSES: dict[ProtocolName, Endpoint] = {"openai-responses": Endpoint(path="/responses")}


def generate_content(models: str) -> Endpoint:
    """Google's endpoint below the address of the models: one verb for whole answers, one for streams."""
    model = models + "/{model}"
    return Endpoint(
        path=f"{model}:generateContent", stream_path=f"{model}:streamGenerateContent", stream_query={"alt": "sse"}
    )
