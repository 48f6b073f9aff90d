"""The msgspec structs of the hand-written loops: per wire the fields that a text consumer needs, nothing else.

Field names are the wire's own. None of them can form a cycle, so the collector need not track them.
"""

from __future__ import annotations

from msgspec import Struct


class ChatDelta(Struct, gc=False):
    """`choices[].delta`."""

    content: str | None = None


class ChatChoice(Struct, gc=False):
    """`choices[]`."""

    delta: ChatDelta
    finish_reason: str | None = None


class ChatUsage(Struct, gc=False):
    """`usage`."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ChatChunk(Struct, gc=False):
    """One chunk of chat completions."""

    choices: list[ChatChoice]
    usage: ChatUsage | None = None


class ResponsesDelta(Struct, gc=False):
    """`response.output_text.delta`."""

    delta: str


class ResponsesUsage(Struct, gc=False):
    """`response.usage`."""

    input_tokens: int
    output_tokens: int


class ResponsesAnswer(Struct, gc=False):
    """`response`."""

    status: str
    usage: ResponsesUsage


class ResponsesEnd(Struct, gc=False):
    """`response.completed`."""

    response: ResponsesAnswer


class MessagesDelta(Struct, gc=False):
    """`delta` of a block or of the message."""

    text: str | None = None
    stop_reason: str | None = None


class MessagesUsage(Struct, gc=False):
    """`usage`."""

    input_tokens: int | None = None
    output_tokens: int | None = None


class MessagesStart(Struct, gc=False):
    """`message` of `message_start`."""

    usage: MessagesUsage


class MessagesEvent(Struct, gc=False):
    """Any event of the Messages API."""

    delta: MessagesDelta | None = None
    message: MessagesStart | None = None
    usage: MessagesUsage | None = None


class GooglePart(Struct, gc=False):
    """`parts[]`."""

    text: str | None = None


class GoogleContent(Struct, gc=False):
    """`content`."""

    parts: list[GooglePart]


class GoogleCandidate(Struct, gc=False):
    """`candidates[]`."""

    content: GoogleContent
    finishReason: str | None = None  # noqa: N815


class GoogleUsage(Struct, gc=False):
    """`usageMetadata`."""

    promptTokenCount: int | None = None  # noqa: N815
    candidatesTokenCount: int | None = None  # noqa: N815


class GoogleChunk(Struct, gc=False):
    """One `GenerateContentResponse`."""

    candidates: list[GoogleCandidate]
    usageMetadata: GoogleUsage  # noqa: N815


class ConverseDelta(Struct, gc=False):
    """`delta` of a block."""

    text: str | None = None


class ConverseUsage(Struct, gc=False):
    """`usage` of `metadata`."""

    inputTokens: int | None = None  # noqa: N815
    outputTokens: int | None = None  # noqa: N815


class ConverseEvent(Struct, gc=False):
    """The payload of any Converse frame."""

    delta: ConverseDelta | None = None
    stopReason: str | None = None  # noqa: N815
    usage: ConverseUsage | None = None


class InvokeChunk(Struct, gc=False, rename={"data": "bytes"}):
    """The payload of an invoke frame; msgspec decodes the base64."""

    data: bytes
