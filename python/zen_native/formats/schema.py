"""JSON Schema in the subsets that providers take.

Owns Google's subset, Moonshot's, and the way through a schema. A projection never makes a schema refuse what it
accepted before; those that do, for answers that are held to a schema, are in `strict`.

Sources: https://ai.google.dev/api/generate-content#FIELDS.response_json_schema (supported keywords),
https://platform.moonshot.ai/docs/guide/use-moonshot-flavored-json-schema
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .common import Draft

__all__ = ["MAX_DEPTH", "Schema", "google_schema", "google_schema_of", "moonshot_schema", "subschemas", "walk"]

Schema = dict[str, Any]

MAX_DEPTH = 64
_MAX_SCHEMAS = 20_000
"""How many schemas references are unfolded to: those that refer to others twice double with every level."""

# Keywords that hold schemas: by name, in a list, or one.
_BY_NAME = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")

_GOOGLE_KEYWORDS = frozenset(
    {"type", "title", "description", "enum", "format", "items", "prefixItems", "minItems", "maxItems", "minimum"}
    | {"maximum", "anyOf", "properties", "additionalProperties", "required"}
)
_SILENT = ("$defs", "definitions", "$schema", "$id", "$comment", "default", "examples", "deprecated")
"""Keywords that refuse nothing, or that references were put in place of."""
_GOOGLE_FORMATS = frozenset({"date", "date-time", "time", "int32", "int64", "float", "double", "enum"})


def moonshot_schema(schema: Mapping[str, Any]) -> Schema:
    """No siblings beside `$ref`, the type inside the alternatives and not beside them, no tuples."""

    def adapt(one: Schema) -> Schema:
        if "$ref" in one:
            return {"$ref": one["$ref"]}
        if isinstance(one.get("items"), list):
            items = _listed(one["items"])
            one = {**one, "items": items[0] if len(items) == 1 else {"anyOf": items} if items else {}}
        alternatives = one.get("anyOf")
        if isinstance(alternatives, list) and "type" in one:
            inner = [{"type": one["type"], **_schema(option)} for option in _listed(alternatives)]
            one = {**{name: value for name, value in one.items() if name != "type"}, "anyOf": inner}
        return one

    return walk(schema, adapt)


def google_schema(schema: Mapping[str, Any]) -> tuple[Schema, tuple[str, ...]]:
    """The subset that Google takes, and the keywords that were lost on the way."""
    lost: dict[str, None] = {}
    projected = _Google(schema, lost).project(_schema(schema), (), 0)
    return projected, tuple(lost)


def google_schema_of(draft: Draft, schema: Mapping[str, Any]) -> Schema:
    """The same, with what was lost reported."""
    projected, lost = google_schema(schema)
    for keyword in lost:
        draft.note(f"the schema keyword {keyword!r} was left out")
    return projected


class _Google:
    """References are put in place, a reference within itself becomes any value; what has no equal is lost."""

    def __init__(self, root: Mapping[str, Any], lost: dict[str, None]) -> None:
        self._root = root
        self._lost = lost
        self._left = _MAX_SCHEMAS

    def project(self, schema: Schema, within: tuple[str, ...], depth: int) -> Schema:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            self._lost["nesting" if depth > MAX_DEPTH else "size"] = None
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if reference in within:
                self._lost["recursive $ref"] = None
                return {"type": "object"}
            target = self._resolve(reference)
            siblings = {name: value for name, value in schema.items() if name != "$ref"}
            return self.project({**target, **siblings}, (*within, reference), depth)
        out: Schema = {}
        for name, value in self._modern(schema).items():
            if name in _GOOGLE_KEYWORDS:
                out[name] = self._inside(name, value, within, depth + 1)
            elif name not in _SILENT:
                self._lost[name] = None
        if "required" in out:
            known = out.get("properties", {})
            out["required"] = [name for name in out["required"] if name in known]
        return {name: value for name, value in out.items() if value not in (None, [])}

    def _resolve(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping) or not reference.startswith("#"):
            self._lost["$ref"] = None
            return {}
        return _schema(found)

    def _inside(self, name: str, value: Any, within: tuple[str, ...], depth: int) -> Any:
        if name == "properties":
            named = _schema(value)
            return {key: self.project(_schema(one), within, depth) for key, one in named.items()}
        if name in ("anyOf", "prefixItems"):
            return [self.project(_schema(one), within, depth) for one in _listed(value)]
        if name in ("items", "additionalProperties") and isinstance(value, Mapping):
            return self.project(_schema(value), within, depth)
        if name == "format" and value not in _GOOGLE_FORMATS:
            self._lost[f"format {value}"] = None
            return None
        return value

    def _modern(self, schema: Schema) -> Schema:
        """Old and other spellings in those that Google knows."""
        one = dict(schema)
        if "const" in one:
            one["enum"] = [one.pop("const")]
        if isinstance(one.get("enum"), list):
            one = _enum_of(one)
            if not {"enum", "type"} & one.keys():
                self._lost["enum"] = None
        if "oneOf" in one and "anyOf" not in one:
            one["anyOf"] = one.pop("oneOf")
        if isinstance(one.get("items"), list):
            one["prefixItems"] = one.pop("items")
            one.pop("additionalItems", None)
        one = _bounds(one)
        for part in _listed(one.pop("allOf", [])):
            one = _both(one, self._modern(self._followed(_schema(part))))
        return one

    def _followed(self, schema: Schema) -> Schema:
        """A part of `allOf` behind its reference; one level, so that none runs in a circle."""
        reference = schema.get("$ref")
        return self._without_all_of(self._resolve(reference)) if isinstance(reference, str) else schema

    def _without_all_of(self, schema: Schema) -> Schema:
        if "allOf" in schema:
            self._lost["allOf behind $ref"] = None
        return {name: value for name, value in schema.items() if name != "allOf"}


def _enum_of(schema: Schema) -> Schema:
    """Google's enums hold text or numbers; null is a type, and truth values need no list."""
    values = _listed(schema["enum"])
    fit = [value for value in values if isinstance(value, (str, int, float)) and not isinstance(value, bool)]
    one = {name: value for name, value in schema.items() if name != "enum"}
    if fit and not any(isinstance(value, bool) for value in values):
        one["enum"] = fit
        if None in values and isinstance(one.get("type"), str) and one["type"] != "null":
            one["type"] = [one["type"], "null"]
    elif "type" not in one and values and all(isinstance(value, bool) for value in values):
        one["type"] = "boolean"
    return one


