"""The conversation as providers insist on it: every call answered at once, no result without its call, fitting ids.

Owns the pairing of calls and results and the rewriting of call ids, the same in call and result. Owns no wire format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .common import Draft, is_alternative

if TYPE_CHECKING:
    from zen_native.request import Content, Message, TextContent, ToolCallContent, ToolResultContent

__all__ = ["CallIds", "has_calls", "repaired", "with_leading_system"]

UNANSWERED = "The call was not run."


def repaired(draft: Draft) -> list[Message]:
    """The messages with each result straight behind its call, in order of the calls.

    A call that was never answered gets an error as its result; a result without its call is reported. Empty texts and
    messages are left out, other candidates' parts too.
    """
    messages = draft.request.messages
    taken: set[int] = set()
    out: list[Message] = []
    for place, message in enumerate(messages):
        if message.role == "tool":
            if any(id(part) not in taken for part in message.content):
                draft.cannot(f"messages[{place}]", "a tool result without its call")
            continue
        content = tuple(part for part in message.content if not _is_empty(part))
        if len(content) == len(message.content):
            out.append(message)
        elif content:
            out.append(message.model_copy(update={"content": content}))
        calls = [part for part in content if part.type == "tool-call" and not part.provider_executed]
        if calls:
            out.append(_answered(draft, calls, messages[place + 1 :], taken))
    return out


def _answered(draft: Draft, calls: list[ToolCallContent], rest: Sequence[Message], taken: set[int]) -> Message:
    """The results of calls, in their order."""
    from zen_native.request import Message, ToolResultContent  # who has calls has them; a plain text goes without

    found: dict[str, ToolResultContent] = {}
    for message in rest:
        if message.role == "assistant":
            break
        if message.role == "tool":
            for part in message.content:
                if part.type == "tool-result" and part.id not in found:
                    found[part.id] = part
    results: list[ToolResultContent] = []
    for call in calls:
        result = found.pop(call.id, None)
        if result is None:
            draft.note(f"the call {call.id!r} had no result; an error stands in its place")
            results.append(ToolResultContent(id=call.id, name=call.name, result=UNANSWERED, is_error=True))
        else:
            taken.add(id(result))
            results.append(result if result.name else result.model_copy(update={"name": call.name}))
    return Message(role="tool", content=tuple(results))


def _is_empty(part: Content) -> bool:
    if is_alternative(part.metadata):
        return True
    return part.type == "text" and not part.text and not part.metadata


def with_leading_system(draft: Draft, history: list[Message]) -> tuple[list[TextContent], list[Message]]:
    """The instructions, those that open the conversation included, and the rest of it."""
    system = [part for part in draft.request.system if part.text]
    start = 0
    while start < len(history) and history[start].role == "system":
        system += [part for part in history[start].content if part.type == "text"]
        start += 1
    return system, history[start:]


def has_calls(messages: Sequence[Message]) -> bool:
    """Whether the conversation has calls that the caller ran."""
    return any(message.role == "tool" for message in messages)


class CallIds:
    """Ids of calls in the form that a server takes. One id always becomes the same one, two never become one."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._given: dict[str, str] = {}
        self._used: set[str] = set()

    def __call__(self, call_id: str) -> str:
        known = self._given.get(call_id)
        if known is None:
            known = self._fitting(call_id)
            while known in self._used:
                known = self._fitting(call_id, len(self._used))
            self._given[call_id] = known
            self._used.add(known)
        return known

    def _fitting(self, call_id: str, salt: int = 0) -> str:
        from hashlib import sha256  # slow to import, and a conversation without calls has no ids

        digest = sha256(f"{salt}:{call_id}".encode("utf-8", "replace")).hexdigest()
        if self._rule == "alphanumeric-9":
            bare = re.sub("[^a-zA-Z0-9]", "", call_id)
            return bare if bare == call_id and len(bare) == 9 and not salt else digest[:9]
        if self._rule == "word":
            word = re.sub("[^a-zA-Z0-9_-]", "_", call_id)
            fits = 0 < len(word) <= 64 and not salt
            return word if fits else f"{word[:48]}_{digest[:12]}"
        longest = 40 if self._rule == "short" else 64 if self._rule == "medium" else len(call_id)
        return call_id if len(call_id) <= longest and not salt else f"{call_id[: longest - 13]}_{digest[:12]}"
