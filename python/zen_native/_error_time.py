"""Waiting times as providers spell them: `retry-after` (RFC 9110 section 10.2.3), google.protobuf.Duration, epochs.

Owns the spellings; the wall clock is read only for an HTTP date in an answer that has no `date` header of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

__all__ = ["parse_delay", "reset_time", "retry_after_header"]

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
    until = _http_date(value)
    since = _http_date(headers.get("date", "")) or datetime.now(UTC)
    return None if until is None else max(0.0, (until - since).total_seconds())


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


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
