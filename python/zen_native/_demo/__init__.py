"""`zen-native demo`: recorded streams of every protocol, played from this machine, decoded by both runtimes.

Owns the sequence and the exit code: 0 when every stream decodes and both runtimes agree.
"""

from __future__ import annotations

import asyncio
import sys

from zen_native._cli.screen import open_screen
from zen_native.runtimes import RuntimeName, native_status

from .measure import measure
from .play import play_all
from .recordings import load_recordings
from .report import print_measuring, print_report, print_title, report_json

__all__ = ["run_demo"]

# Between two chunks: as a fast model writes, where somebody watches; else just enough to make them two.
_WATCHED_PACE = 0.01
_PIPED_PACE = 0.001


def run_demo(*, as_json: bool) -> int:
    """Play, compare, measure, report."""
    lacking = _why_not_native()
    runtimes: tuple[RuntimeName, ...] = ("python",) if lacking else ("native", "python")
    screen = None if as_json else open_screen()
    if screen is not None:
        print_title(screen, lacking)
    recordings = load_recordings()
    pace = _WATCHED_PACE if screen is not None and sys.stdout.isatty() else _PIPED_PACE
    cases = asyncio.run(play_all(recordings, runtimes, pace, screen))
    good = not lacking and all(case.good for case in cases)
    if screen is not None:
        print_measuring(screen)
    timings = [measure(case.recording, runtimes) if case.good else {} for case in cases]
    if screen is None:
        sys.stdout.write(report_json(cases, timings, lacking, ok=good) + "\n")
    else:
        print_report(screen, cases, timings, lacking)
    return 0 if good else 1


def _why_not_native() -> str | None:
    """Why there is no native side to compare with; None where there is."""
    try:
        status = native_status()
    except (ImportError, ValueError) as error:
        return str(error)
    return None if status.runtime == "native" else status.reason
