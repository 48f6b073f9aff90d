"""One connection that a thread waits on, plain or over TLS: `BlockingConnection`.

Owns the socket, how a wait on it is limited, and that one thread may close it while another one reads. While the
standard library waits, other threads run, and Ctrl-C is heard.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
import weakref
from contextlib import suppress
from math import inf
from os import getpid
from threading import get_ident
from typing import TYPE_CHECKING

from zen_native._core import Wire
from zen_native.transport.base import INHERITED
from zen_native.transport.choice import GIVEN_UP
from zen_native.transport.limits import MAX_REST, REST_SECONDS
from zen_native.transport.sleeping import SLICE, slices

from .answer import MAX_HEAD
from .delivery import was_taken

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from zen_native._core import Steady
    from zen_native.events import LLMEvent
    from zen_native.transport.limits import Watch

    from .blocking_turns import Turn
    from .head import Head
    from .origin import Origin
    from .secure import TlsLayer

    Left = Callable[[], float | None]
    """Seconds until a limit, None where there is none."""

__all__ = ["BlockingConnection", "checked", "shut"]

_READ = 32 << 10
_ROUNDS = 3
_SELECTOR = getattr(selectors, "PollSelector", selectors.SelectSelector)
"""One that costs no file."""


class BlockingConnection:
    """A connected socket, and the wire that reads what comes."""

    def __init__(self, origin: Origin, connected: socket.socket) -> None:
        self.origin = origin
        self.wire = Wire(bytearray(_READ), max_head_bytes=MAX_HEAD)
        self.used = False
        """Whether it has carried a request before."""
        self.failure: BaseException | None = None
        """What ended it."""
        self.is_late = False
        """Whether `steady` ended because nothing came in time."""
        self.user: int | None = get_ident()
        """The thread that has used it last, None while nobody does."""
        self.turn: Turn | None = None
        """Of whoever uses it, where there is a limit."""
        self._socket = connected
        # Where the collector finds a whole client, it may come to the socket first, which would complain.
        weakref.finalize(self, _let_go, weakref.ref(self), connected)
        self._into = self.wire.get_buffer(-1)
        self._layer: TlsLayer | None = None
        self._sent = self._sent_before = 0
        """Bytes, and how many of them before the last request."""
        self._limited = connected.gettimeout()
        self._is_whole = True
        """Whether no request is being sent, or was left off: in the middle of one TLS may say nothing else."""
        self._process = getpid()
        self._rest_until = 0.0
        self._inside = self._closed = False

    @property
    def is_free(self) -> bool:
        """Whether it can take a request."""
        return not self._closed and self.wire.reusable

    @property
    def taken(self) -> bool | None:
        """Whether the server has taken anything of the last request. None: it is not known."""
        return was_taken(self._socket, self._sent_before)

    # Opening

    def secure(self, context: ssl.SSLContext, left: Left) -> None:
        """Shake hands, and speak over TLS from now on.

        Raises:
            ConnectError: one side refused, or hung up.
            TimeoutError: it took too long.
        """
        from .secure import TlsLayer, shake_failure

        layer = self._layer = TlsLayer(context, self.origin.host, self.wire)
        self._into = memoryview(bytearray(_READ))
        try:
            while True:
                layer.shake()
                self._limit(checked(left()))
                self._flush()
                if layer.is_shaken:
                    break
                if not (count := self._socket.recv_into(self._into)):
                    raise shake_failure(self.origin, None)
                layer.received(self._into[:count])
            layer.decrypt()
        except OSError as error:
            if _is_timeout(error):
                raise
            with suppress(OSError):
                self._flush()  # the alert
            raise shake_failure(self.origin, error) from None

    # Sending and reading

    def send(self, head: Head, body: bytes, left: Left) -> bool:
        """All of it, at once, unless an answer comes first: then the rest is of no use, and may never be taken. Whether
        it has gone out. A server that hangs up may have said why: then there is still something to read.

        Raises:
            TimeoutError: it took too long.
        """
        wire = self.wire
        rest = memoryview(head + body if self._layer is None else self._layer.sealed(head + body))
        self.user, self._sent_before = get_ident(), self._sent
        self._inside, self._is_whole = True, False
        try:
            self._limit(0)
            while rest and not self._closed and wire.head is None and not wire.ended:
                seconds = checked(left())
                with suppress(BlockingIOError):
                    count = self._socket.send(rest)
                    self._sent += count
                    rest = rest[count:] or memoryview(self._owed())
                    continue
                self._hear(seconds)
            self._is_whole = not rest
        except OSError as error:
            if _is_timeout(error):
                raise
            self.failure = error
        finally:
            self._leave()
        return self._is_whole

    def _hear(self, left: float | None) -> None:
        """The server takes no more for now. Wait so many seconds at most until it does, or says something."""
        with _SELECTOR() as selector:
            selector.register(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
            ready = selector.select(left if SLICE is None else min(left or SLICE, SLICE))
        if ready and ready[0][1] & selectors.EVENT_READ:
            with suppress(BlockingIOError):
                self._heard(self._socket.recv_into(self._into))

    def steady(self, answer: Steady, watch: Watch) -> Iterator[list[LLMEvent]]:
        """The events of one read after the other, as long as no other limit than that of every wait is near; all else
        is for `read`. What runs once for every read calls no more than it must."""
        events_of_read, receive, into = answer.take, self._socket.recv_into, self._into
        until, clock = watch.even_until(), watch.clock
        try:
            self._limit(watch.left())
        except OSError:  # it is closed by now
            return
        updated = self.wire.buffer_updated if self._layer is None else self._take
        while (until == inf or clock() < until) and self._process == getpid():
            self.user, self._inside = get_ident(), True
            try:
                count = 0 if self._closed else receive(into)
            except OSError as error:
                self.is_late = _is_timeout(error)
                if not self.is_late:
                    self._broke(error)
                return
            finally:
                self._leave()
            heard = updated if count and not self._closed else self._heard
            heard(count)
            if (events := events_of_read()) is None:
                return
            if events:
                yield events

    def read(self, left: float | None) -> None:
        """What comes next goes to the wire; wait for it so many seconds.

        Raises:
            TimeoutError: nothing came.
            RuntimeError: the connection is a parent process's.
        """
        if self._process != getpid():
            raise RuntimeError(INHERITED)
        count = 0
        self.user, self._inside = get_ident(), True
        try:
            if not self._closed:
                count = self._received(left)
        except OSError as error:
            if _is_timeout(error):
                raise TimeoutError from None
            self._broke(error)
            return
        finally:
            self._leave()
        self._heard(count)

    def _heard(self, count: int) -> None:
        """A read is over. Of a connection that was closed meanwhile, nothing counts."""
        if self._closed:
            self._broke(ConnectionAbortedError())
        else:
            self._take(count)

    def _broke(self, error: OSError) -> None:
        """A read failed. Of a connection that was closed meanwhile, that is the reason, whatever the system says."""
        self.failure = ConnectionAbortedError(GIVEN_UP) if self._closed else error
        self.wire.lost(self.failure)

    def _leave(self) -> None:
        """This thread's call of the socket is over: what was put off to that is done."""
        self._inside = False
        if self._closed:
            self._socket.close()

    def rest(self) -> None:
        """The answer has ended; the rest of its body may come until it is wanted again, or a little later."""
        self._rest_until = time.monotonic() + REST_SECONDS

    def refresh(self) -> bool:
        """Take what has come meanwhile: the rest of an answer, or the end of the connection. Whether it can take a
        request."""
        try:
            while not self._received_at_once():
                left = self._rest_until - time.monotonic()
                if self.wire.ended or self.wire.skipped > MAX_REST or left <= 0:
                    return self.is_free
                self.read(left)
        except OSError:  # a timeout is one, too
            pass
        return False

    def _received_at_once(self) -> bool:
        """Whether there was more to read than a rest should have."""
        self._limit(0)
        try:
            for _ in range(_ROUNDS):
                self._take(self._socket.recv_into(self._into))
        except BlockingIOError:
            return False
        return True

    # Closing

    def close(self) -> None:
        """At once, from any thread, also from a finalizer. A thread that sends or reads finds the end of it."""
        self._closed = True
        if self._inside and self._process == getpid():
            self.hang_up()
        else:
            self._socket.close()

    def hang_up(self) -> None:
        """Wakes a thread that sends or reads, which closing does not. A forked child has none, but its parent may."""
        shut(self._socket, self._process)

    # The socket

    def _received(self, left: float | None) -> int:
        for piece in slices(left):
            self._limit(piece)
            try:
                return self._socket.recv_into(self._into)
            except TimeoutError as error:
                if not _is_timeout(error):
                    raise
        raise TimeoutError

    def _take(self, count: int) -> None:
        layer = self._layer
        if not count:
            self.wire.eof()
        elif layer is None:
            self.wire.buffer_updated(count)
        else:
            try:
                if layer.received(self._into[:count]):
                    self.wire.eof()
                self._flush()
            except OSError as error:
                self._broke(error)

    def _owed(self) -> bytes:
        """What TLS has to say by itself."""
        return b"" if self._layer is None else self._layer.outgoing()

    def _flush(self) -> None:
        if self._is_whole and (sealed := self._owed()):
            self._socket.sendall(sealed)
            self._sent += len(sealed)

    def _limit(self, seconds: float | None) -> None:
        """So long may every call wait from now on, also where signals interrupt it: limits of the kernel's own would
        begin anew with each."""
        if self._limited != seconds:
            self._socket.settimeout(seconds)
            self._limited = seconds


def shut(connected: socket.socket, process: int) -> None:
    """Wakes whoever waits for it, in that process, whose it is: a child's copy is the same connection."""
    if process == getpid():
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)


def _let_go(of: weakref.ref[BlockingConnection], connected: socket.socket) -> None:
    """Nobody holds the connection any more, or the process ends. Then daemon threads still run for a while: what one of
    them reads is left to the system, as it is where one waits in a system call."""
    connection = of()
    if connection is not None and connection.user != get_ident():
        # `threading` does not know them all.
        running = sys._current_frames()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no other list
        if connection.user in running:
            return
    connected.close()


def checked(left: float | None) -> float | None:
    if left == 0:  # which a socket would take for "do not wait", and call another error
        raise TimeoutError
    return left


def _is_timeout(error: OSError) -> bool:
    """Whether time passed here; the network has a timeout of its own, which comes with a number."""
    return isinstance(error, TimeoutError) and error.errno is None
