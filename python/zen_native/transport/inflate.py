"""Compressed bodies, which nobody asked for: gzip and deflate are read under a bound, the rest is refused.

Owns the bound. RFC 9110 section 8.4 lets a server answer `accept-encoding: identity` as it likes, and some proxies do.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from zen_native.errors import InvalidProviderOutputError, LimitExceededError

__all__ = ["Inflater", "inflater"]

_PIECE = 64 << 10
_FREE = 16 << 20
_MAX_RATIO = 100
"""Text compresses to a tenth, rarely to a fiftieth; deflate itself goes to a thousandth."""
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Inflater:
    """One body. Gives pieces of bounded size, and an error where so little cannot mean so much."""

    def __init__(self, wbits: int) -> None:
        self._stream = zlib.decompressobj(wbits)
        self._taken = 0
        self._given = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that these bytes hold.

        Raises:
            LimitExceededError: they hold too much.
            InvalidProviderOutputError: they are no compressed data.
        """
        self._taken += len(data)
        piece = b""
        if self._stream.eof:  # what follows the end would be collected
            return
        while data or len(piece) == _PIECE:  # a full piece may be all of the input and yet not all of the output
            piece = self._piece(data)
            data = self._stream.unconsumed_tail
            self._given += len(piece)
            if self._given > _FREE and self._given > _MAX_RATIO * self._taken:
                raise LimitExceededError("the compressed response is larger than its length allows")
            if piece:
                yield piece

    def _piece(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, _PIECE)
        except zlib.error as error:
            text = str(error)
        raise InvalidProviderOutputError(f"the response is not the compressed data it claims to be: {text}")


def inflater(encoding: str | None) -> Inflater | None:
    """What reads a `content-encoding`, None where there is nothing to do.

    Raises:
        InvalidProviderOutputError: it is one that cannot be read.
    """
    name = (encoding or "").strip().lower()
    if name in ("", "identity"):
        return None
    if name not in _WBITS:
        raise InvalidProviderOutputError(f"the response is compressed ({name[:40]}), which was not asked for")
    return Inflater(_WBITS[name])
