"""The request models: what plain values stand for, what is refused and in which words."""

from __future__ import annotations

import base64
import pickle
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from zen_native import (
    AudioContent,
    CacheHint,
    CachePolicy,
    DocumentContent,
    GenerationOptions,
    ImageContent,
    LLMRequest,
    Message,
    ReasoningOptions,
    ResponseFormat,
    TextContent,
    Tool,
    ToolChoice,
    ToolResultContent,
)


def _message(error: pytest.ExceptionInfo[ValidationError]) -> str:
    return str(error.value.errors()[0]["msg"])


def test_a_string_is_one_user_message() -> None:
    request = LLMRequest(model="openai/gpt-5.4", messages="Hello", system="Be brief.")  # type: ignore[arg-type]
    assert request.messages == (Message(role="user", content=(TextContent(text="Hello"),)),)
    assert request.system == (TextContent(text="Be brief."),)


def test_plain_dicts_are_messages_parts_and_tools() -> None:
    request = LLMRequest.model_validate(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": ["look", {"type": "image", "url": "https://example.com/a.png"}]},
                {"role": "assistant", "content": {"type": "tool-call", "id": "1", "name": "f", "input": {}}},
                {"role": "tool", "content": [{"type": "tool-result", "id": "1", "result": {"a": 1}}]},
            ],
            "tools": [{"name": "f"}],
        }
    )
    assert [part.type for message in request.messages for part in message.content] == [
        "text",
        "image",
        "tool-call",
        "tool-result",
    ]


def test_one_word_stands_for_an_option() -> None:
    request = LLMRequest.model_validate(
        {"model": "m", "messages": "x", "tool_choice": "required", "reasoning": "high", "response_format": "json"}
    )
    assert request.tool_choice == ToolChoice(mode="required")
    assert request.reasoning == ReasoningOptions(effort="high")
    assert request.response_format == ResponseFormat(type="json")


@pytest.mark.parametrize(("given", "off"), [(True, False), (False, True), ("none", True), ("low", False)])
def test_reasoning_on_and_off(given: object, off: bool) -> None:
    request = LLMRequest.model_validate({"model": "m", "messages": "x", "reasoning": given})
    assert request.reasoning is not None
    assert request.reasoning.off is off


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (LLMRequest, {"model": "m", "mesages": "x"}, "LLMRequest has no field 'mesages'; did you mean 'messages'?"),
        (GenerationOptions, {"temprature": 1}, "GenerationOptions has no field 'temprature'; did you mean"),
        (TextContent, {"txt": "x"}, "TextContent has no field 'txt'; did you mean 'text'?"),
        (CacheHint, {"zzz": 1}, "CacheHint has no field 'zzz'; it has: ttl_seconds"),
    ],
)
def test_a_typo_says_what_was_meant(model: type[Any], data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        model.model_validate(data)
    assert message in _message(error)


@pytest.mark.parametrize(
    ("role", "part", "message"),
    [
        ("user", ToolResultContent(id="1", result=1), "stand in a message of role 'tool'"),
        ("system", ImageContent(url="https://example.com/a.png"), "a system message cannot hold 'image'"),
        ("tool", TextContent(text="x"), "a tool message cannot hold 'text'"),
        ("assistant", ToolResultContent(id="1", result=1), "only results of tools that the provider ran"),
    ],
)
def test_a_part_in_the_wrong_message(role: Any, part: Any, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Message(role=role, content=(part,))
    assert message in _message(error)


def test_a_request_without_messages_is_refused() -> None:
    with pytest.raises(ValidationError):
        LLMRequest(model="m", messages=())


def test_bytes_become_base64_and_data_urls_are_taken_apart() -> None:
    image = ImageContent.model_validate({"data": b"\x89PNG", "mime_type": "image/png"})
    assert image.data == base64.b64encode(b"\x89PNG").decode()
    same = ImageContent(url=f"data:image/png;base64,{image.data}")
    assert (same.data, same.url, same.mime_type) == (image.data, None, "image/png")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "needs exactly one of data, url and file_id"),
        ({"url": "https://example.com/a", "file_id": "f"}, "needs exactly one of data, url and file_id"),
        ({"data": "AAAA"}, "with data needs its mime_type"),
        ({"url": "data:image/png,plain"}, "a data URL must be base64"),
    ],
)
@pytest.mark.parametrize("kind", [ImageContent, DocumentContent, AudioContent])
def test_media_with_unclear_source(kind: type[Any], data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        kind(**data)
    assert message in _message(error)


def test_cache_true_is_a_hint() -> None:
    assert TextContent.model_validate({"text": "x", "cache": True}).cache == CacheHint()
    assert TextContent.model_validate({"text": "x", "cache": False}).cache is None


def test_a_result_is_a_value_or_content() -> None:
    with pytest.raises(ValidationError) as error:
        ToolResultContent(id="1", result=1, content=(TextContent(text="x"),))
    assert "result or content, not both" in _message(error)


def test_of_tools_with_one_name_the_last_counts() -> None:
    tools = (Tool(name="a", description="old"), Tool(name="b"), Tool(name="a", description="new"))
    request = LLMRequest(model="m", messages=(Message(role="user", content=()),), tools=tools)
    assert [(tool.name, tool.description) for tool in request.tools] == [("a", "new"), ("b", None)]


@pytest.mark.parametrize("data", [{"mode": "tool"}, {"mode": "auto", "name": "f"}])
def test_a_tool_choice_names_a_tool_or_none(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ToolChoice(**data)


@pytest.mark.parametrize("data", [{"type": "json_schema"}, {"type": "json", "json_schema": {}}])
def test_a_response_format_has_a_schema_or_none(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ResponseFormat(**data)


def test_a_function_is_a_tool() -> None:
    def get_weather(city: str, days: int = 1, unit: Annotated[str, Field(description="C or F")] = "C") -> str:
        """The weather of a city.

        Longer text belongs to it.

        Args:
            city: Which one,
                by its English name.
            days (int): How many.

        Returns:
            Text.
        """
        return f"{city} {days} {unit}"

    request = LLMRequest.model_validate({"model": "m", "messages": "x", "tools": [get_weather]})
    tool = request.tools[0]
    assert tool.handler is get_weather
    assert (tool.name, tool.description) == ("get_weather", "The weather of a city.\n\nLonger text belongs to it.")
    assert tool.input_schema == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Which one, by its English name."},
            "days": {"type": "integer", "default": 1, "description": "How many."},
            "unit": {"type": "string", "default": "C", "description": "C or F"},
        },
        "required": ["city"],
    }
    assert "handler" not in tool.model_dump()


def test_a_function_with_unnamed_arguments_is_no_tool() -> None:
    def gather(*items: str) -> None:
        """Nothing."""

    with pytest.raises(ValidationError) as error:
        LLMRequest.model_validate({"model": "m", "messages": "x", "tools": [gather]})
    assert "'items' cannot be given by name" in _message(error)


def test_a_request_survives_pickle_and_json() -> None:
    request = LLMRequest.model_validate({"model": "m", "messages": "x", "cache": CachePolicy(tools=True, messages=2)})
    assert pickle.loads(pickle.dumps(request)) == request
    assert LLMRequest.model_validate_json(request.model_dump_json()) == request


def test_a_request_is_frozen() -> None:
    request = LLMRequest.model_validate({"model": "m", "messages": "x"})
    with pytest.raises(ValidationError):
        request.model = "n"  # type: ignore[misc]
