"""A command on a terminal of its own, as a person has it. Only on POSIX. Owns no expectation."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

__all__ = ["OnTerminal"]

# The terminal must be the session's own, or Ctrl-C would be a character like any other; and a shell that starts tests
# in the background has them ignore it.
_START = """
import fcntl, os, signal, sys, termios

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
_SECONDS = 30.0


class OnTerminal:
    """`python arguments` on a pseudo-terminal; leaving ends it. `stdout` can go elsewhere."""

    def __init__(
        self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: object, stdout: int | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, sys.executable, *arguments],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env=dict(env),
            cwd=str(cwd),
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def until(self, text: str) -> str:
        """What is printed up to this text, from where the last call ended."""
        deadline = time.monotonic() + _SECONDS
        while (place := self.seen.find(text, self._read)) < 0:
            if not self._more(deadline):
                raise AssertionError(f"it ended, and said: {self.seen!r}")
        begin, self._read = self._read, place + len(text)
        return self.seen[begin : self._read]

    def type(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def ended(self) -> int:
        """The exit code, after all that is printed was read."""
        while self._more(time.monotonic() + _SECONDS):
            pass
        return self._process.wait(_SECONDS)

    def _more(self, deadline: float) -> bool:
        """Read more; False at the end."""
        if not select.select([self._master], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"nothing more was printed after: {self.seen!r}")
        try:
            data = os.read(self._master, 65536)
        except OSError:  # nobody has the other side any more
            return False
        self.seen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
