"""OpenAI Responses: the end of an answer, errors, usage and cost, and the document form."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.kit.decoding import text
from tests.kit.responses import (
    HELLO,
    USAGE,
    Frame,
    added,
    call,
    completed,
    document,
    done,
    message,
    reasoning,
    response,
    run,
    said,
    sse,
)

from zen_native.errors import (
    IncompleteStreamError,
    InvalidProviderOutputError,
    InvalidRequestError,
    LLMError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from zen_native.events import FinishReason, Raw, ReasoningStart, ToolCall

# The end


def test_completed_with_an_empty_output(runtime: str) -> None:
    decoded = run(runtime, *HELLO, added(1, call("fc_1", "call_1", "look", "{}")), completed())
    assert text(decoded) == "Hello"
    assert [event.id for event in decoded.of(ToolCall)] == ["call_1"]


def test_completed_with_items_that_never_streamed(runtime: str) -> None:
    output = [reasoning("rs_1", "Hmm."), message("msg_1", "Hello"), call("fc_1", "call_1", "look", '{"a":1}')]
    decoded = run(runtime, *HELLO, completed(*output))
    assert decoded.types()[1:] == [
        "text-start", "text-delta", "text-delta", "text-end",
        "reasoning-start", "reasoning-delta", "reasoning-end",
        "tool-input-start", "tool-input-delta", "tool-input-end", "tool-call",
        "step-finish", "finish",
    ]  # fmt: skip


def test_items_left_open_close_at_completed(runtime: str) -> None:
    decoded = run(runtime, *HELLO[:-1], completed())
    assert decoded.types()[-3] == "text-end"


@pytest.mark.parametrize(
    ("reason", "normalized"),
    [("max_output_tokens", "length"), ("content_filter", "content-filter"), ("something_new", "unknown")],
)
def test_B5_incomplete_is_not_success(runtime: str, reason: str, normalized: str) -> None:
    cut = response("incomplete", incomplete_details={"reason": reason}, usage=USAGE)
    decoded = run(runtime, *HELLO[:-1], {"type": "response.incomplete", "response": cut})
    assert (decoded.finish.reason.normalized, decoded.finish.reason.raw) == (normalized, reason)
    assert decoded.usage.output_tokens == 20
    assert document(runtime, cut).finish.reason == decoded.finish.reason


def test_incomplete_without_a_reason(runtime: str) -> None:
    decoded = run(runtime, *HELLO, {"type": "response.incomplete", "response": response("incomplete")})
    assert decoded.finish.reason == FinishReason("unknown", "incomplete")


def test_status_goes_before_the_name_of_the_frame(runtime: str) -> None:
    cut = response("incomplete", incomplete_details={"reason": "max_output_tokens"})
    decoded = run(runtime, *HELLO, {"type": "response.completed", "response": cut})
    assert decoded.finish.reason.normalized == "length"


def test_cancelled(runtime: str) -> None:
    decoded = run(runtime, *HELLO, {"type": "response.cancelled", "response": response("cancelled")})
    assert decoded.finish.reason == FinishReason("unknown", "cancelled")
    assert document(runtime, response("cancelled")).finish.reason == decoded.finish.reason


FAILURES: list[tuple[Frame, type[LLMError]]] = [
    ({"type": "error", "code": "server_error", "message": "It broke.", "param": None}, ServerError),
    ({"type": "error", "error": {"type": "insufficient_quota", "message": "No quota."}}, QuotaExceededError),
    ({"type": "error", "response": {"error": {"code": "rate_limit_exceeded", "message": "Slow."}}}, RateLimitError),
    ({"type": "error", "status": 400, "error": {"message": "Bad."}}, InvalidRequestError),
    ({"error": {"code": "rate_limit_exceeded", "message": "Slow."}}, RateLimitError),
]


@pytest.mark.parametrize(("frame", "expected"), FAILURES)
def test_error_frame_in_every_shape(runtime: str, frame: Frame, expected: type[LLMError]) -> None:
    decoded = run(runtime, *HELLO[:-1], frame)
    assert type(decoded.error) is expected
    assert text(decoded) == "Hello"


def test_B5_failed_raises_what_it_says(runtime: str) -> None:
    broken = response("failed", error={"code": "rate_limit_exceeded", "message": "Slow down."}, usage=USAGE)
    decoded = run(runtime, *HELLO[:-1], {"type": "response.failed", "response": broken})
    assert isinstance(decoded.error, RateLimitError)
    assert "Slow down." in str(decoded.error)
    assert isinstance(document(runtime, broken).error, RateLimitError)


def test_failed_without_an_error_object(runtime: str) -> None:
    assert run(runtime, *HELLO, {"type": "response.failed", "response": response("failed", error=None)}).error
    assert document(runtime, response("failed", error=None)).error


@pytest.mark.parametrize("tail", [(), ("data: [DONE]\n\n",)])
def test_end_without_a_terminal(runtime: str, tail: tuple[str, ...]) -> None:
    decoded = run(runtime, *HELLO, *tail)
    assert isinstance(decoded.error, IncompleteStreamError)
    assert text(decoded) == "Hello"


def test_B8_one_finish_for_two_terminals(runtime: str) -> None:
    last = completed(message("msg_1", "Hello"))
    assert run(runtime, *HELLO, last, last).key() == run(runtime, *HELLO, last).key()


def test_B9_error_after_the_terminal_is_a_warning(runtime: str) -> None:
    decoded = run(runtime, *HELLO, completed(), {"type": "error", "message": "late"}, trailing_cost=True)
    assert decoded.finish.warnings == ("an error after the end of the answer was ignored",)


def test_C8_unknown_frames_are_raw_when_asked_for(runtime: str) -> None:
    frame = {"type": "response.something_new.delta", "delta": "x"}
    partial = {"type": "response.image_generation_call.partial_image", "partial_image_b64": "AAAA"}
    assert run(runtime, *HELLO, frame, completed()).of(Raw) == []
    decoded = run(runtime, *HELLO, frame, partial, completed(), raw_events=True)
    assert decoded.of(Raw) == [Raw(frame["type"], frame), Raw(partial["type"], partial)]


def test_C8_unknown_item_is_kept_whole(runtime: str) -> None:
    item = {"id": "x_1", "type": "something_new", "state": {"a": 1}}
    decoded = run(runtime, added(0, item), done(0, item), *HELLO[1:], completed(item))
    assert said(decoded.of(ReasoningStart)[0]) == {"item_id": "x_1", "item": item}


def test_step_says_status_tier_and_counts_beside_usage(runtime: str) -> None:
    tools = {"web_search": {"num_requests": 2}}
    decoded = run(runtime, *HELLO, completed(service_tier="flex", tool_usage=tools))
    assert said(decoded.step) == {"status": "completed", "service_tier": "flex", "tool_usage": tools}


# Usage and cost


def test_usage_is_inclusive(runtime: str) -> None:
    usage = run(runtime, *HELLO, completed(usage=USAGE)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (100, 20, 120)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (60, 10, 5)
    assert usage.raw == USAGE
    assert usage.buckets().total == 120


def test_no_usage_is_unknown_and_not_zero(runtime: str) -> None:
    usage = run(runtime, *HELLO, completed(usage=None)).finish.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.raw) == (None, None, None)


@pytest.mark.parametrize(
    ("spelled", "cost"),
    [('"cost": 1.13e-05', "0.0000113"), ('"cost": "0.02"', "0.02"), ('"cost": 0', "0"),
     ('"cost_in_usd_ticks": 123456', "0.0000123456")],
)  # fmt: skip
def test_cost_inside_usage_is_exact(runtime: str, spelled: str, cost: str) -> None:
    frame = sse(completed(usage={"cost": "HERE"})).decode().replace('"cost": "HERE"', spelled)
    decoded = run(runtime, *HELLO, frame)
    assert decoded.usage.cost == Decimal(cost)
    assert decoded.usage.cost_source == "wire"


def test_cost_that_can_not_be_read_is_a_warning(runtime: str) -> None:
    decoded = run(runtime, *HELLO, completed(usage={"input_tokens": 1, "cost": "free"}))
    assert (decoded.usage.cost, decoded.finish.warnings) == (None, ("a cost on the wire could not be read",))


def test_cost_beside_the_response(runtime: str) -> None:
    assert run(runtime, *HELLO, {**completed(usage=USAGE), "cost": "0.5"}).usage.cost == Decimal("0.5")
    assert document(runtime, response(output=[], usage=USAGE, cost=0.5)).usage.cost == Decimal("0.5")


LISTED: Frame = {"type": "ping", "cost": "0.5", "x-opencode-type": "inference-cost"}
CHARGED: Frame = {"type": "ping", "cost": "0"}


@pytest.mark.parametrize("order", [(LISTED, CHARGED), (CHARGED, LISTED)])
@pytest.mark.parametrize("place", ["before", "around", "after"])
def test_E8_gateway_cost_in_any_order(runtime: str, order: tuple[Frame, Frame], place: str) -> None:
    last = completed(usage=USAGE)
    frames = {"before": [*order, last], "around": [order[0], last, order[1]], "after": [last, *order]}[place]
    usage = run(runtime, *HELLO, *frames, trailing_cost=True).usage
    charged_first = order[0] is CHARGED and place == "after"
    # The first charge after the terminal ends the wait.
    assert (usage.cost, usage.list_cost) == (Decimal(0), None if charged_first else Decimal("0.5"))
    assert usage.input_tokens == 100


def test_E1_usage_is_not_lost_by_a_cost_after_it(runtime: str) -> None:
    decoded = run(runtime, *HELLO, completed(usage=USAGE), CHARGED, trailing_cost=True)
    assert (decoded.usage.output_tokens, decoded.usage.cost) == (20, Decimal(0))


# Documents


def test_document_gives_the_same_kinds_of_events(runtime: str) -> None:
    output = [reasoning("rs_1", "Hmm."), message("msg_1", "Hello"), call("fc_1", "call_1", "look", '{"a":1}')]
    decoded = document(runtime, response(output=output, usage=USAGE, error=None))
    assert decoded.types() == [
        "step-start", "reasoning-start", "reasoning-delta", "reasoning-end", "text-start", "text-delta", "text-end",
        "tool-input-start", "tool-input-delta", "tool-input-end", "tool-call", "step-finish", "finish",
    ]  # fmt: skip
    assert decoded.finish.reason == FinishReason("tool-calls", "completed")
    assert decoded.usage.total_tokens == 120


def test_document_inside_response(runtime: str) -> None:
    answer = response(output=[message("msg_1", "Hello")], usage={**USAGE, "cost": 0.25})
    decoded = document(runtime, {"response": answer})
    assert (text(decoded), decoded.usage.cost) == ("Hello", Decimal("0.25"))


def test_document_with_a_cost_glued_on(runtime: str) -> None:
    answer = response(output=[message("msg_1", "Hello")], usage={**USAGE, "cost": 0.25})
    decoded = document(runtime, answer, '\nevent: ping\ndata: {"type":"ping","cost":"0.5"}\n\n')
    assert (text(decoded), decoded.usage.cost) == ("Hello", Decimal("0.5"))


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_document_that_is_not_finished(runtime: str, status: str) -> None:
    decoded = document(runtime, response(status))
    assert decoded.finish.reason == FinishReason("unknown", status)
    assert decoded.finish.warnings == ("the response is not finished yet",)
    assert decoded.step.response_id == "resp_1"


@pytest.mark.parametrize("answer", [{"object": "list"}, {"status": 3}, {"output": {}}])
def test_document_that_is_no_answer(runtime: str, answer: Frame) -> None:
    assert isinstance(document(runtime, answer).error, InvalidProviderOutputError)
