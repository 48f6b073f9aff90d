"""How chat completions end: finish reasons, `[DONE]`, errors, every cut, recordings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.chat import DONE, call, chunk, sse, stream, tail
from tests.kit.corpus import Exchange, params
from tests.kit.decoding import decode, pieces, text

from zen_native.errors import (
    IncompleteStreamError,
    LLMError,
    OverloadedError,
    ServerError,
    UnknownProviderError,
)
from zen_native.events import (
    Finish,
    StepFinish,
    ToolCall,
)

STOP = chunk(finish="stop")


# The finish reason


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("stop", "stop"),
        ("end", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content-filter"),
        ("tool_calls", "tool-calls"),
        ("function_call", "tool-calls"),
        ("unheard-of", "unknown"),
    ],
)
def test_finish_reasons(runtime: str, raw: str, normalized: str) -> None:
    got = stream(runtime, chunk({"content": "a"}, raw), tail(usage={"prompt_tokens": 2}), DONE)
    assert (got.finish.reason.normalized, got.finish.reason.raw) == (normalized, raw)
    assert got.usage.input_tokens == 2


def test_B8_finish_twice_is_one_finish(runtime: str) -> None:
    last = chunk({"content": ""}, "stop", usage={"prompt_tokens": 1}, choice={"native_finish_reason": "end_turn"})
    got = stream(runtime, chunk({"content": "a"}), last, last, DONE, DONE, last)
    assert len(got.of(Finish)) == len(got.of(StepFinish)) == 1
    assert got.step.metadata == {"test": {"native_finish_reason": "end_turn"}}


def test_content_after_the_finish_reason_is_kept_with_a_warning(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}, "stop"), chunk({"content": "b"}), DONE)
    assert text(got) == "ab"
    assert got.finish.warnings == ("content came after the finish reason",)


def test_what_the_answer_says_of_itself_is_kept(runtime: str) -> None:
    first = chunk({"content": "a"}, service_tier="auto", system_fingerprint="fp", provider="Host")
    got = stream(runtime, first, chunk(finish="stop", service_tier="flex"), DONE)
    assert got.step.metadata == {"test": {"service_tier": "flex", "system_fingerprint": "fp", "provider": "Host"}}


def test_filter_results_of_a_filtered_answer_are_kept(runtime: str) -> None:
    why = {"hate": {"filtered": True}}
    got = stream(runtime, chunk({"content": "a"}, "content_filter", choice={"content_filter_results": why}), DONE)
    assert got.step.metadata == {"test": {"content_filter_results": why}}


# The end


def test_A14_reading_stops_at_done(runtime: str) -> None:
    body = sse(chunk({"content": "a"}), STOP, DONE)
    got = decode([body, b"data: {no json\n\n"], "openai-chat", runtime)
    assert got.finish.reason.normalized == "stop"


def test_A14_done_missing_is_complete_behind_a_finish_reason(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}), STOP, tail(usage={"prompt_tokens": 1}))
    assert got.usage.input_tokens == 1
    assert got.finish.warnings == ()


def test_done_without_a_finish_reason_is_accepted_with_a_warning(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}), DONE)
    assert (got.finish.reason.normalized, got.finish.reason.raw) == ("unknown", None)
    assert got.finish.warnings == ("the answer ended without a finish reason",)


def test_done_without_a_finish_reason_but_calls(runtime: str) -> None:
    got = stream(runtime, chunk(call("{}", name="a", call_id="c1", index=0)), DONE)
    assert got.finish.reason.normalized == "tool-calls"
    assert len(got.of(ToolCall)) == 1


def test_a_trailing_cost_frame_is_accepted_as_the_end(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}), {"choices": [], "cost": "0"})
    assert got.finish.reason.normalized == "unknown"
    assert got.finish.warnings == ("the answer ended without a finish reason",)


def test_a_cost_frame_in_the_middle_is_no_end(runtime: str) -> None:
    got = stream(runtime, {"choices": [], "cost": "0"}, chunk({"content": "a"}))
    assert isinstance(got.error, IncompleteStreamError)


@pytest.mark.parametrize("end", [(DONE,), ({"choices": [], "cost": "0"},), ()])
def test_require_finish_reason(runtime: str, end: tuple[Any, ...]) -> None:
    got = stream(runtime, chunk({"content": "a"}), *end, require_finish_reason=True)
    assert isinstance(got.error, IncompleteStreamError)
    assert text(got) == "a"


def test_B1_cut_at_any_event_is_incomplete(runtime: str) -> None:
    frames = [chunk({"content": "a"}), chunk(call('{"x"', name="a", call_id="c", index=0)), chunk({"content": "b"})]
    for count in range(len(frames) + 1):
        got = stream(runtime, *frames[:count])
        assert isinstance(got.error, IncompleteStreamError), count
        assert got.of(Finish) == []


def test_B10_keep_alives_only_are_incomplete(runtime: str) -> None:
    got = decode(b": ping\n\n: ping\n\n", "openai-chat", runtime)
    assert isinstance(got.error, IncompleteStreamError)


# Errors


@pytest.mark.parametrize(
    "frame",
    [
        {"error": {"message": "no", "code": 400}, "choices": []},
        chunk({"content": ""}, error={"message": "no", "code": "server_error"}),
        {"error": "no"},
        {"type": "error", "message": "no"},
        {"base_resp": {"status_code": 1004, "status_msg": "no"}},
        {"detail": "no"},
        chunk({}, choice={"error": {"message": "no", "code": 502}}),
        tail(x_groq={"error": "no"}),
    ],
)
def test_B2_an_error_in_any_shape_raises(runtime: str, frame: dict[str, Any]) -> None:
    got = stream(runtime, chunk({"content": "a"}), frame, DONE)
    assert isinstance(got.error, LLMError)
    assert not isinstance(got.error, IncompleteStreamError)
    assert "no" in str(got.error)
    assert text(got) == "a"
    assert got.of(Finish) == []


def test_B2_an_error_after_the_finish_reason_raises(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}, "length"), chunk({}, error={"code": 400, "message": "full"}), DONE)
    assert got.error is not None
    assert got.error.code == "400"


def test_B2_a_zero_status_is_no_error(runtime: str) -> None:
    got = stream(runtime, chunk({"content": "a"}, "stop", base_resp={"status_code": 0, "status_msg": ""}), DONE)
    assert text(got) == "a"
    assert got.finish.reason.normalized == "stop"


def test_B3_an_event_named_error_raises(runtime: str) -> None:
    body = sse(chunk({"content": "a"})) + b'event: error\ndata: {"error":{"message":"busy","type":"overloaded"}}\n\n'
    got = decode(body, "openai-chat", runtime)
    assert "busy" in str(got.error)
    odd = decode(b'event: error\ndata: {"reason":"gone"}\n\n', "openai-chat", runtime)
    assert isinstance(odd.error, LLMError)
    assert not isinstance(odd.error, IncompleteStreamError)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("error", UnknownProviderError),
        ("network_error", ServerError),
        ("insufficient_system_resource", OverloadedError),
    ],
)
def test_a_finish_reason_that_is_a_failure_raises(runtime: str, reason: str, kind: type[LLMError]) -> None:
    got = stream(runtime, chunk({"content": "a"}), chunk(finish=reason), DONE)
    assert type(got.error) is kind
    assert reason in str(got.error)
    assert text(got) == "a"


def test_B9_an_error_after_done_is_a_warning(runtime: str) -> None:
    frames = (chunk({"content": "a"}), STOP, DONE, {"error": {"message": "late"}})
    got = stream(runtime, *frames, trailing_cost=True)
    assert got.finish.warnings == ("an error after the end of the answer was ignored",)


# Cuts and recorded answers


def test_every_cut_gives_the_same(runtime: str) -> None:
    body = sse(
        chunk(
            {
                "role": "assistant",
                "reasoning": "h\u00e9",
                "reasoning_details": [{"type": "reasoning.text", "text": "h\u00e9"}],
            }
        ),
        chunk({"content": "\U0001f600"}),
        chunk(call('{"x":', name="a", call_id="c1", index=0)),
        chunk(call("1}", index=0), "tool_calls", usage={"prompt_tokens": 1, "cost": 0.5}),
        DONE,
    )
    whole = decode(body, "openai-chat", runtime)
    assert whole.finish.reason.normalized == "tool-calls"
    for at in range(1, len(body)):
        assert decode([body[:at], body[at:]], "openai-chat", runtime).key() == whole.key(), at


FAILURES = {
    # An error object beside choices, after the finish reason was said twice.
    "openai-chat.pydantic-ai.69f73988ca": "InvalidRequestError",
    # An `event: error`, then the end of the body.
    "openai-chat.pydantic-ai.79ce794689": "InvalidRequestError",
    # A whole body that is an error although its status is 200.
    "openai-chat.openllmetry.188f776703": "ContentPolicyError",
}


@pytest.mark.parametrize(
    "exchange",
    params("streams", "unary", "zen", protocol="openai-chat"),
)
def test_recorded(runtime: str, exchange: Exchange) -> None:
    framing = "sse" if exchange.streaming else "document"
    options: dict[str, Any] = {"framing": framing, "provider": exchange.provider}
    got = decode(exchange.body, "openai-chat", runtime, **options)
    assert (None if got.error is None else type(got.error).__name__) == FAILURES.get(exchange.id)
    if got.error is None:
        assert got.finish.reason.normalized != "unknown" or exchange.id.startswith("zen.chat-cost-only")
    if len(exchange.body) < 40_000:
        assert decode(pieces(exchange.body, 61), "openai-chat", runtime, **options).key() == got.key()


ZEN = {
    "zen.chat-cost-in-the-middle.c4a115fa": ("0.00000200", None, "stop", 144),
    "zen.chat-cost-only-terminal.eb74e9a9": ("0", None, None, None),
    "zen.chat-normalized-usage-only.f384ed95": (None, "0.00002772", "stop", 144),
    "zen.chat-tagged-before-done-untagged-after.561f1e84": ("0", "0.00002772", "stop", 144),
    "zen.chat-tagged-without-cost.fe24d05d": (None, None, "stop", 144),
    "zen.chat-unary.88bac729": ("0.00002260", None, "stop", 144),
}


@pytest.mark.parametrize("exchange", params("zen", protocol="openai-chat"))
def test_zen(runtime: str, exchange: Exchange) -> None:
    framing = "sse" if exchange.streaming else "document"
    got = decode(exchange.body, "openai-chat", runtime, framing=framing, trailing_cost=True)
    usage = got.usage
    charge, listed, reason, total = ZEN[exchange.id]
    assert (None if usage.cost is None else f"{usage.cost:f}") == charge
    assert (None if usage.list_cost is None else f"{usage.list_cost:f}") == listed
    assert (got.finish.reason.raw, usage.total_tokens) == (reason, total)
    assert text(got) == "Hi there"
    assert json.dumps(exchange.record["expect"]["text"]) == json.dumps(text(got))
