"""`make bench-live`: measures every client against the replay server and prints the tables that the README quotes.

Owns the order of the work and the command line. Exit 1 when one of our own clients could not be measured.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from run import load_average, machine, replace_between

from . import picture
from .jobs import QUICK, Sizes
from .report import Report, absences, headline, markdown
from .server import ROOT, running
from .sides import BY_NAME, SIDES, Side
from .targets import targets
from .turns import take_turns

MARKERS = ("<!-- bench-live:begin -->", "<!-- bench-live:end -->")
LEAD = ("<!-- bench-live-lead:begin -->", "<!-- bench-live-lead:end -->")
PICTURE = ROOT / "docs" / "live.svg"


def measure(sides: tuple[Side, ...], sizes: Sizes) -> Report:
    """Runs everything."""
    before = load_average()
    with running() as server:
        results = take_turns(sides, sizes, server)
    command = shlex.join(["python", *sys.argv])
    claims = list(targets(results))
    return Report(command, machine(), (before, load_average()), sides, results, claims)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure live streams over loopback, ours and the peers'.")
    parser.add_argument("--quick", action="store_true", help="two streams, once: shows that it works, not how fast")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=BY_NAME, action="append", help="this client only (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample as JSON")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the picture there")
    parser.add_argument(
        "--update-readme", action="store_true", help="replace the tables in the README, and its picture"
    )
    return parser.parse_args()


def main() -> int:
    """Measures, prints, writes."""
    if sys.platform != "linux":
        print("bench-live needs Linux: its server waits with epoll, and memory is read from /proc", file=sys.stderr)
        return 2
    chosen = options()
    sides = tuple(BY_NAME[name] for name in chosen.only) if chosen.only else SIDES
    report = measure(sides, QUICK if chosen.quick else Sizes(chosen.rounds))
    text = markdown(report)
    print(text, end="")
    if chosen.json:
        chosen.json.write_text(json.dumps(report.as_dict(), indent=1))
    for file in [chosen.svg, PICTURE if chosen.update_readme else None]:
        if file:
            file.write_text(picture.draw(report), "utf-8")
    if chosen.update_readme:
        replace_between(LEAD, headline(report))
        replace_between(MARKERS, text)
    lost = absences(report)
    if lost:
        print("not measured:", *lost, sep="\n", file=sys.stderr)
    return 1 if any(side.ours and side.name in report.results.lost for side in sides) else 0
