"""Recorded answers, sent back: every format takes every answer, and its own in words that the provider's SDK knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.kit import corpus
from tests.kit.lowering import route
from tests.kit.typed import misfits

from zen_native import LLMError, LLMRequest, LLMResponse, Message, decode, fold
from zen_native.dialect import Dialect
from zen_native.formats import lower

pytest.importorskip("openai", reason="the SDKs are in the dependency group sdk")

MODELS = {
    "anthropic-messages": "claude-sonnet-4-5",
    "bedrock-invoke-anthropic": "claude-sonnet-4-5",
    "bedrock-converse": "anthropic.claude-sonnet-4-5",
    "google-generate-content": "gemini-3-pro",
    "openai-chat": "gpt-5.4",
    "openai-responses": "gpt-5.4",
}
KNOWN = Dialect(freeform_tools=True, media=frozenset({"image", "image-url", "audio", "audio-url", "document"}))


def _of_our_protocols() -> list[Any]:
    """Recorded answers in one of the six formats; where there is no corpus, the skip."""
    found = corpus.params("streams", "unary", "zen")
    return [one for one in found if one.values[0] is None or one.values[0].protocol in MODELS]


def _answer(exchange: corpus.Exchange) -> LLMResponse:
    """The recorded answer, or what was decoded before it failed."""
    protocol: Any = exchange.protocol
    try:
        return fold(decode(exchange.body, protocol, framing=exchange.framing, runtime="python", provider="here"))
    except LLMError as error:
        return error.partial or LLMResponse()


def _continued(answer: LLMResponse, protocol: str, provider: str) -> dict[str, Any]:
    user = Message.model_validate({"role": "user", "content": "Go on."})
    request = LLMRequest(model="m", messages=(user, *answer.to_messages(), user), cache="none", strict=False)
    return lower(request, route(protocol, MODELS[protocol], provider=provider, dialect=KNOWN), stream=True).body


@pytest.mark.parametrize("exchange", _of_our_protocols())
def test_every_answer_can_be_continued(exchange: corpus.Exchange) -> None:
    answer = _answer(exchange)
    for protocol in MODELS:
        foreign = json.dumps(_continued(answer, protocol, "elsewhere"))
        for part in answer.parts:
            signature = getattr(part, "signature", None)
            assert not signature or len(signature) < 20 or signature not in foreign
    own = _continued(answer, exchange.protocol, "here")
    assert CHECKS[exchange.protocol](own) == []


def _chat(body: dict[str, Any]) -> list[str]:
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming as Params

    for message in body["messages"]:  # what other servers than OpenAI have
        for name in ("reasoning_content", "reasoning", "reasoning_text", "reasoning_details"):
            message.pop(name, None)
        for one in message.get("tool_calls", []):
            one.pop("extra_content", None)
        if isinstance(message["content"], list):
            message["content"] = [part for part in message["content"] if part["type"] != "thinking"]
    return misfits(body, Params)


def _responses(body: dict[str, Any]) -> list[str]:
    from openai.types.responses.response_create_params import ResponseCreateParamsStreaming as Params

    plain = ("message", "reasoning", "function_call", "function_call_output", "custom_tool_call")
    body["input"] = [item for item in body["input"] if item.get("type", "message") in plain]
    return misfits(body, Params)


def _messages(body: dict[str, Any]) -> list[str]:
    from anthropic.types.message_create_params import MessageCreateParamsStreaming as Params

    plain = ("text", "thinking", "redacted_thinking", "tool_use", "tool_result")
    for message in body["messages"]:
        message["content"] = [block for block in message["content"] if block["type"] in plain]
        for block in message["content"]:
            block.pop("citations", None)
    return misfits({"model": "m", "stream": True, **body}, Params)


def _invoke(body: dict[str, Any]) -> list[str]:
    return _messages({name: value for name, value in body.items() if name != "anthropic_version"})


def _google(body: dict[str, Any]) -> list[str]:
    from google.genai import types

    for content in body["contents"]:
        types.Content.model_validate(content)
    return []


def _converse(body: dict[str, Any]) -> list[str]:
    import botocore.session
    from botocore.validate import ParamValidator

    service = botocore.session.Session().get_service_model("bedrock-runtime")
    shape = service.operation_model("ConverseStream").input_shape
    report = ParamValidator().validate({"modelId": "m", **body}, shape)
    return [report.generate_report()] if report.has_errors() else []


CHECKS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "anthropic-messages": _messages,
    "bedrock-invoke-anthropic": _invoke,
    "bedrock-converse": _converse,
    "google-generate-content": _google,
    "openai-chat": _chat,
    "openai-responses": _responses,
}
