"""`Client` and `AsyncClient`: one request form in, typed events out, from any provider.

Owns what a user configures and how a call is spelled. The logic is one set of coroutines below (`_step`, `_attempt`);
the synchronous client drives them over a transport that never suspends.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, Unpack

from ._arguments import as_transport, chosen_transport, given, given_prices
from ._choosing import Chooser
from ._clock_skew import Clocks
from ._io import AsyncIo, Io, SyncIo, drive, other_event_loop
from ._operation import Looping, first_request, is_one_step, operation
from ._plain_request import plain_request
from ._prepare import prepare
from ._routes import Routes
from ._step import Engine, Step
from .gate import Decisions, checked_runtime
from .settings import Config
from .streams import AsyncStream, Stream
from .transport.choice import CLOSED, Transports
from .transport.connections import ConnectionLimits
from .transport.limits import Timeouts
from .transport.retry import Retrier, RetryPolicy
from .transport.tls import checked_tls

if TYPE_CHECKING:
    import ssl

    from ._call import CallOptions, RequestFields
    from ._step import Source
    from ._telemetry import Telemetry
    from ._tool_crew import Crew
    from .explain import Explanation
    from .gate import RuntimeChoice, TransportChoice
    from .price_table import PriceTable
    from .request import LLMRequest
    from .response import LLMResponse
    from .tools import ToolLoop
    from .transport.base import Transport
    from .transport.choice import Makers
    from .transport.foreign import Foreign
    from .transport.tls import Tls, TlsContext

__all__ = ["AsyncClient", "Client"]


class _Base:
    """What both clients share."""

    _io: Io = SyncIo()

    def __init__(
        self,
        config: Config | None = None,
        *,
        transport: TransportChoice | object = "auto",
        runtime: RuntimeChoice = "auto",
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        prices: PriceTable | None = None,
        tls: Tls | ssl.SSLContext | None = None,
        connections: ConnectionLimits | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Both kinds are configured alike.

        Args:
            config: keys, base URLs and options by provider; by default what the environment says.
            transport: who moves the bytes: `auto`, `native`, `httpx`; or a client or transport of httpx or httpx2 to
                send with, which stays the caller's to close, or any `zen_native.transport.base.Transport`.
            runtime: who decodes, where a call does not say: `auto`, `native`, `python`, or a function of the request.
            timeouts: how long things may take.
            retry: what is tried again.
            prices: the user's own, for the cost where the wire says none; they go before all other tables.
            tls: whom to trust, and a certificate of the client's own; by default the system's authorities.
            connections: how many there may be at one time, and how many are kept.
            telemetry: who is told of each call, such as `zen_native.integrations.otel.Telemetry()`. It is no reason
                against the native path.

        Raises:
            ValueError: an unknown word, a file of `tls` that is not usable, or `tls` or `connections` together with a
                transport of the caller's, which has its own.
            TypeError: the transport is none, or does not fit this kind of client, or an argument is of another class.
        """
        self.config = given(Config, config, "config") or Config()
        self.timeouts = given(Timeouts, timeouts, "timeouts") or Timeouts()
        self.decisions = Decisions()
        self.prices = given_prices(prices)
        choice, brought = chosen_transport(transport)
        if brought is not None and (tls is not None or connections is not None):
            raise ValueError("tls and connections are for connections of our own; configure the transport instead")
        limits = given(ConnectionLimits, connections, "connections") or ConnectionLimits()
        self._transports = Transports(self._moving(brought, checked_tls(tls), limits))
        self._chooser = Chooser(
            runtime=checked_runtime(runtime),
            transport=choice,
            brought=brought,
            has_native=self._transports.has("native"),
            event_loop=self._event_loop,
        )
        self._retrier = Retrier(given(RetryPolicy, retry, "retry") or RetryPolicy())
        self._clocks = Clocks()
        self._routes = Routes(self.config)
        self._engine: Engine | None = None
        self._telemetry = telemetry
        self._closed = False

    @staticmethod
    def _moving(brought: object | None, tls: TlsContext, limits: ConnectionLimits) -> Makers:
        raise NotImplementedError

    @staticmethod
    def _event_loop() -> str | None:
        """What runs the calling task where the native transport is no use there."""
        return None

    def _crew(self, concurrency: int) -> Crew:
        raise NotImplementedError

    def _source(
        self,
        request: str | LLMRequest,
        messages: Any,
        options: CallOptions,
    ) -> Source:
        if self._closed:
            raise RuntimeError(CLOSED)
        if not options and self._telemetry is None and not self._chooser.asks:
            plain = plain_request(request, messages, {})
            if plain is not None:
                return Step(self._engine_of(None), plain)
        fields: dict[str, Any] = {**options}
        fallbacks: Iterable[str] = fields.pop("fallbacks", ())
        runtime: RuntimeChoice | None = fields.pop("runtime", None)
        tool_loop: ToolLoop | None = fields.pop("tool_loop", None)
        repair: bool = fields.pop("repair", False)
        if isinstance(fallbacks, str):
            raise TypeError("fallbacks is a list of models, not one string")
        others = tuple(fallbacks)
        shown = bool(others) or self._telemetry is not None or callable(runtime) or self._chooser.asks
        plain = None if shown else plain_request(request, messages, fields)
        asked = plain or as_request(request, messages, fields)
        engine = self._engine_of(runtime)
        if self._telemetry is None and is_one_step(asked):
            return Step(engine, asked, others)
        route, telemetry = self._routes.of, self._telemetry
        how = Looping(crew=self._crew, route=route, options=tool_loop, repair=repair, telemetry=telemetry)
        return operation(engine, asked, others, how)

    def _engine_of(self, runtime: RuntimeChoice | None) -> Engine:
        """What steps share: the same for all calls that choose nothing, as long as nothing else is set."""
        known = self._engine
        if known is not None and runtime is None and known.timeouts is self.timeouts and known.prices is self.prices:
            return known
        decide = partial(self._chooser.decide, decisions=self.decisions, runtime=runtime)
        made = Engine(
            transports=self._transports,
            io=self._io,
            timeouts=self.timeouts,
            retrier=self._retrier,
            clocks=self._clocks,
            # Without the client, which ends with the last who holds it.
            prepare=partial(prepare, routes=self._routes, decide=decide, framed=True),
            prices=self.prices,
        )
        if runtime is None:
            self._engine = made
        return made

    def explain(
        self,
        request: str | LLMRequest,
        messages: Any = "",
        *,
        runtime: RuntimeChoice | None = None,
        **fields: Unpack[RequestFields],
    ) -> Explanation:
        """Where a request would go, what would be sent and who would decode the answer. Sends nothing, counts nothing,
        and shows no key.

        Raises:
            LLMError: it could not be sent.
        """
        from .explain import explained

        said = messages or ("..." if isinstance(request, str) else None)
        asked = first_request(as_request(request, said, {**fields}), self._routes.of)
        decide = partial(self._chooser.decide, decisions=Decisions(), runtime=runtime)
        return explained(prepare(asked, asked.model, self._routes, decide))

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"{name} has connections and cannot be copied or pickled; every process makes one of its own")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' closed' if self._closed else ''}>"


