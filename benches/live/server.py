"""The replay server in its own process: built, started, asked what it did, and ended.

Owns the build, the certificate and the control requests. What is played is in `wire`, how in `replay/`.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import wire
from .control import request

ROOT = Path(__file__).parents[2]
CRATE = Path(__file__).with_name("replay")
BINARY = ROOT / "target" / "release" / "zen-live"


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    secure_port: int
    authority: str

    @property
    def plain(self) -> str:
        """The URL of its plain side."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def secure(self) -> str:
        """The URL of its TLS side."""
        return f"https://127.0.0.1:{self.secure_port}"

    def stats(self) -> dict[str, Any]:
        """What it has done since it last started streams: events, CPU time, lateness."""
        found: dict[str, Any] = json.loads(request(self.port, "stats"))
        return found


def build() -> None:
    """Builds server and raw client.

    Raises:
        RuntimeError: there is no cargo.
        subprocess.CalledProcessError: they do not build.
    """
    if shutil.which("cargo") is None:
        raise RuntimeError("cargo is missing: the replay server is built with it")
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", str(CRATE / "Cargo.toml")]
    subprocess.run([*command, "--target-dir", str(ROOT / "target")], check=True)


def certificate(directory: Path) -> tuple[Path, Path, Path]:
    """A certificate for 127.0.0.1: the authority to trust, the chain, the key."""
    import trustme

    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    trusted, chain, key = (directory / name for name in ("authority.pem", "chain.pem", "key.pem"))
    authority.cert_pem.write_to_path(str(trusted))
    for at, part in enumerate(made.cert_chain_pems):
        part.write_to_path(str(chain), append=at > 0)
    made.private_key_pem.write_to_path(str(key))
    return trusted, chain, key


def allow_many_files() -> None:
    """Thousands of sockets, here and in every process that is started from here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def running() -> Iterator[Server]:
    """The server, until the block is left."""
    build()
    allow_many_files()
    with TemporaryDirectory(prefix="zen-live-") as name:
        directory = Path(name)
        wire.write(directory)
        authority, chain, key = certificate(directory)
        command = [str(BINARY), "serve", name, str(chain), str(key)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                plain, secure = map(int, line.split())
                yield Server(plain, secure, str(authority))
            finally:
                if process.stdin:
                    process.stdin.close()


def environment(server: Server) -> dict[str, str]:
    """The environment of a client: it finds its modules, trusts the certificate, and asks nobody else anything."""
    silent = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or importing it asks GitHub
        "LITELLM_TELEMETRY": "False",
        "PYTHONWARNINGS": "ignore",
        "NO_PROXY": "127.0.0.1",
    }
    paths = {"PYTHONPATH": str(CRATE.parents[1]), "SSL_CERT_FILE": server.authority}
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **silent, **paths}
