"""The lines under the tables: what our client must reach, against the others in the same run.

Owns the targets. A ratio is the median of the ratios of neighbouring turns. Bounds in microseconds and milliseconds
were set on one machine: beside each stands the same as a ratio to what a named peer took there, which travels.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from claims import Claim, probe
from rounds import Figure, ratio

from .results import Results
from .sides import (
    AIOHTTP,
    BUFFERED,
    HTTPX2,
    NATIVE,
    NATIVE_SYNC,
    NATIVE_UVLOOP,
    OPENAI,
    OPENAI_AIOHTTP,
    SOCKET,
)

# name, figure, client, against which other, bound (None: to read the ones above by), whether that is the least
RATIOS = (
    ("CPU an event at 20 streams, native / BufferedProtocol", "cpu few", NATIVE, BUFFERED, 1.5, False),
    ("the same at 50 streams", "cpu many", NATIVE, BUFFERED, 1.5, False),
    ("the same at 20 streams over TLS", "tls cpu few", NATIVE, BUFFERED, 1.5, False),
    ("CPU an event at 50 streams, openai on httpx2 / native", "cpu many", OPENAI, NATIVE, 10, True),
    ("the same, openai on httpx2 / BufferedProtocol", "cpu many", OPENAI, BUFFERED, None, True),
    ("the same, openai on aiohttp / native", "cpu many", OPENAI_AIOHTTP, NATIVE, 7, True),
    ("the same, openai on aiohttp / BufferedProtocol", "cpu many", OPENAI_AIOHTTP, BUFFERED, None, True),
    ("CPU an event at 20 streams, openai on httpx2 / native", "cpu few", OPENAI, NATIVE, None, True),
    ("CPU an event at 20 streams over TLS, openai on httpx2 / native", "tls cpu few", OPENAI, NATIVE, 8, True),
    ("the same, openai on httpx2 / BufferedProtocol", "tls cpu few", OPENAI, BUFFERED, None, True),
    ("CPU an event at 50 streams over TLS, openai on httpx2 / native", "tls cpu many", OPENAI, NATIVE, 8, True),
    ("the same, openai on httpx2 / BufferedProtocol", "tls cpu many", OPENAI, BUFFERED, None, True),
    ("CPU an event at 20 streams, native sync / blocking socket + Decoder", "cpu few", NATIVE_SYNC, SOCKET, 1.2, False),
)
# name, figure, client, bound, unit
VALUES = (
    ("p99 delay at 40 streams, default collector", "p99 collected", NATIVE, 1, "ms"),
    ("p99 lag of the event loop at 500 streams", "lag", NATIVE, 5, "ms"),
    ("the same on uvloop", "lag", NATIVE_UVLOOP, 5, "ms"),
    ("memory of an idle stream over TLS", "tls idle", NATIVE, 40, "KiB"),
    ("CPU of a short request", "request", NATIVE, 100, "us"),
)
HELD, HELD_BY_AIOHTTP = 1_200, 1_280
REQUEST_OF_AIOHTTP = 69
FIRST, FIRST_OF_HTTPX2 = 80, 280
"""Over the raw protocol."""
START, START_OF_ASYNCIO, MEMORY = 80, 23, 25
"""Over a bare interpreter; of asyncio, importing it."""
PROBES = 5


def targets(results: Results) -> Iterator[Claim]:
    """Every target, in the order of the report."""
    ours, theirs = held(results, NATIVE), held(results, AIOHTTP)
    yield Claim("streams held, native on asyncio", ours, HELD, "", at_least=True)
    yield scaled("streams held, native / aiohttp, raw", ours, theirs, HELD / HELD_BY_AIOHTTP, at_least=True)
    for name, figure, above, below, bound, least in RATIOS:
        yield Claim(name, compared(results, figure, above, below), bound, "x", at_least=least)
    for name, figure, client, most, unit in VALUES:
        yield Claim(name, results.value(figure, client), most, unit)
    request = compared(results, "request", NATIVE, AIOHTTP)
    yield Claim("CPU of a short request, native / aiohttp, raw", request, round(100 / REQUEST_OF_AIOHTTP, 2), "x")
    yield from first_event(results)
    yield from start(results)


def first_event(results: Results) -> Iterator[Claim]:
    """How much later than by the raw protocol."""
    ours, theirs = (difference(results, "first", client) for client in (NATIVE, HTTPX2))
    yield Claim("time to the first event, over BufferedProtocol", ours, FIRST, "us")
    yield scaled("the same, native / httpx2, raw", ours, theirs, FIRST / FIRST_OF_HTTPX2)


def start(results: Results) -> Iterator[Claim]:
    """What the first stream of a process takes, over a bare interpreter."""
    bare, asyncio = (importing("us", module) / 1_000 for module in ("sys", "asyncio"))
    ours = over(results.value("start", NATIVE), bare)
    yield Claim("CPU to the end of the first stream, over a bare interpreter", ours, START, "ms")
    yield scaled("the same / importing asyncio", ours, asyncio - bare, START / START_OF_ASYNCIO)
    memory = over(results.value("start memory", NATIVE), importing("peak_mb", "sys"))
    yield Claim("memory then, over a bare interpreter", memory, MEMORY, "MB")


def scaled(name: str, ours: float | None, theirs: float | None, bound: float, *, at_least: bool = False) -> Claim:
    """One figure as a multiple of another one of this run."""
    value = None if ours is None or not theirs else ours / theirs
    return Claim(name, value, round(bound, 2), "x", at_least=at_least)


def held(results: Results, client: str) -> float | None:
    """The most streams of a client."""
    found = results.held.get(client)
    return float(found.streams) if found else None


def compared(results: Results, figure: str, above: str, below: str) -> float | None:
    """How many times the figure of `below` goes into that of `above`."""
    found = results.figures.get(figure, {})
    return ratio(found.get(above, Figure()), found.get(below, Figure()))


def difference(results: Results, figure: str, client: str) -> float | None:
    """What a client adds to the raw protocol."""
    raw = results.value(figure, BUFFERED)
    return None if raw is None else over(results.value(figure, client), raw)


def over(value: float | None, bare: float) -> float | None:
    """What is more than that."""
    return None if value is None else value - bare


def importing(figure: str, module: str) -> float:
    """What importing takes in a fresh process, interpreter and all; the median of a few."""
    return median(probe("import", module)[figure] for _ in range(PROBES))
