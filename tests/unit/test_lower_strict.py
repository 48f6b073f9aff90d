"""JSON Schema for answers that are held to it: what OpenAI's strict mode and Claude take, and what they cannot."""

from __future__ import annotations

import enum
import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from tests.kit.lowering import ask, body_of

import zen_native as zen
from zen_native.formats import lower
from zen_native.formats.strict import claude_schema, is_closed, is_recursive, strict_schema
from zen_native.structured import Output


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)] = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    name: Annotated[str, Field(min_length=1, pattern="^[A-Z]")] | None = None


class Mood(enum.Enum):
    GOOD = "good"
    UNKNOWN = 0


class Home(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind", description="who lives there")]
    first: Cat = Field(description="the first of all")
    mood: Mood = Mood.GOOD
    rooms: set[str] = set()
    when: Annotated[list[int], Field(min_length=2, max_length=3)] = []


class Tree(BaseModel):
    children: list[Tree] = []


class Notes(BaseModel):
    by_name: dict[str, int]


def names(schema: Any) -> set[str]:
    """Every keyword that a schema uses, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(names, schema))
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for name, value in schema.items():
        inner = value.values() if name in ("properties", "$defs") else [value] if name != "enum" else []
        found |= set().union(*map(names, inner))
    return found


OPENAI = {
    "type", "title", "description", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf",
    "$ref", "$defs", "pattern", "minimum", "maximum", "minItems", "maxItems",
}  # fmt: skip


def test_openai_takes_every_keyword_that_is_left() -> None:
    """It refuses `default`, `oneOf`, `discriminator`, `uniqueItems`, lengths, and anything beside `$ref`."""
    schema = strict_schema(Home.model_json_schema())
    assert names(schema) <= OPENAI
    assert schema["required"] == list(Home.model_fields)
    home, defs = schema["properties"], schema["$defs"]
    assert home["pet"] == {
        "anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}], "description": "who lives there", "title": "Pet",
    }  # fmt: skip
    assert home["first"] == {"anyOf": [{"$ref": "#/$defs/Cat"}], "description": "the first of all"}
    assert home["mood"] == {"anyOf": [{"$ref": "#/$defs/Mood"}], "description": '(default: "good")'}
    assert defs["Mood"]["type"] == ["string", "integer"]
    assert home["rooms"]["description"] == "(default: [], uniqueItems: true)"
    assert home["when"]["minItems"] == 2
    assert defs["Cat"]["properties"]["lives"] == {
        "type": "integer", "title": "Lives", "minimum": 1, "maximum": 9, "description": "(default: 9)",
    }  # fmt: skip
    name, none = defs["Dog"]["properties"]["name"]["anyOf"]
    assert name == {"type": "string", "pattern": "^[A-Z]", "description": "(minLength: 1)"}
    assert none == {"type": "null"}


def test_claude_takes_every_keyword_that_is_left() -> None:
    """It refuses bounds of numbers and lengths, patterns that it does not know, and lists of two and more."""
    schema = claude_schema(Home.model_json_schema())
    assert names(schema) <= OPENAI - {"pattern", "minimum", "maximum", "maxItems", "minItems"} | {"default"}
    assert schema["required"] == ["pet", "first"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["when"]["description"] == "(maxItems: 3, minItems: 2)"
    assert schema["$defs"]["Cat"]["properties"]["lives"] == {
        "type": "integer", "title": "Lives", "default": 9, "description": "(maximum: 9, minimum: 1)",
    }  # fmt: skip
    assert claude_schema({"type": "array", "items": {}, "minItems": 1})["minItems"] == 1


@pytest.mark.parametrize(
    ("given", "strict"),
    [
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "path"}, {"type": "string", "description": '(format: "path")'}),
        ({"type": "string", "pattern": "(?=a)b"}, {"type": "string", "description": '(pattern: "(?=a)b")'}),
        ({"type": "string", "pattern": r"\(?=a"}, {"type": "string", "pattern": r"\(?=a"}),
        ({"allOf": [{"type": "string"}], "description": "d"}, {"type": "string", "description": "d"}),
        ({"type": "integer", "default": None, "$comment": "c"}, {"type": "integer"}),
        ({"enum": ["a", None, 1.5]}, {"enum": ["a", None, 1.5], "type": ["string", "null", "number"]}),
        ({"enum": [True]}, {"enum": [True], "type": "boolean"}),
    ],
)
def test_openai_keywords_one_by_one(given: dict[str, Any], strict: dict[str, Any]) -> None:
    assert strict_schema(given) == strict


def test_what_was_given_is_untouched() -> None:
    schema = Home.model_json_schema()
    before = json.dumps(schema)
    strict_schema(schema)
    claude_schema(schema)
    assert json.dumps(schema) == before


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (Home.model_json_schema(), True),
        (Tree.model_json_schema(), True),
        (Notes.model_json_schema(), False),
        ({"type": "object", "properties": {}}, True),
        ({"type": "object"}, False),
        ({"type": "array"}, False),
        ({"type": "array", "items": {}}, False),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, True),
        ({"title": "X"}, False),
        ({"type": "object", "properties": {"a": True}}, False),
        ({"allOf": [{"type": "object", "properties": {}}, {"type": "object", "properties": {}}]}, False),
        ({"type": "string", "not": {"const": "a"}}, False),
    ],
)
def test_what_can_be_held_to(schema: dict[str, Any], closed: bool) -> None:
    assert is_closed(schema) is closed


def test_schemas_that_hold_themselves() -> None:
    assert is_recursive(Tree.model_json_schema())
    assert is_recursive({"type": "object", "properties": {"a": {"$ref": "#"}}})
    around = {"A": {"items": {"$ref": "#/$defs/B"}}, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}}
    assert is_recursive({"$defs": around, "type": "object"})
    assert not is_recursive(Home.model_json_schema())


def test_an_output_type_that_pydantic_does_not_know_is_no_request() -> None:
    class Unknown: ...

    with pytest.raises(ValueError, match=r"output_type\n.*no type for an answer: Unable to generate"):
        ask(output_type=Unknown)


# What formats do where it cannot


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses", "anthropic-messages", "bedrock-converse"])
def test_a_tool_that_cannot_be_strict_says_so(protocol: str) -> None:
    asked = ask(tools=[zen.Tool(name="note", strict=True, input_schema=Notes.model_json_schema())])
    with pytest.raises(zen.UnsupportedError, match=r"tools\[note\].strict"):
        body_of(protocol, asked, strict_tools=True)
    body = body_of(protocol, asked.model_copy(update={"strict": False}), strict_tools=True)
    assert '"additionalProperties": {"type": "integer"}' in json.dumps(body)


@pytest.mark.parametrize("protocol", ["openai-chat", "openai-responses"])
def test_an_answer_that_cannot_be_strict_says_so(protocol: str) -> None:
    form = zen.ResponseFormat(type="json_schema", json_schema=Notes.model_json_schema(), strict=True)
    with pytest.raises(zen.UnsupportedError, match=r"response_format\.strict"):
        body_of(protocol, ask(response_format=form))
    body = json.dumps(body_of(protocol, ask(response_format=form, strict=False)))
    assert '"strict": false' in body
    assert '"additionalProperties": {"type": "integer"}' in body


@pytest.mark.parametrize("kind", [Notes, Tree, dict[str, int], list[Any]])
@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-5", "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"])
def test_claude_gives_by_a_tool_what_its_schemas_cannot_say(model: str, kind: Any) -> None:
    config = zen.Config(environ={"ANTHROPIC_API_KEY": "k", "AWS_REGION": "us-east-1"})
    asked = zen.LLMRequest.model_validate({"model": model, "messages": "hi", "output_type": kind})
    known = zen.resolve(model, config)
    output = Output(asked, [known])
    assert output.way == "forced-tool"
    sent = json.dumps(lower(output.asked(asked), known, stream=True).body)
    assert "final_answer" in sent
    assert '"additionalProperties": false' not in sent


@pytest.mark.parametrize(("model", "way"), [("gemini-2.5-flash", "forced-tool"), ("gemini-3-pro", "schema")])
def test_older_geminis_take_no_schema_beside_tools(model: str, way: str) -> None:
    known = zen.resolve(f"google/{model}", zen.Config(environ={"GEMINI_API_KEY": "k"}))
    tool = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
    asked = zen.LLMRequest.model_validate({"model": model, "messages": "hi", "output_type": Cat, "tools": [tool]})
    assert Output(asked, [known]).way == way
    assert Output(asked.model_copy(update={"tools": ()}), [known]).way == "schema"
    json_mode = asked.model_copy(update={"output_type": None, "response_format": zen.ResponseFormat(type="json")})
    if way == "schema":
        assert lower(json_mode, known, stream=True).body["generationConfig"]["responseMimeType"] == "application/json"
    else:
        with pytest.raises(zen.UnsupportedError, match="response_format"):
            lower(json_mode, known, stream=True)
