"""What a runtime makes of a body in pieces, and whether two of these are the same to the last type.

Owns the comparison that parity stands on. Equality of events is not enough for it: `1`, `1.0` and `True` are equal, and
so are `Decimal("1.0")` and `Decimal("1.00")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.kit.order import check_order

from zen_native.decoder import Decoder
from zen_native.errors import LLMError
from zen_native.events import LLMEvent, ReasoningDelta, TextDelta, ToolInputDelta, ToolInputEnd

__all__ = ["Case", "Outcome", "difference", "order_broken", "read"]

_TEXT_ONLY = (TextDelta, ReasoningDelta, ToolInputDelta, ToolInputEnd)
_SHOWN = 400


@dataclass(frozen=True)
class Case:
    """One body in pieces, and how it is to be read."""

    protocol: str
    framing: str
    options: dict[str, Any]
    pieces: Sequence[bytes]

    @property
    def body(self) -> bytes:
        """The pieces in one."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def whole(self) -> Case:
        """The same body in one piece."""
        return Case(self.protocol, self.framing, self.options, (self.body,))


@dataclass
class Outcome:
    """All that came of a case. `counts`: events of every read; `raised`: the end of the body raised the error."""

    events: list[LLMEvent] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    error: LLMError | None = None
    raised: bool = False
    crash: str | None = None


def read(case: Case, runtime: str) -> Outcome:
    """Decodes a case. What is no `LLMError`, also a panic of the native side, is a crash in the outcome."""
    outcome = Outcome()
    try:
        decoder = Decoder(case.protocol, framing=case.framing, runtime=runtime, **case.options)  # type: ignore[arg-type]
        _feed(decoder, case.pieces, outcome)
        outcome.error = decoder.error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a panic is no Exception
        outcome.crash = f"{type(error).__name__}: {error}"
    return outcome


def _feed(decoder: Decoder, pieces: Sequence[bytes], outcome: Outcome) -> None:
    feed, events, counts = decoder.feed, outcome.events, outcome.counts
    try:
        for piece in pieces:
            came = feed(piece)
            counts.append(len(came))
            if came:
                events += came
    except LLMError as error:
        if error is not decoder.error:
            raise
        return
    try:
        came = decoder.finish()
        counts.append(len(came))
        events += came
    except LLMError as error:
        if error is not decoder.error:
            raise
        outcome.raised = True


def difference(one: Outcome, other: Outcome, *, same_cut: bool) -> str | None:
    """The first place where two outcomes differ, in words. `same_cut`: the reads were the same, so each must agree."""
    if one.crash is not None or other.crash is not None:
        return f"crash: {one.crash} | {other.crash}"
    if len(one.events) != len(other.events) or not all(map(_same, one.events, other.events)):
        return _first(one.events, other.events)
    if (one.error is None) != (other.error is None):
        return f"error: {one.error!r} | {other.error!r}"
    if one.error is not None and other.error is not None:
        found = _errors(one.error, other.error)
        if found is not None:
            return found
    if same_cut and (one.counts != other.counts or one.raised != other.raised):
        return f"events of the reads: {one.counts}, raised {one.raised} | {other.counts}, raised {other.raised}"
    return None


def order_broken(outcome: Outcome) -> str | None:
    """The rule of the order of events that an outcome breaks."""
    try:
        check_order(outcome.events, failed=outcome.error is not None or outcome.crash is not None)
    except AssertionError as error:
        return f"order: {error}"
    return None


def _same(one: LLMEvent, other: LLMEvent) -> bool:
    if type(one) is not type(other) or one != other:
        return False
    return isinstance(one, _TEXT_ONLY) or repr(one) == repr(other)


def _first(one: Sequence[LLMEvent], other: Sequence[LLMEvent]) -> str:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if not _same(left, right):
            return f"event {at}: {_shown(left)} | {_shown(right)}"
    at = min(len(one), len(other))
    rest = [_shown(events[at]) if at < len(events) else "no event" for events in (one, other)]
    return f"event {at}: {rest[0]} | {rest[1]}"


def _errors(one: LLMError, other: LLMError) -> str | None:
    if type(one) is not type(other):
        return f"error: {one!r} | {other!r}"
    for name in one.FIELDS:
        left, right = repr(getattr(one, name)), repr(getattr(other, name))
        if left != right:
            return f"error.{name}: {left[:_SHOWN]} | {right[:_SHOWN]}"
    return None


def _shown(event: LLMEvent) -> str:
    text = repr(event)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
