"""Content in spans: none unless it is asked for, then in the form of the conventions, bounded and without secrets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.kit import messages
from tests.kit.asking import KEY, KINDS, ask
from tests.kit.chat import chunk, sse
from tests.kit.telemetry import ANSWER, CONFIG, Answer, Seen, Wire, calls, said, told

import zen_native as zen
from zen_native.integrations._otel_content import Said

BOTH = pytest.mark.parametrize("kind", KINDS)
CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions")
PICTURE = base64.b64encode(b"pixels").decode()
ATTRIBUTE = 64 << 10


def add(a: int) -> int:
    """Add one, sentinel."""
    return a + 1


def request(*parts: Any, **fields: Any) -> zen.LLMRequest:
    return zen.LLMRequest(model="mine/m", messages=[{"role": "user", "content": parts}], **fields)


def shown(made: zen.LLMRequest, *secrets: str) -> dict[str, Any]:
    """The attributes of a request, read."""
    return {name: json.loads(str(text)) for name, text in Said(secrets).request(made).items()}


def parts_of(made: zen.LLMRequest) -> Any:
    return shown(made)["gen_ai.input.messages"][-1]["parts"]


# Whether


@BOTH
def test_nothing_that_was_said_is_told_unless_it_is_asked_for(kind: str) -> None:
    seen = Seen()
    answers = [calls("add", '{"a": 424242}'), said("sentinel of the answer")]
    more = {
        "messages": "sentinel",
        "system": "sentinel",
        "tools": [add],
        "metadata": {"user": "sentinel"},
        "provider_options": {"mine": {"user": "sentinel"}},
        "http": {"headers": {"x-a": "sentinel"}, "query": {"q": "sentinel"}, "body": {"user": "sentinel"}},
    }
    ask(kind, CONFIG, transport=Wire(*answers), telemetry=seen.telemetry(), call=more)
    refused = Answer([b'{"error": {"message": "sentinel"}}'], 400)
    once = zen.RetryPolicy(attempts=1)
    ask(kind, CONFIG, transport=Wire(refused), telemetry=seen.telemetry(), retry=once, call=more)
    # The description of a tool is not said to anybody, it is part of the program.
    text = seen.text().replace("Add one, sentinel.", "")
    assert "execute_tool add" in text
    assert "sentinel" not in text
    assert "424242" not in text
    assert "424243" not in text


@BOTH
def test_what_was_said_is_told_where_it_is_asked_for(kind: str) -> None:
    seen = Seen()
    call = {"messages": "question", "system": "be brief", "tools": [add]}
    wire = Wire(calls("add", '{"a": 1}'), said("an", "swer"))
    ask(kind, CONFIG, transport=wire, telemetry=seen.telemetry(content=True), call=call)
    first, second = seen.spans("chat")
    assert {name: json.loads(told(first)[name]) for name in CONTENT} == {
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "question"}]}],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "c0", "name": "add", "arguments": {"a": 1}}],
                "finish_reason": "tool_call",
            }
        ],
        "gen_ai.system_instructions": [{"type": "text", "content": "be brief"}],
        "gen_ai.tool.definitions": [
            {
                "type": "function",
                "name": "add",
                "description": "Add one, sentinel.",
                "parameters": {"properties": {"a": {"type": "integer"}}, "required": ["a"], "type": "object"},
            }
        ],
    }
    assert json.loads(told(second)["gen_ai.input.messages"])[1:] == [
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c0", "name": "add", "arguments": {"a": 1}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c0", "response": 2}]},
    ]
    assert json.loads(told(second)["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "answer"}], "finish_reason": "stop"}
    ]


@BOTH
def test_what_came_before_a_failure_is_told(kind: str) -> None:
    seen = Seen()
    wire = Wire(Answer([sse(chunk({"content": "half"}))]))
    ask(kind, CONFIG, transport=wire, telemetry=seen.telemetry(content=True))
    assert json.loads(told(seen.span())["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "half"}], "finish_reason": "error"}
    ]


# Secrets


@BOTH
@pytest.mark.parametrize("content", [False, True], ids=["off", "on"])
def test_no_key_is_told(kind: str, content: bool) -> None:
    seen, other = Seen(), "other-sentinel-9876543210"
    settings = zen.ProviderSettings(
        base_url="https://mine.example", api_key=KEY, protocol="openai-chat", query={"token": other}
    )
    config = zen.Config(providers={"mine": settings}, environ={})
    call = {
        "messages": f"my key is {KEY}, the other {other}",
        "tools": [add],
        "http": {"headers": {"x-extra-key": "third-sentinel-555"}},
    }
    wire = Wire(
        calls("add", f'{{"a": 1, "b": "{KEY} {other} third-sentinel-555"}}'), said(f"{KEY} {other} third-sentinel-555")
    )
    ask(kind, config, transport=wire, telemetry=seen.telemetry(content=content), call=call)
    text = seen.text()
    assert "chat m" in text
    for secret in (KEY, other, "third-sentinel-555", "token="):
        assert secret not in text
    assert ("[redacted]" in text) is content


def test_secrets_go_by_their_names_and_shapes_too() -> None:
    call = {
        "type": "tool-call",
        "id": "c",
        "name": "log_in",
        "input": {"password": "hush-hush", "deep": [{"api_key": "x"}]},
    }
    made = zen.LLMRequest(
        model="mine/m", messages=["Authorization: Bearer abcdefgh", {"role": "assistant", "content": [call]}]
    )
    text, called = shown(made)["gen_ai.input.messages"]
    assert text["parts"] == [{"type": "text", "content": "Authorization: Bearer [redacted]"}]
    assert called["parts"][0]["arguments"] == {"password": "[redacted]", "deep": [{"api_key": "[redacted]"}]}


def test_a_secret_at_the_edge_of_what_is_kept_is_not_kept_in_part() -> None:
    secret = "k" * 40
    for place in range(16340, 16400, 7):
        made = request("." * place + secret + "." * 100)
        (part,) = shown(made, secret)["gen_ai.input.messages"][0]["parts"]
        assert "kk" not in part["content"]


# The form of parts


def test_media_are_told_without_data_and_query() -> None:
    parts = (
        zen.ImageContent(data=PICTURE, mime_type="image/png"),
        zen.ImageContent(url="https://user:secret@example.test/a.png?sig=abc#f", mime_type="image/png"),
        zen.DocumentContent(file_id="file-1"),
        zen.AudioContent(data=PICTURE, mime_type="audio/wav"),
    )
    made = request(*parts)
    assert PICTURE not in str(Said().request(made))
    assert parts_of(made) == [
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": ""},
        {"type": "uri", "modality": "image", "mime_type": "image/png", "uri": "https://example.test/a.png"},
        {"type": "file", "modality": "document", "mime_type": None, "file_id": "file-1"},
        {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": ""},
    ]


def test_hosted_calls_and_reasoning_have_their_own_parts() -> None:
    content = [
        zen.ReasoningContent(text="hm"),
        zen.ToolCallContent(id="h", name="web_search", input={"query": "x"}, provider_executed=True),
        zen.ToolResultContent(id="h", name="web_search", result=["y"], provider_executed=True),
    ]
    made = zen.LLMRequest(model="mine/m", messages=["hi", {"role": "assistant", "content": content}])
    search = {"type": "web_search"}
    parts = [
        {"type": "reasoning", "content": "hm"},
        {
            "type": "server_tool_call",
            "id": "h",
            "name": "web_search",
            "server_tool_call": {**search, "arguments": {"query": "x"}},
        },
        {
            "type": "server_tool_call_response",
            "id": "h",
            "server_tool_call_response": {**search, "response": ["y"]},
        },
    ]
    assert parts_of(made) == parts
    answer = zen.LLMResponse(
        (
            zen.ReasoningPart("hm"),
            zen.ToolCall("h", "web_search", {"query": "x"}, True),
            zen.ToolResult("h", "web_search", ["y"], provider_executed=True),
            zen.Citation(url="https://example.test"),
            zen.ToolInputError("e", "add", '{"a', "cut"),
            zen.ToolResult("e", "add", "local"),
            zen.Media("m", "image/png", data=PICTURE),
            zen.TextPart("done"),
        )
    )
    (message,) = json.loads(str(Said().answer(answer)["gen_ai.output.messages"]))
    assert message["parts"] == [
        *parts,
        {"type": "tool_call", "id": "e", "name": "add", "arguments": '{"a'},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": ""},
        {"type": "text", "content": "done"},
    ]


def test_results_with_media_are_told_without_data() -> None:
    picture = zen.ImageContent(data=PICTURE, mime_type="image/png")
    result = zen.ToolResultContent(id="c", content=["see", picture])
    made = zen.LLMRequest(model="mine/m", messages=["hi", zen.Message(role="tool", content=[result])])
    assert parts_of(made)[0]["response"] == [
        {"type": "text", "content": "see"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": ""},
    ]

    def look() -> Any:
        """Look."""
        return picture

    seen = Seen()
    ask(
        "sync",
        CONFIG,
        transport=Wire(calls("look", "{}"), ANSWER),
        telemetry=seen.telemetry(content=True),
        call={"tools": [look]},
    )
    assert json.loads(told(seen.span("execute_tool"))["gen_ai.tool.call.result"]) == [
        {"type": "image", "mime_type": "image/png"}
    ]
    assert PICTURE not in seen.text()


def test_tools_of_the_provider_are_told_by_their_type() -> None:
    tools = [zen.Tool(name="search", native={"type": "web_search_1"}), zen.Tool(name="mine")]
    assert shown(request("hi", tools=tools))["gen_ai.tool.definitions"] == [
        {"type": "web_search_1", "name": "search"},
        {"type": "function", "name": "mine", "parameters": {"type": "object", "properties": {}}},
    ]


# How much


def test_a_long_text_is_cut() -> None:
    (part,) = parts_of(request("x" * 1_000_000))
    assert part["content"] == "x" * (16 << 10)


def test_of_a_long_conversation_the_end_is_told() -> None:
    made = zen.LLMRequest(model="mine/m", messages=[f"{place} {'x' * 1000}" for place in range(200)])
    text = str(Said().request(made)["gen_ai.input.messages"])
    kept = [message["parts"][0]["content"].split()[0] for message in json.loads(text)]
    assert len(text) <= ATTRIBUTE + 1000
    assert kept == [str(place) for place in range(200 - len(kept), 200)]
    assert len(kept) > 50


@pytest.mark.parametrize("content", [["x" * 5000] * 100, ["\u00e9" * 15000] * 3], ids=["many", "wide"])
def test_a_long_message_is_told_in_part(content: list[str]) -> None:
    text = str(Said().request(request(*content))["gen_ai.input.messages"])
    (message,) = json.loads(text)
    assert 0 < len(message["parts"]) < len(content)
    assert len(text) <= ATTRIBUTE


def test_long_arguments_and_results_are_cut_to_text() -> None:
    given = {"items": ["x" * 100] * 1000}
    arguments = json.loads(str(Said().call(zen.ToolCall("c", "add", given))["gen_ai.tool.call.arguments"]))
    assert arguments == json.dumps(given)[: 16 << 10]
    result = json.loads(str(Said().result(zen.ToolResult("c", "add", given))["gen_ai.tool.call.result"]))
    assert result == arguments


def test_anthropics_answer_is_told_alike() -> None:
    settings = zen.ProviderSettings(base_url="https://mine.example", api_key=KEY)
    body = messages.sse(messages.start(), *messages.text_block(0, "Hello"), messages.end(), messages.STOP)
    seen = Seen()
    config = zen.Config(providers={"anthropic": settings}, environ={})
    call = {"request": "anthropic/claude-sonnet-5"}
    ask("sync", config, transport=Wire(Answer([body])), telemetry=seen.telemetry(content=True), call=call)
    assert json.loads(told(seen.span())["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"}
    ]
    assert told(seen.span())["gen_ai.provider.name"] == "anthropic"
