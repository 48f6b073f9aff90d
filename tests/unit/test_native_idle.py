"""The connections that nobody uses: what is kept, in which order it goes, and what Ctrl-C leaves."""

from __future__ import annotations

import pytest

from zen_native.transport.connections import ConnectionLimits
from zen_native.transport.native.idle import Idle
from zen_native.transport.native.origin import Origin

ORIGIN = Origin(secure=False, host="127.0.0.1", port=1)


class Kept:
    """A connection, where the next look at its origin may be interrupted."""

    def __init__(self) -> None:
        self.interrupts = False

    @property
    def origin(self) -> Origin:
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt
        return ORIGIN


@pytest.fixture
def idle() -> Idle[Kept]:
    return Idle(ConnectionLimits(max_idle=2, idle_seconds=10))


def test_the_freshest_is_taken_and_the_oldest_goes(idle: Idle[Kept]) -> None:
    first, second, third = Kept(), Kept(), Kept()
    assert idle.put(first, 0.0) == idle.put(second, 1.0) == []
    assert idle.put(third, 2.0) == [first]
    assert idle.expired(11.0) == [second]
    assert idle.take(ORIGIN) is third
    assert idle.take(ORIGIN) is None


@pytest.mark.parametrize("step", ["put", "drop"])
def test_one_with_which_somebody_was_interrupted_goes_in_its_time(step: str, idle: Idle[Kept]) -> None:
    other, cut = Kept(), Kept()
    idle.put(other, 0.0)
    if step == "drop":
        idle.put(cut, 0.0)
    cut.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        idle.put(cut, 0.0) if step == "put" else idle.drop(cut)
    assert set(idle.expired(11.0)) == {other, cut}
    assert idle.take(ORIGIN) is None
    assert len(idle) == 0
