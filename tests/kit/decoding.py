"""Decode a body in either runtime, whole or in pieces, and keep what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.kit.errors import error_key
from tests.kit.order import check_order

from zen_native.decoder import Decoder
from zen_native.errors import LLMError
from zen_native.events import Finish, LLMEvent, StepFinish, TextDelta, to_dict
from zen_native.usage import Usage

__all__ = ["Decoded", "decode", "pieces", "text"]

Event = TypeVar("Event")


@dataclass
class Decoded:
    """The events of a body, and the failure that ended it."""

    events: list[LLMEvent] = field(default_factory=list)
    error: LLMError | None = None

    def of(self, kind: type[Event]) -> list[Event]:
        """The events of one class."""
        return [event for event in self.events if isinstance(event, kind)]

    def types(self) -> list[str]:
        """The types of all events."""
        return [event.type for event in self.events]

    def lines(self) -> list[str]:
        """Every event as one line of JSON."""
        return [json.dumps(to_dict(event), ensure_ascii=False) for event in self.events]

    def key(self) -> tuple[Any, ...]:
        """What two runtimes, or two ways to cut a body, must agree on."""
        return (self.lines(), None if self.error is None else error_key(self.error))

    @property
    def finish(self) -> Finish:
        """The finish, which must be the last event of an answer that did not fail."""
        assert self.error is None, self.error
        last = self.events[-1]
        assert isinstance(last, Finish)
        return last

    @property
    def step(self) -> StepFinish:
        """The end of the only step."""
        (step,) = self.of(StepFinish)
        return step

    @property
    def usage(self) -> Usage:
        """The usage of the answer."""
        usage = self.finish.usage
        assert usage is not None
        return usage


def decode(
    body: bytes | Iterable[bytes], protocol: str, runtime: str = "python", *, framing: str | None = None, **options: Any
) -> Decoded:
    """All that comes of a body, in an order that keeps the contract. `provider` is "test" where none is given."""
    decoder = Decoder(protocol, framing=framing, **{"provider": "test", "runtime": runtime, **options})
    decoded = Decoded()
    for piece in [body] if isinstance(body, bytes) else body:
        if decoder.error is None:
            decoded.events += decoder.feed(piece)
    try:
        decoded.events += decoder.finish()
    except LLMError as error:
        decoded.error = error
    decoded.error = decoded.error or decoder.error
    check_order(decoded.events, failed=decoded.error is not None)
    return decoded


def text(decoded: Decoded) -> str:
    """All visible text."""
    return "".join(event.text for event in decoded.of(TextDelta))


def pieces(body: bytes, size: int) -> list[bytes]:
    """The body in pieces of one size."""
    return [body[at : at + size] for at in range(0, len(body), size)]
