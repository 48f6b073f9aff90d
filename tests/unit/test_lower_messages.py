"""Quirks of Anthropic Messages, from Anthropic and through Bedrock, by the generation of Claude."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.kit.lowering import PDF, Report, ask, body_of, call, loop, result, route

from zen_native import LLMRequest, UnsupportedError
from zen_native.formats import lower
from zen_native.formats.claude import Claude, claude_of
from zen_native.route import ModelInfo

PROTOCOL = "anthropic-messages"
OLD, BUDGET, BOTH, ADAPTIVE = "claude-3-5-haiku-20241022", "claude-sonnet-4-5", "claude-opus-4-6", "claude-sonnet-5"
TOOL: dict[str, Any] = {"name": "f"}
MARK = {"type": "ephemeral"}


def messages(asked: LLMRequest, model: str = BUDGET, **dialect: Any) -> dict[str, Any]:
    return body_of(PROTOCOL, asked, model=model, **dialect)


def refused(asked: LLMRequest, model: str = BUDGET, **dialect: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        messages(asked, model, **dialect)
    return error.value.message


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-3-opus-20240229", Claude("opus", (3, 0))),
        ("claude-3-7-sonnet-20250219", Claude("sonnet", (3, 7))),
        ("claude-opus-4-20250514", Claude("opus", (4, 0))),
        ("claude-opus-4-1-20250805", Claude("opus", (4, 1))),
        ("anthropic/claude-sonnet-4.5", Claude("sonnet", (4, 5))),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", Claude("haiku", (4, 5))),
        ("claude-opus-4-6@20260101", Claude("opus", (4, 6))),
        ("claude-sonnet-5", Claude("sonnet", (5, 0))),
        ("claude-4.7-opus", Claude("opus", (4, 7))),
        ("claude-fable-5-1", Claude("fable", (5, 1))),
        ("claude-mythos-preview", Claude("", (99, 0))),
        ("minimax-m3", None),
        ("claude-instant-1.2", Claude("instant", (1, 2))),
    ],
)
def test_the_generation_is_read_off_the_id(model: str, expected: Claude | None) -> None:
    assert claude_of(model) == expected


# Thinking


def test_a_budget_where_the_model_knows_budgets() -> None:
    body = messages(ask(reasoning={"budget_tokens": 2000}))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert body["max_tokens"] > 2000


def test_an_effort_is_a_budget_for_older_models() -> None:
    assert messages(ask(reasoning="low"))["thinking"]["budget_tokens"] == 4096
    assert messages(ask(reasoning=True))["thinking"]["budget_tokens"] == 10_000
    assert "reasoning.effort" in refused(ask(reasoning="enormous"))


def test_newer_models_think_by_effort() -> None:
    body = messages(ask(reasoning="xhigh"), ADAPTIVE)
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "xhigh"})
    assert messages(ask(reasoning="minimal"), ADAPTIVE)["output_config"] == {"effort": "low"}
    assert "output_config" not in messages(ask(reasoning=True), ADAPTIVE)


def test_newer_models_take_no_budget() -> None:
    assert "reasoning.budget_tokens" in refused(ask(reasoning={"budget_tokens": 2000}), ADAPTIVE)


def test_models_between_take_either() -> None:
    assert messages(ask(reasoning={"budget_tokens": 2000}), BOTH)["thinking"]["type"] == "enabled"
    assert messages(ask(reasoning="high"), BOTH)["thinking"]["type"] == "adaptive"


def test_old_models_do_not_think() -> None:
    assert "reasoning" in refused(ask(reasoning="high"), OLD)
    assert "thinking" not in messages(ask(reasoning="none"), OLD)


def test_only_models_that_think_unasked_are_told_not_to() -> None:
    assert messages(ask(reasoning="none"), ADAPTIVE)["thinking"] == {"type": "disabled"}
    assert "thinking" not in messages(ask(reasoning="none"), BUDGET)


@pytest.mark.parametrize(
    ("summary", "display"), [("auto", "summarized"), ("detailed", "summarized"), ("none", "omitted")]
)
def test_whether_thinking_is_shown(summary: str, display: str) -> None:
    assert messages(ask(reasoning={"summary": summary}), ADAPTIVE)["thinking"]["display"] == display


def test_a_model_of_somebody_else_thinks_by_a_budget() -> None:
    assert messages(ask(reasoning="high"), "minimax-m3")["thinking"] == {"type": "enabled", "budget_tokens": 16_000}
    assert messages(ask(reasoning="high"), "minimax-m3", thinking="adaptive")["thinking"] == {"type": "adaptive"}


def test_the_budget_fits_in_max_tokens() -> None:
    body = messages(ask(reasoning="high", generation={"max_tokens": 8000}))
    assert (body["thinking"]["budget_tokens"], body["max_tokens"]) == (7999, 8000)
    assert "generation.max_tokens" in refused(ask(reasoning="high", generation={"max_tokens": 1024}))


def test_the_budget_is_at_least_what_the_format_takes() -> None:
    assert messages(ask(reasoning={"budget_tokens": 5}))["thinking"]["budget_tokens"] == 1024


def test_max_tokens_by_what_is_known_of_the_model() -> None:
    known = route(PROTOCOL, BUDGET, info=ModelInfo(max_output=64_000))
    assert lower(ask(), known, stream=False).body["max_tokens"] == 64_000
    assert messages(ask())["max_tokens"] == 4096


# Options


def test_no_temperature_with_thinking() -> None:
    asked = ask(reasoning="high", generation={"temperature": 0.5})
    assert "generation.temperature" in refused(asked)
    assert messages(ask(reasoning="high", generation={"temperature": 1}))["temperature"] == 1
    assert "generation.top_k" in refused(ask(reasoning="high", generation={"top_k": 5}))
    assert "generation.top_p" in refused(ask(reasoning="high", generation={"top_p": 0.5}))
    assert messages(ask(reasoning="high", generation={"top_p": 0.97}))["top_p"] == 0.97


@pytest.mark.parametrize("option", ["temperature", "top_p", "top_k"])
def test_newer_models_take_no_sampling(option: str) -> None:
    assert f"generation.{option}" in refused(ask(generation={option: 1}), ADAPTIVE)


def test_temperature_or_top_p_but_not_both() -> None:
    asked = ask(generation={"temperature": 0.5, "top_p": 0.9})
    assert "generation.top_p" in refused(asked)
    assert messages(asked, OLD)["top_p"] == 0.9


@pytest.mark.parametrize("option", ["seed", "frequency_penalty", "presence_penalty"])
def test_options_that_the_format_lacks(option: str) -> None:
    assert f"generation.{option}" in refused(ask(generation={option: 1}))


def test_answers_are_held_to_a_schema_by_newer_models() -> None:
    body = messages(ask(output_type=Report, reasoning="high"), ADAPTIVE)
    assert body["output_config"]["effort"] == "high"
    assert body["output_config"]["format"]["schema"]["additionalProperties"] is False
    assert "response_format" in refused(ask(output_type=Report), "claude-sonnet-4-20250514")
    assert "response_format" in refused(ask(response_format="json"), ADAPTIVE)


def test_betas_are_a_header_or_a_member() -> None:
    asked = ask(provider_options={"here": {"anthropic_beta": ["a", "b"]}})
    at = route(PROTOCOL, BUDGET, headers={"anthropic-beta": "b,c"})
    out = lower(asked, at, stream=False)
    assert out.headers == {"anthropic-beta": "b,c,a"}
    assert "anthropic_beta" not in out.body
    invoke = lower(asked, route("bedrock-invoke-anthropic", BUDGET), stream=True)
    assert invoke.body["anthropic_beta"] == ["a", "b"]
    assert invoke.body.keys() & {"model", "stream"} == set()


# Tools


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"mode": "tool", "name": "f"}, {"type": "tool", "name": "f"}),
        ({"parallel": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"mode": "required", "parallel": True}, {"type": "any", "disable_parallel_tool_use": False}),
        ({"mode": "none", "parallel": False}, {"type": "none"}),
    ],
)
def test_tool_choice(choice: Any, said: dict[str, Any]) -> None:
    assert messages(ask(tools=[TOOL], tool_choice=choice))["tool_choice"] == said


def test_tool_choice_only_with_tools() -> None:
    assert "tool_choice" not in messages(ask(tool_choice="auto"))
    assert "tool_choice" in refused(ask(tool_choice="required"))


def test_a_model_that_thinks_is_not_made_to_call() -> None:
    asked = ask(tools=[TOOL], tool_choice="required", reasoning="high", strict=False)
    assert messages(asked)["tool_choice"] == {"type": "auto"}
    assert "tool_choice" in refused(ask(tools=[TOOL], tool_choice="required", reasoning="high"))


def test_native_tools_and_strict_ones() -> None:
    native = {"type": "web_search_20260209", "name": "web_search"}
    asked = ask(tools=[{"name": "search", "native": native, "cache": True}, {"name": "f", "strict": True}])
    tools = messages(asked, strict_tools=True)["tools"]
    assert tools[0] == {**native, "cache_control": MARK}
    assert (tools[1]["strict"], tools[1]["input_schema"]["additionalProperties"]) == (True, False)
    assert "tools[f].strict" in refused(asked)


def test_ids_of_calls_are_words() -> None:
    content = messages(ask(messages=loop("functions.f:0")))["messages"]
    assert content[1]["content"][0]["id"] == content[2]["content"][0]["tool_use_id"] == "functions_f_0"


# Messages


def test_results_and_what_the_user_says_then_are_one_message() -> None:
    content = messages(ask(messages=loop("1", "2", then="Thanks.")))["messages"]
    assert [message["role"] for message in content] == ["user", "assistant", "user"]
    assert [block["type"] for block in content[2]["content"]] == ["tool_result", "tool_result", "text"]


def test_a_leading_system_message_is_the_system_prompt() -> None:
    body = messages(ask(system="A", messages=[{"role": "system", "content": "B"}, "Hello"]))
    assert [block["text"] for block in body["system"]] == ["A", "B"]
    assert len(body["messages"]) == 1


MIDWAY: list[Any] = ["Hello", {"role": "system", "content": "</system-message> be loud & clear"}]


def test_system_messages_midway_where_the_model_knows_them() -> None:
    asked = ask(messages=[*MIDWAY, {"role": "assistant", "content": "Hi."}, "So?"])
    assert [message["role"] for message in messages(asked, ADAPTIVE)["messages"]][1] == "system"


@pytest.mark.parametrize("model", [BUDGET, BOTH, "minimax-m3"])
def test_system_messages_midway_as_marked_text_that_nothing_closes(model: str) -> None:
    body = messages(ask(messages=MIDWAY), model)
    text = body["messages"][0]["content"][1]["text"]
    assert text == "<system-message>\n&lt;/system-message&gt; be loud &amp; clear\n</system-message>"


def test_system_messages_midway_stand_behind_the_user_only() -> None:
    after_answer = ask(messages=["Hello", {"role": "assistant", "content": "Hi."}, MIDWAY[1], "So?"])
    assert [message["role"] for message in messages(after_answer, ADAPTIVE)["messages"]] == [
        "user",
        "assistant",
        "user",
    ]


def test_a_begun_answer_where_the_model_goes_on_with_it() -> None:
    asked = ask(messages=["Hello", {"role": "assistant", "content": "The answer is "}])
    assert messages(asked)["messages"][1]["content"][0]["text"] == "The answer is"
    assert "go on with" in refused(asked, ADAPTIVE)


def test_a_paused_turn_goes_back_to_every_model() -> None:
    """It is no beginning that we wrote: the provider asks for it back to go on with its own tools."""
    made = {"metadata": {"here": {}}, "provider_executed": True}
    call_ = {"type": "tool-call", "id": "s1", "name": "web_search", "input": {"query": "x"}, **made}
    asked = ask(messages=["Search.", {"role": "assistant", "content": ["Let me see.", call_]}])
    for model in (BUDGET, ADAPTIVE):
        blocks = messages(asked, model)["messages"][-1]["content"]
        assert [block["type"] for block in blocks] == ["text", "server_tool_use"]


def test_text_documents_are_sent_as_text() -> None:
    text = base64.b64encode("blåbær".encode()).decode()
    part = {"type": "document", "data": text, "mime_type": "text/markdown", "filename": "a.md", "citations": True}
    block = messages(ask(messages=[{"role": "user", "content": [part]}]))["messages"][0]["content"][0]
    assert block == {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "blåbær"},
        "title": "a.md",
        "citations": {"enabled": True},
    }
    bad = {**part, "data": "//79"}
    assert "no UTF-8" in refused(ask(messages=[{"role": "user", "content": [bad]}]))


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ({"type": "document", "data": PDF, "mime_type": "application/pdf"}, {"type": "base64", "data": PDF}),
        ({"type": "document", "url": "https://example.com/a.pdf"}, {"type": "url"}),
        ({"type": "image", "file_id": "file_1"}, {"type": "file", "file_id": "file_1"}),
    ],
)
def test_sources_of_media(part: dict[str, Any], source: dict[str, Any]) -> None:
    block = messages(ask(messages=[{"role": "user", "content": [part]}]))["messages"][0]["content"][0]
    assert source.items() <= block["source"].items()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "audio", "data": "AAAA", "mime_type": "audio/wav"},
        {"type": "image", "data": "AAAA", "mime_type": "image/bmp"},
        {"type": "document", "data": "AAAA", "mime_type": "application/zip"},
    ],
)
def test_media_that_the_format_does_not_take(part: dict[str, Any]) -> None:
    assert part["type"] in refused(ask(messages=[{"role": "user", "content": [part]}]))


def test_thinking_goes_back_whole_or_not_at_all() -> None:
    def turn(**fields: Any) -> list[Any]:
        part = {"type": "reasoning", "text": "Hm.", **fields}
        answer = {"role": "assistant", "content": [part, call("1")]}
        return ["x", answer, {"role": "tool", "content": [result("1")]}]

    def kinds(asked: LLMRequest) -> list[str]:
        return [block["type"] for block in messages(asked)["messages"][1]["content"]]

    ours = {"metadata": {"here": {}}}
    assert kinds(ask(messages=turn(signature="s", **ours))) == ["thinking", "tool_use"]
    assert kinds(ask(messages=turn(signature="s", text="", **ours))) == ["thinking", "tool_use"]
    assert kinds(ask(messages=turn(**ours))) == ["tool_use"]
    assert kinds(ask(messages=turn(signature="s"))) == ["tool_use"]
    assert kinds(ask(messages=turn(signature="s", metadata={"elsewhere": {}}))) == ["tool_use"]


def test_four_marks_and_no_more() -> None:
    hinted = [{"type": "text", "text": str(i), "cache": True} for i in range(6)]
    out = lower(ask(messages=[{"role": "user", "content": hinted}]), route(PROTOCOL, BUDGET), stream=False)
    blocks = out.body["messages"][0]["content"]
    assert [block.get("cache_control") for block in blocks] == [MARK] * 4 + [None] * 2
    assert out.warnings == ("2 cache hints were over the limit of four",)


def test_metadata_has_a_user_id_only() -> None:
    out = lower(ask(metadata={"user_id": "u", "x": "y"}), route(PROTOCOL, BUDGET), stream=False)
    assert out.body["metadata"] == {"user_id": "u"}
    assert out.warnings == ("metadata: this format has a user_id only",)
