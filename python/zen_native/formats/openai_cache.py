"""The prompt cache of OpenAI: breakpoints on content parts, whether the server adds one of its own, the key.

Owns which models take breakpoints, how one is written, and the members of the body about the cache. Where they stand is
`cache_policy`'s business. Source: https://developers.openai.com/api/docs/guides/prompt-caching (GPT-5.6 and later; four
are written, one of them the server's own in implicit mode; a write costs more than input that is not cached; tools and
answers take none). As of 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zen_native.cache_policy import CachePlan, plan_cache

from .common import Draft, Json

if TYPE_CHECKING:
    from zen_native.request import LLMRequest, Message, TextContent

__all__ = ["cache_members", "plan_breakpoints", "with_breakpoint"]

_GENERATION = re.compile(r"gpt-(\d{1,2})(?:\.(\d{1,2}))?(?![\d.])")
_FIRST = (5, 6)
_WRITTEN = 4


def plan_breakpoints(
    draft: Draft, system: Sequence[TextContent], messages: Sequence[Message], *, long: bool
) -> CachePlan | None:
    """The breakpoints of a request; None where the model takes none. `long`: the format knows the longer lifetime."""
    if not _takes_breakpoints(draft):
        draft.without_cache_marks(messages)
        return None
    plan = plan_cache(
        draft.request,
        system,
        messages,
        budget=_WRITTEN - _implicit(draft.request),
        tools=False,
        answers=False,
        long=long,
        auto=False,
    )
    if plan.dropped:
        draft.note(f"{plan.dropped} cache hints were over the limit or out of place")
    return plan


def with_breakpoint(part: Json, mark: bool | None) -> Json:
    """A content part with its mark; None is no mark, True one of the longer lifetime. The shorter is the default."""
    if mark is None:
        return part
    return {**part, "prompt_cache_breakpoint": {"mode": "explicit"} | ({"ttl": "12h"} if mark else {})}


def cache_members(draft: Draft) -> Json:
    """The members of the body."""
    body: Json = {}
    if draft.dialect.prompt_cache_key and draft.request.session_id is not None:
        body["prompt_cache_key"] = draft.request.session_id
    if _takes_breakpoints(draft) and not _implicit(draft.request):
        body["prompt_cache_options"] = {"mode": "explicit"}
    return body


def _takes_breakpoints(draft: Draft) -> bool:
    found = _GENERATION.match(draft.route.model) if draft.dialect.cache_breakpoints else None
    return found is not None and (int(found[1]), int(found[2] or 0)) >= _FIRST


def _implicit(request: LLMRequest) -> bool:
    """Whether the server's own breakpoint is wanted, at the end of the newest message: `auto` leaves the choice to it,
    and tools are cached by it alone. All else wants no writes but those that were asked for."""
    return request.cache == "auto" or (request.cache != "none" and request.cache.tools)
