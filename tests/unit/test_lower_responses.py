"""Quirks of OpenAI Responses."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.lowering import PNG, Report, ask, body_of, call, loop, result, route

from zen_native import LLMRequest, UnsupportedError
from zen_native.formats import lower
from zen_native.route import ModelInfo

PROTOCOL = "openai-responses"
TOOL: dict[str, Any] = {"name": "f"}


def responses(asked: LLMRequest, model: str = "gpt-5.4", **dialect: Any) -> dict[str, Any]:
    return body_of(PROTOCOL, asked, model=model, **dialect)


def refused(asked: LLMRequest, **dialect: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        responses(asked, **dialect)
    return error.value.message


def test_nothing_is_stored_and_reasoning_comes_encrypted() -> None:
    body = responses(ask())
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]


def test_models_that_do_not_reason_refuse_to_be_asked_for_it() -> None:
    assert "include" not in responses(ask(), "gpt-4o-mini")
    for known in (True, False):
        at = route(PROTOCOL, "some-model", info=ModelInfo(reasoning=known))
        assert ("include" in lower(ask(), at, stream=False).body) is known


@pytest.mark.parametrize("option", ["top_k", "frequency_penalty", "presence_penalty", "seed", "stop"])
def test_options_that_the_format_lacks(option: str) -> None:
    value = ["x"] if option == "stop" else 1
    assert f"generation.{option}" in refused(ask(generation={option: value}))


def test_options_that_the_model_refuses() -> None:
    assert "generation.temperature" in refused(ask(generation={"temperature": 1}), sampling=False)
    assert responses(ask(generation={"max_tokens": 5}))["max_output_tokens"] == 5


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("high", {"effort": "high"}),
        (False, {"effort": "none"}),
        ({"effort": "low", "summary": "detailed"}, {"effort": "low", "summary": "detailed"}),
        ({"effort": "low", "summary": "none"}, {"effort": "low"}),
        (True, None),
    ],
)
def test_reasoning(asked: Any, said: dict[str, Any] | None) -> None:
    assert responses(ask(reasoning=asked)).get("reasoning") == said


def test_reasoning_that_cannot_be_asked_for() -> None:
    assert "reasoning" in refused(ask(reasoning="high"), reasoning=None)
    assert "reasoning.budget_tokens" in refused(ask(reasoning={"budget_tokens": 9}))


def test_strictness_is_always_said_because_silence_means_yes() -> None:
    assert responses(ask(tools=[TOOL]))["tools"][0]["strict"] is False
    strict = ask(tools=[{"name": "f", "strict": True}])
    assert responses(strict, strict_tools=True)["tools"][0]["strict"] is True
    assert "tools[f].strict" in refused(strict)


def test_tools_and_choices_are_flat() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    tools = [
        TOOL,
        {"name": "patch", "freeform": True, "grammar": grammar},
        {"name": "search", "native": {"type": "web_search"}},
    ]
    choices = {
        "f": {"type": "function", "name": "f"},
        "patch": {"type": "custom", "name": "patch"},
        "search": {"type": "web_search"},
    }
    for name, said in choices.items():
        body = responses(ask(tools=tools, tool_choice={"mode": "tool", "name": name}))
        assert body["tool_choice"] == said
        assert body["tools"][1:] == [{"type": "custom", "name": "patch", "format": grammar}, {"type": "web_search"}]


def test_parallel_calls_can_be_forbidden_or_not() -> None:
    asked = ask(tools=[TOOL], tool_choice={"parallel": False})
    assert responses(asked)["parallel_tool_calls"] is False
    assert "tool_choice.parallel" in refused(asked, parallel_tool_calls=False)


def test_choice_without_tools() -> None:
    assert "tool_choice" not in responses(ask(tool_choice="auto"))
    assert "tool_choice" in refused(ask(tool_choice={"mode": "tool", "name": "f"}))


def test_format_is_flat_under_text() -> None:
    form = responses(ask(output_type=Report))["text"]["format"]
    assert (form["type"], form["name"], form["strict"]) == ("json_schema", "Report", True)
    assert form["schema"]["additionalProperties"] is False
    assert responses(ask(response_format="json"))["text"] == {"format": {"type": "json_object"}}
    assert "response_format" in refused(ask(output_type=Report), json_schema=False)


def test_system_role() -> None:
    asked = ask(system="A", messages=["x", {"role": "system", "content": "B"}])
    roles = [item["role"] for item in responses(asked, system_role="developer")["input"]]
    assert roles == ["developer", "user", "developer"]


def test_call_ids_have_at_most_sixty_four_characters() -> None:
    items = responses(ask(messages=loop("x" * 80)))["input"]
    assert items[1]["call_id"] == items[2]["call_id"]
    assert len(items[1]["call_id"]) == 64


def test_results_with_media_stay_in_their_place() -> None:
    image = {"type": "image", "data": PNG, "mime_type": "image/png"}
    turns = loop("1")
    turns[2] = {"role": "tool", "content": [{"type": "tool-result", "id": "1", "content": ["Look.", image]}]}
    output = responses(ask(messages=turns))["input"][2]["output"]
    assert [part["type"] for part in output] == ["input_text", "input_image"]


def _answer(*parts: Any) -> list[dict[str, Any]]:
    turns = ["x", {"role": "assistant", "content": list(parts)}, "y"]
    items: list[dict[str, Any]] = responses(ask(messages=turns))["input"][1:-1]
    return items


def _ours(kind: str, **said: Any) -> dict[str, Any]:
    return {"type": kind, "text": "t", "metadata": {"here": said}}


def test_parts_of_one_reasoning_item_are_one_item() -> None:
    first = _ours("reasoning", item_id="rs_1", part="summary_text")
    second = _ours("reasoning", item_id="rs_1", part="reasoning_text", encrypted_content="e")
    assert _answer(first, second) == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "t"}],
            "content": [{"type": "reasoning_text", "text": "t"}],
            "encrypted_content": "e",
        }
    ]


def test_ids_stay_here_where_the_reasoning_before_them_does() -> None:
    text = _ours("text", item_id="msg_1")
    foreign = {"type": "reasoning", "text": "t", "signature": "s", "metadata": {"elsewhere": {}}}
    assert _answer(text)[0]["id"] == "msg_1"
    assert _answer(foreign, text) == [{"role": "assistant", "content": "t"}]


def test_reasoning_without_ciphertext_is_left_out_because_nothing_is_stored() -> None:
    summary = _ours("reasoning", item_id="rs_1", part="summary_text")
    text = _ours("text", item_id="msg_1")
    assert _answer(summary, text) == [{"role": "assistant", "content": "t"}]
    in_the_open = _ours("reasoning", item_id="rs_1", part="reasoning_text")
    assert [item["id"] for item in _answer(in_the_open, text)] == ["rs_1", "msg_1"]


def test_calls_of_other_kinds_and_their_results() -> None:
    item = {"type": "computer_call", "id": "cu_1", "call_id": "call_1", "action": {"type": "wait"}}
    turns = [
        "x",
        {"role": "assistant", "content": [call("call_1", "computer", metadata={"here": {"item": item}})]},
        {"role": "tool", "content": [result("call_1", {"type": "computer_screenshot", "image_url": "u"})]},
    ]
    items = responses(ask(messages=turns))["input"][1:]
    assert items[0] == item
    assert items[1] == {
        "type": "computer_call_output",
        "call_id": "call_1",
        "output": {"type": "computer_screenshot", "image_url": "u"},
    }


def test_session_and_metadata_where_they_are_known() -> None:
    asked = ask(session_id="s", metadata={"a": "b"})
    known = responses(asked, prompt_cache_key=True, metadata=True)
    assert (known["prompt_cache_key"], known["metadata"]) == ("s", {"a": "b"})
    assert not {"prompt_cache_key", "metadata"} & responses(asked).keys()


def test_hints_for_the_cache_mean_nothing_here() -> None:
    out = lower(ask(system=[{"text": "x", "cache": True}]), route(PROTOCOL), stream=False)
    assert out.warnings == ("cache hints: this server decides itself what it caches",)
