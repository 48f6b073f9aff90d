"""One exchange: a prepared request sent once, its answer decoded as it comes.

Owns which limit is in force when, where reading stops, and what the errors of this exchange are told. Owns no second
try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ._clock_skew import disagreement, shown_skew
from ._redact import redact, redacted_body, redacted_code, redacted_message
from ._request_id import HEADERS, request_id_in
from .auth import blocks, secrets_in
from .errors import LLMError, TransportError, classify_error
from .route import origin_of
from .transport.base import BodyCutError
from .transport.inflate import inflated
from .transport.limits import MAX_REST, REST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._core import Decoder as NativeDecoder
    from ._core import Incoming
    from ._io import Io
    from ._prepare import Prepared
    from .events import LLMEvent
    from .transport.base import Exchange, HttpRequest, LiveExchange, LiveTransport, Transport
    from .transport.choice import Transports
    from .transport.limits import Timeouts, Watch

__all__ = ["Attempt"]

_MAX_ERROR_BODY = 64 << 10
_ERROR_BODY_SECONDS = 10.0


class Attempt:
    """Gives the events in batches, one for every read that brings any; an empty one is the end."""

    def __init__(self, prepared: Prepared, transports: Transports, io: Io, timeouts: Timeouts, watch: Watch) -> None:
        self.prepared = prepared
        self._transports = transports
        self._io = io
        self._timeouts = timeouts
        self._watch = watch
        self._exchange: Exchange | None = None
        self._live: LiveExchange | None = None
        """The exchange, where it gives events itself."""
        self._answer_headers: Mapping[str, str] = {}
        self._decoder = prepared.decoder()
        self._began = False
        self._ended = False
        self.over = False
        """Whether all has been given out, and the connection back: nobody need ask again."""
        self._read_out = False
        self._cut: str | None = None
        """Why the body ended before its end, where it did."""
        self._failed: LLMError | None = None
        self._sent_headers: Mapping[str, str] = {}
        """With the credentials."""
        self.ahead: float | None = None
        """How far the other side's clock is ahead, in seconds, where it refused our signature for that."""

    async def batch(self) -> list[LLMEvent]:
        """The next events. All of it runs once for every read, and so calls no more than it must.

        Raises:
            LLMError: the request or its answer failed; what was decoded before has been given out.
        """
        failed: LLMError
        try:
            if self._exchange is None and not self._ended:
                await self._send()
            live, decoder = self._live, self._decoder
            while not self._ended:
                if live is None:
                    events = await self._read()
                elif decoder.done:
                    events = live.take() or self._end(live)
                else:
                    if decoder.answered and not self._watch.brief:
                        self._watch.briefly(self._timeouts.trailing)
                    if (waiting := live.wait()) is not None:
                        await waiting
                    if not (events := live.take()) and live.ended:
                        events = self._end(live)
                if events:
                    if not self._began:
                        self._begin()
                    if decoder.done and live is not None and live.ended and decoder.error is None:
                        self._ended = True
                        await self.close()
                    return events
            return await self._over()
        except LLMError as error:
            failed = error
        await self.close()
        # Without the frames that it was raised in: they hold what was sent and received.
        failed.__context__ = None
        try:
            raise self._told(failed).with_traceback(None)
        finally:
            live = None
            del failed  # it would lead to itself, and all that was sent would be left to the collector

    def incoming(self, kept: list[LLMEvent | str], most: int) -> Incoming | None:
        """See `LiveExchange.incoming`; there is none before the first events and after the last."""
        return None if (live := self._going_on()) is None else live.incoming(kept, most)

    def steady(self, kept: list[LLMEvent | str], most: int) -> Iterator[list[LLMEvent]]:
        """See `LiveExchange.steady`; there are none before the first events and after the last."""
        return iter(()) if (live := self._going_on()) is None else live.steady(kept, most)

    def _going_on(self) -> LiveExchange | None:
        """What brings the next events, where nothing else is to be waited for."""
        return None if not self._began or self._ended or self._decoder.answered else self._live

    def give_up(self) -> None:
        """Unless it has ended: whoever is about to send, or waits for more meanwhile, finds that it failed."""
        if not self._ended:
            self._failed = TransportError("the request was given up")
            self._ended = True

    async def close(self) -> None:
        """Let go of the connection. It is kept for the next request where the answer was read to its end."""
        exchange, self._exchange = self._exchange, None
        live, self._live = self._live, None
        whole = self._ended and self._failed is None
        self.give_up()
        if exchange is None:
            self._watch.hang_up()
            return
        if live is not None and whole:
            live.keep_headers(())  # the connection outlives them, and they may hold what is secret
            live.finish()
            self.over = True
            return
        try:
            if whole and not self._read_out:
                await self._rest(exchange)
        finally:
            await exchange.close()

    def abandon(self) -> None:
        """`close` for finalizers."""
        if self._exchange is not None:
            self._exchange.abandon()

    async def _over(self) -> list[LLMEvent]:
        """The end, in peace or not."""
        if self._failed is not None:
            raise self._failed
        await self.close()
        return []

    # Sending

    async def _send(self) -> None:
        prepared = self.prepared
        request = await self._looked_up() if blocks(prepared.place.route) else prepared.authorized()
        # Behind the credentials, for the client may have been closed while they were looked up.
        transport = self._transports.of(prepared.decision.transport)
        if self._ended:
            return  # it was given up meanwhile; a connection that is there would be used without a wait
        self._sent_headers = request.headers
        # Another transport cannot tell when the request goes out.
        begin = self._watch.within_sending if prepared.decision.transport == "native" else self._watch.within
        begin("first-event", self._timeouts.until_first_event(self._effort()))
        try:
            exchange = self._exchange = await self._sent(transport, request)
        finally:
            self._watch.answered()
        self._answer_headers = exchange.headers
        if not 200 <= exchange.status < 300:
            raise await self._refusal(exchange)
        self._exchange = inflated(exchange, self._io)

    async def _looked_up(self) -> HttpRequest:
        """The request with credentials that somebody is asked for."""
        try:
            return await self._io.blocking(self.prepared.authorized, self._watch.left())
        except TimeoutError:
            if not self._watch.is_over():
                raise  # it is its own
        raise self._watch.expired()

    async def _sent(self, transport: Transport, request: HttpRequest) -> Exchange:
        if self.prepared.decision.transport != "native":
            return await transport.send(request, self._watch)
        native = cast("LiveTransport", transport)
        exchange = await native.send(request, self._watch, cast("NativeDecoder", self._decoder))
        if exchange.decodes:
            self._live = exchange
        return exchange

    def _effort(self) -> str | None:
        reasoning = self.prepared.request.reasoning
        return None if reasoning is None else reasoning.effort

    async def _refusal(self, exchange: Exchange) -> LLMError:
        route = self.prepared.route
        moved = exchange.headers.get("location", "")
        error = classify_error(
            None,
            status=exchange.status,
            headers=exchange.headers,
            body=await self._error_body(exchange),
            provider=route.provider,
            model=route.model,
            message=_redirect(exchange.status, moved) if 300 <= exchange.status < 400 else None,
            secrets=self._secrets(),
        )
        if error.status is None:
            error.status = exchange.status  # no error by its number, as of a redirect; the caller is to see it
        if route.auth == "sigv4":
            self.ahead = disagreement(error.code, exchange.headers, self.prepared.ahead)
        if self.ahead is not None:
            error.message = f"{error.message}; {shown_skew(self.ahead)}"
        return error

    async def _error_body(self, exchange: Exchange) -> bytes:
        """What comes of it in good time: an error that is cut, or that cannot be read, still has a status."""
        self._watch.within("idle", min(_ERROR_BODY_SECONDS, self._timeouts.idle or _ERROR_BODY_SECONDS))
        body = bytearray()
        try:
            exchange = inflated(exchange, self._io)
            while len(body) < _MAX_ERROR_BODY and (data := await exchange.read()):
                body += data
        except (LLMError, BodyCutError):
            pass
        return bytes(body)

    # Reading

    def _end(self, live: LiveExchange) -> list[LLMEvent]:
        """The last events, where the answer or its body is over. A complete answer cannot fail any more."""
        try:
            live.check_end()
        except BodyCutError as error:
            self._cut = str(error)
        except TransportError:
            if not self._decoder.answered and not self._decoder.done:
                raise
        events = [] if self._decoder.done else self._finished()
        self._ended, self._failed = True, self._decoder.error
        return events

    async def _read(self) -> list[LLMEvent]:
        if not self._decoder.answered:  # here for what is decompressed already, and for other transports
            self._watch.check_total()
        data = b"" if self._exchange is None else await self._next(self._exchange)
        self._read_out = not data
        events = self._decoder.feed(data) if data else self._finished()
        decoder = self._decoder
        self._ended = self._ended or decoder.done or not data
        if self._failed is None:
            self._failed = decoder.error
        if decoder.answered and not decoder.done and not self._watch.brief:
            self._watch.briefly(self._timeouts.trailing)
        if self._failed is not None and self._exchange is not None:
            await self._exchange.close()
        return events

    async def _next(self, exchange: Exchange) -> bytes:
        """The next bytes, none at the end of the body. A complete answer cannot fail any more."""
        try:
            return await exchange.read()
        except BodyCutError as error:
            self._cut = str(error)
            return b""
        except TransportError:
            if not self._decoder.answered:
                raise
            return b""

    def _finished(self) -> list[LLMEvent]:
        try:
            events = self._decoder.finish()
        except LLMError:
            events = []  # it is in `error`, too
        failed = self._decoder.error
        if failed is not None and self._cut is not None:
            failed.add_note(redacted_message(f"the body was cut: {self._cut}", self._secrets()))
        return events

    def _begin(self) -> None:
        """There are events: from now on silence counts, and nothing is sent again."""
        self._began = True
        if self.prepared.lowered.has_long:
            self.prepared = self.prepared.sent()
        if self._decoder.done:
            return  # and no more
        if (live := self._live) is not None:  # which another thread may take away, to close it
            live.keep_headers(HEADERS)
        if not self._watch.brief:
            self._watch.each("idle", self._timeouts.idle)

    async def _rest(self, exchange: Exchange) -> None:
        """The end of the body, if it is there or nearly: the connection can be used again then."""
        self._watch.briefly(REST_SECONDS)
        read = 0
        try:
            while read < MAX_REST and (data := await exchange.read()):
                read += len(data)
        except (LLMError, BodyCutError):
            pass

    # Errors

    def _secrets(self) -> tuple[str, ...]:
        return (*self.prepared.secrets, *secrets_in(self._sent_headers))

    def _told(self, error: LLMError) -> LLMError:
        """The error with what is known here, and without what was sent in confidence."""
        route = self.prepared.route
        error.provider = route.provider
        error.model = error.model or route.model
        secrets = self._secrets()
        said = error.request_id or request_id_in(self._answer_headers)
        error.request_id = None if said is None else redact(said, secrets)
        error.message = redacted_message(error.message, secrets)
        error.args = (error.message, *error.args[1:])
        error.body = redacted_body(error.body, secrets)
        error.code = redacted_code(error.code, secrets)
        return error


def _redirect(status: int, location: str) -> str:
    try:
        where = f" to {origin_of(location)}" if "://" in location else ""
    except ValueError:
        where = ""
    return f"the provider answered with a redirect{where} (HTTP {status}), which is not followed; check the base URL"
