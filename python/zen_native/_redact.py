"""Takes secrets out of text that will stand in an error, and bounds its length; out of JSON values for others.

Owns the two passes: by value (secrets that were sent), then by the name of a field (JSON, header lines, URL queries)
and by shapes that only keys have. Token counts, ids and reasoning signatures are no secrets and stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

from ._echoes import beginning_at_end, echoes

__all__ = [
    "MAX_BODY_BYTES",
    "REDACTED",
    "clean",
    "is_secret_name",
    "redact",
    "redacted_body",
    "redacted_code",
    "redacted_message",
    "redacted_value",
]

MAX_BODY_BYTES = 16 << 10
REDACTED = "[redacted]"

# What is read of a longer text, and what is dropped of its end where it goes on: half a key looks like none.
_MAX_SCANNED = MAX_BODY_BYTES + (2 << 10)
_UNSURE = 1 << 10
_MAX_MESSAGE = 4096
_MAX_DEPTH = 64
_MIN_CUT = 8
"""Of a code, which is often a word, less may be anything."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# C0 without tab and newline, DEL, C1: a message ends up on terminals and in logs.
_STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f]")

# An error may come on an event loop, and for each of a thousand streams at once: so no pattern looks at a character
# more than a few times, and most texts are told by what they do not have.
_SECRET_WORDS = (
    *("authorization", "api[_-]?key", "secret", "passwd", "password", "passphrase", "credential", "cookie"),
    *("private[_-]?key", "access[_-]?key", "access[_-]?token", "auth[_-]?token", "bearer[_-]?token", "id[_-]?token"),
    *("refresh[_-]?token", "security[_-]?token", "session[_-]?token"),
)
_SCHEME = r"(?i:(?:bearer|basic|token|negotiate|digest|aws4-hmac-sha256)\s{1,4})?"

# The characters that a credential may have (RFC 9110 section 11.2) by their numbers, in JSON, URLs and HTML. A slash
# may have a backslash before it.
_HEX = "(?:2[BbDdEeFf]|3[0-9Dd]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])"
_DECIMAL = "(?:4[35-9]|5[0-7]|6[15-9]|[78][0-9]|90|95|9[7-9]|1[01][0-9]|12[0126])"
_ESCAPED = (
    rf"\\{{1,8}}+(?:/|[Uu]00{_HEX}|[Xx]{_HEX})|%(?:25){{0,3}}+{_HEX}"
    rf"|&(?:amp;){{0,3}}+(?:#[Xx]0{{0,6}}{_HEX}|#0{{0,6}}{_DECIMAL}|sol|plus|equals|lowbar|period);"
)

# What stands before a value, with the name of its field, and the value. One that the end of the text cuts counts.
_FIELDS = (
    (r'"([\w.-]++)"\s{0,8}+:\s{0,8}+', r'"((?:[^"\\]|\\.)*)'),
    (r"'([\w.-]++)'\s{0,8}+:\s{0,8}+", r"'((?:[^'\\]|\\.)*)"),
    # JSON inside a JSON string
    (r'\\{1,8}+"([\w.-]++)\\{1,8}+"\s{0,8}+:\s{0,8}+', r'\\{1,8}"((?:[^"\\]|\\++(?!"))*+)'),
)
_BARE_FIELD = (r"(?<![\w.-])([\w.-]++)\s{0,4}+[:=]\s{0,4}+", rf"{_SCHEME}((?:[^\s\"'&,;<>{{}}\[\]]|{_ESCAPED})++)")
# Each with what is in every text that it changes; it keeps its first group.
_BEFORE_BARE = (
    # A bare `token` is a secret only if it looks like one: log probabilities have fields of that name.
    ('"token"', rf'("token"\s{{0,8}}:\s{{0,8}}")(?:[\w.~+/=-]|{_ESCAPED}){{16,}}+'),
    # To the end of the line, where a bare field ends with the first space.
    ("cookie", r"((?<![\w.-])(?:set-)?cookie\s{0,4}:\s{0,4})[^\r\n]+"),
)
_BEHIND_BARE = (
    ("=", rf"([?&;](?:auth|key|sig|signature|token|x-(?:amz|goog)-signature)=)(?:[^\s\"'&;#<>]|{_ESCAPED})++"),
    ("bearer", rf"(\bbearer\s{{1,4}})(?:[\w.~+/=-]|{_ESCAPED}){{8,}}+"),
)
_BY_SHAPE = (
    r"\b(?:csk|gsk|nvapi|pk|pplx|rk|sk|xai)-[\w-]{8,}",
    r"\b(?:fw|gsk|hf|gh[opsur]|github_pat|r8|xai)_\w{16,}",
    r"\bABSK[\w+/=]{40,}",
    r"\bAIza[\w-]{20,}",
    r"\bya29\.[\w.-]{16,}",
)
_IDS_OF_AWS = r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"
# What follows of a credential, but for the full stops of a sentence: what were left of a key would not be found whole.
_REST = rf"(?:[\w~+/=-]|\.++(?=[\w~+/=-]|{_ESCAPED})|{_ESCAPED})*+"
# A pass of its own behind those, for it takes whole runs of letters: one begins at every "eyJ" and may be no token.
_JWT = rf"(\beyJ[\w-]{{8,}}+)(\.eyJ[\w-]{{8,}}\.{_REST})?"


