"""The event classes: shape, plain data, pydantic, pickling, matching."""

from __future__ import annotations

import ast
import copy
import inspect
import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

import zen_native
from zen_native import events
from zen_native.events import (
    EVENT_TYPES,
    Citation,
    Finish,
    FinishReason,
    LLMEvent,
    Media,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    StepFinish,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCall,
    ToolInputDelta,
    ToolInputEnd,
    ToolInputError,
    ToolInputStart,
    ToolResult,
    from_dict,
    to_dict,
)
from zen_native.usage import Usage

STOP = FinishReason("stop", "end_turn")
META = {"anthropic": {"item": "x"}}
USAGE = Usage(10, 5, 3, cost=Decimal("0.000100"), cost_source="wire", raw={"input": 7})

EXAMPLES: list[LLMEvent] = [
    StepStart(0),
    TextStart("0"),
    TextStart("0", META),
    TextDelta("0", "h\u00e9"),
    TextEnd("0", META),
    ReasoningStart("1", META),
    ReasoningDelta("1", "why"),
    ReasoningEnd("1", "c2ln", META),
    ToolInputStart("t", "f", True),
    ToolInputDelta("t", '{"a":'),
    ToolInputEnd("t"),
    ToolCall("t", "f", {"a": [1, 1.5, None, 2**70]}, False, META),
    ToolInputError("t", "f", "{", "unexpected end"),
    ToolResult("t", "f", [{"type": "text"}], True, True, META),
    Citation("0", "https://a.example", "A", "cited", META),
    Media("m", "image/png", data="AAAA"),
    Media("m", "image/png", url="https://a.example/i.png"),
    StepFinish(0, STOP, USAGE, "resp", "model", META),
    StepFinish(0, FinishReason("unknown")),
    Finish(STOP, USAGE, 2, ("one", "two")),
    Finish(STOP, None, 1),
    Raw("new_event", {"k": None}),
]

TABLE = {
    "step-start": ("index",),
    "text-start": ("id", "metadata"),
    "text-delta": ("id", "text"),
    "text-end": ("id", "metadata"),
    "reasoning-start": ("id", "metadata"),
    "reasoning-delta": ("id", "text"),
    "reasoning-end": ("id", "signature", "metadata"),
    "tool-input-start": ("id", "name", "provider_executed"),
    "tool-input-delta": ("id", "text"),
    "tool-input-end": ("id",),
    "tool-call": ("id", "name", "input", "provider_executed", "metadata"),
    "tool-input-error": ("id", "name", "raw", "message"),
    "tool-result": ("id", "name", "result", "is_error", "provider_executed", "metadata"),
    "citation": ("block_id", "url", "title", "text", "metadata"),
    "media": ("id", "mime_type", "data", "url", "metadata"),
    "step-finish": ("index", "reason", "usage", "response_id", "model", "metadata"),
    "finish": ("reason", "usage", "steps", "warnings"),
    "raw": ("name", "data"),
}

ADAPTER: TypeAdapter[Any] = TypeAdapter(LLMEvent)


def test_classes_have_the_fields_of_the_contract_in_its_order() -> None:
    assert {tag: tuple(f.name for f in fields(cls)) for tag, cls in EVENT_TYPES.items()} == TABLE


def test_union_holds_every_event_class() -> None:
    defined = {cls for _, cls in inspect.getmembers(events, inspect.isclass) if hasattr(cls, "type")}
    assert set(get_args(get_args(LLMEvent)[0])) == set(EVENT_TYPES.values()) == defined


@pytest.mark.parametrize("cls", EVENT_TYPES.values(), ids=EVENT_TYPES)
def test_class_is_frozen_and_slotted_and_keeps_type_off_the_instance(cls: type[Any]) -> None:
    assert is_dataclass(cls)
    assert cls.__slots__ == TABLE[cls.type]
    event = next(e for e in EXAMPLES if type(e) is cls)
    assert not hasattr(event, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(event, cls.__slots__[0], "x")


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: e.type)
class TestEvery:
    def test_plain_dict_round_trip_through_json(self, event: LLMEvent) -> None:
        assert from_dict(json.loads(json.dumps(to_dict(event)))) == event

    def test_pydantic_round_trip(self, event: LLMEvent) -> None:
        assert ADAPTER.validate_json(ADAPTER.dump_json(event)) == event
        assert ADAPTER.validate_python(ADAPTER.dump_python(event)) == event
        assert ADAPTER.validate_python(to_dict(event)) == event
        assert ADAPTER.validate_python(event) == event
        assert ADAPTER.dump_python(event)["type"] == event.type

    def test_pickle_and_copies(self, event: LLMEvent) -> None:
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(event, protocol)) == event
        assert copy.deepcopy(event) == event
        assert copy.copy(event) == event

    def test_repr_rebuilds_the_event(self, event: LLMEvent) -> None:
        assert eval(repr(event), {**vars(events), "Decimal": Decimal, "Usage": Usage}) == event

    def test_positional_and_keyword_construction_agree(self, event: LLMEvent) -> None:
        values = {f.name: getattr(event, f.name) for f in fields(event)}
        assert type(event)(*values.values()) == type(event)(**values) == event


