"""Events of the native runtime that hold only text and numbers: the cyclic collector need not look at them.

They must be like any other object in every other way.
"""

from __future__ import annotations

import copy
import dataclasses
import gc
import pickle
import weakref
from pathlib import Path
from typing import Any

import pytest
from tests.kit.decoding import decode
from tests.kit.feeding import BODY, PROTOCOL

from zen_native import FinishReason, ReasoningEnd, StepFinish, TextDelta, TextStart

pytest.importorskip("zen_native._core", reason="the native runtime is not built: zen_native._core is missing")

FIXTURES = sorted((Path(__file__).resolve().parents[1] / "fixtures").glob("*/*.*"))
ANYTHING = {"tool-call", "tool-result", "raw"}
"""Have a field for whatever JSON there was."""
FRAMINGS = {".sse": "sse", ".bin": "eventstream"}


def events(path: Path) -> list[Any]:
    body = path.read_bytes()
    framing = FRAMINGS.get(path.suffix, "json-array" if body.startswith(b"[") else "document")
    return list(decode(body, path.parent.name, "native", framing=framing).events)


def values(one: Any) -> list[Any]:
    return [getattr(one, field.name) for field in dataclasses.fields(one)]


class Mark:
    """Can be watched."""


def test_who_holds_nothing_else_is_not_tracked() -> None:
    """And who holds a mapping, a tuple or another object is, also where that is empty: it may be filled."""
    tracked: dict[str, set[bool]] = {}
    for path in FIXTURES:
        for event in events(path):
            held = [value for value in values(event) if not isinstance(value, str | int | None)]
            assert gc.is_tracked(event) == bool(held or event.type in ANYTHING), (path, event)
            tracked.setdefault(event.type, set()).add(gc.is_tracked(event))
    always = {"text-delta", "reasoning-delta", "step-start", "tool-input-start", "tool-input-delta", "tool-input-end"}
    assert {name for name, seen in tracked.items() if True not in seen} >= always
    assert {name for name, seen in tracked.items() if False not in seen} >= {"tool-call", "step-finish", "finish"}
    assert tracked["text-start"] == tracked["reasoning-end"] == {True, False}


def test_a_reason_is_not_tracked() -> None:
    reasons = [event.reason for path in FIXTURES for event in events(path) if isinstance(event, StepFinish)]
    assert reasons
    assert {type(reason) for reason in reasons} == {FinishReason}
    assert [reason for reason in reasons if gc.is_tracked(reason)] == []


@pytest.fixture
def delta() -> TextDelta:
    delta = next(event for event in decode(BODY, PROTOCOL, "native").events if isinstance(event, TextDelta))
    assert not gc.is_tracked(delta)
    return delta


def test_it_equals_one_that_was_made_by_hand(delta: TextDelta) -> None:
    same = TextDelta(delta.id, delta.text)
    assert (same, hash(same), repr(same)) == (delta, hash(delta), repr(delta))
    assert {delta: 1}[same] == 1


def test_copies(delta: TextDelta) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(delta, protocol)) == delta
    assert copy.copy(delta) == copy.deepcopy(delta) == dataclasses.replace(delta) == delta
    assert dataclasses.replace(delta, text="other") == TextDelta(delta.id, "other")


def test_a_field_that_is_changed_by_force(delta: TextDelta) -> None:
    mark = Mark()
    watched = weakref.ref(mark)
    object.__setattr__(delta, "text", [mark])
    del mark
    gc.collect()
    assert watched() is not None
    assert delta.text == [watched()]
    object.__setattr__(delta, "text", "again")
    assert watched() is None
    assert delta == TextDelta(delta.id, "again")


def test_it_lets_go_of_what_it_holds() -> None:
    (end,) = (
        event
        for event in events(next(path for path in FIXTURES if path.match("anthropic-messages/reasoning.sse")))
        if isinstance(event, ReasoningEnd) and event.metadata is None
    )
    mark = Mark()
    watched = weakref.ref(mark)
    object.__setattr__(end, "signature", mark)
    del mark
    assert watched() is not None
    del end
    assert watched() is None


def test_the_collector_passes_over_many(delta: TextDelta) -> None:
    """In lists and cycles of others, alive and dying."""
    many = [event for _ in range(50) for event in decode(BODY, PROTOCOL, "native").events]
    expected = list(many)
    holder: dict[str, Any] = {"events": many}
    holder["self"] = holder
    mark = Mark()
    mark.holder = holder  # type: ignore[attr-defined]
    holder["mark"] = mark
    watched = weakref.ref(mark)
    gc.collect()
    assert holder["events"] == expected
    del holder, many, mark
    gc.collect()
    assert watched() is None
    assert expected == [event for _ in range(50) for event in decode(BODY, PROTOCOL, "native").events]


def test_a_start_with_metadata_is_tracked() -> None:
    found = [event for path in FIXTURES for event in events(path) if isinstance(event, TextStart) and event.metadata]
    assert found
    assert all(gc.is_tracked(event) for event in found)
