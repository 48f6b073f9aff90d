"""The last look before a cassette is written: nothing in it is a secret.

Owns what counts as one: the secrets that were sent, the values of secret-looking environment variables, and what has
the shape of a key. They are looked for in every text, and in what base64 stands for. Cleaning is `redaction`'s; what
is found here was missed there, so nothing is written.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping

from zen_native._echoes import spelled_echoes

from .cassette import Cassette, CassetteError, Interaction
from .redaction import long_ones

__all__ = ["SecretFoundError", "check_no_secret", "environment_secrets"]

_ENV_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_MIN_ENV_VALUE = 12
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
# Each at a beginning of its own: pieces of encrypted reasoning look like anything in their middle.
_SHAPES = {
    "an API key": rb"(?<![\w+/=-])(?:sk|rk|pk|gsk|xai|pplx|csk|fw|tgp)[-_](?=[\w-]*\d)[\w-]{20,}",
    "a Google API key": rb"(?<![\w+/=-])AIza[\w-]{35}(?![\w-])",
    "an AWS access key": rb"(?<![\w+/=-])(?:AKIA|ASIA)[A-Z0-9]{16}(?![\w+/=])",
    "a GitHub token": rb"(?<![\w+/=-])(?:gh[opsur]_\w{36,}|github_pat_\w{22,})",
    "a Slack token": rb"(?<![\w+/=-])xox[abeoprs]-[\w-]{10,}",
    "a private key": rb"-----BEGIN (?:[A-Z]{1,16} ){0,3}PRIVATE KEY-----",
    "a bearer token": rb"(?i:\bbearer) (?=[\w.~+/-]*\d)[\w.~+/-]{24,}",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _SHAPES.items()}


class SecretFoundError(CassetteError):
    """A cassette was not written, for it would hold a secret. The message says where, not what."""


def environment_secrets(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The values of environment variables whose names speak of secrets."""
    known = os.environ if environ is None else environ
    return tuple(value for name, value in known.items() if _ENV_NAME.search(name) and len(value) >= _MIN_ENV_VALUE)


def check_no_secret(cassette: Cassette, secrets: Iterable[str] = ()) -> None:
    """Look through all of it.

    Raises:
        SecretFoundError: there is one.
    """
    known = [secret.encode() for secret in long_ones(secrets)]
    for index, interaction in enumerate(cassette.interactions):
        for where, data in _places(interaction):
            found = _found(data, known)
            if found is not None:
                raise SecretFoundError(f"interactions[{index}].{where} holds {found}; nothing was written")


def _places(interaction: Interaction) -> Iterator[tuple[str, bytes]]:
    request, response = interaction.request, interaction.response
    yield "request.url", request.url.encode()
    yield "request.headers", json.dumps(dict(request.headers), ensure_ascii=False).encode()
    value = request.body.value
    if isinstance(value, bytes):
        yield "request.body", value
    elif value is not None:
        yield "request.body", json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    yield "response.headers", json.dumps(dict(response.headers), ensure_ascii=False).encode()
    yield "response.body", response.body


def _found(data: bytes, known: list[bytes]) -> str | None:
    if _repeats(data, known):
        return "a secret that was sent or stands in the environment"
    for name, pattern in _PATTERNS.items():
        if pattern.search(data):
            return f"what looks like {name}"
    if known and any(_hides(match[0], known) for match in _BASE64.finditer(data)):
        return "a secret that was sent or stands in the environment, as base64"
    return None


def _repeats(data: bytes, known: list[bytes]) -> bool:
    """Whether one of them stands there, escaped or not. Of bytes that are no text, each counts as a character."""
    secrets = [secret.decode("latin-1") for secret in known]
    return bool(spelled_echoes(data.decode("latin-1"), secrets))


def _hides(coded: bytes, known: list[bytes]) -> bool:
    """Whether that stands for a secret, wherever in it the coding begins: letters may come before it."""
    letters = coded.rstrip(b"=")
    for start in range(4):
        part = letters[start:]
        part = part[:-1] if len(part) % 4 == 1 else part
        decoded = base64.b64decode(part + b"=" * (-len(part) % 4))
        if any(secret in decoded for secret in known):
            return True
    return False
