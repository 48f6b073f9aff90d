# The extension's surface. `zen_native.runtimes.native`, `zen_native.transport` and `zen_native.formats.body` call it.

import sys
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Generator
from contextvars import Context
from ssl import MemoryBIO, SSLObject
from typing import Any, Literal, Protocol, Self, final

from typing_extensions import disjoint_base

from zen_native.errors import LLMError
from zen_native.events import LLMEvent

__all__ = [
    "Decoder",
    "Incoming",
    "Steady",
    "TlsReader",
    "Waiter",
    "Wire",
    "__version__",
    "event_table",
    "json_joined",
    "names",
]

if sys.platform == "linux":
    __all__ += ["Poller"]

__version__: str

@final
class Decoder:
    def __new__(
        cls,
        protocol: str,
        framing: str,
        *,
        provider: str,
        max_event_bytes: int,
        max_frame_bytes: int,
        max_header_bytes: int,
        max_response_bytes: int | None,
        think_tags: list[str],
        trailing_cost: bool,
        require_finish_reason: bool,
        raw_events: bool,
    ) -> Decoder: ...
    # Another one of the same kind, for another response.
    def fresh(self) -> Decoder: ...
    @property
    def error(self) -> LLMError | None: ...
    @property
    def done(self) -> bool: ...
    @property
    def answered(self) -> bool: ...
    def feed(self, data: bytes | bytearray | memoryview, /) -> list[LLMEvent]: ...
    def finish(self) -> list[LLMEvent]: ...

class _Listener(Protocol):
    def done(self) -> bool: ...
    def set_result(self, result: None, /) -> None: ...

