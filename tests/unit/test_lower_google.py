"""Quirks of Google generateContent, by the generation of Gemini."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.lowering import PNG, Report, ask, body_of, call, loop, result, route

from zen_native import LLMRequest, UnsupportedError
from zen_native.formats import lower
from zen_native.formats.google_contents import BYPASS

PROTOCOL = "google-generate-content"
OLD, NEW = "gemini-2.5-flash", "gemini-3.5-flash"
TOOL: dict[str, Any] = {"name": "f"}


def google(asked: LLMRequest, model: str = NEW, **dialect: Any) -> dict[str, Any]:
    return body_of(PROTOCOL, asked, model=model, **dialect)


def refused(asked: LLMRequest, model: str = NEW, **dialect: Any) -> str:
    with pytest.raises(UnsupportedError) as error:
        google(asked, model, **dialect)
    return error.value.message


def thinking(asked: Any, model: str = NEW, **dialect: Any) -> dict[str, Any]:
    found: dict[str, Any] = google(ask(reasoning=asked), model, **dialect)["generationConfig"]["thinkingConfig"]
    return found


# Thinking


def test_levels_for_newer_models_and_budgets_for_older_ones() -> None:
    assert thinking("low") == {"includeThoughts": True, "thinkingLevel": "LOW"}
    assert thinking("low", OLD) == {"includeThoughts": True, "thinkingBudget": 2048}
    assert thinking("low", "gemini-flash-latest")["thinkingLevel"] == "LOW"
    assert "thinkingLevel" in thinking("low", OLD, thinking="level")
    assert "thinkingBudget" in thinking("low", NEW, thinking="budget")


def test_a_budget_is_a_budget_everywhere() -> None:
    assert thinking({"budget_tokens": 7})["thinkingBudget"] == 7


def test_thoughts_are_shown_unless_they_are_not_wanted() -> None:
    assert thinking({"effort": "high", "summary": "none"})["includeThoughts"] is False
    assert thinking(True) == {"includeThoughts": True}


def test_thinking_is_turned_off_where_that_can_be_done() -> None:
    assert thinking(False, OLD) == {"thinkingBudget": 0}
    assert thinking(False) == {"thinkingLevel": "MINIMAL"}
    assert "reasoning" in refused(ask(reasoning=False), "gemini-2.5-pro")
    assert "reasoning.effort" in refused(ask(reasoning="enormous"))


# Signatures


def _calls(*signatures: str | None, issuer: str = "here") -> list[Any]:
    parts = [
        call(str(i), metadata={issuer: {"thoughtSignature": signature} if signature else {}})
        for i, signature in enumerate(signatures)
    ]
    results = [result(str(i)) for i in range(len(signatures))]
    return ["x", {"role": "assistant", "content": parts}, {"role": "tool", "content": results}]


def _signatures(turns: list[Any], model: str = NEW) -> list[str | None]:
    return [part.get("thoughtSignature") for part in google(ask(messages=turns), model)["contents"][1]["parts"]]


def test_a_batch_without_any_signature_gets_the_documented_stand_in() -> None:
    assert _signatures(_calls(None, None)) == [BYPASS, BYPASS]
    assert _signatures(_calls("s", "s", issuer="elsewhere")) == [BYPASS, BYPASS]


def test_a_batch_that_was_signed_is_left_alone() -> None:
    assert _signatures(_calls("s", None, None)) == ["s", None, None]


def test_older_models_need_no_signature() -> None:
    assert _signatures(_calls(None), OLD) == [None]
    assert _signatures(_calls("s"), OLD) == ["s"]


def test_twenty_one_parallel_calls_keep_signature_and_order() -> None:
    parts = google(ask(messages=_calls("s", *[None] * 20)))["contents"]
    assert [part["functionCall"]["id"] for part in parts[1]["parts"]] == [str(i) for i in range(21)]
    assert [part["functionResponse"]["id"] for part in parts[2]["parts"]] == [str(i) for i in range(21)]


def test_signatures_of_text_and_thought() -> None:
    parts = [
        {"type": "reasoning", "text": "Hm.", "signature": "a", "metadata": {"here": {}}},
        {"type": "reasoning", "text": "unsigned", "metadata": {"here": {}}},
        {"type": "text", "text": "", "metadata": {"here": {"thoughtSignature": "b"}}},
    ]
    said = google(ask(messages=["x", {"role": "assistant", "content": parts}, "y"]))["contents"][1]["parts"]
    assert said == [{"text": "Hm.", "thought": True, "thoughtSignature": "a"}, {"text": "", "thoughtSignature": "b"}]


# Calls


def test_ids_that_we_made_up_are_not_sent() -> None:
    turns = loop("call_0")
    turns[1]["content"][0]["metadata"] = {"here": {"synthetic_id": True}}
    contents = google(ask(messages=turns), OLD)["contents"]
    assert contents[1]["parts"] == [{"functionCall": {"name": "f", "args": {}}}]
    assert contents[2]["parts"] == [{"functionResponse": {"name": "f", "response": {"output": "done"}}}]


def test_ids_where_the_server_knows_none() -> None:
    contents = google(ask(messages=loop("1")), OLD, call_ids=False)["contents"]
    assert "id" not in contents[1]["parts"][0]["functionCall"]
    assert "id" not in contents[2]["parts"][0]["functionResponse"]


@pytest.mark.parametrize(
    ("value", "failed", "response"),
    [
        ("text", False, {"output": "text"}),
        ({"a": 1}, False, {"a": 1}),
        ([1], False, {"output": [1]}),
        (None, False, {"output": None}),
        ("bad", True, {"error": "bad"}),
        ({"a": 1}, True, {"error": {"a": 1}}),
    ],
)
def test_a_response_is_an_object(value: Any, failed: bool, response: dict[str, Any]) -> None:
    turns = [*loop("1")[:2], {"role": "tool", "content": [result("1", value, is_error=failed)]}]
    assert google(ask(messages=turns))["contents"][2]["parts"][0]["functionResponse"]["response"] == response


def test_media_of_a_result_stand_in_it_or_behind_it() -> None:
    image = {"type": "image", "data": PNG, "mime_type": "image/png"}
    turns = [*loop("1")[:2], {"role": "tool", "content": [{"type": "tool-result", "id": "1", "content": [image]}]}]
    (inside,) = google(ask(messages=turns))["contents"][2]["parts"]
    assert inside["functionResponse"]["parts"][0]["inlineData"]["mimeType"] == "image/png"
    response, text, picture = google(ask(messages=turns), OLD)["contents"][2]["parts"]
    assert "parts" not in response["functionResponse"]
    assert text["text"] == "Content of the result of f:"
    assert "inlineData" in picture


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"mode": "tool", "name": "f"}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tool_choice(choice: Any, calling: dict[str, Any]) -> None:
    assert google(ask(tools=[TOOL], tool_choice=choice))["toolConfig"] == {"functionCallingConfig": calling}


def test_what_tools_cannot_be_told() -> None:
    assert "tool_choice.parallel" in refused(ask(tools=[TOOL], tool_choice={"parallel": False}))
    assert "tool_choice" in refused(ask(tool_choice="required"))
    assert "tools[f].strict" in refused(ask(tools=[{"name": "f", "strict": True}]))
    assert "tools[f].freeform" in refused(ask(tools=[{"name": "f", "freeform": True}]))


def test_native_tools_stand_beside_the_functions() -> None:
    tools = google(ask(tools=[TOOL, {"name": "search", "native": {"googleSearch": {}}}]))["tools"]
    assert tools == [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}]


def test_lost_keywords_of_a_schema_are_named() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}}
    out = lower(ask(tools=[{"name": "f", "input_schema": schema}]), route(PROTOCOL, NEW), stream=False)
    assert out.warnings == ("the schema keyword 'pattern' was left out",)


# Around


def test_formats() -> None:
    assert google(ask(response_format="json"))["generationConfig"] == {"responseMimeType": "application/json"}
    config = google(ask(output_type=Report))["generationConfig"]
    assert config["responseJsonSchema"]["required"] == ["title", "points"]
    assert "response_format" in refused(ask(output_type=Report), json_schema=False)


def test_files_by_address_and_by_id() -> None:
    parts = [
        {"type": "image", "url": "https://example.com/a.png", "mime_type": "image/png"},
        {"type": "audio", "file_id": "https://example.com/files/1"},
    ]
    said = google(ask(messages=[{"role": "user", "content": parts}]))["contents"][0]["parts"]
    assert said == [
        {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a.png"}},
        {"fileData": {"fileUri": "https://example.com/files/1"}},
    ]


def test_metadata_are_labels_where_they_are_known() -> None:
    assert google(ask(metadata={"a": "b"}), metadata=True)["labels"] == {"a": "b"}


def test_neighbours_of_one_role_are_one() -> None:
    contents = google(ask(messages=["a", "b", {"role": "system", "content": "c"}, "d"]))["contents"]
    assert [(content["role"], len(content["parts"])) for content in contents] == [("user", 4)]
