"""Assembly and settling of tool calls, below any protocol."""

from __future__ import annotations

import pytest

from zen_native.events import ToolCall, ToolInputDelta, ToolInputEnd, ToolInputError, ToolInputStart
from zen_native.runtimes.pure.lifecycle import Lifecycle
from zen_native.runtimes.pure.tools import CUT, NOT_JSON, Tools


@pytest.fixture
def life() -> Lifecycle:
    return Lifecycle("acme")


@pytest.fixture
def tools() -> Tools:
    return Tools()


def test_a_call_is_start_deltas_end_call(life: Lifecycle, tools: Tools) -> None:
    slot = tools.open("c1", "f", life)
    tools.delta(slot, '{"a":', life)
    tools.delta(slot, "", life)
    tools.delta(slot, "1}", life)
    tools.close(slot, life)
    tools.close(slot, life)
    assert life.out[1:] == [
        ToolInputStart("c1", "f"),
        ToolInputDelta("c1", '{"a":'),
        ToolInputDelta("c1", "1}"),
        ToolInputEnd("c1"),
        ToolCall("c1", "f", {"a": 1}),
    ]


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_arguments_are_an_empty_object(life: Lifecycle, tools: Tools, text: str) -> None:
    slot = tools.open("c1", "f", life)
    tools.delta(slot, text, life)
    tools.close(slot, life)
    assert life.out[-1] == ToolCall("c1", "f", {})


@pytest.mark.parametrize("text", ['{"a":', "{'a': 1}", "[NaN]", "{} {}"])
def test_arguments_that_are_no_json_are_an_input_error_with_their_text(
    life: Lifecycle, tools: Tools, text: str
) -> None:
    slot = tools.open("c1", "f", life)
    tools.delta(slot, text, life)
    tools.close(slot, life)
    assert life.out[-2:] == [ToolInputEnd("c1"), ToolInputError("c1", "f", text, NOT_JSON)]


def test_freeform_input_is_its_text(life: Lifecycle, tools: Tools) -> None:
    slot = tools.open("c1", "f", life, freeform=True)
    tools.delta(slot, "not json", life)
    tools.close(slot, life)
    assert life.out[-1] == ToolCall("c1", "f", "not json")


def test_the_start_waits_for_a_late_id_and_name(life: Lifecycle, tools: Tools) -> None:
    slot = tools.open(None, "", life)
    tools.delta(slot, "{", life)
    tools.identify(slot, "c1", None, life)
    assert life.out == []
    tools.identify(slot, "", "f", life)
    tools.identify(slot, "c2", "g", life)
    tools.delta(slot, "}", life)
    assert life.out[1:] == [ToolInputStart("c1", "f"), ToolInputDelta("c1", "{"), ToolInputDelta("c1", "}")]


def test_an_id_that_never_comes_is_made_up_and_marked(life: Lifecycle, tools: Tools) -> None:
    slot = tools.open(None, "f", life)
    tools.close(slot, life)
    call = life.out[-1]
    assert isinstance(call, ToolCall)
    assert call == ToolCall("call-0", "f", {}, metadata={"acme": {"synthetic_id": True}})


def test_a_repeated_id_is_replaced_and_kept_in_metadata(life: Lifecycle, tools: Tools) -> None:
    first, second = tools.open("c", "f", life), tools.open("c", "f", life, metadata={"k": 1})
    tools.close(first, life)
    tools.close(second, life)
    calls = [event for event in life.out if isinstance(event, ToolCall)]
    assert calls[0].id == "c"
    assert calls[1].id != "c"
    assert calls[1].metadata == {"acme": {"synthetic_id": True, "original_id": "c", "k": 1}}


def test_a_made_up_id_avoids_the_providers_own(life: Lifecycle, tools: Tools) -> None:
    tools.open("call-0", "f", life)
    tools.close(tools.open(None, "g", life), life)
    call = life.out[-1]
    assert isinstance(call, ToolCall)
    assert call.id == "call-1"


@pytest.mark.parametrize(
    ("final", "deltas", "value"),
    [('{"a":1}', ['{"a"', ":1}"], {"a": 1}), ('{"b":2}', ['{"a"'], {"b": 2}), ('{"a"', ['{"a"'], None)],
)
def test_the_final_text_extends_or_replaces(
    life: Lifecycle, tools: Tools, final: str, deltas: list[str], value: object
) -> None:
    slot = tools.open("c", "f", life)
    tools.delta(slot, '{"a"', life)
    tools.reconcile(slot, final, life)
    tools.close(slot, life)
    assert [event.text for event in life.out if isinstance(event, ToolInputDelta)] == deltas
    last = life.out[-1]
    assert (last.input if isinstance(last, ToolCall) else None) == value


def test_a_cut_answer_ends_open_calls_with_an_input_error(life: Lifecycle, tools: Tools) -> None:
    done, cut = tools.open("a", "f", life), tools.open("b", "g", life)
    tools.close(done, life)
    tools.delta(cut, '{"x": "unfin', life)
    tools.cut_all(life)
    assert life.out[-2:] == [ToolInputEnd("b"), ToolInputError("b", "g", '{"x": "unfin', CUT)]
    assert sum(isinstance(event, ToolInputError) for event in life.out) == 1


def test_calls_still_open_are_closed_in_order_of_opening(life: Lifecycle, tools: Tools) -> None:
    for call_id in ("z", "a", "m"):
        tools.open(call_id, "f", life)
    tools.settle(lambda _: False, life)
    assert [event.id for event in life.out if isinstance(event, ToolCall)] == ["z", "a", "m"]


def test_nothing_comes_after_the_call(life: Lifecycle, tools: Tools) -> None:
    slot = tools.open("c", "f", life)
    tools.close(slot, life)
    seen = len(life.out)
    tools.delta(slot, "late", life)
    tools.reconcile(slot, "late", life)
    tools.close_value(slot, 1, life)
    tools.cut_all(life)
    assert len(life.out) == seen


def test_a_pair_cut_between_argument_deltas_is_joined(life: Lifecycle, tools: Tools) -> None:
    slot = tools.open("c", "f", life)
    tools.delta(slot, '"\ud83d', life)
    tools.delta(slot, '\ude00"', life)
    tools.close(slot, life)
    assert life.out[-1] == ToolCall("c", "f", "\U0001f600")


def test_any_means_a_call_for_the_caller(life: Lifecycle, tools: Tools) -> None:
    tools.open("c", "f", life, provider_executed=True)
    assert not tools.any
    tools.open("d", "f", life)
    assert tools.any
