"""Where a prompt is marked for the provider's cache.

Owns the policy `auto`, explicit policies, the caller's own hints, the budget of marks and the order of lifetimes. How
a mark is written is the formats' business. Source of the limits:
https://platform.claude.com/docs/en/build-with-claude/prompt-caching (four marks; longer lifetimes stand first).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .request import (
        CacheHint,
        LLMRequest,
        Message,
        TextContent,
        Tool,
    )

__all__ = ["CachePlan", "plan_cache"]

_HOUR = 3600

_Place = tuple[int, int, int]
"""Section (tools, system, messages), then where in it: places compare as they stand in the prompt."""


@dataclass(slots=True)
class CachePlan:
    """Marks by place; the value says whether for an hour. `dropped`: how many hints were over the budget."""

    marks: dict[_Place, bool] = field(default_factory=dict[_Place, bool])
    dropped: int = 0

    def tool(self, index: int) -> bool | None:
        """The mark of a tool: None is none."""
        return self.marks.get((0, index, 0))

    def system(self, index: int) -> bool | None:
        """The mark of a part of the instructions."""
        return self.marks.get((1, index, 0))

    def part(self, message: int, part: int) -> bool | None:
        """The mark of a part of a message."""
        return self.marks.get((2, message, part))


def plan_cache(
    request: LLMRequest,
    system: Sequence[TextContent],
    messages: Sequence[Message],
    *,
    budget: int = 4,
    tools: bool = True,
    answers: bool = True,
    long: bool = True,
    auto: bool = True,
) -> CachePlan:
    """The marks of a request whose instructions and messages stand as given. Hints count first, in the order of the
    prompt, then what the policy asks for.

    `tools`, `answers` and `long` say whether the provider takes marks on tools, marks on what the assistant said, and
    marks that last longer; `auto` whether that policy marks anything, or is left to the provider.
    """
    plan = CachePlan()
    for place, hint in _hints(request.tools, system, messages):
        if not _takes(place, messages, tools=tools, answers=answers):
            plan.dropped += 1
        elif len(plan.marks) < budget:
            plan.marks[place] = _is_long(hint.ttl_seconds) and long
        else:
            plan.dropped += 1
    policy = request.cache
    seconds = None if isinstance(policy, str) else policy.ttl_seconds
    for place in _wanted(request, system, messages) if auto or policy != "auto" else ():
        free = place not in plan.marks and len(plan.marks) < budget
        if free and _takes(place, messages, tools=tools, answers=answers):
            plan.marks[place] = _is_long(seconds) and long
    _order_lifetimes(plan)
    return plan


def _takes(place: _Place, messages: Sequence[Message], *, tools: bool, answers: bool) -> bool:
    section, at, _ = place
    return (tools or section != 0) and (answers or section != 2 or messages[at].role != "assistant")


def _is_long(seconds: int | None) -> bool:
    return seconds is not None and seconds >= _HOUR


def _hints(
    tools: Sequence[Tool], system: Sequence[TextContent], messages: Sequence[Message]
) -> Iterator[tuple[_Place, CacheHint]]:
    for index, tool in enumerate(tools):
        if tool.cache is not None:
            yield (0, index, 0), tool.cache
    for index, part in enumerate(system):
        if part.cache is not None:
            yield (1, index, 0), part.cache
    for at, message in enumerate(messages):
        for index, content in enumerate(message.content):
            if content.cache is not None:
                yield (2, at, index), content.cache


def _wanted(request: LLMRequest, system: Sequence[TextContent], messages: Sequence[Message]) -> Iterator[_Place]:
    """What the policy asks for, the most valuable first."""
    if request.cache == "none":
        return
    asked = None if request.cache == "auto" else request.cache
    if request.tools and (asked is None or asked.tools):
        yield (0, len(request.tools) - 1, 0)
    if system and asked is None:
        yield (1, 0, 0)
    if system and (asked is None or asked.system):
        yield (1, len(system) - 1, 0)
    yield from _boundaries("last" if asked is None else asked.messages, messages)


def _boundaries(wish: str | int | None, messages: Sequence[Message]) -> Iterator[_Place]:
    """The last parts of the messages that the policy names, from the end."""
    role = {"latest-user-message": "user", "latest-assistant": "assistant"}.get(str(wish))
    left = 1 if isinstance(wish, str) else wish or 0
    for at in range(len(messages) - 1, -1, -1):
        if left <= 0:
            return
        index = _last_markable(messages[at])
        if index is not None and role in (None, messages[at].role):
            left -= 1
            yield (2, at, index)


def _last_markable(message: Message) -> int | None:
    """Reasoning and hosted calls take no mark."""
    for index in range(len(message.content) - 1, -1, -1):
        part = message.content[index]
        hosted = part.type == "tool-call" and part.provider_executed
        if part.type != "reasoning" and not hosted:
            return index
    return None


def _order_lifetimes(plan: CachePlan) -> None:
    """A mark for an hour makes all before it last an hour: providers refuse the other order."""
    long = [place for place, lasts in plan.marks.items() if lasts]
    for place in plan.marks:
        if long and place < max(long):
            plan.marks[place] = True
