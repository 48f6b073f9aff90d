"""Requests that differ in the text of one question alone: what the first of them became is the frame of the others.

Owns which requests those are, how much is kept for them, and that a frame gives byte for byte what the format gives.
Knows no format: a frame is cut out of a body that the format made of another text.
"""

from __future__ import annotations

import os
from math import copysign
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from zen_native._locks import Locks
from zen_native._plain_request import NO_OPTIONS, with_text
from zen_native.errors import LLMError

from . import lower
from .body import quoted
from .common import Lowered

if TYPE_CHECKING:
    from collections.abc import Hashable

    from zen_native.request import Content, LLMRequest
    from zen_native.route import Route

__all__ = ["Frames"]

_MAX_KINDS = 16
_MAX_TEXT = 16 << 10
"""Characters that a caller wrote, in all, of a request that has a frame."""

_NO_OPTIONS: Any = NO_OPTIONS
_NUMBERS = attrgetter("temperature", "top_p", "frequency_penalty", "presence_penalty")


class _Frame:
    """What stands before and behind the text. `lowered` is what it is for all of them, without what was said."""

    __slots__ = ("_after", "_before", "lowered")

    def __init__(self, before: bytes, after: bytes, lowered: Lowered) -> None:
        self._before = before
        self._after = after
        self.lowered = lowered

    def filled(self, text: str) -> bytes:
        """The body with that text."""
        return b"".join((self._before, quoted(text), self._after))


class Frames:
    """Those of one route, for as long as it is one. The text of a question is not kept, and what a caller could change
    later is in none of the requests that have one: no tools, schemas, labels and members of the body. Usable from
    several threads."""

    __slots__ = ("_known", "_locks", "_once")

    def __init__(self) -> None:
        self._once: dict[Hashable, None] = {}
        """What was asked once, the oldest first. Of what never comes again there is no frame."""
        self._known: dict[Hashable, _Frame | None] = {}
        """The oldest first; None where there can be none."""
        self._locks = Locks()

    def lowered(self, request: LLMRequest, route: Route) -> tuple[Lowered, bytes] | None:
        """What `lower` and `encoded` give for a streamed answer on that route; None where they are to be asked."""
        asked = _asked(request)
        if asked is None:
            return None
        text, kind = asked
        frame = self._known.get(kind) or self._seen(kind, request, route, text)
        if frame is None:
            return None
        try:
            return frame.lowered, frame.filled(text)
        except UnicodeEncodeError:  # half of a surrogate pair
            return None

    def _seen(self, kind: Hashable, request: LLMRequest, route: Route, text: str) -> _Frame | None:
        """The frame of what is asked for the second time."""
        with self._locks.own():
            if kind in self._known:
                return self._known[kind]
            if kind not in self._once:
                _keep(self._once, kind, None)
                return None
            del self._once[kind]
        frame = _cut(request, route, text)  # who asks meanwhile is a first one again
        with self._locks.own():
            _keep(self._known, kind, frame)
        return frame


def _keep(kept: dict[Hashable, Any], kind: Hashable, value: object) -> None:
    """One more, in place of the oldest where there are as many as may be."""
    if kind not in kept and len(kept) >= _MAX_KINDS:
        del kept[next(iter(kept))]
    kept[kind] = value


def _asked(request: LLMRequest) -> tuple[str, Hashable] | None:
    """The text of a request that is one question, and all else that counts for its body."""
    if len(request.messages) != 1 or request.tools or request.session_id is not None or request.http.body:
        return None
    if request.response_format is not None or request.output_type is not None:
        return None
    if request.metadata or request.provider_options:
        return None
    message = request.messages[0]
    if message.role != "user" or len(message.content) != 1:
        return None
    text = _text(message.content[0])
    system = tuple(map(_text, request.system)) if request.system else ()
    if text is None or None in system or not _fits(request, text, system):
        return None
    return text, (system, request.generation, request.reasoning, request.tool_choice, request.cache, request.strict)


def _text(part: Content) -> str | None:
    """The text of a part that is nothing but a text that says something."""
    if part.type != "text" or part.cache is not None or part.metadata is not None:
        return None
    text = part.text
    return text if type(text) is str and len(text) <= _MAX_TEXT and text and not text.isspace() else None


def _fits(request: LLMRequest, text: str, system: tuple[str | None, ...]) -> bool:
    """Whether it is short in all, and equal only to what is written as it is."""
    size = len(text)
    if system:
        size += sum(len(each or "") for each in system)
    options, reasoning, choice = request.generation, request.reasoning, request.tool_choice
    if options is not _NO_OPTIONS:
        size += sum(map(len, options.stop))
        if 0.0 in _NUMBERS(options) and _has_signed_zero(options):
            return False
    if reasoning is not None:
        size += len(reasoning.effort or "") + len(reasoning.summary or "")
    if choice is not None:
        size += len(choice.name or "")
    return size <= _MAX_TEXT


def _has_signed_zero(options: object) -> bool:
    """It equals the other one, and is written in another way."""
    return any(number == 0 and copysign(1, number) < 0 for number in _NUMBERS(options))


def _cut(request: LLMRequest, route: Route, text: str) -> _Frame | None:
    """The frame of a request, where there is one."""
    mark = os.urandom(16).hex()
    try:
        frame, expected = lower(with_text(request, mark), route, stream=True), lower(request, route, stream=True)
        body = expected.encoded()
        before, _, after = frame.encoded().partition(quoted(mark))
        found = _Frame(before, after, Lowered({}, frame.headers, frame.warnings))
        same = (frame.headers, frame.warnings) == (expected.headers, expected.warnings)
        return found if same and found.filled(text) == body else None
    except (LLMError, UnicodeEncodeError):  # whoever asks again is told
        return None