class Client(_Base):
    """Asks models, synchronously. Usable from several threads; close it, or use it in `with`."""

    @staticmethod
    def _moving(brought: object | None, tls: TlsContext, limits: ConnectionLimits) -> Makers:
        if brought is None:
            return {"httpx": partial(_httpx_sync, None, tls, limits), "native": partial(_native_sync, tls, limits)}
        from .transport.foreign import foreign

        theirs = foreign(brought, is_async=False)
        if theirs is None:
            return {"httpx": partial(as_transport, as_transport(brought))}
        return {"httpx": partial(_httpx_sync, theirs, tls, limits)}

    def _crew(self, concurrency: int) -> Crew:
        from ._tool_crew import ThreadCrew

        return ThreadCrew(concurrency)

    def stream(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        **options: Unpack[CallOptions],
    ) -> Stream:
        """The events of an answer. Nothing is sent before the first is asked for.

        Args:
            request: a whole request, or the name of a model.
            messages: what is said to it: a text, or messages.
            options: `fallbacks`, `runtime`, `tool_loop` and `repair`, and further fields of `LLMRequest`.

        Raises:
            ValueError: the request is not one.
        """
        return Stream(self._source(request, messages, options))

    def generate(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        **options: Unpack[CallOptions],
    ) -> LLMResponse:
        """The whole answer; with an `output_type`, its value is in `output`. Arguments as for `stream`.

        Raises:
            InvalidProviderOutputError: the answer is no valid `output_type`; `body` is its text.
            LLMError: there is none, or not all of it; what there is is in the error's `partial`.
        """
        with self.stream(request, messages, **options) as stream:
            return stream.until_done()

    def close(self) -> None:
        """Close the connections. Streams that are open break off, and nothing is sent any more."""
        self._closed = True
        drive(self._transports.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Base):
    """Asks models, on asyncio or trio. Usable from several event loops; close it in one, or use it in `async with`."""

    _io = AsyncIo()

    @staticmethod
    def _moving(brought: object | None, tls: TlsContext, limits: ConnectionLimits) -> Makers:
        if brought is None:
            return {"httpx": partial(_httpx_async, None, tls, limits), "native": partial(_native_async, tls, limits)}
        from .transport.foreign import foreign

        theirs = foreign(brought, is_async=True)
        if theirs is None:
            return {"httpx": partial(as_transport, as_transport(brought))}
        return {"httpx": partial(_httpx_async, theirs, tls, limits)}

    @staticmethod
    def _event_loop() -> str | None:
        return other_event_loop()

    def _crew(self, concurrency: int) -> Crew:
        from ._tool_crew import AsyncCrew

        return AsyncCrew(concurrency)

    def stream(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        **options: Unpack[CallOptions],
    ) -> AsyncStream:
        """The events of an answer, as `Client.stream`; it is not awaited, but iterated over."""
        return AsyncStream(self._source(request, messages, options))

    async def generate(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        **options: Unpack[CallOptions],
    ) -> LLMResponse:
        """The whole answer, as `Client.generate`."""
        return await self.stream(request, messages, **options).until_done()

    async def aclose(self) -> None:
        """Close the connections. Streams that are open break off, and nothing is sent any more."""
        self._closed = True
        await self._transports.close()

    close = aclose

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def as_request(request: str | LLMRequest, messages: Any, fields: dict[str, Any]) -> LLMRequest:
    """What was asked as one request.

    Raises:
        ValueError: it is not one; pydantic's error says what is wrong.
    """
    from .request import LLMRequest  # pydantic's models are slow to import, and texts are sent without

    more = fields if messages is None else {"messages": messages, **fields}
    if isinstance(request, LLMRequest):
        if not more:
            return request
        known = {name: getattr(request, name) for name in request.model_fields_set}
        return LLMRequest.model_validate({**known, **more})
    return LLMRequest.model_validate({"model": request, **more})


def _native_sync(tls: TlsContext, limits: ConnectionLimits) -> Transport:
    from .transport.native.blocking import BlockingTransport

    return BlockingTransport(tls, limits)


def _native_async(tls: TlsContext, limits: ConnectionLimits) -> Transport:
    from .transport.native.aio import AioTransport

    return AioTransport(tls, limits)


def _httpx_sync(brought: Foreign | None, tls: TlsContext, limits: ConnectionLimits) -> Transport:
    from .transport.http import SyncHttp

    return SyncHttp(brought, tls, limits)


def _httpx_async(brought: Foreign | None, tls: TlsContext, limits: ConnectionLimits) -> Transport:
    from .transport.async_http import AsyncHttp

    return AsyncHttp(brought, tls, limits)
