"""Quirks of OpenAI-compatible servers, each as data of the dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.lowering import PNG, Report, ask, body_of, call, loop, result, route

from zen_native import LLMRequest, UnsupportedError
from zen_native.dialect import Dialect
from zen_native.formats import lower

CHAT = "openai-chat"
TOOL: dict[str, Any] = {"name": "f"}


def chat(asked: LLMRequest, **dialect: Any) -> dict[str, Any]:
    return body_of(CHAT, asked, **dialect)


def refused(asked: LLMRequest, **dialect: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        chat(asked, **dialect)
    return error.value.message


def test_max_tokens_or_max_completion_tokens() -> None:
    asked = ask(generation={"max_tokens": 5})
    assert chat(asked)["max_tokens"] == 5
    newer = chat(asked, max_tokens="max_completion_tokens")
    assert newer["max_completion_tokens"] == 5
    assert "max_tokens" not in newer


def test_system_or_developer_role() -> None:
    asked = ask(system="Be brief.")
    assert chat(asked)["messages"][0] == {"role": "system", "content": "Be brief."}
    assert chat(asked, system_role="developer")["messages"][0]["role"] == "developer"


def test_seed_has_two_names_or_none() -> None:
    asked = ask(generation={"seed": 3})
    assert chat(asked)["seed"] == 3
    assert chat(asked, seed="random_seed")["random_seed"] == 3
    assert "generation.seed" in refused(asked, seed=None)


@pytest.mark.parametrize(
    ("option", "dialect"),
    [
        ({"top_k": 1}, {}),
        ({"temperature": 1}, {"sampling": False}),
        ({"top_p": 1}, {"sampling": False}),
        ({"frequency_penalty": 1}, {"penalties": False}),
        ({"presence_penalty": 1}, {"penalties": False}),
        ({"stop": ["x"]}, {"stop": False}),
    ],
)
def test_an_option_that_a_server_refuses_is_named(option: dict[str, Any], dialect: dict[str, Any]) -> None:
    (name,) = option
    assert f"generation.{name}" in refused(ask(generation=option), **dialect)


def test_zero_is_an_option_and_not_none() -> None:
    assert chat(ask(generation={"temperature": 0, "seed": 0}))["temperature"] == 0


def test_usage_of_a_stream_is_asked_for_only_where_that_is_known() -> None:
    asked = ask()
    streamed = lower(asked, route(CHAT), stream=True).body
    assert streamed["stream_options"] == {"include_usage": True}
    assert "stream_options" not in lower(asked, route(CHAT, dialect=Dialect(stream_usage=False)), stream=True).body
    assert "stream" not in chat(asked)


def test_store_is_refused_only_where_that_is_known() -> None:
    assert "store" not in chat(ask())
    assert chat(ask(), store=True)["store"] is False


# Tools


def test_no_tools_or_an_empty_list_of_them() -> None:
    asked = ask(messages=loop("1"))
    assert "tools" not in chat(asked)
    assert chat(asked, empty_tools=True)["tools"] == []
    assert "tools" not in chat(ask(), empty_tools=True)


def test_some_tool_is_required_or_any() -> None:
    asked = ask(tools=[TOOL], tool_choice="required")
    assert chat(asked)["tool_choice"] == "required"
    assert chat(asked, required_choice="any")["tool_choice"] == "any"


def test_a_choice_without_tools_is_left_out_or_an_error() -> None:
    assert "tool_choice" not in chat(ask(tool_choice="auto"))
    assert "tool_choice" in refused(ask(tool_choice="required"))


def test_parallel_calls_can_be_forbidden_or_not() -> None:
    asked = ask(tools=[TOOL], tool_choice={"parallel": False})
    assert chat(asked)["parallel_tool_calls"] is False
    assert "tool_choice.parallel" in refused(asked, parallel_tool_calls=False)
    allowed = ask(tools=[TOOL], tool_choice={"parallel": True})
    assert "parallel_tool_calls" not in chat(allowed, parallel_tool_calls=False)


def test_strict_tools_where_they_are_known() -> None:
    asked = ask(tools=[{"name": "f", "strict": True}])
    function = chat(asked, strict_tools=True)["tools"][0]["function"]
    assert function["strict"] is True
    assert function["parameters"]["additionalProperties"] is False
    assert "tools[f].strict" in refused(asked)


def test_freeform_tools_where_they_are_known() -> None:
    asked = ask(tools=[{"name": "f", "freeform": True}], tool_choice={"mode": "tool", "name": "f"})
    body = chat(asked, freeform_tools=True)
    assert body["tools"] == [{"type": "custom", "custom": {"name": "f"}}]
    assert body["tool_choice"] == {"type": "custom", "custom": {"name": "f"}}
    assert "tools[f].freeform" in refused(asked)


def test_native_tools_go_as_they_are() -> None:
    native = {"type": "web_search", "max_results": 3}
    assert chat(ask(tools=[{"name": "search", "native": native}]))["tools"] == [native]


def test_streamed_arguments_are_asked_for() -> None:
    assert chat(ask(tools=[TOOL]), tool_stream=True)["tool_stream"] is True
    assert "tool_stream" not in chat(ask(), tool_stream=True)


def test_moonshot_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "anyOf": [{"minLength": 1}, {"maxLength": 9}]}}}
    asked = ask(tools=[{"name": "f", "input_schema": schema}])
    said = chat(asked, tool_schema="moonshot")["tools"][0]["function"]["parameters"]["properties"]["a"]
    assert said == {"anyOf": [{"type": "string", "minLength": 1}, {"type": "string", "maxLength": 9}]}


def test_google_schema_behind_a_compatible_server() -> None:
    schema = {"type": "object", "properties": {"a": {"const": "x"}}}
    asked = ask(tools=[{"name": "f", "input_schema": schema}])
    said = chat(asked, tool_schema="gemini")["tools"][0]["function"]["parameters"]["properties"]["a"]
    assert said == {"enum": ["x"]}


# Ids of calls


def _ids(asked: LLMRequest, **dialect: Any) -> tuple[list[str], list[str]]:
    messages = chat(asked, **dialect)["messages"]
    calls = [one["id"] for message in messages for one in message.get("tool_calls", [])]
    return calls, [message["tool_call_id"] for message in messages if message["role"] == "tool"]


LONG = "call_" + "x" * 60


def test_mistral_ids_are_nine_letters_or_digits() -> None:
    calls, results = _ids(ask(messages=loop("call_1", "abcDEF123", "call_2")), tool_ids="alphanumeric-9")
    assert calls == results
    assert calls[1] == "abcDEF123"
    assert all(len(one) == 9 and one.isalnum() for one in calls)
    assert len({*calls}) == 3


def test_claude_ids_are_words() -> None:
    calls, results = _ids(ask(messages=loop("functions.f:0", "functions_f_0", LONG + LONG)), tool_ids="word")
    assert calls == results
    assert calls[0] == "functions_f_0"
    assert all(len(one) <= 64 and one.replace("_", "").isalnum() for one in calls)
    assert len({*calls}) == 3


def test_openai_ids_have_forty_characters() -> None:
    calls, results = _ids(ask(messages=loop("call_1", LONG, LONG + "y")), tool_ids="short")
    assert calls == results
    assert calls[0] == "call_1"
    assert [len(one) for one in calls[1:]] == [40, 40]
    assert calls[1] != calls[2]


def test_other_ids_stay() -> None:
    assert _ids(ask(messages=loop("functions.f:0", LONG)))[0] == ["functions.f:0", LONG]


# Messages


def test_mistral_has_an_answer_between_tool_and_user() -> None:
    asked = ask(messages=loop("1", then="Thanks."))
    roles = [message["role"] for message in chat(asked, answer_after_tools=True)["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert [message["role"] for message in chat(asked)["messages"]] == ["user", "assistant", "tool", "user"]


def _picture_loop() -> list[Any]:
    image = {"type": "image", "data": PNG, "mime_type": "image/png"}
    turns = loop("1", then="And?")
    turns[2] = {"role": "tool", "content": [{"type": "tool-result", "id": "1", "content": [image]}]}
    return turns


def test_media_of_a_result_move_to_a_user_message() -> None:
    messages = chat(ask(messages=_picture_loop()))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "user", "user"]
    assert isinstance(messages[2]["content"], str)
    assert [part["type"] for part in messages[3]["content"]] == ["text", "image_url"]


def test_media_of_a_result_behind_the_filler() -> None:
    messages = chat(ask(messages=_picture_loop()), answer_after_tools=True)["messages"]
    assert [message["role"] for message in messages][2:] == ["tool", "assistant", "user", "user"]


def test_empty_assistant_messages_are_dropped() -> None:
    turns = ["Hello", {"role": "assistant", "content": ""}, {"role": "assistant", "content": []}, "Hello?"]
    assert [message["role"] for message in chat(ask(messages=turns))["messages"]] == ["user", "user"]


def test_an_assistant_message_of_nothing_but_foreign_reasoning_is_dropped() -> None:
    thought = {"type": "reasoning", "text": "x", "signature": "s", "metadata": {"elsewhere": {}}}
    turns = ["Hello", {"role": "assistant", "content": [thought]}, "Hello?"]
    assert [message["role"] for message in chat(ask(messages=turns))["messages"]] == ["user", "user"]


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("document", {"type": "document", "data": "AAAA", "mime_type": "application/pdf"}),
        ("audio", {"type": "audio", "data": "AAAA", "mime_type": "audio/wav"}),
        ("image-file", {"type": "image", "file_id": "f"}),
    ],
)
def test_media_that_a_server_does_not_take_are_named(kind: str, part: dict[str, Any]) -> None:
    assert f"{kind} content" in refused(ask(messages=[{"role": "user", "content": [part]}]))


def test_a_server_without_any_media() -> None:
    part = {"type": "image", "data": PNG, "mime_type": "image/png"}
    assert "image content" in refused(ask(messages=[{"role": "user", "content": [part]}]), media=frozenset())


def test_images_of_an_unknown_type_are_refused() -> None:
    part = {"type": "image", "data": "AAAA", "mime_type": "image/tiff"}
    assert "image/tiff" in refused(ask(messages=[{"role": "user", "content": [part]}]))


def test_refusals_go_back_as_refusals() -> None:
    part = {"type": "text", "text": "No.", "metadata": {"here": {"refusal": True}}}
    message = chat(ask(messages=["x", {"role": "assistant", "content": [part]}]))["messages"][1]
    assert message == {"role": "assistant", "content": None, "refusal": "No."}


# Reasoning


@pytest.mark.parametrize(
    ("asked", "way", "said"),
    [
        ("high", "reasoning_effort", {"reasoning_effort": "high"}),
        ("none", "reasoning_effort", {"reasoning_effort": "none"}),
        (True, "reasoning_effort", {}),
        ("high", "reasoning", {"reasoning": {"effort": "high"}}),
        ({"budget_tokens": 9}, "reasoning", {"reasoning": {"max_tokens": 9}}),
        ({"effort": "low", "summary": "none"}, "reasoning", {"reasoning": {"effort": "low", "exclude": True}}),
        (True, "reasoning", {"reasoning": {"enabled": True}}),
        (False, "reasoning", {"reasoning": {"enabled": False}}),
        ("high", "thinking", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        (False, "thinking", {"thinking": {"type": "disabled"}}),
        ({"budget_tokens": 9}, "enable_thinking", {"enable_thinking": True, "thinking_budget": 9}),
        (False, "enable_thinking", {"enable_thinking": False}),
    ],
)
def test_reasoning_is_asked_for_in_the_words_of_the_server(asked: Any, way: str, said: dict[str, Any]) -> None:
    body = chat(ask(reasoning=asked), reasoning=way)
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == said


def test_reasoning_that_cannot_be_asked_for_is_named() -> None:
    assert "reasoning" in refused(ask(reasoning="high"), reasoning=None)
    assert "reasoning.budget_tokens" in refused(ask(reasoning={"budget_tokens": 9}))
    assert "reasoning.effort" in refused(ask(reasoning="high"), reasoning="enable_thinking")


def _thought(**fields: Any) -> list[Any]:
    part = {"type": "reasoning", "text": "Hm.", **fields}
    return [
        "x",
        {"role": "assistant", "content": [part, "Yes.", call("1")]},
        {"role": "tool", "content": [result("1")]},
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text"])
def test_reasoning_goes_back_under_the_field_it_came_under(field: str) -> None:
    asked = ask(messages=_thought(metadata={"here": {"field": field}}))
    assert chat(asked)["messages"][1][field] == "Hm."
    assert field not in chat(asked, reasoning_field=None)["messages"][1]


def test_deepseek_wants_reasoning_beside_calls_even_if_it_is_empty() -> None:
    dialect: dict[str, Any] = {"reasoning_field": "reasoning_content", "reasoning_required": True}
    assert chat(ask(messages=_thought()), **dialect)["messages"][1]["reasoning_content"] == "Hm."
    assert chat(ask(messages=loop("1")), **dialect)["messages"][1]["reasoning_content"] == ""
    foreign = _thought(signature="s", metadata={"elsewhere": {"field": "reasoning_content"}})
    assert chat(ask(messages=foreign), **dialect)["messages"][1]["reasoning_content"] == ""


# What the answer must be


def test_response_format() -> None:
    schema = {"type": "object", "properties": {}}
    asked = ask(response_format={"type": "json_schema", "json_schema": schema, "name": "n", "description": "d"})
    form = chat(asked)["response_format"]
    assert form == {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": schema}}
    assert chat(ask(response_format="json"))["response_format"] == {"type": "json_object"}
    assert "response_format" not in chat(ask(response_format="text"))


def test_response_format_where_it_is_not_known() -> None:
    assert "response_format" in refused(ask(output_type=Report), json_schema=False)
    assert "response_format" in refused(ask(response_format="json"), json_object=False)


# Around the question


def test_session_and_metadata_where_they_are_known() -> None:
    asked = ask(session_id="s", metadata={"a": "b"})
    known = chat(asked, prompt_cache_key=True, metadata=True)
    assert (known["prompt_cache_key"], known["metadata"]) == ("s", {"a": "b"})
    out = lower(asked, route(CHAT), stream=False)
    assert out.body.keys() == {"model", "messages"}
    assert out.warnings == ("metadata: this server takes none",)


def test_cache_marks_on_content_where_they_are_known() -> None:
    asked = ask(cache="auto", system=["A", "B"], messages=loop("1", then="Go on."), tools=[TOOL])
    messages = chat(asked, cache_control=True)["messages"]
    assert [part.get("cache_control") for part in messages[0]["content"]] == [{"type": "ephemeral"}] * 2
    assert messages[-1]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in json.dumps(chat(asked))


def test_overlays_come_last_and_deep() -> None:
    asked = ask(
        generation={"max_tokens": 5},
        tools=[TOOL],
        provider_options={"here": {"tools": [], "a": {"b": 1, "c": 2}}, "elsewhere": {"z": 1}},
        http={"body": {"a": {"c": None, "d": 3}, "max_tokens": None}},
    )
    body = chat(asked)
    assert body == {
        "model": "model",
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [],
        "a": {"b": 1, "d": 3},
    }


def test_lone_surrogates_are_replaced_everywhere() -> None:
    asked = ask(
        messages=["a\ud800b", {"role": "assistant", "content": [call("1", value={"k\udfff": "\ud83d\ude00"})]}],
        tools=[{"name": "f", "description": "\udc00"}],
    )
    text = json.dumps(chat(asked), ensure_ascii=False)
    text.encode("utf-8")
    assert text.count("\ufffd") == 3
    assert "\N{GRINNING FACE}" in text


def test_not_strict_leaves_out_and_says_so() -> None:
    asked = ask(strict=False, generation={"top_k": 1}, tools=[{"name": "f", "freeform": True}])
    out = lower(asked, route(CHAT), stream=False)
    assert out.body.keys() == {"model", "messages"}
    assert [warning.split(":")[0] for warning in out.warnings] == [
        "left out generation.top_k",
        "left out tools[f].freeform",
    ]
