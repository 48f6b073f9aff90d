"""`Client` and `AsyncClient`: one request form in, typed events out, from any provider.

Owns what a user configures and how a call is spelled. The logic is one set of coroutines below (`_step`, `_attempt`);
the synchronous client drives them over a transport that never suspends.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from ._clock_skew import Clocks
from ._io import AsyncIo, Io, SyncIo, drive, other_event_loop
from ._operation import Looping, first_request, operation
from ._prepare import Prepared, prepare
from ._step import Engine
from .explain import Explanation, explained
from .gate import Decision, Decisions, current_capabilities, select
from .request import LLMRequest
from .routing import resolve
from .settings import Config
from .streams import AsyncStream, Stream
from .transport.choice import Transports
from .transport.connections import ConnectionLimits
from .transport.foreign import foreign
from .transport.limits import Timeouts
from .transport.proxies import Proxies
from .transport.retry import Retrier, RetryPolicy
from .transport.tls import checked_tls

if TYPE_CHECKING:
    import ssl

    from ._step import Source
    from ._telemetry import Telemetry
    from ._tool_crew import Crew
    from .gate import RuntimeChoice, TransportChoice
    from .price_table import PriceTable
    from .response import LLMResponse
    from .route import Route
    from .tools import ToolLoop
    from .transport.base import Transport
    from .transport.choice import Makers
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
            TypeError: the transport is none, or does not fit this kind of client.
        """
        self.config = config or Config()
        self.timeouts = timeouts or Timeouts()
        self.decisions = Decisions()
        self.prices = prices
        self._runtime: RuntimeChoice = runtime
        choice, brought = _chosen(transport)
        self._choice: TransportChoice = choice
        self._custom = None if brought is None else f"a transport of the caller's: {type(brought).__name__}"
        if brought is not None and (tls is not None or connections is not None):
            raise ValueError("tls and connections are for connections of our own; configure the transport instead")
        self._transports = Transports(self._moving(brought, checked_tls(tls), connections or ConnectionLimits()))
        self._proxies: Proxies | None = None
        self._retrier = Retrier(retry or RetryPolicy())
        self._clocks = Clocks()
        self._telemetry = telemetry
        self._closed = False

    @staticmethod
    def _moving(brought: object | None, tls: TlsContext, limits: ConnectionLimits) -> Makers:
        raise NotImplementedError

    def _event_loop(self) -> str | None:
        """What runs the calling task where the native transport is no use there."""
        return None

    def _crew(self, concurrency: int) -> Crew:
        raise NotImplementedError

    def _source(
        self,
        request: str | LLMRequest,
        messages: Any,
        fields: dict[str, Any],
        *,
        fallbacks: Iterable[str],
        runtime: RuntimeChoice | None,
        tool_loop: ToolLoop | None,
        repair: bool,
    ) -> Source:
        if self._closed:
            raise RuntimeError("the client is closed")
        if isinstance(fallbacks, str):
            raise TypeError("fallbacks is a list of models, not one string")
        how = Looping(crew=self._crew, route=self._route, options=tool_loop, repair=repair, telemetry=self._telemetry)
        return operation(self._engine(runtime), as_request(request, messages, fields), tuple(fallbacks), how)

    def _route(self, model: str) -> Route:
        return resolve(model, self.config)

    def _engine(self, runtime: RuntimeChoice | None) -> Engine:
        return Engine(
            transports=self._transports,
            io=self._io,
            timeouts=self.timeouts,
            retrier=self._retrier,
            clocks=self._clocks,
            prepare=partial(self._prepared, runtime=runtime),
            prices=self.prices,
        )

    def _prepared(self, request: LLMRequest, model: str, *, runtime: RuntimeChoice | None) -> Prepared:
        return prepare(request, model, self.config, partial(self._decide, runtime=runtime, decisions=self.decisions))

    def _decide(
        self,
        request: LLMRequest,
        route: Route,
        size: int,
        *,
        runtime: RuntimeChoice | None,
        decisions: Decisions,
    ) -> Decision:
        return select(
            request,
            route,
            current_capabilities(
                native_transport=self._transports.has("native"),
                transport=self._choice,
                custom_transport=self._custom,
                proxied=self._proxied(route),
                event_loop=self._event_loop(),
            ),
            decisions,
            runtime=runtime,
            client_runtime=self._runtime,
            body_bytes=size,
        )

    def _proxied(self, route: Route) -> str | None:
        if self._custom is not None:
            return None
        if self._proxies is None:
            self._proxies = Proxies()
        return None if self._proxies.proxy_for(route.base_url) is None else route.origin

    def explain(
        self,
        request: str | LLMRequest,
        messages: Any = "",
        *,
        runtime: RuntimeChoice | None = None,
        **fields: Any,
    ) -> Explanation:
        """Where a request would go, what would be sent and who would decode the answer. Sends nothing, counts nothing,
        and shows no key.

        Raises:
            LLMError: it could not be sent.
        """
        asked = as_request(request, messages or "...", fields) if isinstance(request, str) else request
        asked = first_request(asked, self._route)
        decide = partial(self._decide, runtime=runtime, decisions=Decisions())
        return explained(prepare(asked, asked.model, self.config, decide))

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(f"{name} has connections and cannot be copied or pickled; every process makes one of its own")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' closed' if self._closed else ''}>"


