"""Trials: which bodies are read how. Everything follows from the seed and the number of the batch.

A trial is one body, read in one way of cutting by both runtimes. They must agree with each other on every event, on the
read that gave it and on the error; and with what the Python runtime makes of the body in one piece, which is worked out
once for all trials of that body, and keeps the order of events. Owns the draw; `tests.kit.outcome` owns equality.

Draw: the first trials read every body whole and in very small pieces. All others come in batches of 25 that share a
body; small bodies are favoured, with a weight of 1 to 4 KiB + length. Of the batches
  45 % cut: whole, one byte at a time (997 where it is over 8 KiB), one event at a time, 12 single cuts, 10 with 2 to 40
  20 % truncate: the body ends at 25 places
  35 % mutate: 12 changed bodies, each whole and with 1 to 10 cuts or one event at a time
Options are the default in a half of the batches, one in sixteen reads with another protocol or framing.
Sweep (`--trials all`): every body whole and in very small pieces; every single cut, and the end after every byte, of
bodies up to 8 KiB; 64 cuts and ends of the longer ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from tests.kit.mutate import mutate
from tests.kit.outcome import Case, Outcome, difference, order_broken, read
from tests.kit.splits import split
from tests.kit.subjects import Subject, protocols, subjects

from zen_native.runtimes.pure.names import FRAMINGS

__all__ = ["BATCH", "Found", "Unit", "check", "plan", "run_unit", "sweep"]

BATCH = 25
SMALL = 8 << 10
_SPAN = 400
"""How many trials of a sweep go into one unit of work."""
_LONG = 64
_DEFAULTS: dict[str, Any] = {"provider": "test"}


class Unit(NamedTuple):
    """Work for one process at a time: `draw` a batch, `open` or sweep (`cut`, `end`) a body from `start` on."""

    kind: str
    number: int
    start: int
    count: int


class Found(NamedTuple):
    """A case that fails, and why."""

    case: Case
    reason: str


def plan(trials: int, bodies: Sequence[Subject]) -> Iterator[Unit]:
    """The units of a run with exactly that many trials."""
    left = trials
    for number in range(len(bodies)):
        if left > 0:
            yield Unit("open", number, 0, min(2, left))
            left -= 2
    for number in range(max(0, (left + BATCH - 1) // BATCH)):
        yield Unit("draw", number, 0, min(BATCH, left - number * BATCH))


def sweep(bodies: Sequence[Subject]) -> Iterator[Unit]:
    """The units of a sweep."""
    for number, subject in enumerate(bodies):
        yield Unit("open", number, 0, 2)
        places = len(subject.body) if len(subject.body) <= SMALL else _LONG
        for kind in ("cut", "end"):
            for start in range(0, places, _SPAN):
                yield Unit(kind, number, start, min(_SPAN, places - start))


def run_unit(unit: Unit, seed: int, *, recorded: bool = True) -> tuple[int, Found | None]:
    """How many trials were made, and the first that failed."""
    wholes: dict[bytes, tuple[Case, Outcome]] = {}
    made = 0
    for case in _cases(unit, seed, subjects(recorded=recorded)):
        made += 1
        reason = check(case, wholes)
        if reason is not None:
            return made, Found(case, reason)
    return made, None


def check(case: Case, wholes: dict[bytes, tuple[Case, Outcome]] | None = None) -> str | None:
    """Why a trial fails, or None. `wholes` keeps the result of the last body in one piece."""
    wholes = {} if wholes is None else wholes
    body = case.body
    if body not in wholes:
        wholes.clear()
        outcome = read(case.whole(), "python")
        broken = outcome.crash or order_broken(outcome)
        if broken is not None:
            return f"python, whole: {broken}"
        wholes[body] = (case, outcome)
    whole = wholes[body][1]
    python = whole if len(case.pieces) == 1 else read(case, "python")
    if python is not whole:
        found = difference(whole, python, same_cut=False)
        if found is not None:
            return f"python, whole | in pieces: {found}"
    found = difference(python, read(case, "native"), same_cut=True)
    return None if found is None else f"python | native: {found}"


def _cases(unit: Unit, seed: int, bodies: Sequence[Subject]) -> Iterator[Case]:
    if unit.kind == "draw":
        cases = _draw(Random(f"{seed}/{unit.number}"), bodies)
        yield from (case for case, _ in zip(cases, range(unit.count), strict=False))
        return
    subject = bodies[unit.number]
    if unit.kind == "open":
        yield from [_case(subject, [subject.body]), _case(subject, _bytewise(subject.body))][: unit.count]
        return
    body, places = subject.body, range(1, len(subject.body) + 1)
    if len(body) > SMALL:
        places = sorted(Random(f"{seed}/{unit.kind}/{subject.id}").sample(places, _LONG))
    for at in places[unit.start : unit.start + unit.count]:
        yield _case(subject, [body[:at], body[at:]] if unit.kind == "cut" else [body[: at - 1]])


def _draw(rng: Random, bodies: Sequence[Subject]) -> Iterator[Case]:
    weights = _weights(bodies)
    subject, other = rng.choices(bodies, cum_weights=weights, k=2)
    base = _case(subject, [subject.body], _options(rng))
    if rng.random() < 1 / 16:
        base = Case(rng.choice(protocols()), rng.choice(FRAMINGS), base.options, base.pieces)
    share = rng.random()
    if share < 0.45:
        yield from (_with(base, pieces) for pieces in _cuts(rng, base.framing, subject.body))
    elif share < 0.65:
        yield from (_with(base, [subject.body[: rng.randint(0, len(subject.body))]]) for _ in range(BATCH))
    else:
        for _ in range((BATCH + 1) // 2):
            body = mutate(rng, base.framing, subject.body, other.body)
            yield _with(base, [body])
            each = rng.random() < 0.5
            yield _with(base, _eventwise(base.framing, body) if each else _cut(rng, body, rng.randint(1, 10)))


def _weights(bodies: Sequence[Subject]) -> list[float]:
    total, weights = 0.0, []
    for subject in bodies:
        total += 1 / (4096 + len(subject.body))
        weights.append(total)
    return weights


def _cuts(rng: Random, framing: str, body: bytes) -> Iterator[list[bytes]]:
    yield [body]
    yield _bytewise(body)
    yield _eventwise(framing, body)
    for _ in range(12):
        yield _cut(rng, body, 1)
    for _ in range(10):
        yield _cut(rng, body, rng.randint(2, 40))


def _cut(rng: Random, body: bytes, cuts: int) -> list[bytes]:
    places = sorted(rng.randint(0, len(body)) for _ in range(cuts))
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


def _bytewise(body: bytes) -> list[bytes]:
    size = 1 if len(body) <= SMALL else 997
    return [body[at : at + size] for at in range(0, len(body), size)]


def _eventwise(framing: str, body: bytes) -> list[bytes]:
    frames = split(framing, body)
    # The elements of an array are found without what is between them.
    return frames if b"".join(frames) == body else [body]


def _options(rng: Random) -> dict[str, Any]:
    if rng.random() < 0.5:
        return _DEFAULTS
    choices: dict[str, Any] = {
        "raw_events": True,
        "trailing_cost": True,
        "require_finish_reason": True,
        "think_tags": ["think", "Reasoning"],
        "provider": "opencode-zen",
        "max_event_bytes": rng.choice((1, 64, 300, 2000)),
        "max_frame_bytes": rng.choice((16, 100, 300, 2000)),
        "max_header_bytes": rng.choice((1, 60, 100)),
        "max_response_bytes": rng.choice((1, 100, 1000, 5000)),
    }
    # Limits end most streams early: they are drawn less often than what changes the meaning.
    names = rng.sample(list(choices)[:5], rng.randint(1, 3))
    if rng.random() < 0.25:
        names.append(rng.choice(list(choices)[5:]))
    return {**_DEFAULTS, **{name: choices[name] for name in names}}


def _case(subject: Subject, pieces: list[bytes], options: dict[str, Any] | None = None) -> Case:
    return Case(subject.protocol, subject.framing, _DEFAULTS if options is None else options, pieces)


def _with(case: Case, pieces: list[bytes]) -> Case:
    return Case(case.protocol, case.framing, case.options, pieces)
