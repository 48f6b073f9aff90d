"""What each generation of Claude takes, read off the model's id, whoever serves it.

Owns the facts about models, no member of a body. Sources: https://platform.claude.com/docs/en/build-with-claude/effort,
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking,
https://platform.claude.com/docs/en/build-with-claude/structured-outputs,
https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages,
https://platform.claude.com/docs/en/about-claude/models/migration-guide. As of 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["BUDGETS", "LEAST_BUDGET", "Claude", "claude_of"]

LEAST_BUDGET = 1024

BUDGETS = {"minimal": 1024, "low": 4096, "medium": 10_000, "high": 16_000, "xhigh": 24_000, "max": 32_000}
"""Thinking tokens for an effort, for models that know budgets only."""

_ID = re.compile(
    r"claude-(?:(?P<before>[a-z]+)-)?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)(?:-(?P<after>opus|sonnet|haiku))?"
)
_NEWEST = (99, 0)


@dataclass(frozen=True, slots=True)
class Claude:
    """One generation of one line."""

    line: str
    version: tuple[int, int]

    @property
    def thinking(self) -> Literal["budget", "both", "adaptive"] | None:
        """By a budget, by its own judgement, or either."""
        if self.version < (3, 7):
            return None
        if self.version < (4, 6):
            return "budget"
        return "both" if self.version == (4, 6) else "adaptive"

    @property
    def thinks_unasked(self) -> bool:
        """Whether thinking must be turned off rather than not asked for."""
        return self.version >= (5, 0)

    @property
    def sampling(self) -> bool:
        """Whether temperature, top_p and top_k can be chosen."""
        return self.version < (4, 7)

    @property
    def one_of_sampling(self) -> bool:
        """Whether temperature and top_p exclude each other."""
        return self.version >= (4, 5) or (self.line, self.version) == ("opus", (4, 1))

    @property
    def schema(self) -> bool:
        """Whether the answer can be held to a schema."""
        return self.one_of_sampling

    @property
    def midway_system(self) -> bool:
        """Whether instructions may stand amid the conversation."""
        return self.version >= (5, 0) or (self.line, self.version) == ("opus", (4, 8))

    @property
    def prefill(self) -> bool:
        """Whether the last message may be the beginning of the answer."""
        return self.version < (4, 6)

    @property
    def hour_cache(self) -> bool:
        """Whether Bedrock keeps its cache for an hour."""
        return self.version >= (4, 5)

    @property
    def caches(self) -> bool:
        """Whether Bedrock caches prompts for it."""
        return self.version >= (3, 7) or (self.line, self.version) == ("haiku", (3, 5))


def claude_of(model: str) -> Claude | None:
    """The generation that a model id names; one without a version is the newest, another model is none."""
    name = model.lower()
    found = _ID.search(name)
    if found is None:
        return Claude("", _NEWEST) if "claude-" in name and "claude-instant" not in name else None
    line = found["before"] or found["after"] or ""
    return Claude(line, (int(found["major"]), int(found["minor"] or 0)))
