"""Turns of a conversation where the roles alternate: neighbours of one role are one message.

Owns how a message is begun or gone on with, and where instructions amid the conversation go. Owns no content.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .common import Json, wrapped_system

if TYPE_CHECKING:
    from zen_native.request import Message

    from .claude import Claude

__all__ = ["Turns", "role_behind", "texts_of"]


class Turns:
    """The messages so far, in `out`. `member` is what their content is called."""

    def __init__(self, member: str = "content") -> None:
        self._member = member
        self.out: list[Json] = []

    def say(self, role: str, parts: list[Json]) -> None:
        """Add to what that role says, if there is something to add."""
        if not parts:
            return
        if self.out and self.out[-1]["role"] == role:
            self.out[-1][self._member] += parts
        else:
            self.out.append({"role": role, self._member: parts})

    def instruct(self, message: Message, following: str, model: Claude | None, block: Callable[[str], Json]) -> None:
        """Instructions amid the conversation: a turn of their own behind the user's where the model knows such turns,
        else marked text of the user. `following` is the role of the next message."""
        texts = texts_of(message)
        after_user = bool(self.out) and self.out[-1]["role"] == "user"
        if model is not None and model.midway_system and after_user and following == "assistant":
            self.out.append({"role": "system", self._member: [block(text) for text in texts]})
        else:
            self.say("user", [block(wrapped_system(text)) for text in texts])


def texts_of(message: Message) -> list[str]:
    """The texts of a message."""
    return [part.text for part in message.content if part.type == "text"]


def role_behind(history: Sequence[Message], at: int) -> str:
    """The role of the message behind that one; at the end it is the answer's."""
    return history[at + 1].role if at + 1 < len(history) else "assistant"
