"""A failing case made small: fewer options, fewer cuts, fewer bytes, while it still fails.

The body is shortened in the manner of delta debugging: pieces of halving size are left out as long as that keeps the
failure. Owns no notion of failure; that is the function it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from tests.kit.outcome import Case

__all__ = ["shrink"]

Fails = Callable[[Case], bool]


def shrink(case: Case, fails: Fails, seconds: float = 30) -> Case:
    """The smallest case found within the time."""
    deadline = monotonic() + seconds

    def still(smaller: Case) -> bool:
        return monotonic() < deadline and fails(smaller)

    while True:
        before = case
        case = _options(case, still)
        case = _cuts(case, still)
        case = _bytes(case, still)
        if case == before:
            return case


def _options(case: Case, still: Fails) -> Case:
    for name in list(case.options):
        fewer = {key: value for key, value in case.options.items() if key != name}
        smaller = Case(case.protocol, case.framing, fewer, case.pieces)
        if still(smaller):
            case = smaller
    return case


def _cuts(case: Case, still: Fails) -> Case:
    if len(case.pieces) == 1:
        return case
    if still(case.whole()):
        return case.whole()
    body, cuts = case.body, _places(case)
    size = len(cuts)
    while size:
        for at in range(len(cuts) - size, -1, -size):
            smaller = _cut(case, body, cuts[:at] + cuts[at + size :])
            if still(smaller):
                case, cuts = smaller, _places(smaller)
        size //= 2
    return case


def _bytes(case: Case, still: Fails) -> Case:
    size = max(1, len(case.body) // 2)
    while size:
        at = len(case.body) - size
        while at >= 0:
            smaller = _without(case, at, at + size)
            if still(smaller):
                case = smaller
            at -= size
        size //= 2
    return case


def _places(case: Case) -> list[int]:
    places, at = [], 0
    for piece in case.pieces[:-1]:
        at += len(piece)
        places.append(at)
    return places


def _cut(case: Case, body: bytes, cuts: list[int]) -> Case:
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    return Case(case.protocol, case.framing, case.options, pieces)


def _without(case: Case, start: int, end: int) -> Case:
    """The case without the bytes from `start` to `end`; cuts stay where they were in what is left."""
    body, cuts = case.body, _places(case)
    moved = [at if at <= start else max(start, at - (end - start)) for at in cuts]
    return _cut(case, body[:start] + body[end:], moved)
