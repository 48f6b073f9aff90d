"""JSON Schema for answers that are held to it while they are written: OpenAI's strict form, and Claude's.

Owns what these two take, and which schemas they cannot hold to. What they do not take of a schema stands in its
description, where the model reads it; whoever reads the answer checks it again.

Sources: https://platform.openai.com/docs/guides/structured-outputs (supported schemas),
https://platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON Schema limitations)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

from .common import Draft
from .schema import MAX_DEPTH, Schema, subschemas, walk

if TYPE_CHECKING:
    from zen_native.request import Tool

__all__ = ["claude_input", "claude_schema", "holds", "is_closed", "is_recursive", "strict_schema", "strict_tool"]

_BOTH = frozenset(
    {"type", "title", "description", "enum", "const", "properties", "required", "additionalProperties", "items"}
    | {"anyOf", "allOf", "$ref", "$defs", "definitions"}
)
_OPENAI = _BOTH | {
    "prefixItems", "pattern", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems",
    "maxItems",
}  # fmt: skip
_CLAUDE = _BOTH | {"default"}
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_SILENT = frozenset({"$schema", "$id", "$comment", "discriminator", "deprecated", "readOnly", "writeOnly"})
"""Not even told: they refuse nothing."""
_LOOKAROUND = re.compile(r"(?<!\\)(?:\\\\)*\(\?<?[=!]")
_NOT_HELD = frozenset({"not", "if", "dependentSchemas", "dependentRequired", "patternProperties"})
_TYPED = frozenset({"type", "$ref", "enum", "const", "anyOf", "oneOf", "allOf"})
_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_DEFINED = ("$defs", "definitions")
_MAX_TOLD = 200


def strict_schema(schema: Mapping[str, Any]) -> Schema:
    """OpenAI's: objects are closed, and all their members required; nothing stands beside a reference."""

    def change(one: Schema) -> Schema:
        one = _told(_plain(one), _OPENAI, _FORMATS)
        if "properties" in one:
            one["required"] = list(one["properties"])
        return one

    return walk(schema, change)


def claude_schema(schema: Mapping[str, Any]) -> Schema:
    """Claude's: objects are closed; no bounds but "one at least" of a list."""

    def change(one: Schema) -> Schema:
        known = _CLAUDE | {"minItems"} if one.get("minItems") in (0, 1) else _CLAUDE
        return _told(_plain(one), known, _FORMATS | {"uri"})

    return walk(schema, change)


def holds(draft: Draft, field: str, schema: Mapping[str, Any], *, recursive: bool = True) -> bool:
    """Whether a model can be held to a schema, `recursive`: also to one that holds itself. What it cannot is reported
    under the field."""
    if not is_closed(schema):
        draft.cannot(field, "an object in the schema does not name its members, or a value its type")
    elif not recursive and is_recursive(schema):
        draft.cannot(field, "the schema holds itself")
    else:
        return True
    return False


def strict_tool(draft: Draft, tool: Tool, *, recursive: bool = True) -> bool | None:
    """What a tool says of being strict, where that is known here; False where its schema does not allow it."""
    field = f"tools[{tool.name}].strict"
    if tool.strict and not draft.dialect.strict_tools:
        draft.cannot(field, "not taken here")
    if not draft.dialect.strict_tools:
        return None
    return tool.strict and holds(draft, field, tool.input_schema, recursive=recursive)


def claude_input(draft: Draft, tool: Tool) -> tuple[Schema, bool | None]:
    """The schema of a tool as Claude takes it, and whether its calls are held to it, where that is known here."""
    strict = strict_tool(draft, tool, recursive=False)
    return (claude_schema(tool.input_schema) if strict else tool.input_schema), strict


def is_closed(schema: Any, depth: int = 0) -> bool:
    """Whether every object names its members and every value its type. Where one does not, an answer that is held to
    the schema could hold nothing there."""
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return False
    one = cast("Schema", schema)
    if _NOT_HELD & one.keys() or not _TYPED & one.keys() or len(one.get("allOf", ())) > 1:
        return False
    if one.get("additionalProperties") or (one.get("type") == "object" and "properties" not in one):
        return False
    if one.get("type") == "array" and not {"items", "prefixItems"} & one.keys():
        return False
    return all(is_closed(inner, depth + 1) for inner in subschemas(one) if inner is not False)


def is_recursive(schema: Mapping[str, Any]) -> bool:
    """Whether a reference leads to where it stands in."""
    places: dict[str, Any] = {"#": {name: value for name, value in schema.items() if name not in _DEFINED}}
    for key in _DEFINED:
        places |= {f"#/{key}/{name}": inner for name, inner in schema.get(key, {}).items()}
    try:
        TopologicalSorter({place: _references(inner) for place, inner in places.items()}).prepare()
    except CycleError:
        return True
    return False


def _references(schema: Any, depth: int = 0) -> set[str]:
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return set()
    one = cast("Schema", schema)
    own = {one["$ref"]} if isinstance(one.get("$ref"), str) else set[str]()
    return own.union(*(_references(inner, depth + 1) for inner in subschemas(one)))


def _plain(schema: Schema) -> Schema:
    """The same in words that both know."""
    one = dict(schema)
    if "oneOf" in one and "anyOf" not in one:
        one["anyOf"] = one.pop("oneOf")
    if isinstance(one.get("items"), list):
        one["prefixItems"] = one.pop("items")
    if len(parts := one.get("allOf", ())) == 1 and isinstance(parts[0], Mapping):
        del one["allOf"]
        one = {**cast("Schema", parts[0]), **one}
    if "$ref" in one and one.keys() - {"$ref", *_DEFINED, *_SILENT}:
        one["anyOf"] = [{"$ref": one.pop("$ref")}]
    values: Any = one.get("enum")
    if isinstance(values, list) and "type" not in one:
        kinds = list(dict.fromkeys(_TYPES.get(type(value), "object") for value in cast("list[object]", values)))
        one["type"] = kinds[0] if len(kinds) == 1 else kinds
    if one.get("type") == "object" or "properties" in one:
        one |= {"properties": one.get("properties", {}), "additionalProperties": False}
    return one


def _told(schema: Schema, known: frozenset[str], formats: frozenset[str]) -> Schema:
    """What is known of a schema, and all else as words of its description."""
    kept: Schema = {}
    told: list[str] = []
    for name, value in schema.items():
        odd = name == "pattern" and isinstance(value, str) and _LOOKAROUND.search(value)
        if (name in known and not odd) or (name == "format" and value in formats):
            kept[name] = value
        elif name not in _SILENT and not (name == "default" and value is None):
            told.append(f"{name}: {json.dumps(value, ensure_ascii=False)[:_MAX_TOLD]}")
    if told:
        kept["description"] = f"{kept.get('description', '')} ({', '.join(sorted(told))})".strip()
    return kept
