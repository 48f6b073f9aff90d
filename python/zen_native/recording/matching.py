"""Which recorded interaction a request is: the first unused one with the same method, address, headers and body.

Owns the comparison, on requests without secrets, and the message where nothing matches.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import cast

from .cassette import Body, Cassette, CassetteError, RecordedRequest

__all__ = ["MATCHED_HEADERS", "NoMatchError", "first_match", "no_match"]

MATCHED_HEADERS = ("anthropic-beta", "anthropic-version", "content-type", "openai-beta")

_MAX_LINES = 400
_MAX_WIDTH = 200
_MAX_SHOWN = 60


class NoMatchError(CassetteError):
    """The cassette has no answer for a request. The message shows the difference to the nearest recorded one."""


def first_match(
    cassette: Cassette, used: Sequence[bool], request: RecordedRequest, headers: Iterable[str]
) -> int | None:
    """The index of the first unused interaction that matches."""
    names = tuple(name.lower() for name in headers)
    for index, interaction in enumerate(cassette.interactions):
        if not used[index] and _is_same(interaction.request, request, names, lenient=cassette.foreign):
            return index
    return None


def no_match(
    cassette: Cassette, used: Sequence[bool], request: RecordedRequest, headers: Iterable[str], path: object
) -> NoMatchError:
    """The error for a request that nothing matches."""
    names = tuple(name.lower() for name in headers)
    spent = [
        interaction.request
        for interaction, is_used in zip(cassette.interactions, used, strict=True)
        if is_used and _is_same(interaction.request, request, names, lenient=cassette.foreign)
    ]
    count = len(cassette.interactions)
    head = f"{path}: no recorded answer for {request.method} {request.url} ({count} recorded, {sum(used)} used)"
    if spent:
        times = "once" if len(spent) == 1 else f"{len(spent)} times"
        return NoMatchError(f"{head}; it was recorded {times} and asked for once more")
    unused = [each.request for each, is_used in zip(cassette.interactions, used, strict=True) if not is_used]
    known = unused or [each.request for each in cassette.interactions]
    if not known:
        return NoMatchError(head)
    nearest = max(known, key=lambda recorded: _likeness(recorded, request))
    which = "unused one" if unused else "one, though used,"
    return NoMatchError(f"{head}; the nearest {which} differs:\n{_difference(nearest, request, names)}")


def _is_same(recorded: RecordedRequest, sent: RecordedRequest, names: tuple[str, ...], *, lenient: bool) -> bool:
    if recorded.method != sent.method or recorded.url != sent.url:
        return False
    for name in names:
        if lenient and name not in recorded.headers:
            continue
        if recorded.headers.get(name) != sent.headers.get(name):
            return False
    return recorded.body.kind == "unknown" or _canonical(recorded.body) == _canonical(sent.body)


def _canonical(body: Body) -> tuple[str, object]:
    if body.kind == "json":
        return ("json", json.dumps(body.value, sort_keys=True))
    return (body.kind, body.value)


def _likeness(recorded: RecordedRequest, sent: RecordedRequest) -> tuple[bool, bool, int]:
    same = 0
    if recorded.body.kind == sent.body.kind == "json":
        left, right = (cast("object", body.value) for body in (recorded.body, sent.body))
        if isinstance(left, dict) and isinstance(right, dict):
            ours, theirs = cast("dict[str, object]", left), cast("dict[str, object]", right)
            same = sum(1 for name, value in ours.items() if theirs.get(name) == value)
    return (recorded.url == sent.url, recorded.method == sent.method, same)


def _difference(recorded: RecordedRequest, sent: RecordedRequest, names: tuple[str, ...]) -> str:
    left, right = _shown(recorded, names), _shown(sent, names)
    lines = list(difflib.unified_diff(left, right, "recorded", "sent", n=1, lineterm=""))
    if len(lines) > _MAX_SHOWN:
        lines = [*lines[:_MAX_SHOWN], f"... and {len(lines) - _MAX_SHOWN} lines more"]
    return "\n".join(lines) or "only in what is too long to show"


def _shown(request: RecordedRequest, names: tuple[str, ...]) -> list[str]:
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {request.headers[name]}" for name in sorted(names) if name in request.headers]
    body = request.body
    match body.kind:
        case "json":
            lines += json.dumps(body.value, sort_keys=True, ensure_ascii=False, indent=1).split("\n")
        case "text":
            lines += body.value.split("\n")
        case "binary":
            lines.append(f"{len(body.value)} bytes")
        case "none" | "unknown":
            lines.append(f"(body: {body.kind})")
    return [line if len(line) <= _MAX_WIDTH else line[:_MAX_WIDTH] + "..." for line in lines[:_MAX_LINES]]
