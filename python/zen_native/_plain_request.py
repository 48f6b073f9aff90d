"""Requests of texts and numbers, without pydantic: what most processes ask first, and some only.

Owns which arguments of a call are so plain that there is nothing to check in them; all others make an `LLMRequest`.
Importing pydantic and building its models takes longer than all the rest of a first stream, and half of its memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, cast

if TYPE_CHECKING:
    from .request import LLMRequest

__all__ = ["NO_OPTIONS", "PlainRequest", "plain_request", "with_text"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_ROLES = frozenset({"assistant", "system", "user"})
_FIELDS = frozenset({"generation", "system"})
_COUNTS = frozenset({"max_tokens", "seed", "top_k"})
_NUMBERS = frozenset({"frequency_penalty", "presence_penalty", "temperature", "top_p"})
_MOST = 1 << 53
"""Whole numbers up to there are the same as floats."""


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


class PlainGeneration(NamedTuple):
    """What is read of `GenerationOptions`; equal where they are."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


NO_OPTIONS = PlainGeneration()
"""Of nearly every request."""


class PlainOverlay:
    """An empty `HttpOverlay`."""

    __slots__ = ()

    headers = _NOTHING
    query = _NOTHING
    body = _NOTHING


class PlainRequest:
    """What is read of an `LLMRequest` on its way out. Nobody outside is ever shown one."""

    __slots__ = ("generation", "messages", "model", "system")

    tools = ()
    tool_choice = None
    reasoning = None
    response_format = None
    output_type = None
    cache = "auto"
    session_id = None
    metadata = _NOTHING
    provider_options = _NOTHING
    http = PlainOverlay()
    strict = True

    def __init__(
        self,
        model: str,
        messages: tuple[PlainMessage, ...],
        system: tuple[PlainText, ...],
        generation: PlainGeneration,
    ) -> None:
        self.model = model
        self.messages = messages
        self.system = system
        self.generation = generation


def plain_request(model: object, messages: object, fields: Mapping[str, Any]) -> LLMRequest | None:
    """The request of a call that is a model, texts and perhaps instructions and numbers for the generation; None where
    it is more, or wrong, which is the models' to say."""
    if not fields and type(messages) is str and messages and type(model) is str and model and model.isascii():
        return cast("LLMRequest", PlainRequest(model, (PlainMessage("user", messages),), (), NO_OPTIONS))
    if fields.keys() - _FIELDS or not (_is_text(model) and model.isascii()):
        return None
    system: object = fields.get("system")
    if "system" in fields and not _is_text(system):
        return None
    generation = _generation(fields["generation"]) if "generation" in fields else NO_OPTIONS
    said = _said(messages)
    if not said or generation is None:
        return None
    rules = (PlainText(system),) if _is_text(system) else ()
    return cast("LLMRequest", PlainRequest(model, said, rules, generation))


def with_text(request: LLMRequest, text: str) -> LLMRequest:
    """The same with that for the text of its one message, which is a user's."""
    if _is_plain(request):
        plain = cast("PlainRequest", request)
        return cast(
            "LLMRequest", PlainRequest(plain.model, (PlainMessage("user", text),), plain.system, plain.generation)
        )
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


def _generation(given: object) -> PlainGeneration | None:
    """The options, None where one is not plain."""
    if type(given) is not dict:
        return None
    options: dict[str, Any] = {}
    for name, value in cast("dict[object, object]", given).items():
        if name in _NUMBERS and (type(value) is float or (type(value) is int and abs(value) <= _MOST)):
            options[str(name)] = float(value)
        elif name in _COUNTS and type(value) is int and value >= 0:
            options[str(name)] = value
        else:
            return None
    return PlainGeneration(**options)


def _is_text(value: object) -> TypeGuard[str]:
    # Nothing that merely behaves like one: what pydantic makes of that is no business of ours.
    return type(value) is str and value != ""


def _is_plain(request: object) -> bool:
    return type(request) is PlainRequest