def clean(text: str) -> str:
    """The text as valid Unicode: a lone surrogate becomes U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without secrets. `secrets` are those that were sent: they go wherever they stand, escaped or not."""
    text = _without_spans(text, echoes(text, secrets, REDACTED))
    rules, low = _rules(), text.lower()
    has_word = rules.word.search(low) is not None
    if has_word:
        for field, value in rules.fields:
            text = _without_values(text, field, value, rules.word)
    text = _without(text, low, rules.before_bare)
    if has_word:
        text = _without_values(text, *rules.bare, rules.word)
    text = rules.shape.sub(REDACTED, _without(text, low, rules.behind_bare))
    if ".eyj" in low:
        text = rules.jwt.sub(lambda found: found[0] if found[2] is None else REDACTED, text)
    return text


def _without_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    kept: list[str] = []
    end = 0
    for start, after in spans:
        kept += (text[end:start], REDACTED)
        end = after
    return "".join((*kept, text[end:]))


def _without(text: str, low: str, rules: Iterable[tuple[str, re.Pattern[str]]]) -> str:
    for needle, pattern in rules:
        if needle in low:
            text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text


def _without_values(text: str, field: re.Pattern[str], value: re.Pattern[str], word: re.Pattern[str]) -> str:
    """Without the values of fields that have a secret's name."""
    kept: list[str] = []
    end = 0
    for found in field.finditer(text):
        if found.start() >= end and word.search(found[1].lower()) and (hidden := value.match(text, found.end())):
            kept += (text[end : hidden.start(1)], REDACTED)
            end = hidden.end(1)
    return "".join((*kept, text[end:]))


_Field = tuple[re.Pattern[str], re.Pattern[str]]
_Named = tuple[tuple[str, re.Pattern[str]], ...]


class _Rules(NamedTuple):
    """As above, compiled. What is looked for in a text is in lower case."""

    word: re.Pattern[str]
    fields: tuple[_Field, ...]
    before_bare: _Named
    bare: _Field
    behind_bare: _Named
    shape: re.Pattern[str]
    jwt: re.Pattern[str]


@cache
def _rules() -> _Rules:
    # Not at import: all that streams imports this, and only what fails needs it.
    return _Rules(
        re.compile("|".join(_SECRET_WORDS)),
        tuple((re.compile(field), re.compile(value)) for field, value in _FIELDS),
        _named(_BEFORE_BARE),
        (re.compile(_BARE_FIELD[0]), re.compile(_BARE_FIELD[1])),
        _named(_BEHIND_BARE),
        re.compile(rf"(?:{'|'.join(_BY_SHAPE)}){_REST}|{_IDS_OF_AWS}", re.ASCII),
        re.compile(_JWT, re.ASCII),
    )


def _named(rows: Iterable[tuple[str, str]]) -> _Named:
    return tuple((needle, re.compile(pattern, re.IGNORECASE)) for needle, pattern in rows)


def redacted_message(text: str, secrets: Iterable[str] = ()) -> str:
    """The first 4096 characters of a message, redacted, with what could steer a terminal spelled out."""
    secrets = tuple(secrets)
    head = clean(text[:_MAX_MESSAGE])
    if len(head) > _MAX_MESSAGE // 2:  # what is long may have been cut before, by who did not know the secrets
        head = head[: beginning_at_end(head, secrets)]
    text = redact(head, secrets)
    return _STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))


def redacted_code(code: str | None, secrets: Iterable[str] = ()) -> str | None:
    """A code, redacted. It may be a piece of what was said, with a piece of a secret at either end of it."""
    if code is None:
        return None
    secrets = tuple(secrets)
    head = code[: beginning_at_end(code, secrets, _MIN_CUT)]
    begun = REDACTED + head
    spans = echoes(begun, secrets, REDACTED, _MIN_CUT)
    shown = redact(_without_spans(begun, spans)) + (REDACTED if len(head) < len(code) else "")
    return shown if spans and spans[0][0] == 0 else shown.removeprefix(REDACTED)


def redacted_body(body: str | bytes | None, secrets: Iterable[str] = ()) -> str | None:
    """A body as an error keeps it: redacted, and the first 16 KiB of its UTF-8, cut between characters."""
    if body is None:
        return None
    secrets = tuple(secrets)
    head = body[:_MAX_SCANNED]
    text = clean(head.decode("utf-8", "replace") if isinstance(head, bytes) else head)
    if len(text) > MAX_BODY_BYTES // 2:
        text = text[: beginning_at_end(text, secrets)]
    text = redact(text, secrets)
    if len(body) > _MAX_SCANNED:
        text = text[:-_UNSURE]
    return text.encode()[:MAX_BODY_BYTES].decode("utf-8", "ignore")


def redacted_value(value: Any, text: Callable[[str], str], depth: int = 0) -> Any:
    """A JSON value whose texts and names went through `text`, without those under a secret's name. What is deeper than
    64 levels is not kept."""
    if depth > _MAX_DEPTH:
        return REDACTED
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list | tuple):
        return [redacted_value(each, text, depth + 1) for each in cast("list[object]", value)]
    if isinstance(value, Mapping):
        return {
            text(name): (
                REDACTED if isinstance(each, str) and is_secret_name(name) else redacted_value(each, text, depth + 1)
            )
            for name, each in cast("Mapping[str, Any]", value).items()
        }
    return value


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what stands under that name is hidden."""
    shown = f'"{name}": "0"'
    return '"' not in name and len(name) <= 64 and redact(shown) != shown
