"""Hostile bytes: whatever comes, both runtimes say the same, fail with an `LLMError` or not at all, and keep the order.

Each test makes bodies and hands them to the parity check, which reads them whole and in pieces in both runtimes.
"""

from __future__ import annotations

import json
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kit.eventstream import encode
from tests.kit.mutate import RAW_VALUES, TOKENS, VALUES, mutate
from tests.kit.outcome import Case
from tests.kit.places import STRANGE, strange_bodies
from tests.kit.splits import join, mend, payload, replace_payload, split
from tests.kit.subjects import Subject, protocols, subjects
from tests.parity.run import encode_case
from tests.parity.trials import check

from zen_native.runtimes.pure.names import DEFAULT_FRAMING, FRAMINGS

pytest.importorskip("zen_native._core", reason="the native runtime is not built: zen_native._core is missing")

OWN = subjects(recorded=False)
ALL = [subject for subject in subjects() if len(subject.body) <= 8 << 10]
OPTIONS: list[dict[str, Any]] = [{}, {"raw_events": True, "think_tags": ["think"], "trailing_cost": True}]
TURNS = 3

hostile = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
cut_places = st.lists(st.integers(0, 1 << 16), max_size=4)


def agree(protocol: str, framing: str, body: bytes, options: dict[str, Any], places: list[int]) -> None:
    """Both runtimes agree on the body whole and cut at these places, counted around the end of the body."""
    cuts = sorted(place % (len(body) + 1) for place in places)
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    for case in (Case(protocol, framing, options, [body]), Case(protocol, framing, options, pieces)):
        reason = check(case)
        assert reason is None, f"{reason}\n--case '{encode_case(case)}'"


@hostile
@given(
    st.sampled_from(ALL), st.sampled_from(ALL), st.randoms(use_true_random=False), st.sampled_from(OPTIONS), cut_places
)
def test_changed_streams(
    subject: Subject, other: Subject, rng: Random, options: dict[str, Any], places: list[int]
) -> None:
    body = mutate(rng, subject.framing, subject.body, other.body)
    agree(subject.protocol, subject.framing, body, options, places)


@hostile
@given(st.sampled_from(protocols()), st.sampled_from(FRAMINGS), st.binary(max_size=200), cut_places)
def test_any_bytes(protocol: str, framing: str, body: bytes, places: list[int]) -> None:
    agree(protocol, framing, body, {}, places)


@hostile
@given(st.sampled_from(protocols()), st.lists(st.sampled_from(TOKENS), max_size=12).map(b"".join), cut_places)
def test_any_tokens(protocol: str, body: bytes, places: list[int]) -> None:
    for framing in FRAMINGS:
        agree(protocol, framing, body, {}, places)
        agree(protocol, framing, b"data: {}\n\n" + body, {}, places)


def _vocabulary() -> tuple[list[str], list[str]]:
    """The names of fields, and the short texts, that own fixtures have."""
    names, texts = set(), set()
    stack: list[Any] = []
    for subject in OWN:
        for frame in split(subject.framing, subject.body):
            try:
                stack.append(json.loads(payload(subject.framing, frame) or ""))
            except ValueError:
                continue
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            names.update(value)
            stack += value.values()
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str) and len(value) < 30:
            texts.add(value)
    return sorted(names), sorted(texts)


NAMES, TEXTS = _vocabulary()
json_values = st.recursive(
    st.sampled_from(VALUES) | st.sampled_from(TEXTS or [""]) | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES or [""]), inner, max_size=5),
    max_leaves=12,
)
frames = st.lists(st.dictionaries(st.sampled_from(NAMES or [""]), json_values, max_size=6), max_size=4)


@hostile
@given(st.sampled_from(protocols()), frames, st.sampled_from(OPTIONS), cut_places)
def test_frames_of_known_fields_in_any_shape(
    protocol: str, said: list[dict[str, Any]], options: dict[str, Any], places: list[int]
) -> None:
    texts = [json.dumps(frame).encode() for frame in said]
    agree(protocol, "sse", b"".join(b"data: " + text + b"\n\n" for text in texts), options, places)
    agree(protocol, "json-array", b"[" + b",".join(texts) + b"]", options, places)
    agree(protocol, "eventstream", b"".join(encode(text, event="chunk") for text in texts), options, places)
    for text in texts[:1]:
        agree(protocol, "document", text, options, places)


