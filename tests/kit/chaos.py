"""A proxy that damages answers on purpose, which others wrote: a tool that is not part of the repository.

It is looked for beside the corpus (`tests.kit.corpus`). Without it the tests that need it are skipped, by name and with
this reason; `tests.kit.faults` covers the same faults. Owns how it runs, as a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kit import corpus

__all__ = ["HEADER", "needed", "params", "proxy"]

HEADER = "x-chaos"
"""Names the faults of a request, and goes no further than the proxy."""

_BESIDE = Path(os.environ.get("ZEN_CORPUS") or corpus.FALLBACK).parent
_TOOL = _BESIDE / "tools" / "chaos_proxy.py"

_REASON = f"chaos_proxy NOT TESTED: there is no {_TOOL}"

needed = pytest.mark.skipif(not _TOOL.is_file(), reason=_REASON)
"""Marks one test."""


def params(cases: list[Any]) -> list[Any]:
    """The parameters of a test; without the tool one that is skipped stands for all."""
    return cases if _TOOL.is_file() else [pytest.param(None, id="no-tool", marks=pytest.mark.skip(reason=_REASON))]


@contextmanager
def proxy(upstream: str) -> Iterator[str]:
    """The URL of a proxy in front of that server; it ends with the block."""
    command = [sys.executable, str(_TOOL), "--upstream", upstream]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[2]
        finally:
            process.terminate()