def _bounds(schema: Schema) -> Schema:
    """Exclusive bounds as inclusive ones: the next whole number where numbers are whole, else the bound itself. In
    draft 4 they are flags beside the bound."""
    one = dict(schema)
    step = 1 if one.get("type") == "integer" else 0
    for exclusive, inclusive, sign in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        said = one.pop(exclusive, None)
        if said is True and isinstance(one.get(inclusive), (int, float)):
            one[inclusive] += sign * step
        elif isinstance(said, (int, float)) and not isinstance(said, bool):
            bound = said + sign * step
            before = one.get(inclusive)
            one[inclusive] = bound if before is None else max(before * sign, bound * sign) * sign
    return one


def _both(first: Schema, second: Schema) -> Schema:
    """What two schemas say together, where that can be said in one."""
    merged = {**second, **first}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**second["properties"], **first["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = list(dict.fromkeys([*first["required"], *second["required"]]))
    return merged


def walk(schema: Mapping[str, Any], change: Callable[[Schema], Schema], depth: int = 0) -> Schema:
    """The schema with every schema in it changed, the innermost first."""
    one: Schema = dict(schema)
    if depth > MAX_DEPTH:
        return one
    for name, value in one.items():
        if name in _BY_NAME and isinstance(value, Mapping):
            named = cast("Mapping[str, Any]", value)
            one[name] = {key: _deeper(inner, change, depth) for key, inner in named.items()}
        elif (name in _LISTS or name == "items") and isinstance(value, list):
            one[name] = [_deeper(inner, change, depth) for inner in _listed(value)]
        elif name in _SINGLE:
            one[name] = _deeper(value, change, depth)
    return change(one)


def _deeper(value: Any, change: Callable[[Schema], Schema], depth: int) -> Any:
    return walk(cast("Mapping[str, Any]", value), change, depth + 1) if isinstance(value, Mapping) else value


def subschemas(schema: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas that stand directly in one."""
    for name, value in schema.items():
        if name in _BY_NAME and isinstance(value, Mapping):
            yield from cast("Mapping[str, Any]", value).values()
        elif (name in _LISTS or name == "items") and isinstance(value, list):
            yield from _listed(value)
        elif name in _SINGLE:
            yield value


def _schema(value: Any) -> Schema:
    """A schema; `true`, `false` and what is none accept anything here."""
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}


def _listed(value: Any) -> list[Any]:
    """The list, or an empty one for anything else."""
    return list(cast("Iterable[Any]", value)) if isinstance(value, list) else []
