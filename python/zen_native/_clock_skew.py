"""Clocks that disagree: what a refusal of AWS says of ours, and how far later signatures are shifted.

Owns which refusals count, and what a client has learned, by origin. Signs and sends nothing.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html (a signature is good for
five minutes), https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html; which codes are looked at,
and from how many seconds on, is what the SDKs of AWS do: https://github.com/aws/smithy-go.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from ._locks import Locks
from .transport.limits import Clock

__all__ = ["Clocks", "disagreement", "shown_skew"]

_CODES = frozenset({
    "authfailure", "invalidsignatureexception", "requestexpired", "requestinthefuture", "requesttimetooskewed",
    "signaturedoesnotmatch",
})  # fmt: skip
_LEAST = 240.0
_MAX_ORIGINS = 256


class Clocks:
    """How far those who are asked are ahead of us, in seconds. Usable from several threads."""

    def __init__(self) -> None:
        self._locks = Locks()
        self._ahead: dict[str, float] = {}

    def ahead(self, origin: str) -> float:
        """By how much a signature for this origin is shifted."""
        return self._ahead.get(origin, 0.0)

    def learn(self, origin: str, seconds: float) -> None:
        """Take it from a refusal."""
        with self._locks.own():
            self._ahead.pop(origin, None)
            self._ahead[origin] = seconds
            if len(self._ahead) > _MAX_ORIGINS:
                del self._ahead[next(iter(self._ahead))]


def disagreement(
    code: str | None, headers: Mapping[str, str], signed_at: float, *, wall: Clock = time.time
) -> float | None:
    """How many seconds the other side is ahead of the clock here, by its `date`. None where the refusal is for another
    reason: the signature, dated so many seconds ahead as `signed_at` says, was in time."""
    from ._error_time import http_date  # of refusals, as all that it imports

    said = http_date(headers.get("date", ""))
    if code is None or code.lower() not in _CODES or said is None:
        return None
    seconds = said.timestamp() - wall()
    return seconds if abs(seconds - signed_at) >= _LEAST else None


def shown_skew(seconds: float, *, wall: Clock = time.time) -> str:
    """Both times, for the error."""
    here = wall()
    return f"the clock here says {_shown(here)}, that of AWS {_shown(here + seconds)}"


def _shown(moment: float) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
