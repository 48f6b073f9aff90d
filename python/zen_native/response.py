"""The whole answer as one value: the fold of its events.

Owns the parts, their order (first seen), and what an unfinished list of events folds to. Checks no order of events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
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
        folding.take(event)
    return folding.response()


@dataclass(slots=True)
class _Block:
    """A block in the making. `kind` keeps text and reasoning of one id apart."""

    kind: Literal["text", "reasoning"]
    texts: list[str] = field(default_factory=list[str])
    signature: str | None = None
    metadata: Metadata | None = None

    def part(self) -> Part:
        text = "".join(self.texts)
        if self.kind == "text":
            return TextPart(text, self.metadata)
        return ReasoningPart(text, self.signature, self.metadata)


class _Fold:
    def __init__(self) -> None:
        self.parts: list[_Block | Part] = []
        self.open: dict[tuple[str, str], _Block] = {}
        self.steps: list[Step] = []
        self.finish: Finish | None = None

    def take(self, event: LLMEvent) -> None:
        match event:
            case TextDelta(id, text):
                self.block("text", id).texts.append(text)
            case ReasoningDelta(id, text):
                self.block("reasoning", id).texts.append(text)
            case TextStart(id, metadata):
                self.describe("text", id, metadata)
            case ReasoningStart(id, metadata):
                self.describe("reasoning", id, metadata)
            case TextEnd(id, metadata):
                self.describe("text", id, metadata)
                self.open.pop(("text", id), None)
            case ReasoningEnd(id, signature, metadata):
                self.describe("reasoning", id, metadata).signature = signature
                self.open.pop(("reasoning", id), None)
            case ToolCall() | ToolInputError() | ToolResult() | Citation() | Media():
                self.parts.append(event)
            case StepFinish(index, reason, usage, response_id, model, metadata):
                self.open.clear()  # ids are unique in a step only
                self.steps.append(Step(index, reason, usage, response_id, model, metadata))
            case Finish():
                self.finish = event
            case _:
                pass

    def block(self, kind: Literal["text", "reasoning"], id: str) -> _Block:
        block = self.open.get((kind, id))
        if block is None:
            block = self.open[kind, id] = _Block(kind)
            self.parts.append(block)
        return block

    def describe(self, kind: Literal["text", "reasoning"], id: str, metadata: Metadata | None) -> _Block:
        block = self.block(kind, id)
        if metadata is not None:
            block.metadata = _merge(block.metadata, metadata)
        return block

    def response(self) -> LLMResponse:
        parts = tuple(part.part() if isinstance(part, _Block) else part for part in self.parts)
        steps = tuple(self.steps)
        if self.finish is None:
            return LLMResponse(parts, sum_usage(step.usage for step in steps), None, steps)
        return LLMResponse(parts, self.finish.usage, self.finish.reason, steps, self.finish.warnings)


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
