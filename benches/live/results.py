"""What came of all turns: the samples of every figure, who could not be measured, and what the server did.

Owns the numbers before anybody judges them. `report` shows them, `targets` holds them against bounds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from rounds import Figure

from .jobs import Job

LATE = 10_000
"""Microseconds of lateness of the server (p99) from which on a turn says more about it than about the client."""


@dataclass(frozen=True)
class Held:
    """What the search found."""

    streams: int
    bound: str = ""
    """Why it ended where it did, if not because of the client: the streams are then a lower bound."""


@dataclass
class Results:
    """What came of all turns."""

    figures: dict[str, dict[str, Figure]] = field(default_factory=lambda: defaultdict(dict))
    """By name of the figure, by client."""
    versions: dict[str, list[str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Clients that are not installed, and what is missing."""
    failed: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """By client: what it was to do, and what went wrong."""
    overloaded: set[tuple[str, str]] = field(default_factory=set)
    """Figures and clients that did not keep up with the server."""
    held: dict[str, Held] = field(default_factory=dict)
    server: list[dict[str, Any]] = field(default_factory=list)
    """What the server did in each turn of many streams."""

    def note(self, job: Job, name: str, answer: dict[str, Any]) -> None:
        """One turn of a client."""
        if "failed" in answer:
            self.failed[name][f"{job.command}{' over TLS' if job.secure else ''}"] = answer["failed"]
            return
        for figure, take in job.figures.items():
            self.figures[figure].setdefault(name, Figure()).samples.append(take(answer))
            if not answer.get("complete", True):
                self.overloaded.add((figure, name))

    @property
    def lost(self) -> set[str]:
        """Clients that are absent, or have failed at something."""
        return {*self.absent, *self.failed}

    def value(self, figure: str, side: str) -> float | None:
        """The median of a figure; None where there is none."""
        found = self.figures.get(figure, {}).get(side)
        return found.value if found else None
