"""What one choice of a chat completion has said so far, and what every file of the protocol reads chunks with.

Owns the keys and marks of a choice's blocks. Twin of `rust/core/src/protocol/openai_chat_state.rs`.
"""

from __future__ import annotations

from typing import Any

from zen_native.runtimes.pure.lifecycle import Meta
from zen_native.runtimes.pure.protocol.openai_chat_tools import Calls
from zen_native.runtimes.pure.tools import Tools

__all__ = ["REASONING", "REFUSAL", "TRANSCRIPT", "Choice", "says"]

_KEYS = 4  # Block keys of one choice: content, refusal, reasoning, transcript.
REFUSAL = 1
REASONING = 2
TRANSCRIPT = 3


class Choice:
    """What one choice has said so far."""

    __slots__ = ("calls", "key", "mark", "reason", "streamed")

    def __init__(self, number: int, mark: Meta | None, tools: Tools) -> None:
        self.key = number * _KEYS
        self.mark = mark
        self.calls = Calls(tools, mark)
        self.reason: str | None = None
        self.streamed = False


def says(value: Any) -> bool:
    """Whether it is text, a list or an object, and not an empty one."""
    return bool(value) and isinstance(value, (str, list, dict))
