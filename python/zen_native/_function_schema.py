"""A Python function as a tool: its description, the JSON Schema of its parameters, and the check of their values.

Owns what signature and docstring mean. Owns no call of the function (`_tool_calls`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

__all__ = ["Arguments", "function_schema"]

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):?\s*$")
_PARAMETER = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?\s*:\s*(.*)$")


def function_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """Name, description and input schema. Parameters are described by an `Args:` section, as Google or NumPy write it,
    or by `Annotated` fields; what a partial function has already is none.

    Raises:
        ValueError: the function is no tool; the message says which and why.
    """
    name = _name(function)
    with _no_tool(name):
        parameters = _parameters(function)
        for parameter in parameters:
            if parameter.kind is parameter.VAR_KEYWORD:
                raise ValueError(_not_by_name(parameter))
        schema = _model(function, "ignore").model_json_schema(schema_generator=_Schema)
    description, described = _docstring(function, {parameter.name for parameter in parameters})
    return {"name": name, "description": description or None, "input_schema": _described(schema, described)}


class Arguments:
    """Checks what a model wrote against a function's signature. Names that the function does not have are errors.

    Raises:
        ValueError: the function is no tool; the message says which and why.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        with _no_tool(_name(function)):
            takes_more = any(parameter.kind is parameter.VAR_KEYWORD for parameter in _parameters(function))
            self._model = _model(function, "allow" if takes_more else "forbid")
        self._names = {field: info.alias or field for field, info in self._model.model_fields.items()}

    def read(self, text: str) -> dict[str, Any]:
        """The arguments by name, converted; what was not given is left to the function's own defaults.

        Raises:
            pydantic.ValidationError: they do not fit.
            Exception: what validators of the user's own types raise besides.
        """
        model = self._model.model_validate_json(text)
        names = self._names
        given = {names[field]: getattr(model, field) for field in names if field in model.model_fields_set}
        return {**(model.model_extra or {}), **given}


class _Schema(GenerateJsonSchema):
    """Silent where a default that JSON cannot say is left out."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Nobody needs to know."""


@contextmanager
def _no_tool(name: str) -> Generator[None, None, None]:
    """Pydantic's errors about types, and those about names in annotations, as one that says which function it is."""
    try:
        yield
    except (PydanticUserError, NameError, TypeError, ValueError) as error:
        raise ValueError(f"the function {name!r} is no tool: {str(error).partition(chr(10))[0]}") from None


def _not_by_name(parameter: inspect.Parameter) -> str:
    return f"the parameter {parameter.name!r} cannot be given by name"


def _model(function: Callable[..., Any], extra: Literal["allow", "forbid", "ignore"]) -> type[BaseModel]:
    """The parameters as fields, under aliases: a parameter may be called `json` or `model_config`."""
    hints = get_type_hints(_routine(function), include_extras=True)
    members: dict[str, Any] = {}
    for place, parameter in enumerate(_parameters(function)):
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise ValueError(_not_by_name(parameter))
        if parameter.kind is not parameter.VAR_KEYWORD:
            name, default = parameter.name, ... if parameter.default is parameter.empty else parameter.default
            members[f"p{place}"] = (Annotated[hints.get(name, Any), Field(alias=name)], default)
    return create_model(_name(function), __config__=ConfigDict(extra=extra, hide_input_in_errors=True), **members)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Those that are still to be given: what a partial function has is not told to anybody, it may be a key."""
    known = inspect.signature(function).parameters.values()
    bound = function.keywords if isinstance(function, partial) else ()
    return [one for one in known if one.name not in bound]


def _name(function: Callable[..., Any]) -> str:
    name = _routine(function).__name__
    return name if name != "__call__" else type(function).__name__


def _routine(function: Callable[..., Any]) -> Callable[..., Any]:
    """What has the name, the docstring and the annotations: the function of a partial one, the `__call__` of an
    object."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _docstring(function: Callable[..., Any], names: Collection[str]) -> tuple[str, dict[str, str]]:
    """What stands before the first section, and the parameters that an `Args:` section describes."""
    summary: list[str] = []
    described: dict[str, str] = {}
    section, typed = "", False
    current = None
    for line in (inspect.getdoc(_routine(function)) or "").splitlines():
        begins = _SECTION.match(line)
        if begins:
            section, typed = begins.group(1), False
        elif not section:
            summary.append(line)
        elif line.startswith("--"):
            typed = True  # NumPy's way: a type stands behind the name, and the words below it
        elif section in ("Args", "Arguments", "Parameters"):
            entry = _PARAMETER.match(line.strip())
            if entry and entry.group(1) in names and not (typed and line[0].isspace()):
                current = entry.group(1)
                described[current] = "" if typed else entry.group(2)
            elif current and line.strip():
                described[current] = f"{described[current]} {line.strip()}".strip()
    return "\n".join(summary).strip(), described


def _described(schema: dict[str, Any], described: dict[str, str]) -> dict[str, Any]:
    """With the docstring's words where a field has none of its own, without the titles that pydantic makes up."""
    schema.pop("title", None)
    for name, one in schema.get("properties", {}).items():
        one.pop("title", None)
        if name in described:
            one.setdefault("description", described[name])
    return schema
