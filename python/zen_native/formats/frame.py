"""Requests that differ in the text of one question alone: what the first of them became is the frame of the others.

Owns which requests those are, and that a frame gives byte for byte what the format gives. Knows no format: a frame is
cut out of a body that the format made of another text.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from zen_native._plain_request import with_text
from zen_native.errors import LLMError

from . import lower
from .body import LONG, quoted
from .common import Lowered

if TYPE_CHECKING:
    from collections.abc import Hashable

    from zen_native.request import Content, LLMRequest
    from zen_native.route import Route

__all__ = ["Frames"]

_MAX_FRAMES = 64


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
    """Those of one client. The text of a question is not kept, and what a caller could change later is in none of the
    requests that have one: no tools, schemas, labels and members of the body. Usable from several threads."""

    __slots__ = ("_known", "_once")

    def __init__(self) -> None:
        self._once: set[Hashable] = set()
        """What was asked once. Of what never comes again there is no frame."""
        self._known: dict[Hashable, _Frame | None] = {}
        """None where there can be none."""

    def lowered(self, request: LLMRequest, route: Route, place: Hashable) -> tuple[Lowered, bytes] | None:
        """What `lower` and `encoded` give for a streamed answer; None where they are to be asked. `place` stands for
        the route and hashes faster."""
        asked = _asked(request)
        if asked is None:
            return None
        text, rest = asked
        key = (place, rest)
        frame = self._known.get(key) or self._seen(key, request, route, text)
        if frame is None:
            return None
        try:
            return frame.lowered, frame.filled(text)
        except UnicodeEncodeError:  # half of a surrogate pair
            return None

    def _seen(self, key: Hashable, request: LLMRequest, route: Route, text: str) -> _Frame | None:
        """The frame of what is asked for the second time."""
        if key in self._known:
            return None
        if key not in self._once:
            if len(self._once) >= _MAX_FRAMES:
                self._once = set()
            self._once.add(key)
            return None
        if len(self._known) >= _MAX_FRAMES:
            self._known = {}
        frame = self._known[key] = _cut(request, route, text)
        return frame


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
    if text is None or None in system:
        return None
    return text, (system, request.generation, request.reasoning, request.tool_choice, request.cache, request.strict)


def _text(part: Content) -> str | None:
    """The text of a part that is nothing but a text that says something."""
    if part.type != "text" or part.cache is not None or part.metadata is not None:
        return None
    text = part.text
    return text if type(text) is str and len(text) <= LONG and text and not text.isspace() else None


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
