"""What others wrote and `make e2e` installs: Ray, and servers that run as child processes on the loopback interface,
aimock (node) and ministack (Python).

Owns where they are, how the servers start, and their end, by process id. Without them the tests that need them are
skipped with the reason; where `ZEN_E2E` is set, as `make e2e` does, they fail instead.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["AIMOCK_KEY", "aimock", "ministack", "need"]

_ROOT = Path(__file__).resolve().parents[2]
_SERVERS = _ROOT / "tests" / "e2e" / "servers"
_AIMOCK = _SERVERS / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
_MINISTACK = _ROOT / ".venv" / "ministack" / ("Scripts" if os.name == "nt" else "bin") / "python"

AIMOCK_KEY = "key-that-aimock-takes"
_LISTENS = "server listening on "
_SECONDS = 20.0


def need(name: str) -> None:
    """Skip, or fail where `ZEN_E2E` demands them, if that one is not here."""
    missing = _missing(name)
    if missing is None:
        return
    if os.environ.get("ZEN_E2E"):
        pytest.fail(missing)
    pytest.skip(f"{missing} (make e2e installs it)")


def _missing(name: str) -> str | None:
    if name == "aimock" and shutil.which("node") is None:
        return "aimock NOT TESTED: there is no node"
    if name == "ray":
        here = importlib.util.find_spec(name) is not None
    else:
        here = {"aimock": _AIMOCK, "ministack": _MINISTACK}[name].exists()
    return None if here else f"{name} NOT TESTED: it is not installed"


@contextmanager
def aimock(key: str | None = AIMOCK_KEY) -> Iterator[str]:
    """The URL of an aimock that knows `servers/answers.json` and takes that key alone; None: any, or none."""
    keys = {} if key is None else {"AIMOCK_API_KEYS": key}
    command = ["node", str(_AIMOCK), "--port", "0", "--fixtures", str(_SERVERS / "answers.json")]
    with _running([*command, "--strict", "--validate-on-load"], keys) as child:
        yield child.url_from_log()


@contextmanager
def ministack(proxy: str) -> Iterator[str]:
    """The URL of a ministack: Bedrock, whose models say what the chat server `proxy` says, and IAM."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "SERVICES": "bedrock-runtime,iam,sts",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_BEDROCK_PROXY_URL": proxy,
    }
    with _running([str(_MINISTACK), "-m", "ministack"], settings) as child:
        child.wait_until_ready(f"{url}/_ministack/health")
        yield url


class _Child:
    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._until = time.monotonic() + _SECONDS

    def url_from_log(self) -> str:
        while True:
            for line in self._log.read_text("utf-8", "replace").splitlines():
                if _LISTENS in line:
                    return line.split(_LISTENS, 1)[1].strip()
            self._wait()

    def wait_until_ready(self, url: str) -> None:
        while True:
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=1):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                self._wait()

    def _wait(self) -> None:
        ended = self._process.poll()
        if ended is not None or time.monotonic() > self._until:
            how = "does not answer" if ended is None else f"ended with {ended}"
            raise RuntimeError(f"{self._process.args!r} {how}: {self._log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.05)


@contextmanager
def _running(command: Sequence[str], settings: Mapping[str, str]) -> Iterator[_Child]:
    """The process, with a folder of its own for what it writes; it ends with the block."""
    keys = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL")
    kept = {name: os.environ[name] for name in keys if name in os.environ}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        environment = {**kept, "HOME": folder, "TMPDIR": folder, "TEMP": folder, "TMP": folder, **settings}
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
            )
        try:
            yield _Child(process, log)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
