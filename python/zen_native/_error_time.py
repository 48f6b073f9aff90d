"""Waiting times as providers spell them: `retry-after` (RFC 9110 section 10.2.3), google.protobuf.Duration, epochs, and
the headers of single limits (platform.openai.com/docs/guides/rate-limits, docs.anthropic.com/en/api/rate-limits).

Owns the spellings; the wall clock is read only for an HTTP date in an answer that has no `date` header of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

__all__ = ["limits_reset", "parse_delay", "reset_time", "retry_after_header"]

_PART = r"(?:(\d{1,6}(?:\.\d{1,9})?)"
_DURATION = re.compile(rf"{_PART}h)?{_PART}m(?!s))?{_PART}s)?{_PART}ms)?")
_MAX_LIMITS = 32
_LONGEST = 366 * 86_400.0
_EPOCH_IN_MILLISECONDS = 10**11  # as seconds this is the year 5138, as milliseconds 1973


def retry_after_header(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms`, else `retry-after`; never negative."""
    milliseconds = parse_delay(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = parse_delay(value)
    if seconds is not None:
        return seconds
    until = http_date(value)
    return None if until is None else max(0.0, (until - _answered(headers)).total_seconds())


def limits_reset(headers: Mapping[str, str]) -> datetime | None:
    """When the last of the limits opens again that are used up: `x-ratelimit-reset-tokens: 6m0s` (OpenAI, Groq) beside
    `x-ratelimit-remaining-tokens: 0`, `anthropic-ratelimit-tokens-reset` and its like."""
    named = [name for name in headers if "ratelimit" in name and "reset" in name][:_MAX_LIMITS]
    used_up = [name for name in named if headers.get(name.replace("reset", "remaining"), "").strip() == "0"]
    moments = [reset_time(headers[name]) or _later(headers[name], headers) for name in used_up]
    return max((moment for moment in moments if moment is not None), default=None)


def parse_delay(value: object) -> float | None:
    """Seconds from a number, its text, `"34.4s"`, or `{"seconds": 34, "nanos": 4}`."""
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        seconds, nanos = _number(parts.get("seconds")), _number(parts.get("nanos", 0))
        return None if seconds is None or nanos is None else max(0.0, seconds + nanos / 1e9)
    if isinstance(value, str):
        value = value.strip().removesuffix("s")
    number = _number(value)
    return None if number is None else max(0.0, number)


def reset_time(value: object) -> datetime | None:
    """A point in time from seconds or milliseconds of the epoch, or ISO 8601 with a zone."""
    number = _number(value)
    try:
        if number is not None:
            seconds = number / 1000 if number >= _EPOCH_IN_MILLISECONDS else number
            return datetime.fromtimestamp(seconds, UTC) if seconds >= 10**9 else None
        if isinstance(value, str) and len(value) <= 40:
            moment = datetime.fromisoformat(value.strip())
            return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _answered(headers: Mapping[str, str]) -> datetime:
    return http_date(headers.get("date", "")) or datetime.now(UTC)


def _later(value: str, headers: Mapping[str, str]) -> datetime | None:
    """A point in time from a duration, in seconds or as `1h2m3.5s`."""
    seconds = _number(value)
    parts = _DURATION.fullmatch(value.strip()[:40])
    if seconds is None and parts is not None and any(parts.groups()):
        sizes = zip(parts.groups(), (3600, 60, 1, 0.001), strict=True)
        seconds = sum(float(part) * size for part, size in sizes if part is not None)
    if seconds is None or not 0 <= seconds < _LONGEST:
        return None
    return _answered(headers) + timedelta(seconds=seconds)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 40 or not value.isascii()):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def http_date(value: str) -> datetime | None:
    """The point in time of an HTTP date."""
    from email.utils import parsedate_to_datetime  # slow to import, and most answers are asked for no date

    try:
        moment = parsedate_to_datetime(value[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
