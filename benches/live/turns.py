"""Interleaved turns: each client in its own process, one after the other, A B A B, so that drift hits all alike.

Owns the clients' processes and what their turns gave. What a turn is stands in `jobs`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from rounds import Figure

from .jobs import Job, cores
from .server import BINARY, Server, environment
from .sides import Side

PATIENCE = 150
"""Seconds that a turn may take before the client is ended."""
CORES = 2
"""A client that would need more of them for a job is not asked: it would be busy for minutes."""
LATE = 10_000
"""Microseconds of lateness of the server (p99) from which on a turn says more about it than about the client."""


class Client:
    """A client's process."""

    def __init__(self, side: Side, server: Server, *, secure: bool = False) -> None:
        self.side = side
        base = server.secure if secure else server.plain
        command = [sys.executable, "-m", "live.worker", side.name, base, str(server.port)]
        if side.loop == "epoll":
            command = [str(BINARY), "raw", f"127.0.0.1:{server.port}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(server)
        )
        hello = self._answer("its start")
        self.versions: list[str] = hello.get("versions", [])
        self.absent: str = hello.get("absent", "")

    def turn(self, command: str) -> dict[str, Any]:
        """Has the client do that. `failed` in the answer says what went wrong; the client is then over."""
        if self._process.stdin is None or self._process.poll() is not None:
            return {"failed": "its process has ended"}
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer(command)

    def _answer(self, asked: str) -> dict[str, Any]:
        watch = threading.Timer(PATIENCE, self._process.kill)
        watch.start()
        line = self._process.stdout.readline() if self._process.stdout else ""
        watch.cancel()
        if not line:
            return {"failed": f"its process ended in {asked}, with status {self._process.wait()}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends the process and waits for it."""
        if self._process.stdin and self._process.stdout:
            self._process.stdin.close()
            self._process.stdout.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def clients(sides: Iterable[Side], server: Server, *, secure: bool = False) -> Iterator[list[Client]]:
    """Their processes, until the block is left."""
    with ExitStack() as stack:
        started = [Client(side, server, secure=secure) for side in sides]
        for client in started:
            stack.callback(client.close)
        yield started


@dataclass
class Results:
    """What came of all turns."""

    figures: dict[str, dict[str, Figure]] = field(default_factory=lambda: defaultdict(dict))
    """By name of the figure, by client."""
    versions: dict[str, list[str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Clients that are not installed, and what is missing."""
    failed: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """By client: what it was to do, and what went wrong."""
    overloaded: set[tuple[str, str]] = field(default_factory=set)
    """Figures and clients that did not keep up with the server."""
    server: list[dict[str, Any]] = field(default_factory=list)
    """What the server did in each turn of many streams."""

    def met(self, client: Client) -> bool:
        """Notes the client's version; False if it cannot run."""
        if client.absent:
            self.absent[client.side.name] = client.absent
            return False
        self.versions[client.side.name] = client.versions
        return True

    def note(self, job: Job, client: Client, server: Server) -> None:
        """One turn."""
        name = client.side.name
        if cores(job, self.value("cpu many", name)) > CORES:
            self.overloaded |= {(figure, name) for figure in job.figures}
            return
        answer = client.turn(job.command)
        if "failed" in answer:
            self.failed[name][f"{job.command}{' over TLS' if job.secure else ''}"] = answer["failed"]
            return
        for figure, take in job.figures.items():
            self.figures[figure].setdefault(name, Figure()).samples.append(take(answer))
            if not answer.get("complete", True):
                self.overloaded.add((figure, name))
        if job.command.startswith("paced"):
            self.server.append(server.stats())

    @property
    def lost(self) -> set[str]:
        """Clients that are absent, or have failed at something."""
        return {*self.absent, *self.failed}

    def value(self, figure: str, side: str) -> float | None:
        """The median of a figure; None where there is none."""
        found = self.figures.get(figure, {}).get(side)
        return found.value if found else None


def take_turns(sides: Sequence[Side], jobs: Sequence[Job], rounds: int, server: Server) -> Results:
    """All jobs of all clients, round by round."""
    results = Results()
    for secure in (False, True):
        ours = [job for job in jobs if job.secure is secure and not job.fresh]
        if not ours:
            continue
        with clients([side for side in sides if ours_suit(ours, side)], server, secure=secure) as started:
            present = [client for client in started if results.met(client)]
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}{' over TLS' if secure else ''}")
                for job in ours:
                    for client in present:
                        if job.suits(client.side):
                            results.note(job, client, server)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}, new processes")
        for job in jobs:
            if job.fresh:
                _fresh(job, sides, results, server)
    return results


def ours_suit(jobs: Sequence[Job], side: Side) -> bool:
    """Whether the client has anything to do."""
    return any(job.suits(side) for job in jobs)


def _fresh(job: Job, sides: Sequence[Side], results: Results, server: Server) -> None:
    for side in sides:
        if job.suits(side) and side.name not in results.absent:
            with clients([side], server, secure=job.secure) as (client,):
                if results.met(client):
                    results.note(job, client, server)


def say(text: str) -> None:
    """How far the work is."""
    print(text, file=sys.stderr, flush=True)
