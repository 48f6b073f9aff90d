"""The binary fixtures of Bedrock Converse: `python -m tests.kit.converse_fixtures` writes them."""

from __future__ import annotations

from pathlib import Path

from tests.kit.converse import START, block_start, block_stop, delta, metadata, stop, stream, text_block
from tests.kit.eventstream import exception

__all__ = ["FOLDER", "SCENARIOS"]

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "bedrock-converse"

_CACHED = {
    "inputTokens": 3,
    "outputTokens": 12,
    "totalTokens": 1295,
    "cacheReadInputTokens": 1024,
    "cacheReadInputTokenCount": 1024,
    "cacheWriteInputTokens": 256,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 192}, {"ttl": "5m", "inputTokens": 64}],
    "serverToolUsage": {},
}

SCENARIOS: dict[str, bytes] = {
    "text": stream(START, *text_block(0, "The harbour", " is quiet — ", "for now."), stop(), metadata()),
    "reasoning": stream(
        START,
        delta(0, reasoningContent={"text": "Seven is "}),
        delta(0, reasoningContent={"text": "odd."}),
        delta(0, reasoningContent={"signature": "c2lnbmVk"}),
        block_stop(0),
        delta(1, reasoningContent={"redactedContent": "c2VjcmV0"}),
        block_stop(1),
        *text_block(2, "Odd."),
        stop(),
        metadata(),
    ),
    "tools-parallel": stream(
        START,
        *text_block(0, "Both, then."),
        block_start(1, toolUse={"toolUseId": "tide-1", "name": "tide"}),
        delta(1, toolUse={"input": ""}),
        delta(1, toolUse={"input": '{"port": "Br'}),
        delta(1, toolUse={"input": 'est"}'}),
        block_stop(1),
        block_start(2, toolUse={"toolUseId": "clock-1", "name": "clock"}),
        block_stop(2),
        stop("tool_use"),
        metadata(),
    ),
    "tools-cut": stream(
        START,
        block_start(0, toolUse={"toolUseId": "tide-1", "name": "tide"}),
        delta(0, toolUse={"input": '{"port": "Br'}),
        stop("max_tokens"),
        metadata(),
    ),
    "hosted-tools": stream(
        START,
        block_start(0, toolUse={"toolUseId": "run-1", "name": "code_interpreter", "type": "server_tool_use"}),
        delta(0, toolUse={"input": '{"code": "6 * 7"}'}),
        block_stop(0),
        block_start(1, toolResult={"toolUseId": "run-1", "type": "code_interpreter_result", "status": "success"}),
        delta(1, toolResult=[{"json": {"stdOut": "42", "exitCode": 0}}]),
        block_stop(1),
        *text_block(2, "It is 42."),
        stop(),
        metadata(),
    ),
    "citations": stream(
        START,
        delta(0, citation={"title": "Almanac", "sourceContent": [{"text": "High water at seven."}]}),
        *text_block(0, "High at seven."),
        delta(1, text="Low at one."),
        delta(1, citation={"location": {"web": {"url": "https://example.org/tides", "domain": "example.org"}}}),
        block_stop(1),
        stop(),
        metadata(),
    ),
    "media": stream(
        START,
        block_start(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "iVBO"}}),
        delta(0, image={"source": {"bytes": "Rw0KGgo="}}),
        block_stop(0),
        stop(),
        metadata(),
    ),
    "cache": stream(START, *text_block(0, "Calm."), stop(), metadata(_CACHED)),
    "guardrail": stream(
        START,
        *text_block(0, "I cannot say."),
        stop("guardrail_intervened", additionalModelResponseFields={"stop_sequence": None}),
        metadata(trace={"guardrail": {"actionReason": "blocked"}}, serviceTier={"type": "flex"}),
    ),
    "no-metadata": stream(START, *text_block(0, "Calm."), stop()),
    "malformed": stream(START, *text_block(0, "Calm"), stop("malformed_tool_use"), metadata()),
    "exception": stream(
        START, delta(0, text="Calm"), exception("throttlingException", b'{"message":"Too many tokens, please wait."}')
    ),
    "incomplete": stream(START, delta(0, text="Calm"), metadata()),
}

if __name__ == "__main__":
    for name, body in SCENARIOS.items():
        (FOLDER / f"{name}.bin").write_bytes(body)
