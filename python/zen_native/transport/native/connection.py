"""One connection on an asyncio loop, plain or over TLS: `Connection` and `SecureConnection`, which are protocols.

Owns the asyncio transport, and when reading stops and goes on. Where there is a poller, that reads in the transport's
place; where there is none, and until then, the loop reads, and of a plain connection calls the wire itself: the two
methods that are called for each read are the wire's. Owns no request and no limit of time.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any

from zen_native._core import Wire

from .answer import MAX_HEAD
from .delivery import was_taken
from .polling import has_come
from .quiet import wire_for_this_thread
from .secure import TlsLayer, shake_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from zen_native._core import Poller, TlsReader
    from zen_native.errors import ConnectError

    from .origin import Origin

__all__ = ["Connection", "SecureConnection"]

_PIECE = 256 << 10
"""So much of a body is written at a time, between which the loop goes on."""
_NOTHING = memoryview(b"")


class Connection(asyncio.BufferedProtocol):
    """`gone` is called once when it is over, from the loop. Its loop's connections share the buffer: what is read is
    decoded before the next one reads."""

    def __init__(self, origin: Origin, buffer: bytearray, gone: Callable[[Connection], None]) -> None:
        self.origin = origin
        self.wire = wire_for_this_thread(Wire(buffer, max_head_bytes=MAX_HEAD))
        self.used = False
        """Whether it has carried a request before."""
        self.failure: BaseException | None = None
        """What ended it."""
        self.taken: bool | None = None
        """Once it has ended: whether the server has taken anything of the last request. None: it is not known."""
        self.open = False
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._transport: Any = None
        self.paused = False
        """Whether reading has stopped until something is taken."""
        self._rest = _NOTHING
        """Of the body that is being written."""
        self._full = False
        """Whether the server is slower than that."""
        self._sent = self._sent_before = 0
        """Bytes, and how many of them before the last request."""
        self._poller: Poller | None = None
        """Who reads instead of the transport."""
        self._sink: Wire | TlsReader = self.wire
        """Where that gives the bytes."""
        self._fd = -1
        self._take_reads()

    def _take_reads(self) -> None:
        mine: Any = self
        mine.get_buffer = self.wire.get_buffer
        mine.buffer_updated = self.wire.buffer_updated

    def read_by(self, poller: Poller) -> None:
        """From now on that reads, where it can; the transport goes on writing."""
        shown = self._transport.get_extra_info("socket") if self.open else None
        if shown is None or type(self.wire) is not Wire:  # one that is quiet is called from Python alone
            return
        self._fd = shown.fileno()
        self._transport.pause_reading()
        self._poller = poller
        self._read_on()

    def _read_on(self) -> None:
        if self._poller is not None:
            try:
                self._poller.add(self._fd, self, self._sink)
            except OSError:  # the system watches no more files for this user
                self._poller = None
        if self._poller is None:
            # The loop keeps the context as long as it reads, which is longer than the request.
            Context().run(self._transport.resume_reading)

    def _read_no_more(self) -> None:
        if self._poller is not None and self.is_ours:
            self._poller.remove(self._fd, self)

    # What the poller calls

    def read_ended(self, error: OSError | None) -> None:
        """The server will send no more, or there is no connection any more."""
        self._read_no_more()
        if error is None:
            self.eof_received()
            self._transport.close()
        else:
            self._break(error)

    def read_failed(self, error: BaseException) -> None:
        """What came could not be taken in. The loop says so, as of every protocol."""
        context = {"message": "a read failed", "exception": error, "protocol": self, "transport": self._transport}
        self._loop.call_exception_handler(context)
        self._break(error)

    def _break(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self.abort()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = transport
        self.open = True
        self.wire.pausing(self.pause)

    def eof_received(self) -> bool:
        """See `asyncio.BufferedProtocol`."""
        self.open = False
        self._note_taken()
        self.wire.eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.open = False
        self._read_no_more()
        self._poller = None
        if self.failure is None:
            self.failure = exc
        self._note_taken()
        self._gone(self)
        self.wire.lost(self.failure)
        # The wire, the transport and this hold each other.
        self.wire.pausing(None)
        self._transport = None
        self._rest = _NOTHING

    def _note_taken(self) -> None:
        if self.used and self.taken is None:
            self.taken = was_taken(self._transport.get_extra_info("socket"), self._sent_before)

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._full = True

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._full = False
        self._send_more()

    # What the exchange calls

    @property
    def is_free(self) -> bool:
        """Whether it can take a request: the last answer has ended, reading has not stopped for it, and its request has
        gone out. A server may answer before it has read all, and then read no more, or take what comes next for the
        rest."""
        is_over = self.open and self.wire.reusable and not self.paused
        return is_over and not self._rest and not self._transport.get_write_buffer_size()

    def refresh(self) -> bool:
        """Take in what has come and the loop has not read: the end, or what nobody asked for, which would be taken for
        the next answer. Whether it can take a request."""
        if not self.open:
            return False
        self.take_in()
        if self._poller is None and has_come(self._transport.get_extra_info("socket")):
            return False
        return self.is_free

    def take_in(self) -> None:
        """Read what has come and the poller has not read. Without one, the loop reads before it looks at its timers."""
        if self._poller is not None and self.open:
            self._poller.look(self._fd)

    def send(self, head: bytes, body: bytes) -> None:
        """Write a request. Of one that is long the asyncio transport gets no more than the server takes."""
        self._sent_before = self._sent
        if len(body) < _PIECE:
            self._write(head + body)
            return
        self._rest = memoryview(body)
        self._write_piece(head)

    def _send_more(self) -> None:
        if self._rest and self.open and not self._full:
            self._write_piece()

    def _write_piece(self, head: bytes = b"") -> None:
        piece, self._rest = self._rest[:_PIECE], self._rest[_PIECE:] or _NOTHING
        self._write(head + piece if head else piece)
        if self._rest:
            self._loop.call_soon(self._send_more)

    def _write(self, data: bytes | memoryview) -> None:
        self._sent += len(data)
        self._transport.write(data)

    def resume(self) -> None:
        """What came has been taken: read on."""
        self.paused = False
        if self.open and self.is_ours:
            self._read_on()

    @property
    def is_ours(self) -> bool:
        """Whether this process opened it. What a forked child does to it, its parent would feel."""
        return self._process == os.getpid()

    def abort(self) -> None:
        """Close it at once, whatever is under way. From its own loop only."""
        self.open = False
        if self._transport is None or not self.is_ours:
            return
        self._read_no_more()  # before the socket is closed, and its number another one's
        try:
            self._transport.abort()
        except RuntimeError:  # the loop is closed
            self._hang_up()

    def abandon(self, then: Callable[[], None]) -> None:
        """Close it from any thread: the server sees it now. What is left to do is done on its loop, soon."""
        if self.is_ours:
            self._hang_up()
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(then)

    def _hang_up(self) -> None:
        with suppress(AttributeError, OSError, TypeError):
            shown = self._transport.get_extra_info("socket")
            if isinstance(self._loop, asyncio.BaseEventLoop):
                shown.shutdown(socket.SHUT_RDWR)
            elif not (self._loop.is_running() or self._loop.is_closed() or self._transport.is_closing()):
                # uvloop shows the number of the file alone. While the loop runs, which closes it very soon anyway, that
                # could be another's by now.
                with shown.dup() as own:
                    own.shutdown(socket.SHUT_RDWR)

    def pause(self) -> None:
        """Enough has come, for now or for good."""
        if not self.open:
            return
        if self.wire.ended and not self.wire.reusable:
            # Nothing that comes is of use; the wire has what is still to be taken. One that is kept hears here of what
            # nobody asked for.
            self.abort()
        else:
            self.paused = True
            if self._poller is not None:
                self._read_no_more()
            else:
                self._transport.pause_reading()


class SecureConnection(Connection):
    """The same over TLS. `shaken()` is awaited before the first request."""

    def __init__(
        self,
        origin: Origin,
        buffer: bytearray,
        gone: Callable[[Connection], None],
        context: ssl.SSLContext,
        sealed: memoryview,
    ) -> None:
        super().__init__(origin, buffer, gone)
        self._layer = TlsLayer(context, origin.host, self.wire)
        self._sealed = sealed
        self._hands: asyncio.Future[ConnectError | None] = self._loop.create_future()

    def _take_reads(self) -> None:
        pass

    @property
    def is_free(self) -> bool:
        """See `Connection`. What came together with the last answer must not become the next one."""
        return super().is_free and not self._layer.has_more

    async def shaken(self) -> None:
        """Wait for the end of the handshake.

        Raises:
            ConnectError: there is none.
        """
        failed = await self._hands
        if failed is not None:
            raise failed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        super().connection_made(transport)
        try:
            self._shake()
        except ssl.SSLError as error:  # the context allows nothing that could be said
            self._heard(False, error)
            return
        self._flush()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the interface of asyncio
        """See `asyncio.BufferedProtocol`."""
        return self._sealed

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`. Once hands are shaken a reader takes its place, but not for loops that keep
        what they found first, as uvloop does."""
        layer = self._layer
        is_shaken = layer.is_shaken
        try:
            ended = layer.received(self._sealed[:nbytes])
            if not is_shaken:
                ended = self._shake()
        except ssl.SSLError as error:
            self._heard(False, error)
        else:
            self._heard(ended, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        super().connection_lost(exc)
        self._sink = self.wire  # and not the reader, which holds this
        self.__dict__.pop("buffer_updated", None)
        self._settle(shake_failure(self.origin, self.failure))

    def _write(self, data: bytes | memoryview) -> None:
        super()._write(self._layer.sealed(data))

    def _shake(self) -> bool:
        """Go on with it. Whether the server says that nothing follows."""
        layer = self._layer
        layer.shake()
        if not layer.is_shaken:
            return False
        self._settle(None)
        if type(self.wire) is Wire:  # one that is quiet is called from Python alone
            mine: Any = self
            self._sink = reader = layer.reader(self.wire, self._sealed, self._heard)
            mine.buffer_updated = reader.buffer_updated
        return layer.decrypt()

    def _heard(self, ended: bool, error: BaseException | None) -> None:
        """What a read brought beside bytes for the wire: the end, a failure, or something to send."""
        self._flush()  # of a failure, the alert
        if error is not None:
            self.failure = error
            self._settle(shake_failure(self.origin, error))
            self.abort()
        elif ended:
            self.eof_received()
            self.abort()

    def _settle(self, failed: ConnectError | None) -> None:
        if not self._hands.done():
            self._hands.set_result(failed)

    def _flush(self) -> None:
        sealed = self._layer.outgoing()
        if sealed and self.open:
            super()._write(sealed)
