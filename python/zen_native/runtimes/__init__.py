"""Who decodes: the native runtime (Rust) or the Python one.

Owns the choice between them where the caller left it open, and the report of it. Both have the same interface.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

from zen_native.errors import LLMError
from zen_native.events import LLMEvent
from zen_native.runtimes.pure.options import Options

__all__ = [
    "FLAG",
    "NativeStatus",
    "RuntimeDecoder",
    "RuntimeName",
    "checked_flag",
    "choose",
    "native_status",
    "new_decoder",
]

FLAG = "ZEN_NATIVE"
"""Environment variable of the process: `0` Python, `1` native or an error, unset or empty: native if it loads."""

RuntimeName = Literal["native", "python"]


class RuntimeDecoder(Protocol):
    """What both runtimes offer for one response."""

    @property
    def error(self) -> LLMError | None: ...
    @property
    def done(self) -> bool: ...
    @property
    def answered(self) -> bool: ...
    def feed(self, data: bytes | bytearray | memoryview, /) -> list[LLMEvent]: ...
    def finish(self) -> list[LLMEvent]: ...
    def fresh(self) -> RuntimeDecoder: ...


@dataclass(frozen=True, slots=True)
class NativeStatus:
    """Which runtime `runtime="auto"` takes, and why."""

    runtime: RuntimeName
    available: bool
    reason: str
    version: str | None = None


def native_status() -> NativeStatus:
    """The choice that `runtime="auto"` makes now. Raises `ImportError` where the flag demands what does not load, and
    `ValueError` for a flag that is neither `0`, `1` nor empty."""
    from zen_native.runtimes import native

    flag = checked_flag(os.environ)
    if flag == "1":
        native.demand()
    available = native.CAUSE is None
    if flag == "0":
        return NativeStatus("python", available, f"{FLAG}=0 turns the native runtime off", native.VERSION)
    if native.CAUSE is not None:
        return NativeStatus("python", False, native.CAUSE)
    return NativeStatus("native", True, f"{FLAG}=1" if flag else "the extension loads", native.VERSION)


def checked_flag(environ: Mapping[str, str]) -> str:
    """What the flag says. Raises `ValueError` where that is neither `0`, `1` nor empty."""
    flag = environ.get(FLAG, "")
    if flag not in ("", "0", "1"):
        raise ValueError(f"{FLAG} must be 0, 1 or unset, not {flag!r}")
    return flag


def choose(runtime: str) -> RuntimeName:
    """The runtime that a caller's word stands for. Raises `ValueError` for an unknown word, `ImportError` for
    "native" where the extension does not load."""
    if runtime == "auto":
        return native_status().runtime
    if runtime == "python":
        return "python"
    if runtime == "native":
        from zen_native.runtimes import native

        native.demand()
        return "native"
    raise ValueError(f"unknown runtime {runtime!r}; known: auto, native, python")


def new_decoder(runtime: RuntimeName, protocol: str, framing: str, options: Options) -> RuntimeDecoder:
    """A decoder of that runtime; names and options have been checked."""
    return _maker(runtime)(protocol, framing, options)


@cache
def _maker(runtime: RuntimeName) -> Callable[[str, str, Options], RuntimeDecoder]:
    # Only one of them is imported in most processes, and not for every answer.
    if runtime == "native":
        from zen_native.runtimes import native

        return native.new_decoder
    from zen_native.runtimes.python import GuardedDecoder

    return GuardedDecoder
