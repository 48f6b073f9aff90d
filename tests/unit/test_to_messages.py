"""An answer sent back: to its issuer as it came, to others without what only its issuer may see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.lowering import PNG, route

from zen_native import (
    Finish,
    FinishReason,
    LLMEvent,
    LLMRequest,
    LLMResponse,
    Message,
    StepFinish,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCall,
    ToolInputError,
    ToolResult,
    decode,
    fold,
)
from zen_native.dialect import Dialect
from zen_native.formats import lower

ANTHROPIC: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Let me see.", "signature": "c2lnbmF0dXJl+/=="},
    {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk"},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "fjord"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {"type": "web_search_result", "url": "https://example.com", "title": "t", "encrypted_content": "e"}
        ],
    },
    {
        "type": "text",
        "text": "A fjord is deep.",
        "citations": [
            {
                "type": "web_search_result_location",
                "url": "https://example.com",
                "title": "t",
                "cited_text": "deep",
                "encrypted_index": "i",
            }
        ],
    },
    {"type": "compaction", "content": "summary"},
    {"type": "tool_use", "id": "toolu_1", "name": "get_depth", "input": {"fjord": "Sogn"}},
]
RESPONSES: list[dict[str, Any]] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Second."}],
        "encrypted_content": "gAAB+x/==",
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Wait.", "annotations": []}],
        "phase": "commentary",
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "fjord"}},
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PNG},
    {"type": "compaction", "id": "cmp_1", "encrypted_content": "xyz"},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_depth", "arguments": '{"fjord":"Sogn"}'},
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "patch", "input": "*** Begin"},
]
GOOGLE: list[dict[str, Any]] = [
    {"text": "Thinking about it.", "thought": True, "thoughtSignature": "dGhvdWdodA=="},
    {"text": "Let me run this."},
    {"executableCode": {"language": "PYTHON", "code": "print(1)", "id": "x1"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "x1"}},
    {"text": "One.", "thoughtSignature": "dGV4dA=="},
    {"inlineData": {"mimeType": "image/png", "data": PNG}},
    {"functionCall": {"id": "f1", "name": "get_depth", "args": {"fjord": "Sogn"}}, "thoughtSignature": "Y2FsbA=="},
    {"functionCall": {"id": "f2", "name": "get_depth", "args": {"fjord": "Geiranger"}}},
]
CONVERSE: list[dict[str, Any]] = [
    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
    {"reasoningContent": {"redactedContent": "cmVk"}},
    {"reasoningContent": {"reasoningText": {"text": "An unsigned thought."}}},
    {"text": "Sure."},
    {
        "toolUse": {
            "toolUseId": "run_1",
            "name": "interpreter",
            "input": {"code": "print(1)"},
            "type": "server_tool_use",
        }
    },
    {
        "toolResult": {
            "toolUseId": "run_1",
            "content": [{"json": {"out": "1"}}],
            "status": "success",
            "type": "interpreter_result",
        }
    },
    {"toolUse": {"toolUseId": "tooluse_1", "name": "get_depth", "input": {"fjord": "Sogn"}}},
]
CHAT: dict[str, Any] = {
    "role": "assistant",
    "content": "Let me see.",
    "reasoning_content": "The user wants a depth.",
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_depth", "arguments": '{"fjord":"Sogn"}'},
            "extra_content": {"google": {"thought_signature": "c2ln"}},
        }
    ],
}


def _answer(protocol: Any, document: dict[str, Any], provider: str = "here") -> LLMResponse:
    body = json.dumps(document).encode()
    return fold(decode(body, protocol, framing="document", runtime="python", provider=provider))


def _continued(answer: LLMResponse, protocol: str, *, dialect: Dialect | None = None, model: str = "model") -> Any:
    """The body that continues the conversation after an answer, and the warnings."""
    messages = (Message.model_validate({"role": "user", "content": "How deep?"}), *answer.to_messages())
    request = LLMRequest(model="m", messages=messages, cache="none")
    return lower(request, route(protocol, model, dialect=dialect), stream=False)


def _messages() -> dict[str, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    return {**head, "content": ANTHROPIC, "stop_reason": "tool_use", "usage": usage}


def _responses() -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": "completed", "output": RESPONSES}


def _google(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}


def _converse() -> dict[str, Any]:
    return {"output": {"message": {"role": "assistant", "content": CONVERSE}}, "stopReason": "tool_use"}


def _chat(message: dict[str, Any]) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "x"}]}


def test_messages_go_back_as_they_came() -> None:
    out = _continued(_answer("anthropic-messages", _messages()), "anthropic-messages")
    assert out.body["messages"][1]["content"] == ANTHROPIC


def test_responses_go_back_as_they_came() -> None:
    out = _continued(
        _answer("openai-responses", _responses()), "openai-responses", dialect=Dialect(freeform_tools=True)
    )
    assert out.body["input"][1 : 1 + len(RESPONSES)] == RESPONSES


def test_google_goes_back_as_it_came() -> None:
    out = _continued(_answer("google-generate-content", _google(GOOGLE)), "google-generate-content", model="gemini-3")
    assert out.body["contents"][1]["parts"] == GOOGLE


def test_converse_goes_back_as_it_came() -> None:
    out = _continued(_answer("bedrock-converse", _converse()), "bedrock-converse")
    assert out.body["messages"][1]["content"] == CONVERSE


def test_converse_sends_no_unsigned_reasoning_to_claude() -> None:
    out = _continued(_answer("bedrock-converse", _converse()), "bedrock-converse", model="anthropic.claude-sonnet-4-5")
    assert out.body["messages"][1]["content"] == [*CONVERSE[:2], *CONVERSE[3:]]


@pytest.mark.parametrize("status", ["success", "error"])
def test_converse_sends_the_status_of_a_hosted_result_back(status: str) -> None:
    result = {"toolUseId": "run_1", "content": [{"text": "1"}], "status": status}
    call = {"toolUse": {"toolUseId": "run_1", "name": "interpreter", "input": {}, "type": "server_tool_use"}}
    content = [call, {"toolResult": result}, {"text": "So 1."}]
    answer = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn"}
    assert _continued(_answer("bedrock-converse", answer), "bedrock-converse").body["messages"][1]["content"] == content


def test_google_sends_tools_back_that_it_ran_and_said_nothing_of() -> None:
    parts = [
        {"toolCall": {"toolType": "search_web", "args": {"queries": ["fjord"]}, "id": "s1"}},
        {"toolResponse": {"toolType": "search_web", "response": {"hits": 2}, "id": "s1"}},
        {"text": "Deep."},
    ]
    out = _continued(_answer("google-generate-content", _google(parts)), "google-generate-content")
    assert out.body["contents"][1]["parts"] == parts


def test_chat_goes_back_as_it_came() -> None:
    out = _continued(_answer("openai-chat", _chat(CHAT)), "openai-chat")
    assert out.body["messages"][1] == CHAT


def test_openrouter_details_go_back_as_they_came() -> None:
    details = [
        {"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "xyz", "id": "r1", "index": 1},
    ]
    message = {"role": "assistant", "content": "Yes.", "reasoning": "Hm.", "reasoning_details": details}
    out = _continued(_answer("openai-chat", _chat(message)), "openai-chat")
    assert out.body["messages"][1] == {"role": "assistant", "content": "Yes.", "reasoning_details": details}


def test_mistral_thinking_goes_back_as_content() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Yes."}]
    out = _continued(_answer("openai-chat", _chat({"role": "assistant", "content": content})), "openai-chat")
    assert out.body["messages"][1] == {"role": "assistant", "content": content}


ANSWERS = {
    "anthropic-messages": _messages(),
    "openai-responses": _responses(),
    "google-generate-content": _google(GOOGLE),
    "bedrock-converse": _converse(),
    "openai-chat": _chat(CHAT),
}
SECRETS = (
    *("c2ln", "dGhvdWdodA", "Y2FsbA", "dGV4dA", "gAAB", "rs_1", "msg_1", "fc_1", "ZW5jcnlwdGVk", "cmVk", "xyz"),
    *("An unsigned thought", "print(1)", "run_1", "OUTCOME_OK"),
)


@pytest.mark.parametrize("target", ANSWERS)
@pytest.mark.parametrize("source", ANSWERS)
def test_replay_data_never_goes_to_another_provider(source: Any, target: str) -> None:
    answer = _answer(source, ANSWERS[source], provider="elsewhere")
    out = _continued(answer, target, dialect=Dialect(freeform_tools=True), model="gemini-3")
    text = json.dumps(out.body)
    assert not [secret for secret in SECRETS if secret in text]
    assert "thinking" not in text.replace("skip_thought", "")
    assert "get_depth" in text  # what anybody may see is still there


def test_reasoning_of_another_provider_is_named_in_the_warnings() -> None:
    answer = _answer("anthropic-messages", _messages(), provider="elsewhere")
    assert "reasoning of another provider was left out" in _continued(answer, "openai-chat").warnings


def test_other_candidates_do_not_go_back() -> None:
    document = _google([{"text": "First."}])
    document["candidates"].append({"index": 1, "content": {"parts": [{"text": "Second."}]}, "finishReason": "STOP"})
    out = _continued(_answer("google-generate-content", document), "google-generate-content")
    assert out.body["contents"][1]["parts"] == [{"text": "First."}]


# Several steps


def _text(step: int, text: str) -> list[LLMEvent]:
    return [TextStart(f"t{step}"), TextDelta(f"t{step}", text), TextEnd(f"t{step}")]


def test_steps_become_messages_in_turn() -> None:
    stop = FinishReason("tool-calls")
    events: list[LLMEvent] = [
        *_text(0, "One."),
        ToolCall("a", "f", {}),
        ToolCall("b", "f", {}),
        ToolResult("a", "f", 1),
        ToolResult("b", "f", "no", is_error=True),
        StepFinish(0, stop),
        *_text(1, "Two."),
        StepFinish(1, FinishReason("stop")),
        Finish(FinishReason("stop"), None, 2),
    ]
    messages = fold(events).to_messages()
    assert [message.role for message in messages] == ["assistant", "tool", "assistant"]
    assert [part.type for part in messages[0].content] == ["text", "tool-call", "tool-call"]
    assert [part.type for part in messages[1].content] == ["tool-result", "tool-result"]


def test_a_call_that_is_no_json_goes_back_as_an_object() -> None:
    events: list[LLMEvent] = [ToolInputError("a", "f", '{"x":', "no JSON"), StepFinish(0, FinishReason("tool-calls"))]
    out = _continued(fold(events), "anthropic-messages").body["messages"]
    assert out[1]["content"][0]["input"] == {"invalid_arguments": '{"x":'}
    assert out[2]["content"][0]["is_error"] is True


def test_an_empty_answer_is_no_message() -> None:
    assert LLMResponse().to_messages() == ()
