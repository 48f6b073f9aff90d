"""Functions as tools: what signature and docstring become, and what is no tool."""

from __future__ import annotations

import dataclasses
import enum
import functools
import warnings
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

import zen_native as zen
from zen_native._function_schema import Arguments


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    city: str = Field(description="its name")


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


def tool(function: Any) -> zen.Tool:
    """The function as a request has it."""
    return zen.LLMRequest.model_validate({"model": "m", "messages": "hi", "tools": [function]}).tools[0]


def refusal(function: Any) -> str:
    """Why it is no tool."""
    with pytest.raises(ValidationError) as caught:
        tool(function)
    return str(caught.value.errors()[0]["msg"])


# Signatures


def test_types_of_all_kinds_become_a_schema_and_values() -> None:
    def paint(
        place: Place,
        colour: Colour,
        size: Literal["s", "l"] = "s",
        at: Point | None = None,
        times: Annotated[int, Field(description="how often", ge=1)] = 1,
    ) -> None:
        """Paint it."""

    schema = tool(paint).input_schema
    assert schema["required"] == ["place", "colour"]
    assert schema["properties"]["times"] == {
        "default": 1, "description": "how often", "minimum": 1, "type": "integer",
    }  # fmt: skip
    assert schema["$defs"]["Colour"]["enum"] == ["red", "blue"]
    read = Arguments(paint).read('{"place": {"city": "Porto"}, "colour": "blue", "at": {"x": 1}}')
    assert read == {"place": Place(city="Porto"), "colour": Colour.BLUE, "at": Point(1)}
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Arguments(paint).read('{"place": {"city": "Porto"}, "colour": "blue", "times": 0}')


class Desk:
    """A thing with methods."""

    def plain(self, drawer: int) -> int:
        """A method."""
        return drawer

    @classmethod
    def of_class(cls, drawer: int) -> int:
        """A method."""
        return drawer

    @staticmethod
    def static(drawer: int) -> int:
        """A method."""
        return drawer

    async def later(self, drawer: int) -> int:
        """A method."""
        return drawer

    def __call__(self, drawer: int) -> int:
        """A method."""
        return drawer


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (Desk().plain, "plain"), (Desk.of_class, "of_class"), (Desk.static, "static"), (Desk().later, "later"),
        (Desk(), "Desk"), (functools.partial(Desk().plain), "plain"), (functools.cache(Desk.static), "static"),
    ],
)  # fmt: skip
def test_whatever_can_be_called_is_a_tool(function: Callable[..., Any], name: str) -> None:
    got = tool(function)
    assert (got.name, got.description) == (name, "A method.")
    assert got.input_schema["properties"] == {"drawer": {"type": "integer"}}


def test_what_a_partial_function_has_already_is_no_parameter() -> None:
    """Nor told to the model: it may be a key."""

    def fetch(url: str, key: str, retries: int = 3) -> None:
        """Fetch."""

    for function in (functools.partial(fetch, key="sk-sentinel-0123456789"), functools.partial(fetch, "http://x")):
        got = tool(function)
        assert "sk-sentinel" not in got.model_dump_json()
        bound = "key" if function.keywords else "url"
        assert bound not in got.input_schema["properties"]
        with pytest.raises(ValidationError, match=f"{bound}\n.*not permitted"):
            Arguments(function).read(f'{{"url": "u", "key": "k", "{bound}": "mine"}}')


def test_a_default_that_json_cannot_say_is_left_out_in_silence() -> None:
    def look(at: Any = object()) -> None:  # noqa: B008 - what users write
        """Look."""

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tool(look).input_schema["properties"] == {"at": {}}


# Docstrings


def google_style(city: str, days: int = 1) -> None:
    """Weather.

    Args:
        city (str): its name,
            such as: Porto
        days: how many
    """


def numpy_style(city: str, days: int = 1) -> None:
    """Weather.

    Parameters
    ----------
    city : str
        its name,
        such as: Porto
    days : int, optional
        how many

    Returns
    -------
    None
    """


@pytest.mark.parametrize("function", [google_style, numpy_style])
def test_parameters_are_described_by_the_docstring(function: Callable[..., Any]) -> None:
    got = tool(function)
    assert got.description == "Weather."
    described = {name: one["description"] for name, one in got.input_schema["properties"].items()}
    assert described == {"city": "its name, such as: Porto", "days": "how many"}


# What is no tool


class Unknown:
    """Pydantic does not know it."""


def test_what_is_no_tool_says_why_and_which() -> None:
    def unknown(thing: Unknown) -> None: ...

    def missing(thing: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - it is what is tested

    def many(*things: int) -> None: ...

    def callback(then: Callable[[], None]) -> None: ...

    why = "Value error, the function {!r} is no tool: {}"
    assert refusal(unknown).startswith(why.format("unknown", "Unable to generate"))
    assert refusal(missing) == why.format("missing", "name 'Missing' is not defined")
    assert refusal(many) == why.format("many", "the parameter 'things' cannot be given by name")
    assert refusal(callback).startswith(why.format("callback", "Cannot generate a JsonSchema"))
    assert refusal(lambda x: x) == "Value error, a lambda has no name: give it one, by Tool(name=..., handler=...)"


# A tool with a function


def test_a_tool_is_described_by_its_function_where_it_does_not_say_itself() -> None:
    got = zen.Tool.model_validate({"handler": google_style, "strict": True, "description": "Mine."})
    assert (got.name, got.description, got.strict) == ("google_style", "Mine.", True)
    assert got.input_schema == tool(google_style).input_schema
    named = zen.Tool(name="double", handler=lambda x: 2 * x)
    assert (named.name, named.input_schema["required"]) == ("double", ["x"])
    own = zen.Tool(name="any", input_schema={"type": "object"}, handler=google_style)
    assert (own.description, own.input_schema) == (None, {"type": "object"})
    assert zen.Tool(name="bash", native={"type": "bash"}, handler=google_style).description is None


def test_a_function_that_cannot_be_called_by_name_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match="the parameter 'things' cannot be given by name"):
        zen.Tool(name="any", input_schema={"type": "object"}, handler=lambda *things: things)
    assert zen.Tool(name="free", freeform=True, handler=lambda *things: things).name == "free"
