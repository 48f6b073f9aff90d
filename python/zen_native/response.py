"""The whole answer as one value: the fold of its events.

Owns the parts, their order (first seen), and what an unfinished list of events folds to. Checks no order of events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from .events import (
    Citation,
    Finish,
    FinishReason,
    LLMEvent,
    Media,
    Metadata,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    StepFinish,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCall,
    ToolInputError,
    ToolResult,
    to_dict,
)
from .usage import Usage, sum_usage

if TYPE_CHECKING:
    from .request import Message

__all__ = ["LLMResponse", "Part", "ReasoningPart", "Step", "TextPart", "fold"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """A block of answer text."""

    type: ClassVar[Literal["text"]] = "text"
    text: str
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """A block of reasoning; a redacted one has no text."""

    type: ClassVar[Literal["reasoning"]] = "reasoning"
    text: str
    signature: str | None = None
    metadata: Metadata | None = None


Part = TextPart | ReasoningPart | ToolCall | ToolInputError | ToolResult | Citation | Media
"""What an answer is made of. Blocks are joined; whole things are the events that brought them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One model call of the operation."""

    index: int
    reason: FinishReason
    usage: Usage | None = None
    response_id: str | None = None
    model: str | None = None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class LLMResponse:
    """An answer. `reason` is `None` when it did not end: then it is what was decoded before the failure."""

    parts: tuple[Part, ...] = ()
    usage: Usage | None = None
    reason: FinishReason | None = None
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    output: Any = None
    """The answer as the request's `output_type`; None where none was asked for."""

    @property
    def text(self) -> str:
        """All answer text."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        """All reasoning text."""
        return "".join(part.text for part in self.parts if isinstance(part, ReasoningPart))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls that are complete, hosted ones included."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    def to_messages(self) -> tuple[Message, ...]:
        """The messages that continue the conversation after this answer, to be put behind those of its request.

        Signatures, encrypted reasoning and ids are replayed as they came, to their issuer alone. Where tools were run
        on the way, their results are among the messages.
        """
        from ._continuation import to_messages  # messages are pydantic models, which answers do without

        return to_messages(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; fields without a value are left out, and so is the output: it is what the text says."""
        out: dict[str, Any] = {
            "parts": [_part_to_dict(part) for part in self.parts],
            "steps": [_fields_to_dict(step) for step in self.steps],
            **_fields_to_dict(self, skip=("parts", "steps", "warnings", "output")),
        }
        return {**out, "warnings": list(self.warnings)} if self.warnings else out


def fold(events: Iterable[LLMEvent]) -> LLMResponse:
    """Join events to the answer they tell, in one pass. An unfinished list gives what there is, without a `reason`."""
    folding = _Fold()
    for event in events:
        _TAKES[type(event)](folding, event)
    return folding.response()


class _Block:
    """A block in the making."""

    __slots__ = ("is_text", "metadata", "signature", "texts")

    def __init__(self, *, is_text: bool) -> None:
        self.is_text = is_text
        self.texts: list[str] = []
        self.signature: str | None = None
        self.metadata: Metadata | None = None

    def part(self) -> Part:
        text = "".join(self.texts)
        if self.is_text:
            return TextPart(text, self.metadata)
        return ReasoningPart(text, self.signature, self.metadata)


class _Fold:
    """The open blocks of text and those of reasoning are kept apart: they may have the same ids."""

    __slots__ = ("finish", "parts", "reasonings", "steps", "texts")

    def __init__(self) -> None:
        self.parts: list[_Block | Part] = []
        self.texts: dict[str, _Block] = {}
        self.reasonings: dict[str, _Block] = {}
        self.steps: list[Step] = []
        self.finish: Finish | None = None

    def text(self, event: TextDelta) -> None:
        self._text(event.id).texts.append(event.text)

    def text_edge(self, event: TextStart | TextEnd) -> None:
        _describe(self._text(event.id), event.metadata)
        if isinstance(event, TextEnd):
            del self.texts[event.id]

    def reasoning(self, event: ReasoningDelta) -> None:
        self._reasoning(event.id).texts.append(event.text)

    def reasoning_start(self, event: ReasoningStart) -> None:
        _describe(self._reasoning(event.id), event.metadata)

    def reasoning_end(self, event: ReasoningEnd) -> None:
        block = self._reasoning(event.id)
        _describe(block, event.metadata)
        block.signature = event.signature
        del self.reasonings[event.id]

    def whole(self, event: ToolCall | ToolInputError | ToolResult | Citation | Media) -> None:
        self.parts.append(event)

    def step(self, event: StepFinish) -> None:
        self.texts.clear()  # ids are unique in a step only
        self.reasonings.clear()
        step = Step(event.index, event.reason, event.usage, event.response_id, event.model, event.metadata)
        self.steps.append(step)

    def nothing(self, event: LLMEvent) -> None:
        """It tells nothing that lasts."""

    def end(self, event: Finish) -> None:
        self.finish = event

    def _text(self, id: str) -> _Block:
        block = self.texts.get(id)
        if block is None:
            block = self.texts[id] = _Block(is_text=True)
            self.parts.append(block)
        return block

    def _reasoning(self, id: str) -> _Block:
        block = self.reasonings.get(id)
        if block is None:
            block = self.reasonings[id] = _Block(is_text=False)
            self.parts.append(block)
        return block

    def response(self) -> LLMResponse:
        parts = tuple([part.part() if isinstance(part, _Block) else part for part in self.parts])
        steps = tuple(self.steps)
        if self.finish is None:
            return LLMResponse(parts, sum_usage(step.usage for step in steps), None, steps)
        return LLMResponse(parts, self.finish.usage, self.finish.reason, steps, self.finish.warnings)


class _Takes(dict[type[Any], "Callable[[_Fold, Any], None]"]):
    """What becomes of each kind of event; a class of somebody's own is what it is made from."""

    def __missing__(self, kind: type[Any]) -> Callable[[_Fold, Any], None]:
        found = next((self[base] for base in kind.__mro__[1:] if base in self), _Fold.nothing)
        self[kind] = found
        return found


_TAKES = _Takes(
    {
        TextDelta: _Fold.text,
        ReasoningDelta: _Fold.reasoning,
        TextStart: _Fold.text_edge,
        TextEnd: _Fold.text_edge,
        ReasoningStart: _Fold.reasoning_start,
        ReasoningEnd: _Fold.reasoning_end,
        ToolCall: _Fold.whole,
        ToolInputError: _Fold.whole,
        ToolResult: _Fold.whole,
        Citation: _Fold.whole,
        Media: _Fold.whole,
        StepFinish: _Fold.step,
        Finish: _Fold.end,
    }
)


def _describe(block: _Block, metadata: Metadata | None) -> None:
    if metadata is not None:
        block.metadata = _merge(block.metadata, metadata)


def _merge(start: Metadata | None, end: Metadata) -> Metadata:
    """What the end says about a provider's key replaces what the start said about that key."""
    merged: dict[str, Any] = dict(start or {})
    for provider, data in end.items():
        before = merged.get(provider)
        if isinstance(before, Mapping) and isinstance(data, Mapping):
            data = {**cast("Metadata", before), **cast("Metadata", data)}
        merged[provider] = data
    return merged


def _part_to_dict(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart | ReasoningPart):
        return {"type": part.type, **_fields_to_dict(part)}
    return to_dict(part)


def _fields_to_dict(value: Any, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for entry in fields(value):
        found = getattr(value, entry.name)
        if found is None or entry.name in skip:
            continue
        out[entry.name] = found.to_dict() if isinstance(found, FinishReason | Usage) else found
    return out
