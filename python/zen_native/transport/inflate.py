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


class Inflated:
    """An exchange whose body is decompressed as it is read, a piece at a time."""

    def __init__(self, exchange: Exchange, inflater: Inflater, io: Io) -> None:
        self._exchange = exchange
        self._inflater = inflater
        self._io = io
        self._pieces: Iterator[bytes] = iter(())
        self.status = exchange.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See `Exchange`."""
        return self._exchange.headers

    async def read(self) -> bytes:
        """See `Exchange`. Between two pieces of one read others have their turn.

        Raises:
            LimitExceededError: the body holds too much.
            InvalidProviderOutputError: it is no compressed data.
        """
        piece = next(self._pieces, b"")
        if piece:
            await self._io.sleep(0)
        while not piece:
            data = await self._exchange.read()
            if not data:
                break
            self._pieces = self._inflater.feed(data)
            piece = next(self._pieces, b"")
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
