"""Interleaved rounds: each side in its own process, one turn after the other, A B A B, so that drift hits all alike.

Owns the worker processes and the figures (median, spread). Knows nothing of tables.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

WORKER = Path(__file__).with_name("worker.py")


@dataclass
class Figure:
    """What the rounds of one side gave, in CPU microseconds a delta."""

    samples: list[float] = field(default_factory=list)
    version: str = ""
    absent: str = ""

    @property
    def value(self) -> float | None:
        """The median, None for an absent side."""
        return median(self.samples) if self.samples else None

    @property
    def spread(self) -> float:
        """Half the distance from the lowest to the highest sample, as a part of the median."""
        return (max(self.samples) - min(self.samples)) / 2 / median(self.samples) if self.samples else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For the JSON report."""
        return {"us": self.value, "spread": self.spread, **vars(self)}


def ratio(above: Figure, below: Figure) -> float | None:
    """How many times `below` goes into `above`: the median of the rounds' own ratios, which ran next to each other."""
    pairs = list(zip(above.samples, below.samples, strict=False))
    return median(a / b for a, b in pairs) if pairs else None


class Worker:
    """A worker process."""

    def __init__(self, side: str, protocol: str, *extra: str, pythonpath: str = "") -> None:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        if pythonpath:
            environment["PYTHONPATH"] = pythonpath
        command = [sys.executable, str(WORKER), "--side", side, "--protocol", protocol, *extra]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.figure = Figure()
        self.side = side

    def close(self) -> None:
        """Ends the process and waits for it."""
        if self.process.stdin and self.process.stdout:
            self.process.stdin.close()
            self.process.stdout.close()
        self.process.wait()

    def hello(self) -> None:
        """Waits until the worker has warmed up or has said why it cannot run."""
        answer = self.answer()
        self.figure.version, self.figure.absent = answer.get("version", ""), answer.get("absent", "")

    def turn(self, seconds: float) -> None:
        """One round: lets the worker spend CPU time and notes what came out."""
        if self.process.stdin and not self.figure.absent:
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
            self.figure.samples.append(self.answer()["us"])

    def answer(self) -> dict[str, Any]:
        """The worker's next line."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise RuntimeError(f"the worker for {self.side} ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def interleave(workers: list[Worker], rounds: int, seconds: float) -> list[Figure]:
    """Runs the workers' turns and gives their figures, in the same order."""
    try:
        for worker in workers:
            worker.hello()
        for _ in range(rounds):
            for worker in workers:
                worker.turn(seconds)
    finally:
        for worker in workers:
            worker.close()
    return [worker.figure for worker in workers]
