"""A Python function as a tool: its description, the JSON Schema of its parameters, and the check of their values.

Owns what signature and docstring mean. Owns no call of the function (`_tool_calls`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

__all__ = ["Arguments", "function_schema"]

_NOT_BY_NAME = "the parameter {0!r} cannot be given by name"
_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):?\s*$")
_PARAMETER = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?\s*:\s*(.*)$")


def function_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """Name, description and input schema. Parameters are described by an `Args:` section or by `Annotated` fields."""
    description, described = _docstring(inspect.getdoc(_routine(function)) or "")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            raise ValueError(f"{_NOT_BY_NAME.format(parameter.name)}, so the function is no tool")
    model = _model(function, "ignore")
    schema = model.model_json_schema()
    return {"name": model.__name__, "description": description or None, "input_schema": _described(schema, described)}


class Arguments:
    """Checks what a model wrote against a function's signature. Names that the function does not have are errors."""

    def __init__(self, function: Callable[..., Any]) -> None:
        parameters = inspect.signature(function).parameters.values()
        takes_more = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        self._model = _model(function, "allow" if takes_more else "forbid")
        self._names = {field: info.alias or field for field, info in self._model.model_fields.items()}

    def read(self, text: str) -> dict[str, Any]:
        """The arguments by name, converted; what was not given is left to the function's own defaults.

        Raises:
            pydantic.ValidationError: they do not fit.
        """
        model = self._model.model_validate_json(text)
        names = self._names
        given = {names[field]: getattr(model, field) for field in names if field in model.model_fields_set}
        return {**(model.model_extra or {}), **given}


def _model(function: Callable[..., Any], extra: Literal["allow", "forbid", "ignore"]) -> type[BaseModel]:
    """The parameters as fields, under aliases: a parameter may be called `json` or `model_config`."""
    hints = get_type_hints(_routine(function), include_extras=True)
    members: dict[str, Any] = {}
    for place, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise ValueError(f"{_NOT_BY_NAME.format(name)}, so the function is no tool")
        if parameter.kind is not parameter.VAR_KEYWORD:
            default = ... if parameter.default is parameter.empty else parameter.default
            members[f"p{place}"] = (Annotated[hints.get(name, Any), Field(alias=name)], default)
    routine = _routine(function)
    name = routine.__name__ if routine.__name__ != "__call__" else type(function).__name__
    return create_model(name, __config__=ConfigDict(extra=extra, hide_input_in_errors=True), **members)


def _routine(function: Callable[..., Any]) -> Callable[..., Any]:
    """What has the name, the docstring and the annotations: the function of a partial one, the `__call__` of an
    object."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the first section, and the parameters that an `Args:` section describes."""
    lines, section = text.splitlines(), ""
    summary: list[str] = []
    described: dict[str, str] = {}
    current = None
    for line in lines:
        begins = _SECTION.match(line)
        if begins:
            section = begins.group(1)
        elif not section:
            summary.append(line)
        elif section in ("Args", "Arguments", "Parameters"):
            entry = _PARAMETER.match(line.strip())
            if entry:
                current = entry.group(1)
                described[current] = entry.group(2)
            elif current and line.strip():
                described[current] = f"{described[current]} {line.strip()}"
    return "\n".join(summary).strip(), described


def _described(schema: dict[str, Any], described: dict[str, str]) -> dict[str, Any]:
    """With the docstring's words where a field has none of its own, without the titles that pydantic makes up."""
    schema.pop("title", None)
    for name, one in schema.get("properties", {}).items():
        one.pop("title", None)
        if name in described:
            one.setdefault("description", described[name])
    return schema
