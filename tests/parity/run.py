"""`make parity TRIALS=n SEED=s`: both runtimes over the same bytes, in parallel processes. See `trials` for the draw.

Prints the count, and the first difference made small with a command that shows it again. Exit code 1 on a difference.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

if __name__ in {"__main__", "__mp_main__"}:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kit import corpus
from tests.kit.outcome import Case
from tests.kit.subjects import protocols, subjects
from tests.parity.shrink import shrink
from tests.parity.trials import Found, Unit, check, plan, run_unit, sweep

__all__ = ["Report", "encode_case", "main", "run"]

_CHUNK = 16
_PROGRESS_SECONDS = 30
_LONG_CASE = 4000


@dataclass
class Report:
    """What a run came to."""

    trials: int = 0
    seconds: float = 0.0
    found: Found | None = None


def run(units: Iterable[Unit], *, seed: int, jobs: int = 2, recorded: bool = True, progress: bool = False) -> Report:
    """Works the units off, up to the first difference."""
    report, started, told = Report(), monotonic(), monotonic()
    units = iter(units)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        while report.found is None and (chunks := list(islice(_chunks(units), jobs * 8))):
            for made, found in pool.map(_work, chunks, [seed] * len(chunks), [recorded] * len(chunks)):
                report.trials += made
                report.found = report.found or found
            if progress and monotonic() - told > _PROGRESS_SECONDS:
                told = monotonic()
                print(f"{report.trials:,} trials in {told - started:,.0f} s", file=sys.stderr, flush=True)
    report.seconds = monotonic() - started
    return report


def encode_case(case: Case) -> str:
    """A case as the JSON that `--case` takes."""
    pieces = [base64.b64encode(piece).decode() for piece in case.pieces]
    return json.dumps({"protocol": case.protocol, "framing": case.framing, "options": case.options, "pieces": pieces})


def main(argv: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Hold the two runtimes against each other.")
    parser.add_argument("--trials", default="20000", help="how many, or 'all' for a sweep of every cut and every end")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--case", help="one case, as it was printed, or @ and the file it was written to")
    args = parser.parse_args(argv)
    if args.case is not None:
        return _replay(args.case)
    bodies = subjects()
    print(f"protocols: {', '.join(protocols()) or 'none'}")
    print(f"{len(bodies)} bodies, corpus: {corpus.root() or 'NOT FOUND, own fixtures only'}")
    if not bodies:
        print("parity: no body of a protocol that both runtimes know")
        return 1
    units = sweep(bodies) if args.trials == "all" else plan(int(args.trials), bodies)
    report = run(units, seed=args.seed, jobs=args.jobs, progress=True)
    rate = report.trials / max(report.seconds, 0.001)
    print(f"{report.trials:,} trials in {report.seconds:,.0f} s ({rate:,.0f} a second), seed {args.seed}, ", end="")
    print("no difference" if report.found is None else "DIFFERENCE")
    if report.found is None:
        return 0
    _show(report.found)
    return 1


def _work(units: list[Unit], seed: int, recorded: bool) -> tuple[int, Found | None]:
    made = 0
    for unit in units:
        count, found = run_unit(unit, seed, recorded=recorded)
        made += count
        if found is not None:
            return made, found
    return made, None


def _chunks(units: Iterable[Unit]) -> Iterable[list[Unit]]:
    units = iter(units)
    while chunk := list(islice(units, _CHUNK)):
        yield chunk


def _show(found: Found) -> None:
    small = shrink(found.case, lambda case: check(case) is not None)
    print(f"first difference: {found.reason}")
    print(f"made small:       {check(small) or found.reason}")
    print(f"  {small.protocol} over {small.framing}, options {small.options}")
    for piece in small.pieces[:20]:
        print(f"  {piece[:1000]!r}")
    text = encode_case(small)
    if len(text) > _LONG_CASE:
        file = Path("parity-case.json")
        file.write_text(text, "utf-8")
        text = f"@{file}"
    print(f"again: .venv/bin/python tests/parity/run.py --case '{text}'")


def _replay(text: str) -> int:
    said = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    pieces = [base64.b64decode(piece) for piece in said["pieces"]]
    reason = check(Case(said["protocol"], said["framing"], said["options"], pieces))
    print(reason or "no difference")
    return int(reason is not None)


if __name__ == "__main__":
    sys.exit(main())
