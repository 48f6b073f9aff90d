"""What messages are made of: the content parts, and the base of every request model.

Owns the parts, which of them a plain string or dict stands for, and how a misspelt field is answered. Owns no message,
no tool and nothing of any wire format.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

__all__ = [
    "AudioContent",
    "CacheHint",
    "CacheMark",
    "Content",
    "DocumentContent",
    "ImageContent",
    "MediaContent",
    "ProviderMetadata",
    "ReasoningContent",
    "RequestModel",
    "ResultPart",
    "TextContent",
    "ToolCallContent",
    "ToolResultContent",
    "as_mapping",
    "as_parts",
]

ProviderMetadata = dict[str, Any]
"""Opaque data by provider, as events carry it. What stands under one provider's name is sent to no other."""


class RequestModel(BaseModel):
    """Frozen, and unknown names are errors that say which name was meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _known_names(cls, data: Any) -> Any:
        known = cls.__pydantic_fields__.keys()
        unknown = [str(key) for key in as_mapping(data) or () if key not in known]
        if unknown:
            raise ValueError(f"{cls.__name__} has no field {_suggest(unknown[0], list(known))}")
        return data


def _suggest(name: str, names: list[str]) -> str:
    from difflib import get_close_matches  # for this error alone, and slow to import

    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"{name!r}; did you mean {close[0]!r}?" if close else f"{name!r}; it has: {', '.join(names)}"


class CacheHint(RequestModel):
    """Ask the provider to cache the prompt up to and with this place; an hour or more asks for the longer cache."""

    ttl_seconds: int | None = Field(default=None, gt=0)


def _plain_cache(value: Any) -> Any:
    return CacheHint() if value is True else None if value is False else value


CacheMark = Annotated[CacheHint | None, BeforeValidator(_plain_cache)]
"""A hint, or `True` for the plain one."""


class _Part(RequestModel):
    cache: CacheMark = None
    metadata: ProviderMetadata | None = None


class TextContent(_Part):
    """Text. In `metadata`: citations, item ids and signatures that came with it."""

    type: Literal["text"] = "text"
    text: str


class _Media(_Part):
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    mime_type: str | None = None

    @field_validator("data", mode="before")
    @classmethod
    def _encode(cls, value: Any) -> Any:
        return base64.b64encode(value).decode("ascii") if isinstance(value, (bytes, bytearray)) else value

    @model_validator(mode="before")
    @classmethod
    def _data_url(cls, data: Any) -> Any:
        """`data:image/png;base64,...` is data, not an address."""
        given = as_mapping(data) or {}
        url = given.get("url")
        if not isinstance(url, str) or not url.startswith("data:"):
            return data
        head, comma, text = url[5:].partition(",")
        if not comma or not head.endswith(";base64"):
            raise ValueError("a data URL must be base64: data:<type>;base64,<data>")
        return {**given, "url": None, "data": text, "mime_type": head.split(";")[0] or None}

    @model_validator(mode="after")
    def _one_source(self) -> _Media:
        if sum(source is not None for source in (self.data, self.url, self.file_id)) != 1:
            raise ValueError(f"{type(self).__name__} needs exactly one of data, url and file_id")
        if self.data is not None and self.mime_type is None:
            raise ValueError(f"{type(self).__name__} with data needs its mime_type")
        return self


class ImageContent(_Media):
    """A picture: base64 `data` (or bytes) with its type, a `url`, or the id of a file at the provider."""

    type: Literal["image"] = "image"
    detail: Literal["auto", "low", "high", "original"] | None = None


class DocumentContent(_Media):
    """A document such as a PDF. With `text/*` as its type, `data` is still base64."""

    type: Literal["document"] = "document"
    filename: str | None = None
    citations: bool = False


class AudioContent(_Media):
    """Sound."""

    type: Literal["audio"] = "audio"


class ToolCallContent(_Part):
    """A call that the model made. `input` is JSON; text for a freeform tool."""

    type: Literal["tool-call"] = "tool-call"
    id: str
    name: str
    input: Any = None
    provider_executed: bool = False
    invalid: bool = False
    """The model's arguments were no JSON: `input` is their text."""


class ToolResultContent(_Part):
    """What a tool gave back: `result` as text or JSON, or `content` where there is media in it."""

    type: Literal["tool-result"] = "tool-result"
    id: str
    name: str = ""
    result: Any = None
    content: tuple[ResultPart, ...] = ()
    is_error: bool = False
    provider_executed: bool = False

    @field_validator("content", mode="before")
    @classmethod
    def _plain_content(cls, value: Any) -> Any:
        return as_parts(value)

    @model_validator(mode="after")
    def _one_form(self) -> ToolResultContent:
        if self.content and self.result is not None:
            raise ValueError("ToolResultContent takes result or content, not both")
        return self


class ReasoningContent(_Part):
    """Reasoning of the model, to be sent back to who issued it: the provider named in `metadata`."""

    type: Literal["reasoning"] = "reasoning"
    text: str = ""
    signature: str | None = None


MediaContent = ImageContent | DocumentContent | AudioContent
ResultPart = Annotated[TextContent | ImageContent | DocumentContent | AudioContent, Field(discriminator="type")]
Content = Annotated[
    TextContent
    | ImageContent
    | DocumentContent
    | AudioContent
    | ToolCallContent
    | ToolResultContent
    | ReasoningContent,
    Field(discriminator="type"),
]
"""Any part of a message."""

ToolResultContent.model_rebuild()


def as_parts(value: Any) -> Any:
    """A string is one text part, and one part is a list of one."""
    if isinstance(value, str):
        return (_text(value),)
    if isinstance(value, RequestModel) or as_mapping(value) is not None:
        return (value,)
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return tuple(_text(item) if isinstance(item, str) else item for item in items)
    return value


def _text(text: str) -> dict[str, str]:
    # No `TextContent`: all of a request is validated in one go, which takes half the time.
    return {"type": "text", "text": text}


def as_mapping(value: Any) -> Mapping[str, Any] | None:
    """The value where it is a mapping, which then has strings for keys or is refused later."""
    # A dict is asked for first: whether something is a `Mapping` takes five times as long to say.
    return cast("Mapping[str, Any]", value) if isinstance(value, dict | Mapping) else None
