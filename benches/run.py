"""`make bench`: measures every side over every wire in interleaved rounds and prints the table that the README quotes.

Owns the order of the work and the report. How a side is driven is in `worker.py`, how rounds interleave in `rounds.py`,
the lines under the table in `claims.py`. Exit 1 when one of our own runtimes could not be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import claims
import streams
from peers import PEERS
from rounds import Figure, Worker, interleave, ratio
from worker import LOOPS

OURS = ("native", "pure")
README = Path(__file__).parents[1] / "README.md"
UNIT = "CPU microseconds (user and system, all threads) per text delta: median of the rounds, ± half the range."
MARKERS = ("<!-- bench:begin -->", "<!-- bench:end -->")


@dataclass(frozen=True)
class Plan:
    """How much work to do."""

    rounds: int
    seconds: float
    protocols: tuple[str, ...]
    quick: bool


@dataclass(frozen=True)
class Report:
    """All that was measured, and where."""

    command: str
    machine: str
    load: tuple[str, str]
    figures: dict[str, dict[str, Figure]]
    cuts: dict[str, dict[str, float | None]]
    claims: list[claims.Claim]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        wires = {wire: {side: figure.as_dict() for side, figure in row.items()} for wire, row in self.figures.items()}
        lines = [vars(claim) for claim in self.claims]
        return {
            "command": self.command,
            "machine": self.machine,
            "load": self.load,
            "wires": wires,
            "cuts": self.cuts,
            "claims": lines,
        }


# -- measuring -----------------------------------------------------------------------------------------------------


def load_average() -> str:
    """The load of the last minute, where the system says."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def machine() -> str:
    """Interpreter, processor and system."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {os.cpu_count()} CPUs, {platform.platform()}"


def measure(plan: Plan) -> Report:
    """Runs the whole plan."""
    before, figures = load_average(), {}
    for protocol in plan.protocols:
        print(f"measuring {protocol}", file=sys.stderr, flush=True)
        sides = (*LOOPS, *PEERS[protocol], *OURS)
        workers = [Worker(side, protocol) for side in sides]
        figures[protocol] = dict(zip(sides, interleave(workers, plan.rounds, plan.seconds), strict=True))
    cuts = {protocol: claims.cuts(plan.rounds, plan.seconds, protocol) for protocol in plan.protocols}
    lines = claims.measure(quick=plan.quick)
    command = shlex.join(["python", *sys.argv])
    return Report(command, machine(), (before, load_average()), figures, cuts, lines)


# -- the report ----------------------------------------------------------------------------------------------------


def cell(figure: Figure, name: str = "") -> str:
    """A figure with its spread, `absent` for a side that could not run."""
    prefix = f"{name} " if name else ""
    if figure.value is None:
        return f"{prefix}absent"
    digits = 2 if figure.value < 10 else 1
    return f"{prefix}{figure.value:.{digits}f} ±{figure.spread:.0%}"


def times(value: float | None) -> str:
    """A ratio."""
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def row(protocol: str, figures: dict[str, Figure]) -> str:
    """One line of the table."""
    native, peers = figures["native"], PEERS[protocol]
    cells = [
        protocol,
        *(cell(figures[side]) for side in LOOPS),
        ", ".join(cell(figures[peer], peer) for peer in peers),
        cell(native),
        cell(figures["pure"]),
        times(ratio(native, figures["msgspec"])),
        ", ".join(times(ratio(figures[peer], native)) for peer in peers),
    ]
    return f"| {' | '.join(cells)} |"


def markdown(report: Report) -> str:
    """The table, the lines under it, and what a reader needs to judge both."""
    loops = [f"{name} loop" for name in LOOPS]
    head = ["wire", *loops, "peer SDKs", "native", "pure", "native / msgspec", "peer / native"]
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    lines += [row(protocol, figures) for protocol, figures in report.figures.items()]
    lines += ["", UNIT, "", "The same for other reads, as a multiple of the whole body in one read:", ""]
    lines += [*claims.cut_table(report.cuts), "", *(claim.markdown() for claim in report.claims)]
    lines += ["", f"{report.machine}; load {' -> '.join(report.load)}; {versions(report)}.", f"`{report.command}`"]
    return "\n".join(lines) + "\n"


def versions(report: Report) -> str:
    """The versions of everything measured, each once."""
    seen: dict[str, str] = {}
    for figures in report.figures.values():
        for side, figure in figures.items():
            if figure.version and side not in ("json", "anthropic .stream()"):
                seen.setdefault(side, figure.version)
    return ", ".join(f"{side} {version}" for side, version in seen.items())


def replace_between(markers: tuple[str, str], text: str) -> None:
    """Puts `text` between the markers in the README."""
    begin, end = markers
    before, found, rest = README.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{README.name} has no {begin} ... {end}")
    README.write_text(f"{before}{begin}\n{text}{end}{after}")


def missing(report: Report) -> list[str]:
    """Our own runtimes that gave no figure, with the reason."""
    return [
        f"{protocol}, {side}: {figures[side].absent}"
        for protocol, figures in report.figures.items()
        for side in OURS
        if figures[side].absent
    ]


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the decoders against loops and provider SDKs.")
    parser.add_argument("--quick", action="store_true", help="few short rounds: shows that it works, not how fast")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.25, help="CPU seconds a turn (default %(default)s)")
    parser.add_argument("--only", choices=streams.PROTOCOLS, action="append", help="this wire only (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample as JSON")
    parser.add_argument("--update-readme", action="store_true", help="replace the table in the README")
    return parser.parse_args()


def main() -> int:
    """Measures, prints, writes."""
    chosen = options()
    rounds, seconds = (3, 0.02) if chosen.quick else (chosen.rounds, chosen.seconds)
    plan = Plan(rounds, seconds, tuple(chosen.only or streams.PROTOCOLS), chosen.quick)
    report = measure(plan)
    text = markdown(report)
    print(text, end="")
    if chosen.json:
        chosen.json.write_text(json.dumps(report.as_dict(), indent=1))
    if chosen.update_readme:
        replace_between(MARKERS, text)
    if absent := missing(report):
        print("not measured:", *absent, sep="\n  ", file=sys.stderr)
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
