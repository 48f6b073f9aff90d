"""Names of protocols, what makes each, and what each must offer.

Owns the registry; every protocol has a file of its own. Twin of `rust/core/src/protocol.rs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from zen_native.runtimes.pure.frame import Frame
from zen_native.runtimes.pure.lifecycle import Lifecycle
from zen_native.runtimes.pure.options import Options
from zen_native.runtimes.pure.protocol.anthropic_messages import AnthropicMessages
from zen_native.runtimes.pure.protocol.bedrock_converse import BedrockConverse
from zen_native.runtimes.pure.protocol.bedrock_invoke import BedrockInvoke
from zen_native.runtimes.pure.protocol.google import Google
from zen_native.runtimes.pure.protocol.openai_chat import OpenAIChat
from zen_native.runtimes.pure.protocol.openai_responses import OpenAIResponses

__all__ = ["PROTOCOLS", "Machine", "new_protocol"]


class Machine(Protocol):
    """The meaning of one wire format: a state machine without IO, made of the options and the lifecycle."""

    def step(self, frame: Frame, value: dict[str, Any], life: Lifecycle) -> None:
        """One frame whose data is a JSON object. Calls `life.complete` at the protocol's terminal."""
        ...

    def done(self, life: Lifecycle) -> None:
        """The data `[DONE]`."""
        ...

    def document(self, frame: Frame, value: Any, life: Lifecycle) -> None:
        """A whole ordinary answer (object or array) that is no error. Must call `life.complete` or raise."""
        ...

    def end(self, life: Lifecycle) -> None:
        """The body ended before a terminal: calls `life.complete`, or raises `error.incomplete`."""
        ...


PROTOCOLS: dict[str, Callable[[Options, Lifecycle], Machine]] = {
    "anthropic-messages": AnthropicMessages,
    "bedrock-converse": BedrockConverse,
    "bedrock-invoke-anthropic": BedrockInvoke,
    "google-generate-content": Google,
    "openai-chat": OpenAIChat,
    "openai-responses": OpenAIResponses,
}


def new_protocol(name: str, options: Options, life: Lifecycle) -> Machine:
    """The protocol of that name; the caller has checked it."""
    return PROTOCOLS[name](options, life)
