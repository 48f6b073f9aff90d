"""What the demo prints: a head and an end for each recording, the table, and the same as JSON.

Owns the columns and the closing words. Owns no measuring.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from zen_native._cli.flow import Flow
from zen_native._cli.screen import Align, Screen, Style
from zen_native._cli.sink import reason_text
from zen_native._cli.text import count, line, micros, money, tokens
from zen_native.response import fold
from zen_native.runtimes import RuntimeName

from .case import Case, Stream

__all__ = ["Timing", "print_end", "print_head", "print_measuring", "print_report", "print_title", "report_json"]

Timing = Mapping[RuntimeName, float]
"""Microseconds of CPU for each event; empty where a stream failed."""

Cell = tuple[str, Style]

_HEADS: tuple[tuple[str, Align], ...] = (
    ("protocol", "left"),
    ("provider", "left"),
    ("events", "right"),
    ("finish", "left"),
    ("tokens in>out", "right"),
    ("cost", "right"),
    ("native", "right"),
    ("python", "right"),
    ("ratio", "right"),
    ("parity", "left"),
)
_GROUPS = ((0, 1), (2, 9), (3, 5), (4,), (6, 7), (8,))
"""What stands above what where the columns do not fit side by side."""
_WIDE = 119
_FOLDED = 77
_MEASURING = (
    "Now the same bytes without the network, both runtimes in turns: microseconds of CPU for each event, making the "
    "decoder included."
)


def print_title(screen: Screen, lacking: str | None) -> None:
    """What is about to happen."""
    flow = Flow(screen, margin=0)
    flow.more("zen-native demo", "title")
    flow.end()
    flow.more("Recorded streams of every protocol, played by a server on this machine; no key, no network. ")
    if lacking is None:
        flow.more("Both runtimes read at the same time, each over its own connection; the native one is shown.")
    else:
        flow.more(f"There is nothing to compare with: the native runtime is not in use ({line(lacking)}).", "bad")
    flow.end()


def print_head(screen: Screen, case: Case) -> None:
    """Which recording comes."""
    recording = case.recording
    screen.write("\n")
    flow = Flow(screen, margin=0)
    flow.more(recording.protocol or "", "title")
    flow.more(f"  {recording.provider}, {case.framing}, POST {urlsplit(recording.url).path}", "dim")
    flow.end()


def print_end(screen: Screen, case: Case) -> None:
    """How it ended."""
    flow = Flow(screen)
    shown = case.streams[0]
    if shown.finish is not None:
        flow.begin("finish")
        flow.more(f"{reason_text(shown.finish)}; {tokens(shown.finish.usage)}")
        for warning in shown.finish.warnings:
            flow.begin("warning")
            flow.more(line(warning))
    for stream in case.streams:
        if stream.error is not None:
            flow.begin("error", "bad")
            flow.more(f"{stream.runtime}: {type(stream.error).__name__}: {line(stream.error.message)}", "bad")
    if case.parity is False:
        flow.begin("differs", "bad")
        flow.more(line(case.difference()), "bad")
    flow.end()


def print_measuring(screen: Screen) -> None:
    """What takes a moment now."""
    screen.write("\n")
    flow = Flow(screen, margin=0)
    flow.more(_MEASURING, "dim")
    flow.end()
    screen.write("\n")


def print_report(screen: Screen, cases: Sequence[Case], timings: Sequence[Timing], lacking: str | None) -> None:
    """The table and the verdict."""
    rows = [_row(case, timing) for case, timing in zip(cases, timings, strict=True)]
    if screen.width is None or screen.width >= _WIDE:
        screen.table(_HEADS, rows)
    elif screen.width >= _FOLDED:
        heads: list[tuple[str, Align]] = [
            ("\n".join(_HEADS[at][0] for at in group), _HEADS[group[0]][1]) for group in _GROUPS
        ]
        screen.table(heads, [[_folded(row, group) for group in _GROUPS] for row in rows])
    else:
        _print_stacked(screen, rows)
    flow = Flow(screen, margin=0)
    screen.write("\n")
    flow.more(*_verdict(cases, lacking))
    flow.end()


def _print_stacked(screen: Screen, rows: Sequence[Sequence[Cell]]) -> None:
    flow = Flow(screen, margin=0)
    for (protocol, _), (provider, _), *figures, parity in rows:
        flow.more(f"{protocol}, {provider}: ", "title")
        flow.more("".join(f"{head} {text}, " for (head, _), (text, _) in zip(_HEADS[2:], figures, strict=False)))
        flow.more(*parity)
        flow.end()


def _folded(row: Sequence[Cell], group: Sequence[int]) -> Cell:
    styles: list[Style] = [row[at][1] for at in group]
    style: Style = "bad" if "bad" in styles else styles[-1]
    return "\n".join(row[at][0] for at in group), style


def _row(case: Case, timing: Timing) -> list[Cell]:
    shown: Stream = case.streams[0]
    finish = shown.finish
    usage = None if finish is None else finish.usage
    counted = "-" if usage is None else f"{count(usage.input_tokens)} > {count(usage.output_tokens)}"
    native, python = timing.get("native"), timing.get("python")
    return [
        (case.recording.protocol or "", ""),
        (case.recording.provider or "", ""),
        (str(len(shown.events)), ""),
        ("-", "") if finish is None else (finish.reason.normalized, ""),
        (counted, ""),
        (money(None if usage is None else usage.cost), ""),
        (micros(native), ""),
        (micros(python), ""),
        ("-" if native is None or python is None else f"{python / native:.1f}x", ""),
        _parity(case),
    ]


def _parity(case: Case) -> Cell:
    if case.parity is False:
        return "DIFFERS", "bad"
    if not case.good:
        return "ERROR", "bad"
    return ("-", "") if case.parity is None else ("equal", "good")


def _verdict(cases: Sequence[Case], lacking: str | None) -> tuple[str, Style]:
    bad = [case.recording.id for case in cases if not case.good]
    if bad:
        return f"{len(bad)} of {len(cases)} streams failed or differ: {', '.join(bad)}.", "bad"
    if lacking is not None:
        return f"All {len(cases)} streams decode in Python; nothing was compared: {line(lacking)}.", "bad"
    return f"All {len(cases)} streams decode, and native and python give the same events.", "good"


def report_json(cases: Sequence[Case], timings: Sequence[Timing], lacking: str | None, *, ok: bool) -> str:
    """Everything as one JSON document; costs as text, for they are exact."""
    pairs = zip(cases, timings, strict=True)
    document = {
        "ok": ok,
        "native": {"used": lacking is None, "reason": lacking},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "recordings": [_described(case, timing) for case, timing in pairs],
    }
    return json.dumps(document, indent=2)


def _described(case: Case, timing: Timing) -> dict[str, Any]:
    finish = case.streams[0].finish
    native, python = timing.get("native"), timing.get("python")
    return {
        "id": case.recording.id,
        "protocol": case.recording.protocol,
        "framing": case.framing,
        "provider": case.recording.provider,
        "bytes": len(case.recording.body),
        "events": len(case.streams[0].events),
        "finish": None if finish is None else finish.reason.to_dict(),
        "usage": None if finish is None or finish.usage is None else finish.usage.to_dict(),
        "warnings": [] if finish is None else list(finish.warnings),
        "text": fold(case.streams[0].events).text,
        "tool_calls": [call.name for call in fold(case.streams[0].events).tool_calls],
        "microseconds_per_event": {"native": native, "python": python},
        "ratio": None if native is None or python is None else python / native,
        "parity": case.parity,
        "difference": case.difference() or None,
        "errors": {stream.runtime: repr(stream.error) for stream in case.streams if stream.error is not None},
    }
