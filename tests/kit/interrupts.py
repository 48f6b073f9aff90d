"""Ctrl-C where whoever started the tests ignores it, as a shell does for what it runs in the background.

Children inherit that, and Python then has no KeyboardInterrupt. And Ctrl-C that comes between two given steps. Owns no
signal that is sent.
"""

from __future__ import annotations

import dis
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

__all__ = ["heeding_interrupts", "interrupted"]


@contextmanager
def heeding_interrupts() -> Iterator[None]:
    """In the block, Ctrl-C interrupts this process, and the processes that are begun in it for good. In the main thread
    alone."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted(call: Callable[[], object], module: str, step: int) -> bool:
    """Whether `call` does so many steps in that file of the package, and so was interrupted by Ctrl-C behind that one.
    A step is a call of what is not written in Python: behind those, the interpreter looks whether there was a
    signal."""
    tracer, before = _Interrupter(module, step), sys.gettrace()
    sys.settrace(tracer.enter)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


class _Interrupter:
    def __init__(self, module: str, step: int) -> None:
        self._module = module
        self._left = step
        self._calling: set[FrameType] = set()
        """Frames whose call has not come to Python code so far."""

    def enter(self, frame: FrameType, event: str, arg: object) -> Any:
        """A tracer's function: one frame begins."""
        if frame.f_back is not None:
            self._calling.discard(frame.f_back)
        if not frame.f_code.co_filename.endswith(self._module):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self._step

    def _step(self, frame: FrameType, event: str, arg: object) -> Any:
        if event != "opcode":
            return self._step
        if frame in self._calling:
            self._calling.discard(frame)
            self._left -= 1
            if not self._left:
                sys.settrace(None)
                raise KeyboardInterrupt
        if _operation(frame.f_code, frame.f_lasti).startswith("CALL"):
            self._calling.add(frame)
        return self._step


def _operation(code: CodeType, offset: int) -> str:
    return dis.opname[code.co_code[offset]]
