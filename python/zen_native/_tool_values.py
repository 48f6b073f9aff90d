"""What a tool returned, as a result that can be sent: text, JSON, or content with media.

Owns the mark on results whose value is content, which `_continuation` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic_core import to_jsonable_python

from .events import ToolCall, ToolResult
from .request import MediaContent, TextContent

__all__ = ["as_result", "is_content"]

_OWN = "zen-native"
_CONTENT = {_OWN: {"content": True}}
_PLAIN = (str, bool, int, type(None))


def as_result(call: ToolCall, value: Any) -> ToolResult:
    """The result of a call. Text and JSON as they are, models and dataclasses as JSON, pictures and such as content.

    Raises:
        ValueError: it is nothing that JSON can say.
    """
    parts = _content(value)
    if parts is not None:
        said = [part.model_dump(mode="json", exclude_none=True) for part in parts]
        return ToolResult(call.id, call.name, said, metadata=_CONTENT)
    return ToolResult(call.id, call.name, value if isinstance(value, _PLAIN) else _json(value))


def is_content(metadata: Mapping[str, Any] | None) -> bool:
    """Whether the result with this metadata is a list of parts."""
    return bool(metadata and metadata.get(_OWN) == _CONTENT[_OWN])


def _content(value: Any) -> Sequence[TextContent | MediaContent] | None:
    """The parts, where a value is a part or has media among others; strings beside media are texts."""
    if isinstance(value, TextContent | MediaContent):
        return (value,)
    items = cast("Sequence[Any]", value if isinstance(value, list | tuple) else ())
    if not any(isinstance(item, MediaContent) for item in items):
        return None
    texts = (TextContent(text=item) if isinstance(item, str) else item for item in items)
    parts = [part for part in texts if isinstance(part, TextContent | MediaContent)]
    if len(parts) != len(items):
        raise ValueError("beside media, a result can hold texts only")
    return parts


def _json(value: Any) -> Any:
    """Plain data. NaN and the infinities, which JSON has not, become their names."""
    plain = to_jsonable_python(value)
    try:
        json.dumps(plain, allow_nan=False)
    except ValueError:
        return json.loads(json.dumps(plain), parse_constant=str)
    return plain
