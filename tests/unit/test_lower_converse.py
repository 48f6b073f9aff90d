"""Quirks of Bedrock Converse, by the family of models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.lowering import PDF, Report, ask, body_of, loop, result, route

from zen_native import LLMRequest, UnsupportedError
from zen_native.formats import lower

PROTOCOL = "bedrock-converse"
CLAUDE, NEW, HAIKU3 = (
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "claude-opus-4-8",
    "anthropic.claude-3-haiku-20240307-v1:0",
)
NOVA, LLAMA = "us.amazon.nova-2-lite-v1:0", "us.meta.llama4-maverick-17b-instruct-v1:0"
TOOL: dict[str, Any] = {"name": "f"}
POINT = {"cachePoint": {"type": "default"}}


def converse(asked: LLMRequest, model: str = CLAUDE, **dialect: Any) -> dict[str, Any]:
    return body_of(PROTOCOL, asked, model=model, **dialect)


def refused(asked: LLMRequest, model: str = CLAUDE, **dialect: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        converse(asked, model, **dialect)
    return error.value.message


# Cache points


def _points(model: str, **fields: Any) -> tuple[int, int, int]:
    body = converse(ask(cache="auto", system=["A", "B"], tools=[TOOL], **fields), model)
    sections = (body["toolConfig"]["tools"], body["system"], body["messages"][0]["content"])
    return tuple(sum("cachePoint" in block for block in blocks) for blocks in sections)  # type: ignore[return-value]


def test_claude_caches_tools_system_and_messages() -> None:
    assert _points(CLAUDE) == (1, 2, 1)
    assert _points("us.anthropic.claude-3-5-haiku-20241022-v1:0") == (1, 2, 1)


def test_nova_caches_no_tools() -> None:
    assert _points(NOVA) == (0, 2, 1)


@pytest.mark.parametrize("model", [HAIKU3, LLAMA, "openai.gpt-oss-120b-1:0", "mistral.mistral-large-2407-v1:0"])
def test_other_models_cache_nothing(model: str) -> None:
    assert _points(model) == (0, 0, 0)


def test_an_hour_for_newer_claude_only() -> None:
    asked = ask(system=[{"text": "A", "cache": {"ttl_seconds": 3600}}])
    assert converse(asked, NEW)["system"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert converse(asked, CLAUDE)["system"][1] == POINT


def test_hints_that_a_model_cannot_keep_are_named() -> None:
    out = lower(ask(tools=[{"name": "f", "cache": True}]), route(PROTOCOL, NOVA), stream=False)
    assert out.warnings == ("1 cache hints were over the limit, or this model does not cache there",)


# Tools


def test_no_tool_config_for_choice_none() -> None:
    asked = ask(tools=[TOOL], tool_choice="none")
    assert "toolConfig" not in converse(asked)
    again = ask(tools=[TOOL], tool_choice="none", messages=loop("1"))
    assert "tool_choice" in refused(again)


def test_calls_in_the_history_demand_a_tool_config() -> None:
    config = converse(ask(messages=loop("1")))["toolConfig"]
    assert config == {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ({"mode": "tool", "name": "f"}, {"tool": {"name": "f"}}),
    ],
)
def test_tool_choice(choice: Any, said: dict[str, Any]) -> None:
    assert converse(ask(tools=[TOOL], tool_choice=choice))["toolConfig"]["toolChoice"] == said


def test_one_call_at_a_time_in_the_words_of_claude() -> None:
    asked = ask(tools=[TOOL], tool_choice={"mode": "required", "parallel": False})
    body = converse(asked)
    assert "toolChoice" not in body["toolConfig"]
    said = {"type": "any", "disable_parallel_tool_use": True}
    assert body["additionalModelRequestFields"] == {"tool_choice": said}
    assert "tool_choice.parallel" in refused(asked, NOVA)


def test_tools_that_cannot_be_carried() -> None:
    assert "tools[f].freeform" in refused(ask(tools=[{"name": "f", "freeform": True}]))
    assert "tools[f].strict" in refused(ask(tools=[{"name": "f", "strict": True}]))
    assert "tool_choice" in refused(ask(tool_choice="required"))
    spec = converse(ask(tools=[{"name": "f", "strict": True}]), strict_tools=True)["toolConfig"]["tools"][0]["toolSpec"]
    assert spec["strict"] is True


@pytest.mark.parametrize(
    ("value", "content"),
    [({"a": 1}, {"json": {"a": 1}}), ([1], {"text": "[1]"}), ("x", {"text": "x"}), ("", {"text": "(nothing)"})],
)
def test_results(value: Any, content: dict[str, Any]) -> None:
    turns = [*loop("a:b")[:2], {"role": "tool", "content": [result("a:b", value, is_error=True)]}]
    said = converse(ask(messages=turns))["messages"]
    assert said[2]["content"][0]["toolResult"] == {"toolUseId": "a_b", "content": [content], "status": "error"}
    assert said[1]["content"][0]["toolUse"]["toolUseId"] == "a_b"


# Options


@pytest.mark.parametrize(
    ("model", "extra"),
    [(CLAUDE, {"top_k": 5}), (NOVA, {"inferenceConfig": {"topK": 5}})],
)
def test_top_k_is_a_field_of_the_family(model: str, extra: dict[str, Any]) -> None:
    assert converse(ask(generation={"top_k": 5}), model)["additionalModelRequestFields"] == extra
    assert "generation.top_k" in refused(ask(generation={"top_k": 5}), LLAMA)


@pytest.mark.parametrize("option", ["seed", "frequency_penalty", "presence_penalty"])
def test_options_that_the_format_lacks(option: str) -> None:
    assert f"generation.{option}" in refused(ask(generation={option: 1}))


def test_sampling_of_claude_as_everywhere() -> None:
    assert "generation.temperature" in refused(ask(generation={"temperature": 0.5}), NEW)
    assert "generation.temperature" in refused(ask(generation={"temperature": 0.5}, reasoning="low"))


@pytest.mark.parametrize(
    ("model", "asked", "extra"),
    [
        (CLAUDE, "low", {"thinking": {"type": "enabled", "budget_tokens": 4096}}),
        (NEW, "low", {"thinking": {"type": "adaptive"}}),
        (NOVA, "xhigh", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
        (NOVA, "none", {"reasoningConfig": {"type": "disabled"}}),
        ("openai.gpt-oss-120b-1:0", "low", {"reasoning_effort": "low"}),
    ],
)
def test_thinking_in_the_words_of_the_family(model: str, asked: str, extra: dict[str, Any]) -> None:
    body = converse(ask(reasoning=asked), model)
    assert body["additionalModelRequestFields"] == extra
    assert body.get("outputConfig", {}) == ({"effort": "low"} if model == NEW else {})


def test_thinking_of_models_that_cannot_be_told() -> None:
    assert "reasoning" in refused(ask(reasoning="high"), LLAMA)
    assert "reasoning.budget_tokens" in refused(ask(reasoning={"budget_tokens": 5}), NOVA)


def test_the_budget_stays_below_max_tokens() -> None:
    body = converse(ask(reasoning="low", generation={"max_tokens": 2000}))
    budget = body["additionalModelRequestFields"]["thinking"]["budget_tokens"]
    assert budget < body["inferenceConfig"]["maxTokens"]


def test_a_schema_is_json_in_text() -> None:
    said = converse(ask(output_type=Report), NEW)["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert json.loads(said["schema"])["additionalProperties"] is False
    assert "response_format" in refused(ask(output_type=Report), CLAUDE)
    assert "response_format" in refused(ask(response_format="json"), NEW)


# Messages


def _user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def _document(name: str | None) -> dict[str, Any]:
    return {"type": "document", "data": PDF, "mime_type": "application/pdf", "filename": name}


def test_documents_have_a_clean_name_each_their_own_and_a_text_beside_them() -> None:
    content = converse(ask(messages=_user(_document("a_b  (1).pdf"), _document("a_b (1).pdf"), _document(None))))
    blocks = content["messages"][0]["content"]
    assert [block["document"]["name"] for block in blocks[1:]] == ["a-b (1)", "a-b (1) 2", "document"]
    assert blocks[0]["text"]
    beside = converse(ask(messages=_user("Read.", _document("x.pdf"))))["messages"][0]["content"]
    assert len(beside) == 2


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "data": "AAAA", "mime_type": "image/bmp"},
        {"type": "document", "data": "AAAA", "mime_type": "application/zip"},
        {"type": "audio", "data": "AAAA", "mime_type": "audio/midi"},
        {"type": "image", "url": "https://example.com/a.png", "mime_type": "image/png"},
        {"type": "image", "file_id": "x", "mime_type": "image/png"},
        {"type": "image", "url": "s3://bucket/a.png"},
    ],
)
def test_media_that_the_format_does_not_take(part: dict[str, Any]) -> None:
    assert part["type"] in refused(ask(messages=_user(part)))


def test_media_in_s3() -> None:
    part = {"type": "image", "url": "s3://bucket/a.png", "mime_type": "image/png"}
    (block,) = converse(ask(messages=_user(part)))["messages"][0]["content"]
    assert block == {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}}


def test_blank_text_is_left_out() -> None:
    assert converse(ask(messages=_user(" \n", "x")))["messages"][0]["content"] == [{"text": "x"}]


def test_system_messages_midway_where_the_model_knows_them() -> None:
    asked = ask(messages=["x", {"role": "system", "content": "Be loud."}])
    assert [message["role"] for message in converse(asked, NEW)["messages"]] == ["user", "system"]
    assert [message["role"] for message in converse(asked, NOVA)["messages"]] == ["user"]


def test_reasoning_without_signature_goes_back_to_models_that_sign_nothing() -> None:
    def kinds(model: str, **fields: Any) -> list[str]:
        part = {"type": "reasoning", "text": "Hm.", **fields}
        asked = ask(messages=["x", {"role": "assistant", "content": [part, "Yes."]}, "y"])
        return [next(iter(block)) for block in converse(asked, model)["messages"][1]["content"]]

    assert kinds("openai.gpt-oss-120b-1:0") == ["reasoningContent", "text"]
    assert kinds(CLAUDE) == ["text"]
    assert kinds("openai.gpt-oss-120b-1:0", signature="s", metadata={"elsewhere": {}}) == ["text"]


def test_a_hosted_call_belongs_to_whose_result_it_has() -> None:
    hosted = {"id": "1", "name": "interpreter", "provider_executed": True}
    call = {"type": "tool-call", "input": {"snippet": "1"}, **hosted}
    said = {"here": {"type": "interpreter_result"}}
    answered = {"type": "tool-result", "result": [{"json": {}}], "metadata": said, **hosted}
    answer = {"role": "assistant", "content": [call, answered]}
    blocks = converse(ask(messages=["x", answer, "y"]), NOVA)["messages"][1]["content"]
    assert blocks == [
        {"toolUse": {"toolUseId": "1", "name": "interpreter", "input": {"snippet": "1"}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "1", "content": [{"json": {}}], "type": "interpreter_result"}},
    ]


def test_metadata_where_it_is_known() -> None:
    assert converse(ask(metadata={"a": "b"}), metadata=True)["requestMetadata"] == {"a": "b"}
    assert "requestMetadata" not in converse(ask(metadata={"a": "b"}))