class Client(_Base):
    """Asks models, synchronously. Usable from several threads; close it, or use it in `with`."""

    @staticmethod
    def _moving(brought: object | None, tls: TlsContext, limits: ConnectionLimits) -> Makers:
        from .transport.http import SyncHttp

        theirs = None if brought is None else foreign(brought, is_async=False)
        if brought is not None and theirs is None:
            return {"httpx": partial(_as_transport, _as_transport(brought))}
        over_httpx = partial(SyncHttp, theirs, tls, limits)
        if theirs is not None:
            return {"httpx": over_httpx}
        return {"httpx": over_httpx, "native": partial(_native_sync, tls, limits)}

    def _crew(self, concurrency: int) -> Crew:
        from ._tool_crew import ThreadCrew

        return ThreadCrew(concurrency)

    def stream(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        *,
        fallbacks: Iterable[str] = (),
        runtime: RuntimeChoice | None = None,
        tool_loop: ToolLoop | None = None,
        repair: bool = False,
        **fields: Any,
    ) -> Stream:
        """The events of an answer. Nothing is sent before the first is asked for.

        Args:
            request: a whole request, or the name of a model.
            messages: what is said to it: a text, or messages.
            fallbacks: models to ask in turn where one fails before its first event in a way that another may not.
            runtime: who decodes; by default what the client says.
            tool_loop: how tools that are functions are run, and when that ends.
            repair: ask once more where the answer is no valid `output_type`.
            fields: further fields of `LLMRequest`, also over those of a whole request.

        Raises:
            ValueError: the request is not one.
        """
        how: Any = {"fallbacks": fallbacks, "runtime": runtime, "tool_loop": tool_loop, "repair": repair}
        return Stream(self._source(request, messages, fields, **how))

    def generate(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        *,
        fallbacks: Iterable[str] = (),
        runtime: RuntimeChoice | None = None,
        tool_loop: ToolLoop | None = None,
        repair: bool = False,
        **fields: Any,
    ) -> LLMResponse:
        """The whole answer; with an `output_type`, its value is in `output`. Arguments as for `stream`.

        Raises:
            InvalidProviderOutputError: the answer is no valid `output_type`; `body` is its text.
            LLMError: there is none, or not all of it; what there is is in the error's `partial`.
        """
        how: Any = {"fallbacks": fallbacks, "runtime": runtime, "tool_loop": tool_loop, "repair": repair}
        with self.stream(request, messages, **how, **fields) as stream:
            return stream.until_done()

    def close(self) -> None:
        """Close the connections."""
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
        from .transport.async_http import AsyncHttp

        theirs = None if brought is None else foreign(brought, is_async=True)
        if brought is not None and theirs is None:
            return {"httpx": partial(_as_transport, _as_transport(brought))}
        over_httpx = partial(AsyncHttp, theirs, tls, limits)
        if theirs is not None:
            return {"httpx": over_httpx}
        return {"httpx": over_httpx, "native": partial(_native_async, tls, limits)}

    def _event_loop(self) -> str | None:
        return other_event_loop()

    def _crew(self, concurrency: int) -> Crew:
        from ._tool_crew import AsyncCrew

        return AsyncCrew(concurrency)

    def stream(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        *,
        fallbacks: Iterable[str] = (),
        runtime: RuntimeChoice | None = None,
        tool_loop: ToolLoop | None = None,
        repair: bool = False,
        **fields: Any,
    ) -> AsyncStream:
        """The events of an answer, as `Client.stream`; it is not awaited, but iterated over."""
        how: Any = {"fallbacks": fallbacks, "runtime": runtime, "tool_loop": tool_loop, "repair": repair}
        return AsyncStream(self._source(request, messages, fields, **how))

    async def generate(
        self,
        request: str | LLMRequest,
        messages: Any = None,
        *,
        fallbacks: Iterable[str] = (),
        runtime: RuntimeChoice | None = None,
        tool_loop: ToolLoop | None = None,
        repair: bool = False,
        **fields: Any,
    ) -> LLMResponse:
        """The whole answer, as `Client.generate`."""
        how: Any = {"fallbacks": fallbacks, "runtime": runtime, "tool_loop": tool_loop, "repair": repair}
        async with self.stream(request, messages, **how, **fields) as stream:
            return await stream.until_done()

    async def aclose(self) -> None:
        """Close the connections."""
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
    more = fields if messages is None else {"messages": messages, **fields}
    if isinstance(request, LLMRequest):
        if not more:
            return request
        known = {name: getattr(request, name) for name in request.model_fields_set}
        return LLMRequest.model_validate({**known, **more})
    return LLMRequest.model_validate({"model": request, **more})


def _chosen(transport: object) -> tuple[TransportChoice, object | None]:
    """The word, and what the caller brought instead of one."""
    if transport is None or transport == "auto":
        return "auto", None
    if transport == "native":
        return "native", None
    if transport == "httpx":
        return "httpx", None
    if isinstance(transport, str):
        raise ValueError(f"unknown transport {transport!r}; known: auto, native, httpx, or a client or transport")
    return "auto", transport


def _native_sync(tls: TlsContext, limits: ConnectionLimits) -> Transport:
    from .transport.native.blocking import BlockingTransport

    return BlockingTransport(tls, limits)


def _native_async(tls: TlsContext, limits: ConnectionLimits) -> Transport:
    from .transport.native.aio import AioTransport

    return AioTransport(tls, limits)


def _as_transport(transport: object) -> Transport:
    send: object = getattr(transport, "send", None)
    if not callable(send) or not callable(getattr(transport, "close", None)):
        raise TypeError(f"not a client or transport: {type(transport).__name__}")
    known: Any = transport
    found: Transport = known
    return found
