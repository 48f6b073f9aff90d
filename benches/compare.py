"""`make bench-compare BASE=<rev>`: this tree against another revision, both built here, in interleaved rounds.

Owns the builds and the verdict. Instruction counts (callgrind on the Rust bench binary) decide, as they do not depend
on what else the machine does; CPU time of both runtimes is reported beside them and decides nothing.

Exit 0: no wire needs more instructions than the threshold allows. Exit 1: one does. Exit 3: nothing could be decided,
as valgrind is missing or the base has no bench binary; the table of CPU time is printed all the same.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import streams
from rounds import Figure, Worker, interleave, ratio

ROOT = Path(__file__).parents[1]
COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")
RUNTIMES = ("native", "pure")
UNDECIDED = 3
HEAD = "| wire | instructions a delta | native, CPU us a delta | pure, CPU us a delta |"
NOTE = "CPU time (median of interleaved rounds, ± half the range) is for reading only."


@dataclass(frozen=True)
class Build:
    """One revision, built: where its package lies and its bench binary (None when the revision has none)."""

    name: str
    site: Path
    binary: Path | None


# -- building ------------------------------------------------------------------------------------------------------


def run(command: list[str], cwd: Path) -> str:
    """Runs a command, shows its output only when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} (in {cwd}) failed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def build(name: str, tree: Path, room: Path) -> Build:
    """Builds the wheel and the bench binary of `tree`; everything made lies under `room`."""
    print(f"building {name}", file=sys.stderr, flush=True)
    target, wheels, site = room / f"{name}-target", room / f"{name}-wheels", room / f"{name}-site"
    maturin = [sys.executable, "-m", "maturin", "build", "--quiet", "--release", "--interpreter", sys.executable]
    run([*maturin, "--target-dir", str(target), "--out", str(wheels)], tree)
    (wheel,) = wheels.glob("*.whl")
    run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], tree)
    return Build(name, site, build_binary(tree, target))


def build_binary(tree: Path, target: Path) -> Path | None:
    """The Rust bench binary, None where the revision does not have it."""
    if not (tree / "benches" / "decode.rs").exists():
        return None
    cargo = ["cargo", "bench", "--quiet", "--locked", "--package", "zen-core", "--bench", "decode", "--no-run"]
    run([*cargo, "--target-dir", str(target)], tree)
    built = [path for path in (target / "release" / "deps").glob("decode-*") if os.access(path, os.X_OK)]
    return max((path for path in built if path.suffix in ("", ".exe")), key=lambda path: path.stat().st_mtime)


# -- counting ------------------------------------------------------------------------------------------------------


def instructions(binary: Path, protocol: str, body: Path) -> float:
    """Instructions a delta: what four passes need more than two, so that start-up drops out."""
    counts = [count(binary, protocol, body, passes) for passes in (2, 4)]
    return (counts[1] - counts[0]) / 2 / streams.TEXT_EVENTS


def count(binary: Path, protocol: str, body: Path, passes: int) -> int:
    """All instructions of one run."""
    tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}"]
    said = run([*tool, str(binary), protocol, str(body), str(passes)], ROOT)
    found = COLLECTED.search(said)
    if not found:
        raise SystemExit(f"callgrind said nothing about instructions:\n{said}")
    return int(found[1])


def count_all(builds: tuple[Build, Build], protocols: list[str], room: Path) -> dict[str, tuple[float, float]]:
    """Instructions of base and head by protocol; empty when they cannot be counted, with the reason on stderr."""
    base, head = builds
    if not shutil.which("valgrind"):
        print("valgrind is not installed: no instruction counts", file=sys.stderr)
        return {}
    if not (base.binary and head.binary):
        print("a revision has no bench binary (benches/decode.rs): no instruction counts", file=sys.stderr)
        return {}
    found = {}
    for protocol in protocols:
        body = room / protocol
        body.write_bytes(streams.body(protocol).data)
        found[protocol] = (instructions(base.binary, protocol, body), instructions(head.binary, protocol, body))
    return found


# -- the report ----------------------------------------------------------------------------------------------------


def timed(builds: tuple[Build, Build], protocol: str, rounds: int, seconds: float) -> dict[str, list[Figure]]:
    """CPU time of base and head by runtime, interleaved."""
    plans = [(runtime, one) for runtime in RUNTIMES for one in builds]
    workers = [Worker(runtime, protocol, pythonpath=str(one.site)) for runtime, one in plans]
    figures = interleave(workers, rounds, seconds)
    return {runtime: figures[at * 2 : at * 2 + 2] for at, runtime in enumerate(RUNTIMES)}


def cell(base: Figure, head: Figure) -> str:
    """CPU time of both and their ratio."""
    change = ratio(head, base)
    if change is None or base.value is None or head.value is None:
        return "not measured"
    return f"{base.value:.2f} -> {head.value:.2f} (x{change:.3f}, ±{max(base.spread, head.spread):.0%})"


def table(
    counted: dict[str, tuple[float, float]], times: dict[str, dict[str, list[Figure]]], threshold: float
) -> list[str]:
    """The Markdown table."""
    lines = [
        "| wire | instructions a delta | native, CPU us a delta | pure, CPU us a delta |",
        "| --- | ---: | ---: | ---: |",
    ]
    for protocol, figures in times.items():
        said = "not counted"
        if protocol in counted:
            base, head = counted[protocol]
            said = f"{base:.0f} -> {head:.0f} (x{head / base:.3f}{', PAST' if head / base > threshold else ''})"
        lines.append(f"| {protocol} | {said} | {' | '.join(cell(*figures[name]) for name in RUNTIMES)} |")
    return lines


def compared(builds: tuple[Build, Build], chosen: argparse.Namespace, room: Path) -> int:
    """Measures, prints, decides."""
    protocols: list[str] = chosen.only or list(streams.PROTOCOLS)
    threshold = 1 + chosen.threshold / 100
    counted = count_all(builds, protocols, room)
    times = {protocol: timed(builds, protocol, chosen.rounds, chosen.seconds) for protocol in protocols}
    past = [protocol for protocol, (base, head) in counted.items() if head / base > threshold]
    verdict = f"Past the threshold: {', '.join(past)}." if past else "No wire is past the threshold."
    verdict = verdict if counted else "Undecided: no instruction counts."
    lines = [
        f"### Decoding, this tree against `{chosen.base}`",
        "",
        *table(counted, times, threshold),
        "",
        f"{verdict} The threshold is {chosen.threshold:g} % more instructions. {NOTE}",
    ]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if chosen.markdown:
        chosen.markdown.write_text(text)
    return UNDECIDED if not counted else 1 if past else 0


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare this tree with another revision.")
    parser.add_argument("--base", default="main", help="revision to compare with (default %(default)s)")
    parser.add_argument("--threshold", type=float, default=2.0, help="percent more instructions (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.25, help="CPU seconds a turn (default %(default)s)")
    parser.add_argument("--only", choices=streams.PROTOCOLS, action="append", help="this wire only (repeatable)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table here too, for a comment")
    return parser.parse_args()


def main() -> int:
    """Checks the base out beside this tree, builds both, compares; leaves nothing behind."""
    chosen = options()
    with tempfile.TemporaryDirectory(prefix="zen-bench-") as made:
        room = Path(made)
        tree = room / "base"
        run(["git", "worktree", "add", "--quiet", "--detach", str(tree), chosen.base], ROOT)
        try:
            return compared((build("base", tree, room), build("head", ROOT, room)), chosen, room)
        finally:
            run(["git", "worktree", "remove", "--force", str(tree)], ROOT)


if __name__ == "__main__":
    sys.exit(main())
