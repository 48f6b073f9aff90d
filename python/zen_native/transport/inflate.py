"""Compressed bodies, which nobody asked for: gzip and deflate are read under a bound, the rest is refused.

Owns the bound, and that little is decompressed at a time: a read may hold a thousand times its length, and whoever
shares the thread or the event loop is not to wait for all of it. RFC 9110 section 8.4 lets a server answer
`accept-encoding: identity` as it likes, and some proxies do.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from zen_native.errors import InvalidProviderOutputError, LimitExceededError

if TYPE_CHECKING:
    from zen_native._io import Io

    from .base import Exchange

__all__ = ["Inflated", "Inflater", "inflated", "inflater"]

_PIECE = 64 << 10
_FREE = 16 << 20
_MAX_RATIO = 100
"""Text compresses to a tenth, rarely to a fiftieth; deflate itself goes to a thousandth."""
_MAX_MEMBERS = 1000
"""In one read: each takes longer than its few bytes would."""
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Inflater:
    """One body. Gives pieces of bounded size, and an error where so little cannot mean so much."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits)
        self._over = False
        self._members = 0
        self._taken = 0
        self._given = 0
        self._damage: str | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that these bytes hold; what comes before damage is given first, however the bytes were cut.

        Raises:
            LimitExceededError: they hold too much.
            InvalidProviderOutputError: they are no compressed data.
        """
        self._taken += len(data)
        self._members = 0
        full = False  # a full piece may be all of the input and yet not all of the output
        while not self._over and (data or full):
            if self._stream.eof and not self._begins_member(data):
                return
            piece = self._piece(data)
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            full = len(piece) == _PIECE and not self._stream.eof
            self._given += len(piece)
            if self._given > _FREE and self._given > _MAX_RATIO * self._taken:
                raise LimitExceededError("the compressed response is larger than its length allows")
            if piece:
                yield piece
            if self._damage is not None:
                text = "the response is not the compressed data it claims to be"
                raise InvalidProviderOutputError(f"{text}: {self._damage}")

    def _begins_member(self, data: bytes) -> bool:
        """Whether that is another member of gzip's (RFC 1952 section 2.2), which begins then. What else follows the end
        is no part of the body."""
        self._over = self._wbits != _WBITS["gzip"] or not data.startswith(b"\x1f")
        if self._over:
            return False
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise LimitExceededError("the compressed response has too many parts")
        self._stream = zlib.decompressobj(self._wbits)
        return True

    def _piece(self, data: bytes) -> bytes:
        before = self._stream.copy()
        try:
            return self._stream.decompress(data, _PIECE)
        except zlib.error as error:
            self._damage = str(error)
        return _before_damage(before, data)


def _before_damage(
    stream: zlib._Decompress,  # pyright: ignore[reportPrivateUsage] - what `decompressobj` gives has no public type
    data: bytes,
) -> bytes:
    """What zlib had opened when it came to the damage, and did not give."""
    low, high, found = 0, len(data), b""
    while high - low > 1:
        middle = (low + high) // 2
        try:
            found, low = stream.copy().decompress(data[:middle], _PIECE), middle
        except zlib.error:
            high = middle
    return found


class Inflated:
    """An exchange whose body is decompressed as it is read, a piece at a time."""

    def __init__(self, exchange: Exchange, inflater: Inflater, io: Io) -> None:
        self._exchange = exchange
        self._inflater = inflater
        self._io = io
        self._pieces: Iterator[bytes] = iter(())
        self._given = 0
        """Bytes since others had their turn."""
        self.status = exchange.status
        self.headers: Mapping[str, str] = exchange.headers

    async def read(self) -> bytes:
        """See `Exchange`. Others have their turn before it is more than a piece, be it of one read or of many that had
        come.

        Raises:
            LimitExceededError: the body holds too much.
            InvalidProviderOutputError: it is no compressed data.
        """
        piece = next(self._pieces, b"")
        while not piece and (data := await self._exchange.read()):
            self._pieces = self._inflater.feed(data)
            piece = next(self._pieces, b"")
        self._given += len(piece)
        if self._given > _PIECE:
            self._given = len(piece)
            await self._io.sleep(0)
        return piece

    async def close(self) -> None:
        """See `Exchange`."""
        await self._exchange.close()

    def abandon(self) -> None:
        """See `Exchange`."""
        self._exchange.abandon()


def inflated(exchange: Exchange, io: Io) -> Exchange:
    """The same, decompressed where it says that it is compressed.

    Raises:
        InvalidProviderOutputError: in a way that cannot be read.
    """
    found = inflater(exchange.headers.get("content-encoding"))
    return exchange if found is None else Inflated(exchange, found, io)


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
