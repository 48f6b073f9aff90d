"""JSON Schema in the subsets of providers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from zen_native.formats.schema import google_schema, moonshot_schema
from zen_native.formats.strict import claude_schema, is_closed, is_recursive, strict_schema

NODE: dict[str, Any] = {
    "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"type": "string"}}}},
    "$ref": "#/$defs/Node",
}


def google(schema: dict[str, Any]) -> dict[str, Any]:
    return google_schema(schema)[0]


def test_google_recursive_references_end_in_any_object() -> None:
    projected, lost = google_schema(NODE)
    assert projected == {
        "type": "object",
        "properties": {"next": {"type": "object"}, "name": {"type": "string"}},
    }
    assert lost == ("recursive $ref",)


def test_google_references_are_put_in_place_with_their_siblings() -> None:
    schema = {"definitions": {"a/b": {"type": "string"}}, "type": "array", "items": {"$ref": "#/definitions/a~1b"}}
    assert google(schema) == {"type": "array", "items": {"type": "string"}}
    beside = {"$defs": {"A": {"type": "string", "title": "A"}}, "items": {"$ref": "#/$defs/A", "description": "d"}}
    assert google(beside)["items"] == {"type": "string", "title": "A", "description": "d"}


@pytest.mark.parametrize("reference", ["#/$defs/Missing", "other.json#/a", "#/$defs/Text/x"])
def test_google_references_that_lead_nowhere_accept_anything(reference: str) -> None:
    projected, lost = google_schema({"$defs": {"Text": "x"}, "type": "array", "items": {"$ref": reference}})
    assert projected == {"type": "array", "items": {}}
    assert lost == ("$ref",)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}),
        ({"type": "integer", "exclusiveMaximum": 9}, {"type": "integer", "maximum": 8}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0}),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": 0}, {"type": "integer", "minimum": 3}),
        ({"type": "integer", "maximum": 9, "exclusiveMaximum": 5}, {"type": "integer", "maximum": 4}),
        # draft 4 has flags
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, {"type": "integer", "minimum": 1}),
        ({"type": "integer", "maximum": 9, "exclusiveMaximum": False}, {"type": "integer", "maximum": 9}),
        ({"type": "number", "exclusiveMinimum": True}, {"type": "number"}),
    ],
)
def test_google_exclusive_bounds(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert google(schema) == expected


def test_google_tuples() -> None:
    schema = {"type": "array", "items": [{"type": "string"}, {"const": 1}], "additionalItems": False}
    assert google(schema) == {"type": "array", "prefixItems": [{"type": "string"}, {"enum": [1]}]}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": "string", "enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a"]}),
        ({"enum": [True, False]}, {"type": "boolean"}),
        ({"type": "string", "enum": [True, "a"]}, {"type": "string"}),
        ({"type": "null", "const": None}, {"type": "null"}),
    ],
)
def test_google_enums_hold_text_and_numbers(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert google(schema) == expected


def test_google_says_that_it_lost_an_enum() -> None:
    assert google_schema({"enum": [True, "a"]}) == ({}, ("enum",))


def test_google_one_of_is_any_of() -> None:
    assert google({"oneOf": [{"type": "string"}, {"type": "null"}]}) == {
        "anyOf": [{"type": "string"}, {"type": "null"}]
    }


def test_google_all_of_is_put_together() -> None:
    schema = {
        "$defs": {"A": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}},
        "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}],
    }
    assert google(schema) == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }


def test_google_required_names_must_exist() -> None:
    assert google({"type": "object", "properties": {"a": {}}, "required": ["a", "b"]})["required"] == ["a"]
    assert "required" not in google({"type": "object", "required": ["b"]})


def test_google_says_what_it_lost() -> None:
    schema = {"type": "string", "pattern": "^a", "format": "email", "default": "x", "$schema": "https://example.com"}
    assert google_schema(schema) == ({"type": "string"}, ("pattern", "format email"))


def test_google_keeps_an_object_of_anything() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "number"}}
    assert google(schema) == schema


def test_strict_objects_are_closed_and_all_is_required() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string", "default": None}}}
    schema = {"type": "object", "properties": {"a": {"anyOf": [inner, {"type": "null"}]}}, "$defs": {"I": inner}}
    closed = {
        "type": "object",
        "properties": {"b": {"type": "string"}},
        "additionalProperties": False,
        "required": ["b"],
    }
    found = strict_schema(schema)
    assert found["properties"]["a"]["anyOf"][0] == closed
    assert found["$defs"]["I"] == closed
    assert (found["additionalProperties"], found["required"]) == (False, ["a"])
    assert "default" in inner["properties"]["b"]  # what was given is untouched


def test_closed_objects_may_keep_optional_members() -> None:
    found = claude_schema({"type": "object", "properties": {"a": {"default": None}}})
    assert found == {"type": "object", "properties": {"a": {"default": None}}, "additionalProperties": False}


def test_moonshot_has_no_siblings_beside_references_and_no_tuples() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/A", "description": "gone"},
            "one": {"type": "array", "items": [{"type": "string"}]},
            "two": {"type": "array", "items": [{"type": "string"}, {"type": "null"}]},
            "none": {"type": "array", "items": []},
        },
    }
    found = moonshot_schema(schema)["properties"]
    assert found["a"] == {"$ref": "#/$defs/A"}
    assert found["one"]["items"] == {"type": "string"}
    assert found["two"]["items"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert found["none"]["items"] == {}


def test_depth_is_bounded() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(400):
        deep = {"type": "array", "items": deep}
    assert google_schema(deep)[1] == ("nesting",)
    strict_schema(deep)
    moonshot_schema(deep)
    assert not is_closed(deep)
    assert not is_recursive(deep)


def test_references_that_double_do_not_explode() -> None:
    names = [f"N{i}" for i in range(40)]
    defs = {
        name: {"type": "object", "properties": {k: {"$ref": f"#/$defs/{after}"} for k in "ab"}}
        for name, after in pairwise(names)
    }
    defs["N39"] = {"type": "string"}
    projected, lost = google_schema({"$defs": defs, "$ref": "#/$defs/N0"})
    assert projected["type"] == "object"
    assert "size" in lost