def test_plain_dict_leaves_out_defaults_only() -> None:
    assert to_dict(TextStart("0")) == {"type": "text-start", "id": "0"}
    assert to_dict(ToolCall("t", "f", None)) == {"type": "tool-call", "id": "t", "name": "f", "input": None}
    assert to_dict(ToolCall("t", "f", False))["input"] is False
    assert to_dict(StepStart(0)) == {"type": "step-start", "index": 0}


def test_money_is_text_in_plain_data() -> None:
    assert to_dict(Finish(STOP, USAGE, 1))["usage"]["cost"] == "0.000100"
    assert json.loads(ADAPTER.dump_json(Finish(STOP, USAGE, 1)))["usage"]["cost"] == "0.000100"


def test_match_by_position_and_keyword() -> None:
    match from_dict({"type": "tool-call", "id": "t", "name": "f", "input": {"a": 1}}):
        case ToolCall("t", name, input={"a": value}):
            assert (name, value) == ("f", 1)
        case other:
            pytest.fail(f"no match: {other}")


def test_events_hash_where_their_fields_do() -> None:
    assert len({TextDelta("0", "a"), TextDelta("0", "a"), TextDelta("0", "b"), TextEnd("0")}) == 3
    with pytest.raises(TypeError):
        hash(TextStart("0", META))


def test_classes_with_equal_fields_differ() -> None:
    different: tuple[object, object] = (TextDelta("0", "a"), ReasoningDelta("0", "a"))
    assert different[0] != different[1]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"type": "nope"},
        {"type": ["text-end"]},
        {"type": "text-end"},
        {"type": "raw", "x": 1},
        {"type": "finish", "reason": {"why": "stop"}, "usage": None, "steps": 1},
        {"type": "finish", "reason": {"normalized": "stop"}, "usage": {"cost": "much"}, "steps": 1},
        {"type": "finish", "reason": {"normalized": "stop"}, "usage": {"tokens": 1}, "steps": 1},
        {"type": "finish", "reason": {"normalized": "stop"}, "usage": None, "steps": 1, "warnings": 5},
    ],
)
def test_from_dict_refuses_what_is_no_event(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown event type|not a"):
        from_dict(data)


@pytest.mark.parametrize("data", [None, 5, "text", ["type"]])
def test_from_dict_refuses_what_is_no_object(data: Any) -> None:
    with pytest.raises(ValueError, match="an event is an object, not"):
        from_dict(data)


@pytest.mark.parametrize(
    "data",
    [{"type": "nope"}, {"type": "text-delta", "id": 1, "text": "a"}, {"type": "text-delta", "id": "1"}, {"id": "1"}],
)
def test_pydantic_refuses_what_is_no_event(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(data)


def test_json_schema_names_the_discriminator() -> None:
    schema = ADAPTER.json_schema()
    assert schema["discriminator"]["propertyName"] == "type"
    assert set(schema["discriminator"]["mapping"]) == set(TABLE)


def test_one_class_alone_works_with_pydantic() -> None:
    adapter = TypeAdapter(TextDelta)
    assert adapter.validate_python({"id": "0", "text": "a"}) == TextDelta("0", "a")
    with pytest.raises(ValidationError):
        adapter.validate_python({"type": "text-end", "id": "0", "text": "a"})


def test_import_loads_neither_pydantic_nor_more_than_is_used() -> None:
    code = (
        "import sys, zen_native; light = 'dataclasses' not in sys.modules; zen_native.TextDelta;"
        "print(light, sorted({'pydantic', 'httpx', 'asyncio', 'json'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "True []"


def test_names_for_type_checkers_are_the_public_names() -> None:
    tree = ast.parse(inspect.getsource(zen_native))
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert {*imported} - {"annotations", "import_module"} == {*zen_native.__all__}


def test_every_public_name_loads_and_the_list_is_sorted() -> None:
    assert zen_native.__all__ == sorted(zen_native.__all__)
    for name in zen_native.__all__:
        assert getattr(zen_native, name) is not None
        assert name in dir(zen_native)
    with pytest.raises(AttributeError):
        _ = zen_native.nothing  # type: ignore[attr-defined]  # it must not exist
