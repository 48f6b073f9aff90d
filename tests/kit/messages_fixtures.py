"""The binary fixtures of Bedrock's InvokeModel stream, as frames. `python -m tests.kit.messages_fixtures` writes them.

A test holds the files against this source. Owns no expectation: those are the goldens.
"""

from __future__ import annotations

from pathlib import Path

from tests.kit.eventstream import encode, exception
from tests.kit.messages import STOP, Frame, block, delta, end, invoke, json_delta, start, stop, text_block

__all__ = ["FOLDER", "SCENARIOS"]

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "bedrock-invoke-anthropic"

_BEGIN = start(id="msg_bdrk_01", model="claude-test-1", usage={"input_tokens": 21, "output_tokens": 1})
_METRICS: Frame = {"inputTokenCount": 21, "outputTokenCount": 9, "invocationLatency": 480, "firstByteLatency": 120}
_LAST: Frame = {**STOP, "amazon-bedrock-invocationMetrics": _METRICS}
_HELLO = [_BEGIN, *text_block(0, "Good ", "morning, ", "Zo\u00eb \u2600\ufe0f")]

SCENARIOS: dict[str, bytes] = {
    "text": invoke(*_HELLO, end(usage={"output_tokens": 9}), _LAST),
    "reasoning": invoke(
        _BEGIN,
        block(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="A greeting will do."),
        delta(0, "signature_delta", signature="c2lnbmVkIGJ5IGEgdGVzdA=="),
        stop(0),
        *text_block(1, "Hello."),
        end(usage={"output_tokens": 30}),
        _LAST,
    ),
    "tools": invoke(
        _BEGIN,
        block(0, "tool_use", id="toolu_bdrk_1", name="tide", input={}),
        json_delta(0, ""),
        json_delta(0, '{"port": "Br'),
        json_delta(0, 'est"}'),
        stop(0),
        block(1, "tool_use", id="toolu_bdrk_2", name="now", input={}),
        json_delta(1, ""),
        stop(1),
        end("tool_use", usage={"output_tokens": 40}),
        _LAST,
    ),
    "metrics-only": invoke(
        start(id="msg_bdrk_02"),
        *text_block(0, "Short."),
        end(),
        {**STOP, "amazon-bedrock-invocationMetrics": {**_METRICS, "cacheReadInputTokenCount": 100}},
    ),
    "completion": invoke(
        {"completion": " A haiku", "stop_reason": None, "stop": None},
        {
            "completion": " about rain.",
            "stop_reason": "stop_sequence",
            "stop": "\n\nHuman:",
            "amazon-bedrock-invocationMetrics": _METRICS,
        },
    ),
    "exception": invoke(*_HELLO[:3]) + exception("throttlingException", b'{"message": "Too many requests."}'),
    "malformed": invoke(*_HELLO[:3]) + encode(b'{"bytes": "*not base64*"}', event="chunk"),
    "incomplete": invoke(*_HELLO),
}

if __name__ == "__main__":
    for name, body in SCENARIOS.items():
        (FOLDER / f"{name}.bin").write_bytes(body)
