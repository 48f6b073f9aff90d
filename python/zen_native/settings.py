"""What a user configures: keys, base URLs and options by provider, and the table of models.

Owns the values and their checks. What they lead to is `routing`'s.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ._secret import Secret, as_secret
from .dialect import Dialect
from .route import AuthScheme, AwsCredentials, ProtocolName, checked_base_url

__all__ = ["Config", "ProviderSettings"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """How one provider is reached, where it differs from what is known of it.

    A key that stands here goes to the base URL that stands here, or else to the provider's own. A key of the
    environment never goes to a base URL that stands here, unless that is on the same origin.
    """

    api_key: str | Secret | None = None
    base_url: str | None = None
    auth: AuthScheme | None = None
    protocol: ProtocolName | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """By provider: `organization`, `project`, `region`, `api_version` and others."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    aws: AwsCredentials | None = None
    dialect: Dialect | None = None
    trailing_cost: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_key", as_secret(self.api_key))
        if self.base_url is not None:
            object.__setattr__(self, "base_url", checked_base_url(self.base_url))

    @property
    def key(self) -> Secret | None:
        """The key, which is wrapped from the beginning."""
        return as_secret(self.api_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings by provider, also of providers that only the user knows: those need a `base_url`.

    `models` is a table in place of the package's, `environ` what is read in place of the process's environment.
    """

    providers: Mapping[str, ProviderSettings] = field(default_factory=dict[str, ProviderSettings])
    models: str | Path | None = None
    environ: Mapping[str, str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in self.providers:
            if not _NAME.fullmatch(name):
                raise ValueError(f"a provider's name is lower-case letters, digits, '.', '_' and '-', not {name!r}")

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in force."""
        return os.environ if self.environ is None else self.environ
