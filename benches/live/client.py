"""A client's process, as the bench sees it: started, given commands, ended.

Owns the process and the patience with it. What it does in there is `worker`'s.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import Any

from .server import BINARY, Server, environment
from .sides import Side

PATIENCE = 150
"""Seconds that a turn may take before the client is ended."""


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
        self.absent: str = hello.get("absent", "")
        self.versions = [] if self.absent else [f"{package} {version(package)}" for package in side.packages]

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


def say(text: str) -> None:
    """How far the work is."""
    print(text, file=sys.stderr, flush=True)
