"""The tables and what stands under them, as Markdown for the README and as JSON.

Owns the columns. Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from claims import Claim

from .results import LATE, Results
from .sides import Side

# heading, figure, digits after the point
MANY = (
    ("CPU us/event, 20 streams", "cpu few", 1),
    ("CPU us/event, 50 streams", "cpu many", 1),
    ("delay p50 ms, 50", "p50 many", 2),
    ("delay p99 ms, 50", "p99 many", 2),
    ("delay p99 ms, 40 for longer", "p99 collected", 2),
    ("loop lag p99 ms, 500", "lag", 1),
    ("TLS: CPU us/event, 20", "tls cpu few", 1),
    ("TLS: 50", "tls cpu many", 1),
)
ONE = (
    ("first event us", "first", 0),
    ("CPU us/short request", "request", 0),
    ("TLS: first event us", "tls first", 0),
    ("CPU us/event, one a write", "single", 2),
    ("CPU us/event, burst", "burst", 2),
    ("KiB/idle stream", "idle", 1),
    ("TLS: KiB/idle stream", "tls idle", 1),
    ("CPU ms to the end of the first stream", "start", 0),
    ("MB then", "start memory", 0),
)
HEADLINE = (
    ("delay p99 ms, 40 streams", "p99 collected", 1),
    ("CPU us/event", "cpu many", 0),
    ("CPU us/short request", "request", 0),
    ("KiB/idle TLS stream", "tls idle", 0),
    ("CPU ms to the end of the first stream", "start", 0),
    ("MB then", "start memory", 0),
)


@dataclass(frozen=True)
class Report:
    """All that was measured, and where."""

    command: str
    machine: str
    load: tuple[str, str]
    sides: Sequence[Side]
    results: Results
    claims: list[Claim]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        results = self.results
        return {
            "command": self.command,
            "machine": self.machine,
            "load": self.load,
            "figures": {
                name: {side: figure.samples for side, figure in row.items()} for name, row in results.figures.items()
            },
            "held": {side: vars(held) for side, held in results.held.items()},
            "overloaded": sorted(results.overloaded),
            "versions": results.versions,
            "absent": results.absent,
            "failed": results.failed,
            "server": results.server,
            "claims": [vars(claim) for claim in self.claims],
        }


def markdown(report: Report) -> str:
    """Everything, and what a reader needs to judge it."""
    lines = ["Many streams at a time:", "", *table(report, MANY, held_cell), ""]
    lines += ["One request after the other, and what a stream takes:", "", *table(report, ONE, None), ""]
    if report.results.overloaded:
        lines += ["`*`: did not keep up, or could not, by its figure at 50 streams.", ""]
    lines += [claim.markdown() for claim in report.claims]
    lines += ["", *absences(report), *server_lines(report)]
    versions = ", ".join(dict.fromkeys(each for found in report.results.versions.values() for each in found))
    lines += ["", f"{report.machine}; load {' -> '.join(report.load)}. {versions}.", f"`{report.command}`"]
    return "\n".join(lines) + "\n"


def headline(report: Report) -> str:
    """What the README leads with: the clients that somebody would use, and how much one core holds of each."""
    clients = [side for side in report.sides if not side.raw]
    return "\n".join(["", *table(replace(report, sides=clients), HEADLINE, held_cell), "", ""])


def table(
    report: Report, columns: Sequence[tuple[str, str, int]], first: Callable[[Report, str], str] | None
) -> list[str]:
    """A row for each client that was there."""
    head = ["client", *(["streams held"] if first else []), *(name for name, _, _ in columns)]
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    for side in report.sides:
        if side.name not in report.results.absent:
            cells = [side.name, *([first(report, side.name)] if first else [])]
            cells += [cell(report.results, figure, side.name, digits) for _, figure, digits in columns]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def held_cell(report: Report, side: str) -> str:
    """How many streams a client holds; `>=` where something else ended the search."""
    held = report.results.held.get(side)
    if held is None:
        return "-"
    return f">= {held.streams:,}" if held.bound else f"{held.streams:,}"


def cell(results: Results, figure: str, side: str, digits: int) -> str:
    """The median of a figure."""
    value = results.value(figure, side)
    mark = "*" if (figure, side) in results.overloaded else ""
    return f"{value:,.{digits}f}{mark}" if value is not None else mark or "-"


def absences(report: Report) -> list[str]:
    """Who could not be measured, and why."""
    lines = [f"- **absent: {name}**: {reason}" for name, reason in report.results.absent.items()]
    for name, turns in report.results.failed.items():
        why = "; ".join(dict.fromkeys(turns.values()))
        lines.append(f"- **failed: {name}**, in {len(turns)} kinds of turn: {why}")
    return [*lines, ""] if lines else []


def server_lines(report: Report) -> list[str]:
    """Whether the server was the bottleneck."""
    turns = [turn for turn in report.results.server if turn["wall_us"]]
    if not turns:
        return []
    busy = max(turn["cpu_us"] / turn["wall_us"] for turn in turns)
    late = [turn["late_p99_us"] / 1_000 for turn in turns]
    worst = sum(each * 1_000 > LATE for each in late)
    text = f"The server used at most {busy:.0%} of a core; its p99 lateness in a turn was {median(late):.2f} ms "
    text += f"(median; more than {LATE / 1_000:g} ms in {worst} of {len(turns)} turns)."
    ends: dict[str, list[str]] = {}
    for name, held in report.results.held.items():
        if held.bound:
            ends.setdefault(held.bound, []).append(name)
    return [" ".join([text, *(f"Streams held, {why}: {', '.join(names)}." for why, names in ends.items())])]
