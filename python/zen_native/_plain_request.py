"""Requests of text alone, without pydantic: what most processes ask first, and some only.

Owns which arguments of a call are so plain that there is nothing to check in them; all others make an `LLMRequest`.
Importing pydantic and building its models takes longer than all the rest of a first stream, and half of its memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeGuard, cast

if TYPE_CHECKING:
    from .request import LLMRequest

__all__ = ["PlainRequest", "plain_request", "with_text"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_ROLES = frozenset({"assistant", "system", "user"})


class PlainText:
    """What is read of a `TextContent`."""

    __slots__ = ("text",)

    type = "text"
    cache = None
    metadata = None

    def __init__(self, text: str) -> None:
        self.text = text


class PlainMessage:
    """What is read of a `Message`."""

    __slots__ = ("content", "role")

    def __init__(self, role: str, text: str) -> None:
        self.role = role
        self.content = (PlainText(text),)


class PlainGeneration:
    """The `GenerationOptions` of who chose none."""

    __slots__ = ()

    max_tokens = None
    temperature = None
    top_p = None
    top_k = None
    frequency_penalty = None
    presence_penalty = None
    seed = None
    stop = ()


class PlainOverlay:
    """An empty `HttpOverlay`."""

    __slots__ = ()

    headers = _NOTHING
    query = _NOTHING
    body = _NOTHING


class PlainRequest:
    """What is read of an `LLMRequest` on its way out. Nobody outside is ever shown one."""

    __slots__ = ("messages", "model", "system")

    tools = ()
    tool_choice = None
    generation = PlainGeneration()
    reasoning = None
    response_format = None
    output_type = None
    cache = "auto"
    session_id = None
    metadata = _NOTHING
    provider_options = _NOTHING
    http = PlainOverlay()
    strict = True

    def __init__(self, model: str, messages: tuple[PlainMessage, ...], system: tuple[PlainText, ...]) -> None:
        self.model = model
        self.messages = messages
        self.system = system


def plain_request(model: object, messages: object, fields: Mapping[str, Any]) -> LLMRequest | None:
    """The request of a call that is a model, texts and perhaps instructions; None where it is more, or wrong, which is
    the models' to say."""
    system: object = fields.get("system")
    if fields.keys() - {"system"} or not (_is_text(model) and model.isascii()):
        return None
    if "system" in fields and not _is_text(system):
        return None
    said = _said(messages)
    if not said:
        return None
    rules = (PlainText(system),) if _is_text(system) else ()
    return cast("LLMRequest", PlainRequest(model, said, rules))


def with_text(request: LLMRequest, text: str) -> LLMRequest:
    """The same with that for the text of its one message, which is a user's."""
    if _is_plain(request):
        plain = cast("PlainRequest", request)
        return cast("LLMRequest", PlainRequest(plain.model, (PlainMessage("user", text),), plain.system))
    message = request.messages[0]
    part = message.content[0].model_copy(update={"text": text})
    return request.model_copy(update={"messages": (message.model_copy(update={"content": (part,)}),)})


def _said(messages: object) -> tuple[PlainMessage, ...]:
    """The messages, none where one is not plain."""
    if _is_text(messages):
        return (PlainMessage("user", messages),)
    if type(messages) is not list and type(messages) is not tuple:
        return ()
    plain: list[PlainMessage] = []
    for message in cast("Sequence[object]", messages):
        role, text = _role_and_text(message)
        if not (_is_text(role) and role in _ROLES and _is_text(text)):
            return ()
        plain.append(PlainMessage(role, text))
    return tuple(plain)


def _role_and_text(message: object) -> tuple[object, object]:
    if type(message) is not dict:
        return "user", message
    said = cast("dict[object, object]", message)
    return (said["role"], said["content"]) if said.keys() == {"role", "content"} else (None, None)


def _is_text(value: object) -> TypeGuard[str]:
    # Nothing that merely behaves like one: what pydantic makes of that is no business of ours.
    return type(value) is str and value != ""


def _is_plain(request: object) -> bool:
    return type(request) is PlainRequest
