"""Ctrl-C where whoever started the tests ignores it, as a shell does for what it runs in the background.

Children inherit that, and Python then has no KeyboardInterrupt. Owns no signal that is sent.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["heeding_interrupts"]


@contextmanager
def heeding_interrupts() -> Iterator[None]:
    """In the block, Ctrl-C interrupts this process, and the processes that are begun in it for good. In the main thread
    alone."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
