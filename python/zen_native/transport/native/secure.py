"""TLS as a layer of its own: bytes of the network in, bytes of the answer to the wire, bytes for the network out.

Owns no socket, so that it serves asyncio and threads alike. It stands in the place of asyncio's own layer, which takes
more time for each read and 256 KiB for each connection. Nothing is said at the end: connections are closed, not shut
down, as HTTP says itself where an answer ends. Nor need the server say anything: where its answer lasts until the end
of the connection, and TLS does not vouch for that (RFC 9112 section 9.8), the end that every protocol has of its own
tells a whole answer from a cut one, as it does without TLS.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from zen_native._core import TlsReader
from zen_native.errors import ConnectError, TlsError
from zen_native.transport.failures import is_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from zen_native._core import Wire

    from .origin import Origin

__all__ = ["TlsLayer", "shake_failure"]

_RECORD = 16 << 10
"""No record holds more, and none is read in two."""
_PIECE = 512
"""So much of a handshake is given to OpenSSL at a time: it keeps the room for as much as ever lay there unread."""


class TlsLayer:
    """One connection. After each call `outgoing()` is what the network is to get."""

    __slots__ = (
        "_feed",
        "_has_tickets",
        "_incoming",
        "_into",
        "_most",
        "_object",
        "_outgoing",
        "_read",
        "_updated",
        "is_shaken",
    )

    def __init__(self, context: ssl.SSLContext, host: str, wire: Wire) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._feed = self._incoming.write
        # With a buffer it gives the number of bytes, whatever its annotation says.
        self._read: Callable[[int, memoryview], int] = cast("Any", self._object.read)
        self._into = wire.get_buffer(-1)
        self._most = min(_RECORD, len(self._into))
        self._updated = wire.buffer_updated
        self.is_shaken = False
        self._has_tickets = False
        """Whether the server's tickets come behind the handshake, as they do from TLS 1.3 on; until the first bytes for
        the wire."""

    def shake(self) -> None:
        """Go on with the handshake, as far as what came allows.

        Raises:
            ssl.SSLError: one side refuses the other.
        """
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.is_shaken = True
        self._has_tickets = self._object.version() == "TLSv1.3"
        if self._object.selected_alpn_protocol() not in (None, "http/1.1"):
            raise ssl.SSLError("the server was offered another protocol than HTTP/1.1, and took it")

    def sealed(self, data: bytes | memoryview) -> bytes:
        """What the network gets in place of that."""
        self._object.write(data)
        return self._outgoing.read()

    def outgoing(self) -> bytes:
        """What the network is to get."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def reader(self, wire: Wire, sealed: memoryview, tell: Callable[[bool, BaseException | None], object]) -> TlsReader:
        """`received` in Rust, of bytes in `sealed`, once hands are shaken. The end, a failure, and that there are bytes
        to send are told. Not for daemon threads: the interpreter's lock is let go of within (see `quiet`)."""
        return TlsReader(self._object, self._incoming, self._outgoing, sealed, wire, tell)

    @property
    def has_more(self) -> bool:
        """Whether bytes of the network are left, in the middle of `received`."""
        return bool(self._incoming.pending or self._object.pending())

    def received(self, data: memoryview) -> bool:
        """Bytes of the network: what they hold goes to the wire. Whether the server says that nothing follows.

        Raises:
            ssl.SSLError: they are not what they should be.
        """
        while not self.is_shaken and len(data) > _PIECE:
            self._feed(data[:_PIECE])
            data = data[_PIECE:]
            self.shake()
        self._feed(data)
        return self.is_shaken and self.decrypt()

    def decrypt(self) -> bool:
        """The same for what is here already."""
        try:
            while count := self._read(self._most, self._into):
                try:
                    self._updated(count)
                except (KeyboardInterrupt, SystemExit):
                    # They end the loop, which may be run again, and nobody would hear of what is left here before
                    # something else comes. What is wrong with it is found again then.
                    with suppress(ssl.SSLError):
                        self.decrypt()
                    raise
                if self._has_tickets:
                    self._has_tickets = False
                    # They had OpenSSL make room to write (16 KiB), which it keeps until something was written; no bytes
                    # at all are sent as none, as the page of `SSL_write_ex` says.
                    self._object.write(b"")
                # Fewer bytes than were asked for: OpenSSL has opened no more. Asking for what is not there would cost
                # an exception.
                if count < self._most and not self._incoming.pending:
                    return False
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLZeroReturnError:
            pass
        return True


def shake_failure(origin: Origin, error: BaseException | None) -> ConnectError:
    """What it means when the handshake ends before its end."""
    said = "the server hung up" if error is None else str(error) or type(error).__name__
    text = f"no TLS connection to {origin.authority}: {said}"
    return TlsError(text) if is_refusal(error) else ConnectError(text)
