"""The lines under the table: what cuts cost, that time is linear, that memory is flat, what starting costs.

Owns one measurement a claim, each against the same runtime's own figure and never against another machine's. A claim
holds its bound, so that a reader sees at once which are met.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import streams
from rounds import Figure, Worker, interleave, ratio

PROBE = Path(__file__).with_name("probe.py")
RUNTIMES = ("native", "pure")
SHARD = 64
# columns of the table of cuts: CPU time as a multiple of the whole body in one read, or of the msgspec loop
CUT_BOUNDS = {
    "native, event reads": 1.4,
    "native, 64 B reads": 2.5,
    "pure, event reads": 1.4,
    "pure, 64 B reads": 2.5,
    "native / msgspec, event reads": 1.0,
}


@dataclass(frozen=True)
class Claim:
    """A measured value and the bound it is held against (None: no bound, a figure to know)."""

    name: str
    value: float | None
    bound: float | None
    unit: str
    at_least: bool = False
    """The bound is the least that is asked for, not the most."""

    def markdown(self) -> str:
        """One list item."""
        value = "not measured" if self.value is None else f"{self.value:.2f} {self.unit}".rstrip()
        if self.bound is None or self.value is None:
            return f"- {self.name}: {value}"
        met = self.value >= self.bound if self.at_least else self.value <= self.bound
        least = "at least " if self.at_least else ""
        return f"- {self.name}: {value} (bound {least}{self.bound:g}: {'met' if met else 'MISSED'})"


def measure(*, quick: bool) -> list[Claim]:
    """Every claim that is not about cuts, in the order of the report; one wire stands for all."""
    found: list[Claim] = []
    for runtime in RUNTIMES:
        found += [huge(runtime, streams.CHAT, quick=quick), *length(runtime, streams.CHAT, quick=quick)]
    return [*found, *start(3 if quick else 9)]


# -- cuts ----------------------------------------------------------------------------------------------------------


def cuts(rounds: int, seconds: float, protocol: str) -> dict[str, float | None]:
    """One event a read and 64-byte reads, as multiples of the whole body in one read; keys as in `CUT_BOUNDS`."""
    print(f"cutting {protocol}", file=sys.stderr, flush=True)
    plans = [(side, cut) for side in (*RUNTIMES, "msgspec") for cut in (-1, 0, SHARD)]
    workers = [Worker(side, protocol, "--cut", str(cut)) for side, cut in plans]
    figures = dict(zip(plans, interleave(workers, rounds, seconds), strict=True))
    found = {
        f"{side}, {name}": ratio(figures[side, cut], figures[side, -1])
        for side in RUNTIMES
        for name, cut in (("event reads", 0), ("64 B reads", SHARD))
    }
    found["native / msgspec, event reads"] = ratio(figures["native", 0], figures["msgspec", 0])
    return found


def cut_table(rows: dict[str, dict[str, float | None]]) -> list[str]:
    """The cuts of every wire as a Markdown table; a value past its bound says so."""
    head = [f"{name} (<= {bound:g})" for name, bound in CUT_BOUNDS.items()]
    lines = [f"| {' | '.join(['wire', *head])} |", f"| --- |{' ---: |' * len(head)}"]
    for protocol, found in rows.items():
        cells = [verdict(found[name], bound) for name, bound in CUT_BOUNDS.items()]
        lines.append(f"| {' | '.join([protocol, *cells])} |")
    return lines


def verdict(value: float | None, bound: float) -> str:
    """A value, and whether it misses its bound."""
    return "-" if value is None else f"{value:.2f}" if value <= bound else f"{value:.2f} MISSED"


# -- linearity -----------------------------------------------------------------------------------------------------


def huge(runtime: str, protocol: str, *, quick: bool) -> Claim:
    """One event in 64-byte reads: CPU time of a four times larger event, as a multiple of four times the smaller."""
    print(f"one huge event, {runtime}", file=sys.stderr, flush=True)
    small = 1 << (18 if quick else 21)
    sizes = (small, small * 4)
    workers = [Worker(runtime, protocol, "--huge", str(size), "--cut", str(SHARD)) for size in sizes]
    low, high = interleave(workers, 3, 0.01)
    value = ratio(high, low)
    name = f"{protocol}, {runtime}, one event of {sizes[1] >> 20} MB / of {sizes[0] / (1 << 20):g} MB, a byte"
    return Claim(name, None if value is None else value / 4, 1.25, "x")


def length(runtime: str, protocol: str, *, quick: bool) -> Iterator[Claim]:
    """A stream a hundred times longer: CPU time a delta, and peak memory over that of the short one."""
    print(f"long streams, {runtime}", file=sys.stderr, flush=True)
    counts = (2_000, 20_000) if quick else (10_000, 1_000_000)
    probes = [probe("stream", runtime, protocol, str(count)) for count in counts]
    name = f"{protocol}, {runtime}, {counts[1]:,} deltas / {counts[0]:,}"
    if any("absent" in found for found in probes):
        yield Claim(f"{name}, a delta", None, 1.15, "x")
        return
    short, long = probes
    yield Claim(f"{name}, a delta", long["us"] / short["us"], 1.15, "x")
    yield Claim(f"{name}, peak memory", long["peak_mb"] - short["peak_mb"], 2.0, "MB more")


# -- start and size ------------------------------------------------------------------------------------------------


def start(rounds: int) -> Iterator[Claim]:
    """What `import zen_native` adds to a bare interpreter, and the size of the last wheel built."""
    print("importing", file=sys.stderr, flush=True)
    bare, ours = Figure(), Figure()
    memory: list[float] = []
    for _ in range(rounds):
        without, found = probe("import", "sys"), probe("import", "zen_native")
        if "absent" in found:
            yield Claim(f"import zen_native ({found['absent']})", None, 15, "ms")
            return
        bare.samples.append(without["us"])
        ours.samples.append(found["us"])
        memory.append(found["peak_mb"] - without["peak_mb"])
    added = median(b - a for a, b in zip(bare.samples, ours.samples, strict=True)) / 1_000
    yield Claim("import zen_native, CPU over a bare interpreter", added, 15, "ms")
    yield Claim("import zen_native, memory over a bare interpreter", median(memory), 8, "MB")
    wheels = sorted((PROBE.parents[1] / "dist").glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime)
    if wheels:
        yield Claim(f"wheel {wheels[-1].name}", wheels[-1].stat().st_size / (1 << 20), 6, "MB")


def probe(*arguments: str) -> dict[str, float]:
    """Runs `probe.py` in a process of its own."""
    command = [sys.executable, str(PROBE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found
