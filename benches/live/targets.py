"""The lines under the tables: what our client must reach, against the others in the same run.

Owns the targets. A ratio is the median of the ratios of neighbouring turns.
"""

from __future__ import annotations

from collections.abc import Iterator

from claims import Claim, probe
from rounds import Figure, ratio

from .results import Results
from .sides import BUFFERED, NATIVE, NATIVE_SYNC, NATIVE_UVLOOP, OPENAI, OPENAI_AIOHTTP, SOCKET

# name, figure, client, against which other, bound, whether that is the least
RATIOS = (
    ("CPU an event at 20 streams, native / BufferedProtocol", "cpu few", NATIVE, BUFFERED, 1.5, False),
    ("the same at 50 streams", "cpu many", NATIVE, BUFFERED, 1.5, False),
    ("the same at 20 streams over TLS", "tls cpu few", NATIVE, BUFFERED, 1.5, False),
    ("CPU an event at 50 streams, openai on httpx2 / native", "cpu many", OPENAI, NATIVE, 10, True),
    ("the same, openai on aiohttp / native", "cpu many", OPENAI_AIOHTTP, NATIVE, 7, True),
    ("CPU an event at 20 streams over TLS, openai on httpx2 / native", "tls cpu few", OPENAI, NATIVE, 8, True),
    ("CPU an event at 20 streams, native sync / blocking socket + Decoder", "cpu few", NATIVE_SYNC, SOCKET, 1.2, False),
)
# name, figure, client, bound, unit
VALUES = (
    ("p99 delay at 40 streams, default collector", "p99 collected", NATIVE, 1, "ms"),
    ("p99 lag of the event loop at 500 streams", "lag", NATIVE, 5, "ms"),
    ("the same on uvloop", "lag", NATIVE_UVLOOP, 5, "ms"),
    ("CPU of a short request", "request", NATIVE, 100, "us"),
    ("memory of an idle stream over TLS", "tls idle", NATIVE, 40, "KiB"),
)
HELD = 1_200
FIRST = 80
START = (
    ("start", "CPU to the end of the first stream", "us", 1_000, 80, "ms"),
    ("start memory", "memory then", "peak_mb", 1, 25, "MB"),
)


def targets(results: Results) -> Iterator[Claim]:
    """Every target, in the order of the report."""
    streams = results.held.get(NATIVE)
    yield Claim("streams held, native on asyncio", float(streams.streams) if streams else None, HELD, "", at_least=True)
    for name, figure, ours, other, bound, least in RATIOS:
        yield Claim(name, compared(results, figure, ours, other), bound, "x", at_least=least)
    for name, figure, ours, most, unit in VALUES:
        yield Claim(name, results.value(figure, ours), most, unit)
    yield Claim("time to the first event, over BufferedProtocol", difference(results, "first"), FIRST, "us")
    bare = probe("import", "sys")
    for figure, name, key, divisor, most, unit in START:
        value = results.value(figure, NATIVE)
        over = None if value is None else value - bare[key] / divisor
        yield Claim(f"{name}, over a bare interpreter", over, most, unit)


def compared(results: Results, figure: str, above: str, below: str) -> float | None:
    """How many times the figure of `below` goes into that of `above`."""
    found = results.figures.get(figure, {})
    return ratio(found.get(above, Figure()), found.get(below, Figure()))


def difference(results: Results, figure: str) -> float | None:
    """What our client adds to the raw protocol."""
    ours, raw = results.value(figure, NATIVE), results.value(figure, BUFFERED)
    return None if ours is None or raw is None else ours - raw
