"""How a thread waits: others wake it, and Ctrl-C is heard also where it interrupts no wait."""

from __future__ import annotations

import pytest

from zen_native.transport import sleeping


def test_no_wait_is_longer_than_ctrl_c_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a wait for a lock cannot be interrupted."""
    monkeypatch.setattr(sleeping, "SLICE", 0.1)
    pieces: list[float] = []
    sleeper = sleeping.Sleeper()

    class Lock:
        def acquire(self, timeout: float) -> bool:
            pieces.append(timeout)
            return len(pieces) == 5

    sleeper._asleep = Lock()  # type: ignore[assignment] - a stand-in with the one method that is called
    sleeper.wait(None)
    sleeper.wait(0.05)
    assert len(pieces) > 5
    assert max(pieces) <= 0.1


def test_who_is_woken_before_does_not_wait() -> None:
    sleeper = sleeping.Sleeper()
    sleeper.wake()
    sleeper.wake()
    sleeper.wait(None)
