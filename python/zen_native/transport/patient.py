"""Exact limits with a synchronous client of the caller's, which knows one number for all reads of a response.

Owns the one place where an object of the HTTP library is changed: the network stream of a response, which its extension
`network_stream` gives out (httpx and httpcore document it), asks the `Watch` for as long as this response is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from .limits import Watch

__all__ = ["Patient"]


class Patient:
    """The limits of one response, in force inside `with` and in this thread only: connections go from hand to hand."""

    __slots__ = ("_plain", "_reader", "_stream", "_watch")

    def __init__(self, stream: Any, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch
        kind = cast("Any", type(stream))
        self._plain: Callable[..., bytes] = partial(kind.read, stream)
        self._reader: int | None = None
        stream.read = self._read

    @classmethod
    def over(cls, response: Any, watch: Watch) -> Patient | None:
        """For a response over HTTP/1.1, whose connection nobody else reads; None for others."""
        stream = response.extensions.get("network_stream")
        if stream is None or response.extensions.get("http_version") != b"HTTP/1.1":
            return None
        try:
            return cls(stream, watch)
        except AttributeError:  # one that cannot be changed
            return None

    def __enter__(self) -> None:
        self._reader = threading.get_ident()

    def __exit__(self, *error: object) -> None:
        self._reader = None

    def leave(self) -> None:
        """Put things back."""
        if getattr(self._stream.__dict__.get("read"), "__self__", None) is self:
            del self._stream.read

    def _read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._reader != threading.get_ident():
            return self._plain(max_bytes, timeout=timeout)
        left = self._watch.left()
        if left == 0:
            raise TimeoutError
        return self._plain(max_bytes, timeout=left)
