"""The events of a model's answer: what both runtimes yield and every consumer reads.

Owns the public classes, their order of fields, and their plain-dict form. Owns no order of events: `lifecycle` keeps
that. The native runtime builds these very classes past `__init__`, field by field in the order of `dataclasses.fields`,
which is why `type` stands on the class and not in a slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Literal

from .usage import Usage

__all__ = [
    "EVENT_TYPES",
    "Citation",
    "Finish",
    "FinishReason",
    "LLMEvent",
    "Media",
    "Metadata",
    "NormalizedReason",
    "Raw",
    "ReasoningDelta",
    "ReasoningEnd",
    "ReasoningStart",
    "StepFinish",
    "StepStart",
    "TextDelta",
    "TextEnd",
    "TextStart",
    "ToolCall",
    "ToolInputDelta",
    "ToolInputEnd",
    "ToolInputError",
    "ToolInputStart",
    "ToolResult",
    "from_dict",
    "to_dict",
]

Metadata = Mapping[str, Any]
"""Opaque data by provider, kept for replay: item ids, encrypted content, signatures that have no field of their own."""

NormalizedReason = Literal["stop", "length", "tool-calls", "content-filter", "pause", "error", "unknown"]


@dataclass(frozen=True, slots=True)
class FinishReason:
    """Why the model stopped: in our words, and in the provider's own."""

    normalized: NormalizedReason
    raw: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {"normalized": self.normalized, "raw": self.raw}


class _Event:
    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from ._schema import event_schema  # pydantic is needed by its users only

        return event_schema(cls, handler)


@dataclass(frozen=True, slots=True)
class StepStart(_Event):
    """One model call begins; `index` counts from 0."""

    type: ClassVar[Literal["step-start"]] = "step-start"
    index: int


@dataclass(frozen=True, slots=True)
class TextStart(_Event):
    """A block of answer text opens."""

    type: ClassVar[Literal["text-start"]] = "text-start"
    id: str
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class TextDelta(_Event):
    """More text of an open block, never empty."""

    type: ClassVar[Literal["text-delta"]] = "text-delta"
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class TextEnd(_Event):
    """A block of answer text closes."""

    type: ClassVar[Literal["text-end"]] = "text-end"
    id: str
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class ReasoningStart(_Event):
    """A block of reasoning opens."""

    type: ClassVar[Literal["reasoning-start"]] = "reasoning-start"
    id: str
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class ReasoningDelta(_Event):
    """More reasoning of an open block, never empty; a redacted block has none."""

    type: ClassVar[Literal["reasoning-delta"]] = "reasoning-delta"
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningEnd(_Event):
    """A block of reasoning closes; `signature` is byte-exact, `metadata` says who issued it."""

    type: ClassVar[Literal["reasoning-end"]] = "reasoning-end"
    id: str
    signature: str | None = None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class ToolInputStart(_Event):
    """The model begins to write a tool call."""

    type: ClassVar[Literal["tool-input-start"]] = "tool-input-start"
    id: str
    name: str
    provider_executed: bool = False


@dataclass(frozen=True, slots=True)
class ToolInputDelta(_Event):
    """Raw argument text as it came."""

    type: ClassVar[Literal["tool-input-delta"]] = "tool-input-delta"
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolInputEnd(_Event):
    """The argument text is complete, or the answer was cut."""

    type: ClassVar[Literal["tool-input-end"]] = "tool-input-end"
    id: str


@dataclass(frozen=True, slots=True)
class ToolCall(_Event):
    """A complete call; `input` is the parsed arguments, `{}` where the text was empty."""

    type: ClassVar[Literal["tool-call"]] = "tool-call"
    id: str
    name: str
    input: Any
    provider_executed: bool = False
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class ToolInputError(_Event):
    """Stands where the call would stand when the final arguments are no JSON; `raw` is their text."""

    type: ClassVar[Literal["tool-input-error"]] = "tool-input-error"
    id: str
    name: str
    raw: str
    message: str


