"""What this process has open and how much memory it takes, as the system says.

Owns how that is asked. Memory is read from Linux' `/proc`; tests that need it are skipped elsewhere, with the reason.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

__all__ = [
    "Memory",
    "heap_bytes",
    "least_growth",
    "linux",
    "measures_heap",
    "open_files",
    "peak_memory",
    "raise_limit",
    "resident_bytes",
    "settled_bytes",
]

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory and files are read from Linux' /proc")
"""Marks a test that measures this process."""

_SPARE = 64
_OPEN = next((path for path in (Path("/proc/self/fd"), Path("/dev/fd")) if path.is_dir()), None)


_NAMES = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _Heap(ctypes.Structure):
    """`struct mallinfo2` of the GNU C library, malloc's man page mallinfo(3)."""

    _fields_ = [(name, ctypes.c_size_t) for name in _NAMES]


_mallinfo = None if sys.platform == "win32" else getattr(ctypes.CDLL(None), "mallinfo2", None)
if _mallinfo is not None:
    _mallinfo.restype = _Heap
measures_heap = _mallinfo is not None


def heap_bytes() -> int:
    """How much of the C library's heap is in use, which other libraries than Python's take their memory from."""
    if _mallinfo is None:
        raise NotImplementedError("this C library does not say it")
    heap = _mallinfo()
    return int(heap.uordblks + heap.hblkhd)


def least_growth(work: Callable[[], object], rounds: int, times: int) -> tuple[int, int]:
    """By how many objects, and by how many bytes of Python's, this process grew in the round of that work in which it
    grew least. A leak grows in every round; caches fill in one of them, and the rest does what it does."""
    tracemalloc.start()
    try:
        held: list[tuple[int, int]] = []
        for _ in range(rounds):
            for _ in range(times):
                work()
            gc.collect()
            held.append((len(gc.get_objects()), tracemalloc.get_traced_memory()[0]))
    finally:
        tracemalloc.stop()
    growth = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(held)]
    return min(objects for objects, _ in growth), min(size for _, size in growth)


def open_files() -> int | None:
    """How many files and sockets are open; None on Windows, which has no list of them."""
    return None if _OPEN is None else len(os.listdir(_OPEN))  # noqa: PTH208 - quick, for it is asked again and again


def raise_limit(files: int) -> None:
    """Let this process have so many files open, and a few more.

    Raises:
        SystemExit: the system allows fewer.
    """
    import resource

    needed = files + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise SystemExit(f"{needed} open files are needed, and this process may have {hard} at most (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def resident_bytes() -> int:
    """How much of this process is in memory."""
    return _status("VmRSS")


def settled_bytes() -> int:
    """The same, without garbage."""
    gc.collect()
    return resident_bytes()


class Memory:
    """How much more memory a block took at its peak, once it is over."""

    grown = 0


@contextmanager
def peak_memory() -> Iterator[Memory]:
    """Measures a block, all of the process and not only what Python knows of."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak is what is there now
    before, memory = resident_bytes(), Memory()
    try:
        yield memory
    finally:
        memory.grown = _status("VmHWM") - before


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise LookupError(name)
