"""A fixed sample of parity trials, and that the machinery finds, shrinks and replays what it is made to find."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.kit.outcome import Case, Outcome, difference, order_broken, read
from tests.kit.subjects import protocols, subjects
from tests.parity import trials
from tests.parity.run import encode_case, main, run
from tests.parity.shrink import shrink
from tests.parity.trials import BATCH, Unit, check, plan, run_unit, sweep

from zen_native.errors import RateLimitError
from zen_native.events import LLMEvent, TextDelta, ToolCall
from zen_native.runtimes.pure.names import DEFAULT_FRAMING

pytest.importorskip("zen_native._core", reason="the native runtime is not built: zen_native._core is missing")

SAMPLE = 20_000
BODY = b'data: {"type":"message_start","message":{"id":"m","content":[]}}\n\n' + b"".join(
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%d"}}\n\n' % number
    for number in range(20)
)
CASE = Case(
    "anthropic-messages", "sse", {"provider": "test", "raw_events": True}, [BODY[:90], BODY[90:300], BODY[300:]]
)


@pytest.mark.parity
@pytest.mark.timeout(180)
def test_sample() -> None:
    report = run(plan(SAMPLE, subjects()), seed=1, jobs=2)
    assert report.found is None, f"{report.found.reason}\n--case '{encode_case(report.found.case)}'"
    assert report.trials == SAMPLE


@pytest.mark.parity
def test_own_fixtures_alone() -> None:
    own = subjects(recorded=False)
    assert {subject.protocol for subject in own} == set(protocols()) == set(DEFAULT_FRAMING)
    made = 0
    for unit in plan(2 * len(own) + 20 * BATCH, own):
        count, found = run_unit(unit, 7, recorded=False)
        assert found is None, f"{found.reason}\n--case '{encode_case(found.case)}'"
        made += count
    assert made == 2 * len(own) + 20 * BATCH


@pytest.mark.parametrize("wanted", [0, 1, 2, 25, 26, 399, 20_000])
def test_plan_has_exactly_the_trials_asked_for(wanted: int) -> None:
    assert sum(unit.count for unit in plan(wanted, subjects())) == wanted


def test_draw_follows_from_seed_and_number() -> None:
    def cases(seed: int, number: int) -> list[Case]:
        return list(trials._cases(Unit("draw", number, 0, BATCH), seed, subjects()))

    assert [len(cases(1, number)) for number in range(40)] == [BATCH] * 40
    assert cases(1, 3) == cases(1, 3)
    assert cases(1, 3) != cases(1, 4)
    assert cases(1, 3) != cases(2, 3)


def test_sweep_has_every_cut_and_every_end_of_a_small_body() -> None:
    body = subjects()[0]
    bodies = (replace(body, body=bytes(range(200)) * 5),)
    cases = [case for unit in sweep(bodies) for case in trials._cases(unit, 1, bodies)]
    assert {len(case.pieces[0]) for case in cases if len(case.pieces) == 2} == set(range(1, 1001))
    assert {len(case.body) for case in cases if len(case.pieces) == 1} == set(range(1001))


def test_twenty_numbers_agree() -> None:
    assert check(CASE) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0), (1, True), (0.0, -0.0), (Decimal("1.0"), Decimal("1.00")), ("a", "b"), ([1], [1.0]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)  # fmt: skip
def test_equal_is_not_enough(one: object, other: object) -> None:
    left, right = (Outcome([ToolCall("c", "f", value)]) for value in (one, other))
    assert difference(left, left, same_cut=True) is None
    assert difference(left, right, same_cut=True) is not None


def test_errors_differ_in_any_field() -> None:
    left, right = (Outcome(error=RateLimitError("m", retry_after=after)) for after in (1.0, 1))
    assert difference(left, left, same_cut=True) is None
    assert difference(left, right, same_cut=True) == "error.retry_after: 1.0 | 1"
    assert difference(left, Outcome(), same_cut=True) is not None


def test_events_of_another_read_differ_only_for_one_way_to_cut() -> None:
    left, right = (Outcome([TextDelta("a", "x")], counts) for counts in ([0, 1], [1, 0]))
    assert difference(left, right, same_cut=False) is None
    assert difference(left, right, same_cut=True) is not None


def test_broken_order_is_named() -> None:
    assert order_broken(Outcome([TextDelta("a", "x")])) == (
        "order: step-start comes first (event 0: TextDelta(id='a', text='x'))"
    )


def test_crash_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise KeyError("no such key")

    monkeypatch.setattr("zen_native.runtimes.pure.decoder.Decoder.finish", broken)
    assert check(CASE) == "python, whole: KeyError: 'no such key'"


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A native runtime that gets the number 7 wrong."""

    def wrong(event: LLMEvent) -> LLMEvent:
        return replace(event, text="8") if isinstance(event, TextDelta) and event.text == "7" else event

    def bad(case: Case, runtime: str) -> Outcome:
        outcome = read(case, runtime)
        return replace(outcome, events=list(map(wrong, outcome.events))) if runtime == "native" else outcome

    monkeypatch.setattr(trials, "read", bad)


@pytest.mark.usefixtures("planted")
def test_planted_difference_is_found_and_made_small() -> None:
    reason = check(CASE)
    assert reason is not None
    assert reason.startswith("python | native: event ")
    small = shrink(CASE, lambda case: check(case) is not None)
    assert len(small.pieces) == 1
    assert small.options == {}
    assert len(small.body) < 90
    assert b'"7"' in small.body


@pytest.mark.usefixtures("planted")
def test_case_is_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--case", encode_case(CASE)]) == 1
    assert "text='7'" in capsys.readouterr().out


def test_case_without_a_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--case", encode_case(CASE)]) == 0
    assert capsys.readouterr().out == "no difference\n"
