"""What stands in the frames of the generated bodies: the events of each wire, as the providers' API pages show them.

Owns the shapes and the made-up text; the framing is in `streams.py`. Sources: the streaming pages of
https://platform.openai.com/docs/api-reference, https://docs.anthropic.com/en/docs/build-with-claude/streaming,
https://ai.google.dev/api/generate-content and https://docs.aws.amazon.com/bedrock/latest/APIReference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MESSAGES = "anthropic-messages"
VARIANTS = ("text", "reasoning", "tools")

Payload = dict[str, Any]
Events = Iterator[tuple[str, Payload]]

WORDS = (
    " the", " river", " carries", " silt", " past", " an", " old", " mill", ",", " and", " every", " spring", " its",
    " bank", " moves", " a", " little", ".", " Farmers", " note", " the", " date", " in", " a", " ledger", ":", "\n\n",
    "-", " March", " ", "17", ",", " water", " at", " the", " third", " step", ";", " café", " closed", ".", "\n", "It",
    " is", " said", " \"", "high", " water", "\"", " comes", " twice", " —", " once", " for", " the", " snow", ",",
    " once", " for", " the", " rain", ".",
)  # fmt: skip
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SIGNATURE = "c2lnbmVkLWJ5LXRoZS1iZW5jaA==" * 8
ANSWER_ID = "resp_06b7c1f2a94d83e500a1b2c3d4e5f60718293a4b5c6d7e8f90"
ITEM_ID = "msg_06b7c1f2a94d83e500a1b2c3d4e5f60718293a4b5c6d7e8f91"


def deltas(count: int, variant: str) -> list[str]:
    """The deltas of a response: words, or for `tools` the pieces of one JSON argument text."""
    if variant == "tools":
        return ['{"note":"', *(f"w{at % 997} " for at in range(count - 2)), '"}']
    return [WORDS[at % len(WORDS)] for at in range(count)]


def padding(position: int, least: int, most: int) -> str:
    """Padding whose length changes from event to event, as OpenAI's `obfuscation` and Bedrock's `p` do."""
    return ALPHABET[: least + (position * 7919) % (most - least + 1)]


# -- openai-chat ---------------------------------------------------------------------------------------------------


def chat(pieces: list[str], variant: str) -> Events:
    """`chat.completion.chunk` objects, usage in a last chunk without choices (`stream_options.include_usage`)."""
    yield "", chat_chunk([chat_choice({"role": "assistant", "content": "", "refusal": None}, None)], 0)
    if variant == "tools":
        opening = {"index": 0, "id": "call_bench01", "type": "function", "function": {"name": "note", "arguments": ""}}
        yield "", chat_chunk([chat_choice({"tool_calls": [opening]}, None)], 1)
    for at, piece in enumerate(pieces):
        yield "", chat_chunk([chat_choice(chat_delta(piece, variant), None)], at)
    yield "", chat_chunk([chat_choice({}, "tool_calls" if variant == "tools" else "stop")], 3)
    usage = {
        "prompt_tokens": 412,
        "completion_tokens": len(pieces),
        "total_tokens": 412 + len(pieces),
        "prompt_tokens_details": {"cached_tokens": 256, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0},
    }
    yield "", {**chat_chunk([], 5), "usage": usage}


def chat_delta(piece: str, variant: str) -> Payload:
    """The `delta` of one chunk."""
    if variant == "tools":
        return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    return {"reasoning_content" if variant == "reasoning" else "content": piece}


def chat_choice(delta: Payload, finish: str | None) -> Payload:
    """The one choice of a chunk."""
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def chat_chunk(choices: list[Payload], position: int) -> Payload:
    """One chunk with all the fields that repeat in each."""
    return {
        "id": "chatcmpl-BenchA47Nh5m7lOHKRXwsYEbXJAp9",
        "object": "chat.completion.chunk",
        "created": 1763337600,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_0f1e2d3c4b",
        "choices": choices,
        "usage": None,
        "obfuscation": padding(position, 2, 14),
    }


# -- openai-responses ----------------------------------------------------------------------------------------------


def responses(pieces: list[str], variant: str) -> Events:
    """The events of the Responses API, each numbered and named twice (`event:` and `type`)."""
    for number, (name, payload) in enumerate(responses_unnumbered(pieces, variant)):
        yield name, {"type": name, "sequence_number": number, **payload}


def responses_unnumbered(pieces: list[str], variant: str) -> Events:
    """The same without the number."""
    at, text = {"output_index": 0}, "".join(pieces)
    place = {"item_id": ITEM_ID, **at}
    yield "response.created", {"response": response_object("in_progress", [], None)}
    yield "response.in_progress", {"response": response_object("in_progress", [], None)}
    yield "response.output_item.added", {**at, "item": responses_item(variant, None)}
    delta, done, extra, part = RESPONSES_NAMES[variant]
    if part:
        yield f"response.{part}.added", {**place, **extra, "part": responses_part(variant, "")}
    for number, piece in enumerate(pieces):
        logprobs: Payload = {"logprobs": []} if variant == "text" else {}
        yield delta, {**place, **extra, "delta": piece, **logprobs, "obfuscation": padding(number, 4, 16)}
    yield done, {**place, **extra, "arguments" if variant == "tools" else "text": text}
    if part:
        yield f"response.{part}.done", {**place, **extra, "part": responses_part(variant, text)}
    yield "response.output_item.done", {**at, "item": responses_item(variant, text)}
    usage = {
        "input_tokens": 412,
        "input_tokens_details": {"cached_tokens": 256},
        "output_tokens": len(pieces),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 412 + len(pieces),
    }
    yield "response.completed", {"response": response_object("completed", [responses_item(variant, text)], usage)}


RESPONSES_NAMES: dict[str, tuple[str, str, Payload, str]] = {
    "text": ("response.output_text.delta", "response.output_text.done", {"content_index": 0}, "content_part"),
    "reasoning": (
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        {"summary_index": 0},
        "reasoning_summary_part",
    ),
    "tools": ("response.function_call_arguments.delta", "response.function_call_arguments.done", {}, ""),
}


def responses_part(variant: str, text: str) -> Payload:
    """A content or summary part."""
    if variant == "reasoning":
        return {"type": "summary_text", "text": text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def responses_item(variant: str, text: str | None) -> Payload:
    """The one output item; `text` is None while it is open."""
    status = {"id": ITEM_ID, "status": "in_progress" if text is None else "completed"}
    if variant == "tools":
        return {**status, "type": "function_call", "call_id": "call_bench01", "name": "note", "arguments": text or ""}
    parts = [] if text is None else [responses_part(variant, text)]
    if variant == "reasoning":
        return {**status, "type": "reasoning", "summary": parts}
    return {**status, "type": "message", "role": "assistant", "content": parts}


def response_object(status: str, output: list[Payload], usage: Payload | None) -> Payload:
    """The `response` of `response.created` and `response.completed`."""
    return {
        "id": ANSWER_ID,
        "object": "response",
        "created_at": 1763337600,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": "gpt-4o-mini-2024-07-18",
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": None,
        "metadata": {},
    }


# -- anthropic-messages --------------------------------------------------------------------------------------------


def messages(pieces: list[str], variant: str) -> Events:
    """The events of the Messages API, each named twice (`event:` and `type`)."""
    for payload in messages_payloads(pieces, variant):
        yield payload["type"], payload


def messages_payloads(pieces: list[str], variant: str) -> Iterator[Payload]:
    """The same without the name."""
    usage = {
        "input_tokens": 156,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 256,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
    }
    message = {"id": "msg_01BenchQh3T5v7W9x1Y3z5A7b", "type": "message", "role": "assistant", "content": []}
    stop: Payload = {"stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": {**message, "model": "claude-sonnet-4-5", **stop, "usage": usage}}
    block, kind, field = MESSAGES_BLOCKS[variant]
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    for piece in pieces:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: piece}}
    if variant == "reasoning":
        signed = {"type": "signature_delta", "signature": SIGNATURE}
        yield {"type": "content_block_delta", "index": 0, "delta": signed}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": "tool_use" if variant == "tools" else "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": len(pieces)}}
    yield {"type": "message_stop"}


MESSAGES_BLOCKS: dict[str, tuple[Payload, str, str]] = {
    "text": ({"type": "text", "text": ""}, "text_delta", "text"),
    "reasoning": ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking"),
    "tools": (
        {"type": "tool_use", "id": "toolu_bench01", "name": "note", "input": {}},
        "input_json_delta",
        "partial_json",
    ),
}


# -- google-generate-content ---------------------------------------------------------------------------------------


def google(pieces: list[str], variant: str) -> Events:
    """`GenerateContentResponse` objects; a function call comes whole, so `tools` has one a piece."""
    for at, piece in enumerate(pieces):
        yield "", google_chunk(google_part(piece, variant, at), at + 1, None)
    yield "", google_chunk({"text": ""}, len(pieces), "STOP")


def google_part(piece: str, variant: str, position: int) -> Payload:
    """The one part of a chunk."""
    if variant == "tools":
        return {"functionCall": {"name": "note", "args": {"position": position, "piece": piece}}}
    return {"text": piece, "thought": True} if variant == "reasoning" else {"text": piece}


def google_chunk(part: Payload, count: int, finish: str | None) -> Payload:
    """One chunk; the usage so far stands in each."""
    candidate: Payload = {"content": {"parts": [part], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 412,
            "candidatesTokenCount": count,
            "totalTokenCount": 412 + count,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 412}],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "J4pyBenchILKauMP0oWIwA8",
    }


# -- bedrock-converse ----------------------------------------------------------------------------------------------


def converse(pieces: list[str], variant: str) -> Events:
    """The events of ConverseStream; the name is the `:event-type` header."""
    yield "messageStart", {"role": "assistant"}
    if variant == "tools":
        start = {"toolUse": {"toolUseId": "tooluse_bench01", "name": "note"}}
        yield "contentBlockStart", {"contentBlockIndex": 0, "start": start}
    for piece in pieces:
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": converse_delta(piece, variant)}
    if variant == "reasoning":
        signed = {"reasoningContent": {"signature": SIGNATURE}}
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": signed}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": "tool_use" if variant == "tools" else "end_turn"}
    counts = {"inputTokens": 412, "outputTokens": len(pieces), "totalTokens": 412 + len(pieces)}
    yield "metadata", {"usage": counts, "metrics": {"latencyMs": 1841}}


def converse_delta(piece: str, variant: str) -> Payload:
    """The `delta` of one event."""
    if variant == "tools":
        return {"toolUse": {"input": piece}}
    return {"reasoningContent": {"text": piece}} if variant == "reasoning" else {"text": piece}


SHAPES: dict[str, Callable[[list[str], str], Events]] = {
    "openai-chat": chat,
    "openai-responses": responses,
    MESSAGES: messages,
    "google-generate-content": google,
    "bedrock-converse": converse,
}
