"""The picture for the README: streams held and CPU time of an event, a bar for each client, as SVG.

Owns the drawing. Written by hand, so that it needs no library, follows the reader's light or dark theme, and changes
in a diff only where a figure does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .report import Report, held_cell
from .sides import Side

WIDTH, ROW, BAR, TOP, BOTTOM = 860, 24, 14, 78, 34
NAMES, GAP, ROOM = 200, 28, 62  # room: for the number after the longest bar
PANEL = (WIDTH - NAMES - GAP - 24) // 2
FIGURE = "cpu many"
STYLE = """
    text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2937 }
    .title { font-weight: 600; font-size: 14px } .note { font-size: 12px; fill: #6b7280 }
    .number { font-variant-numeric: tabular-nums } .name { text-anchor: end } .own { font-weight: 600 }
    .ours { fill: #0d9488 } .raw { fill: #94a3b8 } .peer { fill: #d4a24c } .axis { stroke: #cbd5e1 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e5e7eb } .note { fill: #9ca3af } .axis { stroke: #4b5563 }
      .ours { fill: #2dd4bf } .raw { fill: #64748b } .peer { fill: #d9a441 }
    }"""
LEGEND = (("ours", "zen-native"), ("peer", "peers"), ("raw", "sockets read by hand"))


@dataclass(frozen=True)
class Panel:
    """One column of bars."""

    title: str
    note: str
    left: int
    value: Callable[[str], float | None]
    label: Callable[[str], str]


def kind(side: Side) -> str:
    """Which colour."""
    return "ours" if side.ours else "raw" if side.raw else "peer"


def draw(report: Report) -> str:
    """The whole picture."""
    known = [
        side for side in report.sides if report.results.held.get(side.name) or report.results.value(FIGURE, side.name)
    ]
    shown = [side for name, _ in LEGEND for side in known if kind(side) == name]
    height = TOP + ROW * len(shown) + BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        "<title>Streams held per core, and CPU time per event, by client</title>",
        f"<style>{STYLE}\n</style>",
    ]
    for at, side in enumerate(shown):
        own = " own" if kind(side) == "ours" else ""
        lines.append(f'<text class="name{own}" x="{NAMES}" y="{baseline(at)}">{escape(side.name)}</text>')
    for panel in panels(report):
        lines += column(panel, shown)
    lines += [*legend(height), "</svg>"]
    return "\n".join(lines) + "\n"


def panels(report: Report) -> tuple[Panel, Panel]:
    """Both columns."""

    def held(side: str) -> float | None:
        found = report.results.held.get(side)
        return found.streams if found else None

    def spent(side: str) -> float | None:
        return report.results.value(FIGURE, side)

    def spent_label(side: str) -> str:
        return f"{spent(side) or 0:,.1f}" + ("*" if (FIGURE, side) in report.results.overloaded else "")

    left = NAMES + 10
    return (
        Panel(
            "Streams held by one core",
            "100 events/s each, p99 delay under 50 ms",
            left,
            held,
            lambda side: held_cell(report, side).replace(">=", "\N{GREATER-THAN OR EQUAL TO}"),
        ),
        Panel(
            "CPU microseconds per event",
            "50 streams, one event a write; less is better",
            left + PANEL + GAP,
            spent,
            spent_label,
        ),
    )


def column(panel: Panel, shown: list[Side]) -> list[str]:
    """Title, axis and bars."""
    most = max((panel.value(side.name) or 0 for side in shown), default=0) or 1
    end = TOP + ROW * len(shown)
    lines = [
        f'<text class="title" x="{panel.left}" y="34">{escape(panel.title)}</text>',
        f'<text class="note" x="{panel.left}" y="54">{escape(panel.note)}</text>',
        f'<line class="axis" x1="{panel.left}" y1="{TOP - 6}" x2="{panel.left}" y2="{end}"/>',
    ]
    for at, side in enumerate(shown):
        value = panel.value(side.name)
        width = 0 if value is None else max(2.0, (PANEL - ROOM) * value / most)
        top = TOP + ROW * at + (ROW - BAR) // 2
        bar = f'<rect class="{kind(side)}" x="{panel.left}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        text = "-" if value is None else panel.label(side.name)
        number = f'<text class="number" x="{panel.left + width + 6:.1f}" y="{baseline(at)}">{escape(text)}</text>'
        lines += [bar, number]
    return lines


def legend(height: int) -> list[str]:
    """What the colours mean."""
    lines, left = [], NAMES + 10
    for name, text in LEGEND:
        lines.append(f'<rect class="{name}" x="{left}" y="{height - 21}" width="12" height="12" rx="2"/>')
        lines.append(f'<text class="note" x="{left + 18}" y="{height - 11}">{text}</text>')
        left += 40 + 7 * len(text)
    return lines


def baseline(at: int) -> int:
    """Where the text of a row stands."""
    return TOP + ROW * at + ROW // 2 + 5
