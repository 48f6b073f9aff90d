"""The public decoder fed by hand: a body with text and a call, and all that comes of one.

Owns no expectation.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tests.kit.messages import STOP, Frame, block, end, json_delta, sse, start, stop, text_block

from zen_native import Decoder, LLMError, TextDelta

__all__ = ["BODY", "BYTE_LIMITS", "CALL", "HELLO", "OVERLONG", "PROTOCOL", "drained", "text"]

PROTOCOL = "anthropic-messages"
BYTE_LIMITS = ("max_event_bytes", "max_frame_bytes", "max_header_bytes")
OVERLONG: Frame = {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 2 > 1"}}
HELLO = [start(), *text_block(0, "Hel", "lo")]
CALL = [block(1, "tool_use", id="toolu_1", name="look", input={}), json_delta(1, '{"a":1}'), stop(1)]
BODY = sse(*HELLO, *CALL, end("tool_use", {"input_tokens": 2, "output_tokens": 3}), STOP)


def text(events: list[Any]) -> str:
    """All visible text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def drained(decoder: Decoder, parts: list[bytes]) -> tuple[list[Any], LLMError | None]:
    """The events of the parts and of the end, and the error that was left."""
    events: list[Any] = []
    for part in parts:
        if decoder.error is None:
            events += decoder.feed(part)
    with suppress(LLMError):
        events += decoder.finish()
    return events, decoder.error
