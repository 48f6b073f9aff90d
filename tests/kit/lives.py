"""Lives of a process: a script of `e2e/lives` in a process of its own, whose client asks a server of this one.

Owns how it is started, that it ends in good time, and that it says nothing on standard error. The scripts run in
Python's development mode: a socket that is left to the collector, a task that nobody awaits, memory that is written
past its end, a loop that is called from the wrong thread, all of that is said there.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kit.interrupts import heeding_interrupts
from tests.kit.server import Server

__all__ = ["FORGIVING", "LOOPS", "STRICT", "TRANSPORTS", "Ended", "Life", "live"]

TRANSPORTS = ("httpx", "native")
"""Each life is led over each."""
LOOPS = (*TRANSPORTS, *(["uvloop"] if importlib.util.find_spec("uvloop") else []))  # not on Windows
"""Those with an event loop also over the native transport on another kind of loop."""

STRICT = ("-X", "dev", "-W", "error::ResourceWarning")
"""Options of the interpreter: whatever is amiss is said."""
FORGIVING = ("-X", "dev", "-W", "ignore::ResourceWarning")
"""All but what somebody else has left open."""

_ROOT = Path(__file__).resolve().parents[2]
_SCRIPTS = _ROOT / "tests" / "e2e" / "lives"
_PATHS = os.pathsep.join([str(_ROOT / "python"), str(_ROOT)])
"""What a script may import: the package, and this kit."""
_SECONDS = 40.0
"""None takes longer than a few, on a machine with nothing else to do."""


@dataclass(frozen=True)
class Ended:
    """How a process ended. The code is that of `subprocess`: negative for a signal."""

    code: int
    out: list[str]
    err: str


class Life:
    """A script that runs. At the end of the block it does not any more. `files` are those that it inherits."""

    def __init__(
        self,
        script: str,
        server: Server,
        transport: str,
        *arguments: str,
        files: Sequence[int] = (),
        mode: Sequence[str] = STRICT,
        **environment: str,
    ) -> None:
        command = [sys.executable, *mode, str(_SCRIPTS / f"{script}.py"), server.url, transport, *arguments]
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ZEN_NATIVE")}
        with heeding_interrupts():
            self.process = subprocess.Popen(
                command,
                bufsize=0,  # `communicate` reads past what `readline` has in its buffer
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=files,
                env={**kept, "PYTHONPATH": _PATHS, "PYTHONUNBUFFERED": "1", **environment},
            )

    def line(self) -> str:
        """The next line that it prints, empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip()

    def asleep(self) -> None:
        """Wait until it waits for something. On Linux, where the system tells; elsewhere it has no time to."""
        state = Path(f"/proc/{self.process.pid}/stat")
        while state.exists() and state.read_text("ascii").rpartition(")")[2].split()[0] != "S":
            time.sleep(0.001)

    def ended(self, seconds: float = _SECONDS) -> Ended:
        """Wait for its end; it fails the test where that does not come."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"it hangs; it said {out.decode()!r} and {err.decode()!r}") from None
        return Ended(self.process.returncode, out.decode().splitlines(), err.decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.process:
            if self.process.poll() is None:
                self.process.kill()


def live(
    script: str, server: Server, transport: str, *arguments: str, code: int = 0, mode: Sequence[str] = STRICT
) -> Sequence[str]:
    """The lines that a script prints, which ends with that code and without a word of complaint."""
    with Life(script, server, transport, *arguments, mode=mode) as life:
        ended = life.ended()
    assert (ended.code, ended.err) == (code, ""), ended
    return ended.out