# The reading half of one connection of HTTP/1.1. All calls raise `RuntimeError` while another thread is inside.
@final
class Wire:
    # Reads go through `buffer`, which may be shared by all wires of a loop; its size is fixed while a wire lives.
    # `max_head_bytes`: of one head, and of one trailer.
    def __new__(cls, buffer: bytearray, *, max_head_bytes: int) -> Wire: ...
    # The next answer is that to a request with this method. Of a 2xx with an identity body the decoder gets the body,
    # but is not told of its end; any other body is raw. RuntimeError while the last answer has not ended. Where the
    # connection takes no request any more the answer has ended before it began, with `kind` "head".
    def begin(self, method: str, decoder: Decoder | None) -> None: ...
    # `get_buffer`, `buffer_updated`: asyncio.BufferedProtocol. Always the same object.
    def get_buffer(self, sizehint: int, /) -> memoryview: ...
    def buffer_updated(self, nbytes: int, /) -> None: ...
    # The same for bytes that are elsewhere.
    def feed(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def eof(self) -> None: ...
    # The connection is gone; None: as `eof`.
    def lost(self, error: BaseException | None) -> None: ...
    # The waiter gets one `set_result(None)` (none if it is `done()`) and is forgotten: when the head is there, events,
    # bytes of a raw body or skipped ones came, the decoder answered or is done, or the answer ended. At once where
    # something is pending or the answer has ended. A later waiter takes the place of an earlier one.
    def wait(self, waiter: _Listener | Waiter | None) -> None: ...
    # Called when something is pending and more than 256 KiB were read since anything was taken, once until it is taken,
    # and when nothing that still comes is of use (the answer has ended, and the connection takes no request);
    # `paused` says so meanwhile, to whoever takes it and resumes reading.
    def pausing(self, pause: Callable[[], object] | None) -> None: ...
    def take(self) -> list[LLMEvent]: ...
    def take_body(self) -> bytes: ...
    # Since the last bytes, `begin`, or `wait`.
    def idle_seconds(self) -> float: ...
    @property
    def pending(self) -> bool: ...
    # Names in lower case; repeated fields joined by ", ".
    @property
    def head(self) -> tuple[int, dict[str, str]] | None: ...
    @property
    def decodes(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    # Why the answer is incomplete, and where: before its head was there ("head"), in its body ("body"), or because the
    # connection was lost with an exception, wherever ("lost").
    @property
    def error(self) -> str | None: ...
    @property
    def kind(self) -> Literal["head", "body", "lost"] | None: ...
    # The connection can take a request: it is new, or the last answer is complete and nothing else came.
    @property
    def reusable(self) -> bool: ...
    # Any byte of this answer came.
    @property
    def received(self) -> bool: ...
    # Bytes of the body that came when the decoder was done; they are dropped.
    @property
    def skipped(self) -> int: ...
    @property
    def paused(self) -> bool: ...

class _Polled(Protocol):
    def read_ended(self, error: OSError | None, /) -> None: ...
    def read_failed(self, error: BaseException, /) -> None: ...

if sys.platform == "linux":
    # Reads the connections of one event loop, which watches `fileno()` and calls `ready` when there is something: that
    # reads what has come, and what comes meanwhile, for a millisecond and one read at most. For the loop's thread.
    @final
    class Poller:
        # Where readers over TLS find their bytes, and how many at a time; its size is fixed while a poller lives.
        # OSError: the system has no more of them. ValueError: the buffer is empty.
        def __new__(cls, buffer: bytearray, /) -> Poller: ...
        # -1 when it is closed.
        def fileno(self) -> int: ...
        # The bytes of that socket go to the sink. `read_ended(None)` is called at their end, with an error where they
        # cannot be had, and `read_failed` when this or the sink raises, but for `KeyboardInterrupt` and `SystemExit`:
        # those come out of `ready`. The socket stays open until it is removed, which may happen within the calls.
        # OSError: it cannot be watched. ValueError: it is closed, or this is.
        def add(self, fd: int, connection: _Polled, sink: Wire | TlsReader, /) -> None: ...
        # Does nothing where the number is another connection's by now.
        def remove(self, fd: int, connection: _Polled, /) -> None: ...
        # To be called whenever `fileno()` can be read: something has come.
        def ready(self) -> None: ...
        # Reads one socket, once, before the loop has been told. Does nothing for others.
        def look(self, fd: int, /) -> None: ...
        def close(self) -> None: ...

# The reads of one connection over TLS, once hands are shaken: what stands in `sealed` goes through OpenSSL to the wire.
# `tell` gets whether the server says that nothing follows, and the failure; with neither, there are bytes to send. What
# the wire calls is called within a read, as ever, and what that raises is raised.
@final
class TlsReader:
    def __new__(
        cls,
        tls: SSLObject,
        incoming: MemoryBIO,
        outgoing: MemoryBIO,
        sealed: memoryview,
        wire: Wire,
        tell: Callable[[bool, BaseException | None], object],
        /,
    ) -> TlsReader: ...
    # See asyncio.BufferedProtocol.
    def buffer_updated(self, nbytes: int, /) -> None: ...

# What a task of asyncio waits on: the part of a future (`asyncio.isfuture`) that is used for every read. A wire resumes
# the task within the read. `zen_native.transport.native.waiting.Waiter` is the whole, with `resume_later` and
# `not_resumed(callback, context, error)`, which are called here.
@disjoint_base
class Waiter:
    # `done`: a future of the loop that has ended with None, which a task is given that is resumed by a wire.
    def __new__(cls, event_loop: AbstractEventLoop, done: Future[None], /) -> Self: ...
    # A task waits from now on, and awaits this at once. RuntimeError where another one does.
    def expect(self) -> None: ...
    @property
    def waiting(self) -> bool: ...
    # Whoever awaits `Incoming` next is to look for himself: it gives an empty list once.
    def remind(self) -> None: ...
    # Nobody waits any more. What resumes the task and in which context, None where it is not suspended.
    def resumed(self) -> tuple[Callable[[Any], object], Context] | None: ...
    # Nobody waits any more, for the task is being cancelled with these arguments. False where nobody did.
    def cancelling(self, arguments: tuple[object, ...], /) -> bool: ...
    def __await__(self) -> Generator[Self]: ...
    def __next__(self) -> Self: ...
    # See `asyncio.Future`; a task adds its own callback, and nobody else does.
    _asyncio_future_blocking: bool
    def get_loop(self) -> AbstractEventLoop: ...
    def add_done_callback(self, callback: Callable[[Any], object], /, *, context: Context) -> None: ...
    def cancelled(self) -> bool: ...
    def result(self) -> None: ...

# Awaited, it gives the events of the next read that brought any, and puts them behind those in `kept`: a text or
# reasoning delta of the same block as the last event as its text alone. An empty list, and nothing was taken: where the
# answer does not simply go on, is over or paused, where another task waits, after `close`, once after `remind`, and
# once after every `most` events. Who puts events into `kept` himself does so after an empty list.
@final
class Incoming:
    def __new__(cls, wire: Wire, waiter: Waiter, kept: list[LLMEvent | str], most: int) -> Incoming: ...
    def close(self) -> None: ...
    @property
    def waiting(self) -> bool: ...
    def __await__(self) -> Generator[Waiter, None, list[LLMEvent]]: ...
    def __next__(self) -> Waiter: ...

# The events of an answer, for who reads its connection himself. They are kept as `Incoming` keeps them.
@final
class Steady:
    def __new__(cls, wire: Wire, kept: list[LLMEvent | str], most: int) -> Steady: ...
    # Those that have come, which may be none. None where the answer does not simply go on, or there were `most` events:
    # then this is over, and others may put events into `kept`.
    def take(self) -> list[LLMEvent] | None: ...

def event_table() -> dict[str, list[str]]: ...
def json_joined(pieces: list[bytes], texts: list[str], /) -> bytes: ...
def names() -> tuple[list[str], list[str]]: ...
