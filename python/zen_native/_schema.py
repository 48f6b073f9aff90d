"""The pydantic schemas of the event classes. Imported by pydantic's own request only, never by `import zen_native`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["event_schema", "union_schema"]


def union_schema(types: Mapping[str, type[Any]], handler: GetCoreSchemaHandler) -> CoreSchema:
    """The union of all events, chosen by `type`."""
    choices: dict[Any, CoreSchema] = {tag: handler.generate_schema(cls) for tag, cls in types.items()}
    return core_schema.tagged_union_schema(choices, discriminator="type")


def event_schema(cls: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
    """A dataclass schema whose constant `type` is checked and dropped on the way in, computed on the way out."""
    hints = get_type_hints(cls)
    tag = core_schema.literal_schema([cls.type])
    arguments = [
        core_schema.dataclass_field("type", core_schema.with_default_schema(tag, default=cls.type), init_only=True)
    ]
    for field in fields(cls):
        schema = handler.generate_schema(hints[field.name])
        if field.default is not MISSING:
            schema = core_schema.with_default_schema(schema, default=field.default)
        arguments.append(core_schema.dataclass_field(field.name, schema))
    return core_schema.dataclass_schema(
        cls,
        core_schema.dataclass_args_schema(
            cls.__name__, arguments, computed_fields=[core_schema.computed_field("type", tag)]
        ),
        [field.name for field in fields(cls)],
        ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        slots=True,
        frozen=True,
    )
