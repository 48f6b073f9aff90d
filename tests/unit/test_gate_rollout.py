"""The gate's roll-out: a share of the sessions, always the same ones."""

from __future__ import annotations

import pickle

import pytest
from tests.kit.gating import ask, decided

from zen_native.gate import Rollout, rollout


def sessions(percent: float, salt: str = "", count: int = 20_000) -> set[int]:
    chosen = rollout(percent, salt)
    request = ask()
    return {n for n in range(count) if chosen(request.model_copy(update={"session_id": f"session-{n}"}))}


def test_rollout_takes_about_its_percentage() -> None:
    assert 0.08 < len(sessions(10)) / 20_000 < 0.12


def test_rollout_that_grows_only_adds_sessions() -> None:
    small, large = sessions(5, count=4000), sessions(50, count=4000)
    assert small < large


def test_rollout_is_stable_between_processes() -> None:
    """Fixed draws: a change of the hash would move every session."""
    assert sorted(sessions(10, count=60)) == [5, 7, 13, 35, 36, 40, 42, 58]
    assert sorted(sessions(10, salt="b", count=60)) == [43, 50]


def test_rollout_takes_none_or_all_at_its_ends() -> None:
    assert sessions(0, count=500) == set()
    assert len(sessions(100, count=500)) == 500


def test_rollout_takes_fractions_of_a_percent() -> None:
    assert 0 < len(sessions(0.5)) < 200


def test_rollout_leaves_out_what_has_no_session_until_the_end() -> None:
    assert not rollout(99.9)(ask())
    assert rollout(100)(ask())


@pytest.mark.parametrize("percent", [-1, 100.1, float("nan")])
def test_rollout_of_no_percentage_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="percent must be between 0 and 100"):
        rollout(percent)


def test_rollout_can_be_pickled_and_shows_itself_in_the_reason() -> None:
    chosen = pickle.loads(pickle.dumps(rollout(0)))
    assert chosen == Rollout(0)
    assert decided(client_runtime=chosen).detail == "Rollout(percent=0) left this request out"