@dataclass(frozen=True, slots=True)
class ToolResult(_Event):
    """The result of a hosted tool or, from the tool loop, of a local one."""

    type: ClassVar[Literal["tool-result"]] = "tool-result"
    id: str
    name: str
    result: Any
    is_error: bool = False
    provider_executed: bool = False
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class Citation(_Event):
    """A source of the answer: whatever the provider gave, its own form in `metadata`."""

    type: ClassVar[Literal["citation"]] = "citation"
    block_id: str | None = None
    url: str | None = None
    title: str | None = None
    text: str | None = None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class Media(_Event):
    """A generated image or sound: base64 `data` or a `url`."""

    type: ClassVar[Literal["media"]] = "media"
    id: str
    mime_type: str
    data: str | None = None
    url: str | None = None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class StepFinish(_Event):
    """One model call is over."""

    type: ClassVar[Literal["step-finish"]] = "step-finish"
    index: int
    reason: FinishReason
    usage: Usage | None = None
    response_id: str | None = None
    model: str | None = None
    metadata: Metadata | None = None


@dataclass(frozen=True, slots=True)
class Finish(_Event):
    """The operation is over: the last event, once. `usage` is the sum over `steps` model calls."""

    type: ClassVar[Literal["finish"]] = "finish"
    reason: FinishReason
    usage: Usage | None
    steps: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Raw(_Event):
    """A frame that no handler knows, when asked for: parsed JSON, or its text."""

    type: ClassVar[Literal["raw"]] = "raw"
    name: str
    data: Any


class _Tagged:
    """Tells pydantic to choose the class by `type`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from ._schema import union_schema

        return union_schema(EVENT_TYPES, handler)


# fmt: off
LLMEvent = Annotated[
    StepStart | TextStart | TextDelta | TextEnd | ReasoningStart | ReasoningDelta | ReasoningEnd
    | ToolInputStart | ToolInputDelta | ToolInputEnd | ToolCall | ToolInputError | ToolResult
    | Citation | Media | StepFinish | Finish | Raw,
    _Tagged(),
]
"""Any event. For `isinstance`, use one class or `tuple(EVENT_TYPES.values())`."""

EVENT_TYPES: Mapping[str, type[LLMEvent]] = {
    cls.type: cls
    for cls in (
        StepStart, TextStart, TextDelta, TextEnd, ReasoningStart, ReasoningDelta, ReasoningEnd,
        ToolInputStart, ToolInputDelta, ToolInputEnd, ToolCall, ToolInputError, ToolResult,
        Citation, Media, StepFinish, Finish, Raw,
    )
}
"""Every event class by its `type`."""
# fmt: on


def to_dict(event: LLMEvent) -> dict[str, Any]:
    """Plain JSON data that `from_dict` reads back; fields at their default (`None`, `False`) are left out."""
    out: dict[str, Any] = {"type": event.type}
    for field in fields(event):
        value = getattr(event, field.name)
        if value is field.default or value == ():
            continue
        if isinstance(value, FinishReason | Usage):
            value = value.to_dict()
        elif field.name == "warnings":
            value = list(value)
        out[field.name] = value
    return out


def from_dict(data: Mapping[str, Any]) -> LLMEvent:
    """The event that `to_dict` described; field types are not checked (`TypeAdapter(LLMEvent)` does that)."""
    try:
        values = dict(data)
    except (TypeError, ValueError):
        raise ValueError(f"an event is an object, not {type(data).__name__}") from None
    tag = values.pop("type", None)
    cls = EVENT_TYPES.get(tag) if isinstance(tag, str) else None
    if cls is None:
        raise ValueError(f"unknown event type {tag!r}; known: {', '.join(EVENT_TYPES)}")
    try:
        if isinstance(values.get("reason"), Mapping):
            values["reason"] = FinishReason(**values["reason"])
        if isinstance(values.get("usage"), Mapping):
            values["usage"] = Usage.from_dict(values["usage"])
        if "warnings" in values:
            values["warnings"] = tuple(values["warnings"])
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a {tag} event: {error}") from None
