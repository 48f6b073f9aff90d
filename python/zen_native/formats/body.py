"""A body as bytes of JSON.

Owns that a long text in it, such as an image, does not hold up an event loop: the extension writes it in half the
time that the standard library takes, and without the GIL. Where it is not there, all is the standard library's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from zen_native.request import LLMRequest

__all__ = ["LONG", "encoded", "encoded_with_long", "long_characters", "quoted"]

LONG = 64 << 10
"""Characters. Shorter texts are not worth the detour."""

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _joiner() -> Callable[[list[bytes], list[str]], bytes]:
    try:
        from zen_native._core import json_joined
    except ImportError:
        return joined
    return json_joined


def joined(pieces: list[bytes], texts: list[str]) -> bytes:
    """The pieces with each text between two of them, in quotes."""
    between = (quoted(text) for text in texts)
    return b"".join(chain.from_iterable(zip_longest(pieces, between, fillvalue=b"")))


_joined = _joiner()


def long_characters(request: LLMRequest) -> int:
    """How many characters the long texts of a request's messages have together, where they usually stand."""
    count = 0
    for message in request.messages:
        for part in message.content:
            if part.type == "text":
                count += len(part.text) if len(part.text) > LONG else 0
                continue
            for one in (part, *part.content) if part.type == "tool-result" else (part,):
                text = _long_of(one)
                if isinstance(text, str) and len(text) > LONG:
                    count += len(text)
    return count


def _long_of(part: Any) -> object:
    return getattr(part, "text", None) or getattr(part, "data", None) or getattr(part, "result", None)


def quoted(text: str) -> bytes:
    """One text as JSON.

    Raises:
        UnicodeEncodeError: it holds half of a surrogate pair.
    """
    return _JSON.encode(text).encode()


def encoded(body: Mapping[str, Any]) -> bytes:
    """All of it.

    Raises:
        TypeError: it holds something that is no JSON.
        ValueError: it is circular, or a number is not finite.
        UnicodeEncodeError: a text holds half of a surrogate pair.
        RecursionError: it is nested too deeply.
    """
    return _JSON.encode(body).encode()


def encoded_with_long(body: Mapping[str, Any]) -> bytes:
    """The same, bytes and errors, in less time where there are long texts: those are written by themselves, and put in
    their places."""
    mark, texts = os.urandom(16).hex(), list[str]()
    rest = encoded(_marked(body, mark, texts))
    return _joined(rest.split(b'"%b"' % mark.encode()), texts)


def _marked(value: Any, mark: str, texts: list[str]) -> Any:
    """The same with a mark for each long text, which goes to `texts`."""
    if isinstance(value, str):
        if len(value) <= LONG:
            return value
        texts.append(value)
        return mark
    if isinstance(value, dict):
        return {name: _marked(inner, mark, texts) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_marked(inner, mark, texts) for inner in cast("list[Any]", value)]
    return value
