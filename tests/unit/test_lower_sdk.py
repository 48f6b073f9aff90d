"""Every golden body is what the provider's own SDK would let pass: names, members and kinds of values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.lowering import GOLDEN, SCENARIOS
from tests.kit.typed import misfits

pytest.importorskip("openai", reason="the SDKs are in the dependency group sdk")

OWN = frozenset({"extra"})
"""Members of the scenario that lays a body over ours."""


def _body(protocol: str, scenario: str) -> dict[str, Any]:
    body = json.loads((GOLDEN / protocol / f"{scenario}.json").read_text(encoding="utf-8"))["body"]
    return {name: value for name, value in body.items() if name not in OWN}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_chat_is_what_the_openai_sdk_takes(scenario: str) -> None:
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

    assert misfits(_body("openai-chat", scenario), CompletionCreateParamsStreaming) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_responses_are_what_the_openai_sdk_takes(scenario: str) -> None:
    from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

    assert misfits(_body("openai-responses", scenario), ResponseCreateParamsStreaming) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_messages_are_what_the_anthropic_sdk_takes(scenario: str) -> None:
    from anthropic.types.message_create_params import MessageCreateParamsStreaming

    body = _body("anthropic-messages", scenario)
    for name in ("temperature", "top_p", "top_k"):
        body.pop(name, None)  # older models take them, the SDK of the newest has dropped them
    assert misfits(body, MessageCreateParamsStreaming) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_invoke_is_the_same_but_for_what_bedrock_says_elsewhere(scenario: str) -> None:
    from anthropic.types.message_create_params import MessageCreateParamsStreaming

    body = _body("bedrock-invoke-anthropic", scenario)
    assert body.pop("anthropic_version") == "bedrock-2023-05-31"
    assert misfits({"model": "claude-opus-4-8", "stream": True, **body}, MessageCreateParamsStreaming) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_google_is_what_the_google_sdk_takes(scenario: str) -> None:
    from google.genai import types

    body = _body("google-generate-content", scenario)
    for content in [*body.pop("contents"), body.pop("systemInstruction", {})]:
        types.Content.model_validate(content)
    for tool in body.pop("tools", []):
        types.Tool.model_validate(tool)
    types.ToolConfig.model_validate(body.pop("toolConfig", {}))
    types.GenerationConfig.model_validate(body.pop("generationConfig", {}))
    assert body == {}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_converse_is_what_botocore_takes(scenario: str) -> None:
    import botocore.session
    from botocore.validate import ParamValidator

    service = botocore.session.Session().get_service_model("bedrock-runtime")
    shape = service.operation_model("ConverseStream").input_shape
    body = {"modelId": "eu.anthropic.claude-sonnet-4-6", **_body("bedrock-converse", scenario)}
    report = ParamValidator().validate(body, shape)
    assert not report.has_errors(), report.generate_report()


def test_the_comparison_finds_what_is_wrong() -> None:
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

    body = {"model": 1, "stream": True, "mesages": [], "messages": [{"role": "user", "content": [{"type": "txt"}]}]}
    found = "\n".join(misfits(body, CompletionCreateParamsStreaming))
    assert "$.model: 1" in found
    assert "knows no 'mesages'" in found
    assert "$.messages[0]" in found