# Systematic


@pytest.mark.parametrize("subject", OWN, ids=lambda subject: subject.id)
def test_every_field_of_a_wrong_type(subject: Subject) -> None:
    tried = count()
    for turn in range(TURNS):
        for place, body in strange_bodies(subject.framing, subject.body, turn * 5):
            next(tried)
            reason = check(Case(subject.protocol, subject.framing, {"raw_events": True}, [body]))
            assert reason is None, f"{place}: {reason}"
    has_json = any(
        (payload(subject.framing, frame) or "").startswith("{") for frame in split(subject.framing, subject.body)
    )
    assert next(tried) > 0 or not has_json


@pytest.mark.parametrize("protocol", sorted(DEFAULT_FRAMING))
@pytest.mark.parametrize("text", RAW_VALUES, ids=lambda text: text if len(text) < 12 else f"{text[:8]}..{len(text)}")
def test_odd_json(protocol: str, text: str) -> None:
    """Odd numbers, strings and depths in place of the whole payload, and as the value of an unknown field."""
    for value in (
        text,
        f'{{"x":{text}}}',
        f'{{"type":{text}}}',
        f'{{"choices":{text}}}',
        f'{{"usage":{{"a":{text}}}}}',
    ):
        body = value.encode()
        agree(protocol, "sse", b"data: " + body + b"\n\n", {"raw_events": True}, [7])
        agree(protocol, "eventstream", encode(body, event="chunk"), {"raw_events": True}, [7])
        agree(protocol, "document", body, {"raw_events": True}, [3])
        agree(protocol, "json-array", b"[" + body + b"]", {"raw_events": True}, [3])


# The tools of these tests


@pytest.mark.parametrize("subject", OWN, ids=lambda subject: subject.id)
def test_split_and_join_lose_nothing(subject: Subject) -> None:
    frames = split(subject.framing, subject.body)
    if subject.framing != "json-array":
        assert join(subject.framing, frames) == subject.body
    if subject.framing == "eventstream":
        assert mend(subject.body) == subject.body
        broken = bytearray(subject.body)
        broken[8] ^= 1
        assert mend(bytes(broken)) == subject.body


def test_payload_can_be_replaced() -> None:
    for framing, frame in (
        ("sse", b'event: x\ndata: {"a":1}\n\n'),
        ("eventstream", encode(b'{"a":1}', event="x")),
        ("eventstream", encode(b'{"bytes":"eyJhIjoxfQ==","p":"ab"}', event="chunk")),
        ("document", b'{"a":1}'),
    ):
        assert payload(framing, frame) == '{"a":1}'
        changed = replace_payload(framing, frame, '{"b":"\\ud83d"}')
        assert payload(framing, changed) == '{"b":"\\ud83d"}'
        assert framing != "eventstream" or mend(changed) == changed


def test_every_place_is_tried() -> None:
    body = b'data: {"a":[1,{"b":"c"}]}\n\ndata: no\n\ndata: {"d":null}\n\n'
    places = [place.split(" = ")[0] for place, _ in strange_bodies("sse", body)]
    assert places == ["frame 0.a", "frame 0.a[0]", "frame 0.a[1]", "frame 0.a[1].b", "frame 2.d"]
    turns = [[body for _, body in strange_bodies("sse", body, turn)] for turn in range(len(STRANGE))]
    assert len({body for turn in turns for body in turn}) == len(STRANGE) * 5 - 1  # null for null is no change


def test_mutations_change_and_follow_from_the_seed() -> None:
    subject = OWN[0]
    made = [mutate(Random(seed), subject.framing, subject.body, subject.body) for seed in range(200)]
    assert made == [mutate(Random(seed), subject.framing, subject.body, subject.body) for seed in range(200)]
    assert sum(body != subject.body for body in made) > 150
    assert len(set(made)) > 150
