"""`make soak`: very many streams over loopback, and many that are left at random points, with nothing left behind.

Prints a table: streams, errors, memory at the start, after a tenth and at the end, open files, seconds, CPU. Exit code
1 if an answer was wrong or failed, or if anything stays: memory, a file, a connection here or at the server. Everything
is bounded: the number of streams, the time of each, and the time of all.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kit.authority import Authority
from tests.kit.process import open_files, raise_limit, resident_bytes, settled_bytes
from tests.soak import streams, threads
from tests.soak.server import PIECES
from tests.soak.tally import Tally

import zen_native as zen

__all__ = ["Plan", "Report", "main", "problems", "run"]

_SERVER = Path(__file__).with_name("server.py")
_SETTLES = 20.0
_GROWTH = 8 << 20
"""What the memory may differ by: a ten-thousandth part of it, or less, for every stream of a long run."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many streams, how many of them at once, how many more to leave, and the seconds between two events."""

    kind: str = "asyncio"
    transport: str = "auto"
    runtime: str = "auto"
    tls: bool = False
    streams: int = 100_000
    at_once: int = 2_000
    leave: int = 10_000
    leave_at_once: int = 100
    pace: float = 0.25
    leave_pace: float = 0.05
    seed: int = 1
    limit: float = 3600.0
    """Seconds after which no more streams are begun."""


@dataclass
class Report:
    """What a run came to. Memory in bytes, `cpu` in seconds of the client's process."""

    ended: int = 0
    left: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    """Requests by the transport that they took."""
    most_open: int = 0
    memory: dict[str, int] = field(default_factory=dict)
    """At the `start`, after a `tenth`, at the `end` of the streams, and after those that were `left`."""
    files: dict[str, int | None] = field(default_factory=dict)
    """At the `start`, at the `end`."""
    seconds: float = 0.0
    cpu: float = 0.0
    answering: int = 0
    """Answers that the server still gave when all streams were over, while the client lived."""
    idle: int = 0
    """Connections that the client kept then."""
    connections: int = 0
    """At the server when the client was closed."""
    cut: int = 0
    """Answers that were not read to their end."""


def problems(plan: Plan, report: Report) -> list[str]:
    """What is not as it should be."""
    found = []
    if report.ended < plan.streams or report.left < plan.leave:
        found.append(f"only {report.ended} and {report.left} streams in {plan.limit:.0f} s")
    if report.errors:
        found.append(f"errors: {report.errors}")
    if report.most_open < plan.at_once:
        found.append(f"only {report.most_open} streams were open at once")
    if plan.leave and not report.cut:
        found.append("no stream was left before its end")
    for before, after in (("tenth", "end"), ("end", "left")):
        if report.memory[after] - report.memory[before] > _GROWTH:
            found.append(f"memory grew from {before} to {after}: {report.memory}")
    if report.answering:
        found.append(f"{report.answering} streams that nobody reads")
    if report.idle > zen.ConnectionLimits().max_idle:
        found.append(f"{report.idle} idle connections")
    if report.connections:
        found.append(f"{report.connections} connections of a closed client")
    if report.files["start"] != report.files["end"]:
        found.append(f"open files: {report.files}")
    return found


def run(plan: Plan) -> Report:
    """The whole soak, in this process and one of the server's."""
    raise_limit(max(plan.at_once, plan.leave_at_once))
    report = Report()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=_LOOPS.get(plan.kind)) as runner:
        runner.run(_run(plan, report, Authority(Path(folder)) if plan.tls else None))
    return report


async def _run(plan: Plan, report: Report, authority: Authority | None) -> None:
    until = time.monotonic() + plan.limit
    with _Server(max(plan.at_once, plan.leave_at_once), authority) as server:
        # libuv opens a file with its first connection that it keeps, for the day when there are no more to be had.
        (await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)).close()
        await asyncio.sleep(0)
        report.files["start"] = open_files()
        report.memory["start"] = settled_bytes()
        client: Any = _CLIENTS[plan.kind](server.config, **_options(plan, authority))
        await _read(plan, report, server, client, until)
        await _leave(plan, report, server, client, until)
        counts = await _settled(server, lambda counts: counts["streams"] == 0)
        report.answering, report.idle, report.cut = counts["streams"], counts["connections"], counts["cut"]
        for (_, transport, _), count in client.decisions.counts().items():
            report.moved[transport] = report.moved.get(transport, 0) + count
        if plan.kind == "sync":
            client.close()
        else:
            await client.aclose()
        report.connections = (await _settled(server, lambda counts: counts["connections"] == 0))["connections"]
        report.files["end"] = open_files()


async def _read(plan: Plan, report: Report, server: _Server, client: Any, until: float) -> None:
    tenth = plan.streams // 10

    def ended(count: int) -> None:
        if count in (tenth, plan.streams):
            report.memory["tenth" if count == tenth else "end"] = resident_bytes()

    server.counts(plan.pace)
    tally = Tally(plan.streams, until, ended)
    began, used = time.monotonic(), time.process_time()
    await _READS[plan.kind](client, tally, plan.at_once)
    report.seconds, report.cpu = time.monotonic() - began, time.process_time() - used
    report.ended, report.most_open, report.errors = tally.ended, tally.most_open, dict(tally.errors)
    report.memory.setdefault("tenth", resident_bytes())
    report.memory.setdefault("end", resident_bytes())


