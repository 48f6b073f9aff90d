"""Protocol `bedrock-invoke-anthropic`: Messages of Claude models inside the chunks of Bedrock's InvokeModel stream.

Owns the envelope, `{"bytes": base64 JSON, "p": padding}`, and Bedrock's own counts; the JSON inside is
`anthropic_messages`. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html.

Decided here:
- `amazon-bedrock-invocationMetrics` fills the counts that the message left unsaid, and is metadata of the step.
- A frame without `bytes` is unknown, unless it says an error.
Twin of `rust/core/src/protocol/bedrock_invoke.rs`.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from zen_native.runtimes.pure import cost, error
from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.json import JsonError, as_object, parse
from zen_native.runtimes.pure.lifecycle import Lifecycle
from zen_native.runtimes.pure.options import Options
from zen_native.runtimes.pure.protocol.anthropic_messages import AnthropicMessages

__all__ = ["BedrockInvoke"]

_METRICS = "amazon-bedrock-invocationMetrics"
_COUNTS = (
    ("input", "inputTokenCount"),
    ("output", "outputTokenCount"),
    ("cache_read", "cacheReadInputTokenCount"),
    ("cache_write", "cacheWriteInputTokenCount"),
)


class BedrockInvoke:
    """State of one message."""

    def __init__(self, options: Options, life: Lifecycle) -> None:
        self._messages = AnthropicMessages(options, life)

    def step(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """One frame."""
        payload = value.get("bytes")
        if payload is not None:
            self.on_chunk(frame, payload, life)
        else:
            self.on_other(frame, value, life)

    # Handlers

    def on_chunk(self, frame: Frame, payload: Any, life: Lifecycle) -> None:
        """A chunk, with one frame of the Messages stream in it."""
        try:
            text = b64decode(payload, validate=True).decode(errors="replace")
        except (TypeError, ValueError):
            raise error.invalid_output("the chunk is not base64", frame.data) from None
        try:
            value = parse(text)
        except JsonError:
            value = None
        if not isinstance(value, dict):
            raise error.invalid_output("the chunk is not a JSON object", frame.data)
        inner = as_object(value)
        self._metrics(inner, life)
        self._messages.step(Frame("event", "", text), inner, life)

    def on_other(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """A frame that is no chunk."""
        if error.is_error(value):
            raise error.provider_error(value, frame)
        if cost.take(value, frame, life) is None:
            life.unknown(frame.name, value)

    # The end

    def done(self, life: Lifecycle) -> None:
        """`[DONE]` is not of this protocol."""

    def document(self, frame: Frame, value: Any, life: Lifecycle) -> None:
        """What InvokeModel answers is a message as it is."""
        self._metrics(as_object(value), life)
        self._messages.document(frame, value, life)

    def end(self, life: Lifecycle) -> None:
        """The body ended before the message did."""
        self._messages.end(life)

    # Usage

    def _metrics(self, value: dict[str, Any], life: Lifecycle) -> None:
        metrics, counts = as_object(value.get(_METRICS)), life.usage
        if metrics:
            for field, name in _COUNTS:
                if getattr(counts, field) is None:
                    counts.set(field, metrics.get(name))
