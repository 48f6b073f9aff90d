"""What of an exchange goes into a cassette: harmless headers by a list, everything else without its secrets.

Owns the lists and how requests and answers are cleaned. A request may be changed freely, for requests are compared in
this form. An answer keeps every byte but a secret that it repeats, of which each byte becomes `*`: lengths stay.
What is a secret's name and shape is `_redact`'s to say; what must never be written is `scan`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from zen_native._echoes import spelled_echoes
from zen_native._redact import REDACTED, is_secret_name, redact, redacted_value

from .cassette import Body, RecordedRequest, body_of

__all__ = ["clean_answer", "clean_answer_headers", "clean_request", "long_ones", "secrets_of"]

_REQUEST_HEADERS = frozenset({"accept", "anthropic-beta", "anthropic-version", "content-type", "openai-beta"})
_ANSWER_HEADERS = frozenset({
    "apim-request-id", "content-encoding", "content-type", "date", "location", "request-id", "retry-after",
    "retry-after-ms", "x-request-id", "x-should-retry",
})  # fmt: skip
_ANSWER_PREFIXES = ("anthropic-ratelimit-", "x-amzn-", "x-ratelimit-")
_QUERY_SECRETS = frozenset({"auth", "code", "key", "sig", "signature", "token"})
# Shorter ones are no keys, but words that stand in texts.
_MIN_SECRET = 8


def secrets_of(headers: Mapping[str, str], url: str) -> tuple[str, ...]:
    """The secrets that a request sends in its headers and address."""
    found: list[str] = []
    for name, value in headers.items():
        if is_secret_name(name):
            found += [value, value.partition(" ")[2]]
    parts = urlsplit(url)
    found += [value for name, value in parse_qsl(parts.query) if is_secret_name(name) or name.lower() in _QUERY_SECRETS]
    found += [parts.username or "", parts.password or ""]
    return tuple(dict.fromkeys(secret for secret in found if len(secret) >= _MIN_SECRET))


def long_ones(secrets: Iterable[str]) -> tuple[str, ...]:
    """Those that are looked for in texts."""
    return tuple(secret for secret in secrets if len(secret) >= _MIN_SECRET)


def clean_request(
    method: str, url: str, headers: Mapping[str, str], body: bytes, secrets: Iterable[str]
) -> RecordedRequest:
    """The request as it is kept and compared."""
    known = long_ones((*secrets, *secrets_of(headers, url)))
    lower = {name.lower(): value for name, value in headers.items()}
    kept = {name: redact(value, known) for name, value in lower.items() if name in _REQUEST_HEADERS}
    return RecordedRequest(
        method=method.upper(),
        url=_clean_url(url, known),
        headers=dict(sorted(kept.items())),
        body=_clean_body(body_of(body), known),
    )


def clean_answer_headers(headers: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    """The headers of an answer that are kept."""
    known = long_ones(secrets)
    lower = {name.lower(): value for name, value in headers.items()}
    return {
        name: redact(value, known)
        for name, value in sorted(lower.items())
        if name in _ANSWER_HEADERS or name.startswith(_ANSWER_PREFIXES)
    }


def clean_answer(body: bytes, secrets: Iterable[str]) -> bytes:
    """The body of an answer without the secrets that it repeats, as long as before. A binary one has checksums and
    stays as it is: should it hold a secret, it is not written."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    starred, end = list[str](), 0
    for start, after in spelled_echoes(text, long_ones(secrets)):
        starred += (text[end:start], "*" * len(text[start:after].encode()))
        end = after
    return "".join((*starred, text[end:])).encode()


def _clean_url(url: str, secrets: tuple[str, ...]) -> str:
    parts = urlsplit(url)
    pairs = [
        (name, REDACTED if is_secret_name(name) or name.lower() in _QUERY_SECRETS else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    host = parts.netloc.rpartition("@")[2]
    query = urlencode(sorted(pairs), safe="[]:/,")
    return redact(urlunsplit((parts.scheme, host, parts.path, query, "")), secrets)


def _clean_body(body: Body, secrets: tuple[str, ...]) -> Body:
    if body.kind == "json":
        return Body("json", redacted_value(body.value, partial(redact, secrets=secrets)))
    if body.kind == "text":
        return Body("text", redact(body.value, secrets))
    return body
