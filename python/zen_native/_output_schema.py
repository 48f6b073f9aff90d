"""A Python type as what an answer must be: a model to validate it with, and the schema that providers are told.

Owns that the root is an object, which all of them want. Owns no validation of answers (`structured`) and no provider's
subset of JSON Schema (`formats.schema`, `formats.strict`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic import TypeAdapter, create_model

from .formats.strict import is_closed
from .request import ResponseFormat

__all__ = ["OutputSchema"]

_WRAPPED = "value"


class OutputSchema:
    """How one type is asked for, and how it is read."""

    def __init__(self, output_type: Any) -> None:
        self._adapter: TypeAdapter[Any] = TypeAdapter(output_type)
        schema = _unfolded(self._adapter.json_schema())
        self.name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(schema.get("title", "response")))[:64]
        self._wrapped = schema.get("type") != "object"
        if self._wrapped:
            self._adapter = TypeAdapter(create_model("response", value=(output_type, ...)))
            schema = self._adapter.json_schema()
        self.schema = schema

    def response_format(self) -> ResponseFormat:
        """The wish for it, strict where the schema says all that may come."""
        return ResponseFormat(
            type="json_schema", name=self.name, json_schema=self.schema, strict=is_closed(self.schema)
        )

    def read(self, text: str) -> Any:
        """The value that a text says.

        Raises:
            pydantic.ValidationError: it says none.
        """
        value = self._adapter.validate_json(text)
        return getattr(value, _WRAPPED) if self._wrapped else value


def _unfolded(schema: dict[str, Any]) -> dict[str, Any]:
    """The root itself where it is a reference, as it is for a type that holds itself."""
    defined = cast("Mapping[str, dict[str, Any]]", schema.get("$defs", {}))
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return {**defined[name], "$defs": dict(defined)} if name in defined else schema