async def _leave(plan: Plan, report: Report, server: _Server, client: Any, until: float) -> None:
    server.counts(plan.leave_pace)
    tally = Tally(plan.leave, until)
    await _LEAVES[plan.kind](client, tally, plan.leave_at_once, plan.leave_pace * PIECES, plan.seed)
    report.left = tally.ended
    report.errors |= {f"{name}, left": count for name, count in tally.errors.items()}
    report.memory["left"] = resident_bytes()


async def _settled(server: _Server, condition: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    """What the server has counted once that is so, or in the end."""
    until = time.monotonic() + _SETTLES
    while not condition(counts := server.counts()) and time.monotonic() < until:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.05)
    return counts


_LOOPS: dict[str, Any] = {}
if importlib.util.find_spec("uvloop"):  # not on Windows
    _LOOPS["uvloop"] = importlib.import_module("uvloop").new_event_loop
_ASYNC = ("asyncio", *_LOOPS)
_CLIENTS: dict[str, Any] = {"sync": zen.Client, **dict.fromkeys(_ASYNC, zen.AsyncClient)}
_READS: dict[str, Any] = {
    "sync": partial(asyncio.to_thread, threads.read_many),
    **dict.fromkeys(_ASYNC, streams.read_many),
}
_LEAVES: dict[str, Any] = {
    "sync": partial(asyncio.to_thread, threads.leave_many),
    **dict.fromkeys(_ASYNC, streams.leave_many),
}


def _options(plan: Plan, authority: Authority | None) -> dict[str, Any]:
    # Two thousand connections begin in one turn of the loop: the last of them waits for all others.
    timeouts = zen.Timeouts(connect=120, total=600)
    return {
        "transport": plan.transport,
        "runtime": plan.runtime,
        "tls": None if authority is None else zen.Tls(ca_file=authority.file),
        "timeouts": timeouts,
        "retry": zen.RetryPolicy(attempts=1),
    }


class _Server:
    """The server's process."""

    def __init__(self, connections: int, authority: Authority | None) -> None:
        command = [sys.executable, str(_SERVER), "--connections", str(connections)]
        scheme = "http"
        if authority is not None:
            scheme = "https"
            command += ["--certificate", str(authority.server_file())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        url = f"{scheme}://127.0.0.1:{self._said()}"
        at = zen.ProviderSettings(base_url=url, api_key="k", protocol="openai-chat")
        self.config = zen.Config(providers={"mine": at}, environ={})

    def counts(self, pace: float | None = None) -> dict[str, int]:
        """What it has counted; it goes on at that pace."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n" if pace is None else f"{pace}\n")
        self._process.stdin.flush()
        counts: dict[str, int] = self._said()
        return counts

    def _said(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"soak: the server ended with {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


# --- the command


def main(argv: list[str] | None = None) -> int:
    """The command."""
    default = Plan()
    parser = argparse.ArgumentParser(description="Very many streams over loopback, and nothing left behind.")
    parser.add_argument("--kind", choices=list(_CLIENTS), default=default.kind)
    parser.add_argument("--transport", choices=["auto", "native", "httpx"], default=default.transport)
    parser.add_argument("--runtime", choices=["auto", "native", "python"], default=default.runtime)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--streams", type=int, default=default.streams)
    parser.add_argument("--at-once", type=int, default=default.at_once)
    parser.add_argument("--leave", type=int, default=default.leave, help="streams that are left at random points")
    parser.add_argument("--leave-at-once", type=int, default=default.leave_at_once)
    parser.add_argument("--pace", type=float, default=default.pace, help="seconds between two events of a stream")
    parser.add_argument("--seed", type=int, default=default.seed)
    plan = Plan(**vars(parser.parse_args(argv)))
    report = run(plan)
    _show(plan, report)
    found = problems(plan, report)
    for problem in found:
        print(f"soak: {problem}")
    return int(bool(found))


def _show(plan: Plan, report: Report) -> None:
    print(f"{plan.kind}{' over TLS' * plan.tls}, transport {plan.transport}, runtime {plan.runtime}, seed {plan.seed}")
    memory = {name: f"{size / (1 << 20):.1f}" for name, size in report.memory.items()}
    rows = [
        ("streams, of them open at once", f"{report.ended:,}, {report.most_open:,}"),
        ("left at random points, cut at the server", f"{report.left:,}, {report.cut:,}"),
        ("errors", json.dumps(report.errors) if report.errors else "none"),
        ("requests by transport", json.dumps(report.moved)),
        ("MB at the start, after 10 %, at the end, after leaving", ", ".join(memory.values())),
        ("open files at the start, at the end", f"{report.files['start']}, {report.files['end']}"),
        ("connections kept, after closing", f"{report.idle}, {report.connections}"),
        ("seconds, CPU seconds, CPU ms a stream", _times(report)),
    ]
    for name, value in rows:
        print(f"  {name:54}  {value}")


def _times(report: Report) -> str:
    return f"{report.seconds:.1f}, {report.cpu:.1f}, {report.cpu / max(1, report.ended) * 1000:.2f}"


if __name__ == "__main__":
    sys.exit(main())
