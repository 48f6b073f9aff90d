"""What a soak of either kind counts, and what it shares: the question, and how a stream is told to be right."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Lock

from tests.soak.server import TEXT

import zen_native as zen

__all__ = ["EVENTS", "MODEL", "Tally"]

MODEL = "mine/m"
EVENTS = 13
"""Of one answer."""


class Tally:
    """Usable from several threads. `ended` is called with the number of each stream that has ended."""

    def __init__(self, count: int, until: float, ended: Callable[[int], None] = lambda count: None) -> None:
        self.ended = 0
        self.errors: Counter[str] = Counter()
        self.most_open = 0
        """Streams that had given an event and were not at their end."""
        self._numbers = iter(range(count))
        self._until = until
        self._on_end = ended
        self._open = 0
        self._lock = Lock()

    def numbers(self) -> Iterator[int]:
        """Of the streams, as many as there are, each to one caller, until the time is over."""
        while time.monotonic() < self._until:
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                return
            yield number

    def open(self, change: int) -> int:
        """One more or less is open; how many there are."""
        with self._lock:
            self._open += change
            self.most_open = max(self.most_open, self._open)
            return self._open

    def end(self, error: zen.LLMError | None = None) -> None:
        """One has ended."""
        with self._lock:
            self.ended += 1
            if error is not None:
                self.errors[type(error).__name__] += 1
            self._on_end(self.ended)

    def check(self, response: zen.LLMResponse) -> None:
        """Count an answer that is not the right one."""
        if response.text != TEXT or response.reason is None or response.reason.normalized != "stop":
            with self._lock:
                self.errors["wrong answer"] += 1
