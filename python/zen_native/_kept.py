"""What was given out of an answer, kept for `error.partial` and for the whole answer.

Owns how little of it is kept: deltas of one block are joined from time to time, so that what is kept is as long as the
answer's text and not as long as its events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .events import LLMEvent, ReasoningDelta, TextDelta, ToolInputDelta

if TYPE_CHECKING:
    from .response import LLMResponse

__all__ = ["Kept"]


class Kept:
    """The events so far."""

    __slots__ = ("_joined", "events")

    LOOSE = 1024
    """So many of them may lie about as they came."""

    def __init__(self) -> None:
        self.events: list[LLMEvent | str] = []
        """What is kept of them, always the same list; a string is the text of one more delta of the block that the
        delta before it belongs to, and never the first behind what `add` kept. Who puts events behind them without
        `add` leaves to that those which come after every `LOOSE`."""
        self._joined = 0

    def add(self, events: list[LLMEvent]) -> list[LLMEvent]:
        """Keep these too; gives them back."""
        self.events += events
        if len(self.events) - self._joined > self.LOOSE:
            self._join()
        return events

    def response(self) -> LLMResponse:
        """The answer that they tell."""
        from .response import fold  # most streams are not asked for it

        return fold(self.whole())

    def whole(self) -> list[LLMEvent]:
        """The events, with the deltas of a block in one, and without the input of tools by the piece."""
        return _joined(self.events.copy())  # another thread may be joining them

    def _join(self) -> None:
        self.events[self._joined :] = _joined(self.events[self._joined :])  # at once: other threads may be reading
        self._joined = len(self.events)


def _joined(events: list[LLMEvent | str]) -> list[LLMEvent]:
    joined: list[LLMEvent] = []
    texts: list[str] = []
    last: TextDelta | ReasoningDelta | None = None
    for event in events:
        if isinstance(event, str):
            if last is None:
                raise ValueError("a text that belongs to no delta")
            texts.append(event)
            continue
        if isinstance(event, ToolInputDelta):
            continue  # the whole input comes with the call
        if isinstance(event, TextDelta | ReasoningDelta) and _goes_on(event, last):
            texts.append(event.text)
            continue
        _flush(joined, last, texts)
        last = event if isinstance(event, TextDelta | ReasoningDelta) else None
        texts = [] if last is None else [last.text]
        if last is None:
            joined.append(event)
    _flush(joined, last, texts)
    return joined


def _goes_on(event: TextDelta | ReasoningDelta, last: TextDelta | ReasoningDelta | None) -> bool:
    return last is not None and type(event) is type(last) and event.id == last.id


def _flush(joined: list[LLMEvent], last: TextDelta | ReasoningDelta | None, texts: list[str]) -> None:
    if last is not None:
        joined.append(type(last)(last.id, "".join(texts)))
