"""What every transport offers: `Transport`, which sends a request, and `Exchange`, its answer under way.

Owns the interface alone. All of it is coroutines, so that one client drives both kinds; those of a synchronous
transport never suspend. A transport that decodes what it reads offers more: `LiveTransport` and `LiveExchange`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .limits import Watch

if TYPE_CHECKING:
    from zen_native._core import Decoder, Incoming
    from zen_native.events import LLMEvent

__all__ = [
    "INHERITED",
    "BodyCutError",
    "Exchange",
    "HttpRequest",
    "LiveExchange",
    "LiveTransport",
    "Transport",
    "is_framed",
    "plain_headers",
]

INHERITED = "only the process that opened a stream can read it, and this one was forked from that"
"""Of the `RuntimeError` that says so: what a child reads, its parent would miss."""


@dataclass(slots=True)
class HttpRequest:
    """One request, as it goes out. What may hold a secret is left out of the repr. Nobody changes it; one that says so
    takes three times as long to make."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class BodyCutError(Exception):
    """The body ended before its own framing says so. Whether the answer was complete is the decoder's to say."""


class Exchange(Protocol):
    """The answer to one request; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """The next bytes of the body as they come, `b""` at its end.

        Raises:
            BodyCutError: it ended too early.
            TransportError: the connection failed, or a limit passed.
        """
        ...

    async def close(self) -> None:
        """Give the connection back, or close it where the body was not read to its end. May be called again."""
        ...

    def abandon(self) -> None:
        """The same from a finalizer: at once, from any thread, without waiting for anything."""
        ...


class Transport(Protocol):
    """Sends requests. Redirects are answers like any other; nothing is sent twice."""

    async def send(self, request: HttpRequest, watch: Watch) -> Exchange:
        """Send, and wait for the head of the answer.

        Raises:
            TransportError: there is none.
            RuntimeError: it was closed.
        """
        ...

    async def close(self) -> None:
        """Close what is kept open, for good."""
        ...


class LiveExchange(Exchange, Protocol):
    """An answer whose body goes to a decoder as it comes, where `decodes` is true, and comes out as events instead of
    by `read`. The decoder is not told of the end of the body."""

    decodes: bool

    @property
    def ended(self) -> bool:
        """Whether the body is over, be it cut."""
        ...

    def take(self) -> list[LLMEvent]:
        """The events that have come and were not taken."""
        ...

    def wait(self) -> Awaitable[None] | None:
        """Until there is something to take, something else is new, or the body is over; None where that has been waited
        for already.

        Raises:
            TransportError: a limit passed; also when it is awaited.
        """
        ...

    def incoming(self, kept: list[LLMEvent | str], most: int) -> Incoming | None:
        """A shorter way from the reads to who waits for them, where there is one; always the same. Awaited, it gives
        the events of a read, and puts them behind those in `kept`, of more deltas of one block the texts; or an empty
        list, and everything is as it was, where the answer does not simply go on, and after every `most` events. `wait`
        and `take` tell what it is then."""
        ...

    def steady(self, kept: list[LLMEvent | str], most: int) -> Iterator[list[LLMEvent]]:
        """The same for threads: the events of one read after the other, until the answer does not simply go on, or
        there were so many; or nothing at all."""
        ...

    def keep_headers(self, names: Collection[str]) -> None:
        """Let go of the other ones: a stream may last, and most of what it holds are headers that nobody reads."""
        ...

    def check_end(self) -> None:
        """Raises what the end of the body means, where it was no good one, as `read` does."""
        ...

    def finish(self) -> None:
        """As `close`, but the answer was whole: the connection may wait for the rest of its body, and nobody for it."""
        ...


class LiveTransport(Transport, Protocol):
    """A transport that takes the decoder of the answer along."""

    async def send(self, request: HttpRequest, watch: Watch, decoder: Decoder | None = None) -> LiveExchange:
        """See `Transport`."""
        ...


def is_framed(headers: Mapping[str, str]) -> bool:
    """Whether they say where the body ends. Else the end of the connection does (RFC 9112 section 6.3), whatever is the
    reason for that."""
    return "content-length" in headers or "transfer-encoding" in headers


def plain_headers(response: Any) -> dict[str, str]:
    """The headers of a response of httpx, with lower-case names. One whose body was read has been decompressed."""
    found = {str(name).lower(): str(value) for name, value in response.headers.items()}
    if response.is_stream_consumed:
        found.pop("content-encoding", None)
    return found
