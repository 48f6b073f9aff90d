"""The support gate: who decodes one request and who moves its bytes, decided before any byte is sent, with the reason.

Owns the reasons and their order; the record of the decisions is kept in `_decisions`. `decide` is pure: what it depends
on comes in by `Capabilities`. Never consulted again once bytes went out: what fails then is an error, not a reason to
fall back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, cast

from ._decisions import Decisions, log
from .errors import UnsupportedError
from .runtimes import FLAG, RuntimeName, checked_flag, native

if TYPE_CHECKING:
    from .request import LLMRequest
    from .route import Route

__all__ = [
    "Capabilities",
    "Choices",
    "Decision",
    "Decisions",
    "Reason",
    "Rollout",
    "RuntimeChoice",
    "TransportChoice",
    "TransportName",
    "checked_runtime",
    "current_capabilities",
    "decide",
    "recorded",
    "rollout",
    "select",
]

TransportName = Literal["native", "httpx"]
TransportChoice = Literal["auto", "native", "httpx"]
"""`native` or an error, `httpx`, or whatever is possible."""
RuntimeChoice = Literal["auto", "native", "python"] | Callable[["LLMRequest"], bool]
"""`native` or an error, `python`, whatever is possible, or a function that says of each request whether native may be
tried, such as `rollout(10)`."""

_BUCKETS = 100_000
_OWN_HEADERS = frozenset({"content-length", "trailer", "transfer-encoding", "upgrade"})
"""What the native transport lets no caller say: where a request ends, and what comes after it."""


MAX_BODY_BYTES = 1 << 30
"""A longer body goes over httpx: none of that length has been tried natively."""


class Reason(IntEnum):
    """Why the native side was not taken, in the order in which it is asked; the first that applies is given."""

    NATIVE = 0
    """Nothing stands against it."""
    CALLER_CHOSE_PYTHON = 1
    CLIENT_CHOSE_PYTHON = 2
    FLAG_OFF = 3
    ROLLOUT = 4
    EXTENSION_MISSING = 5
    PROTOCOL_NOT_NATIVE = 6
    """This and the next: the extension is of an older build than the package, which has learnt more since."""
    FRAMING_NOT_NATIVE = 7
    CONTENT_NOT_NATIVE = 8
    """The extension is of a build that says it does not carry this kind of content. This one carries all."""
    LOWERING_FAILED = 9
    """The request cannot be written in the words of the provider: nothing is sent, and the caller gets the error."""
    RUNTIME_IS_PYTHON = 10
    """From here on of the transport alone: it decodes as it reads."""
    CLIENT_CHOSE_HTTPX = 11
    HOOKS = 12
    CUSTOM_TRANSPORT = 13
    TRANSPORT_MISSING = 14
    """The extension is of a build that moved no bytes."""
    OPTION_NOT_NATIVE = 15
    LIMIT_EXCEEDED = 16
    PROXY = 17
    NOT_ASYNCIO = 18

    @property
    def slug(self) -> str:
        """The name as logs and metrics have it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What can be done natively in this process and by this client."""

    flag: str = ""
    """`ZEN_NATIVE`: `0`, `1` or nothing."""
    missing: str | None = None
    """Why the extension is not there; None where it is."""
    protocols: frozenset[str] = frozenset()
    framings: frozenset[str] = frozenset()
    refused_content: frozenset[str] = frozenset()
    """Kinds of content, such as `audio`, that the extension does not carry."""
    native_transport: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    """The longest body that the native transport sends."""
    transport: TransportChoice = "auto"
    """What the client says."""
    custom_transport: str | None = None
    """What the caller gave in place of the sockets: a client, a transport, a recorder."""
    hooks: tuple[str, ...] = ()
    """What the caller's client wants to see in Python: requests, responses."""
    proxied: str | None = None
    """The origin of the request, where it is reached through a proxy."""
    event_loop: str | None = None
    """What runs the task where that is not asyncio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decodes, who moves the bytes, and why not natively where it is not."""

    runtime: RuntimeName
    transport: TransportName
    reason: Reason
    """Of the runtime."""
    detail: str
    transport_reason: Reason
    transport_detail: str


_UNOPPOSED = "nothing stands against it"
_NATIVE = Decision(
    runtime="native",
    transport="native",
    reason=Reason.NATIVE,
    detail=_UNOPPOSED,
    transport_reason=Reason.NATIVE,
    transport_detail=_UNOPPOSED,
)


@dataclass(slots=True)
class _Case:
    """All that one decision depends on."""

    request: LLMRequest
    route: Route
    known: Capabilities
    body_bytes: int
    failure: str | None


def decide(
    request: LLMRequest,
    route: Route,
    capabilities: Capabilities,
    *,
    runtime: RuntimeChoice | None = None,
    client_runtime: RuntimeChoice = "auto",
    body_bytes: int = 0,
    failure: str | None = None,
) -> Decision:
    """The decision for one request. What the call says counts before what the client says; either word `native` or
    `python` counts before the flag of the process, and the flag before a function.

    Args:
        request: what is asked.
        route: where it goes.
        capabilities: what is possible here.
        runtime: the choice for this call; None leaves it to the client.
        client_runtime: the choice of the client.
        body_bytes: length of the body.
        failure: why there is no body: the request cannot be written in the words of the provider.

    Raises:
        ImportError: native was demanded, but the extension is not there.
        UnsupportedError: native was demanded, the runtime or the transport, but something else stands against it.
    """
    case = _Case(request, route, capabilities, body_bytes, failure)
    chosen = client_runtime if runtime is None else runtime
    by_caller = Reason.CLIENT_CHOSE_PYTHON if runtime is None else Reason.CALLER_CHOSE_PYTHON
    reason, detail = _against_runtime(case, chosen, by_caller)
    transport_reason, transport_detail = _against_transport(case, reason, detail)
    if reason is transport_reason is Reason.NATIVE:
        return _NATIVE
    return Decision(
        runtime="native" if reason is Reason.NATIVE else "python",
        transport="native" if transport_reason is Reason.NATIVE else "httpx",
        reason=reason,
        detail=detail,
        transport_reason=transport_reason,
        transport_detail=transport_detail,
    )


def checked_runtime(chosen: RuntimeChoice) -> RuntimeChoice:
    """What says who decodes, as it is.

    Raises:
        ValueError: an unknown word.
        TypeError: neither a word nor a function.
    """
    if isinstance(chosen, str):
        if chosen not in ("auto", "native", "python"):
            raise ValueError(f"unknown runtime {chosen!r}; known: auto, native, python, or a function")
    elif not callable(chosen):
        raise TypeError(f"runtime must be a word or a function, not {type(chosen).__name__}")
    return chosen


def _against_runtime(case: _Case, chosen: RuntimeChoice, by_caller: Reason) -> tuple[Reason, str]:
    if checked_runtime(chosen) == "python":
        return by_caller, "runtime='python'"
    demanded = chosen == "native" or case.known.flag == "1"
    if not demanded:
        if case.known.flag == "0":
            return Reason.FLAG_OFF, f"{FLAG}=0"
        if callable(chosen) and not _told(chosen, case.request):
            return Reason.ROLLOUT, f"{chosen!r} left this request out"
    obstacle = next(_obstacles(case), None)
    if obstacle is None:
        return Reason.NATIVE, _UNOPPOSED
    if demanded:
        _refuse(case, "runtime", *obstacle)
    return obstacle


def _obstacles(case: _Case) -> Iterator[tuple[Reason, str]]:
    known, route = case.known, case.route
    if known.missing is not None:
        yield Reason.EXTENSION_MISSING, known.missing
    if route.protocol not in known.protocols:
        yield Reason.PROTOCOL_NOT_NATIVE, f"the protocol {route.protocol} is not native"
    if route.framing not in known.framings:
        yield Reason.FRAMING_NOT_NATIVE, f"the framing {route.framing} is not native"
    if known.refused_content and (refused := known.refused_content & _content(case.request)):
        yield Reason.CONTENT_NOT_NATIVE, f"content of the kind {', '.join(sorted(refused))} is not native"
    if case.failure is not None:
        yield Reason.LOWERING_FAILED, case.failure


def _against_transport(case: _Case, runtime: Reason, detail: str) -> tuple[Reason, str]:
    obstacle = next(_transport_obstacles(case, runtime), None)
    if obstacle is None:
        return Reason.NATIVE, _UNOPPOSED
    if case.known.transport == "native":
        if runtime is not Reason.NATIVE:
            obstacle = runtime, f"it needs the native runtime, which is not taken: {detail}"
        _refuse(case, "transport", *obstacle)
    return obstacle


def _transport_obstacles(case: _Case, runtime: Reason) -> Iterator[tuple[Reason, str]]:
    known = case.known
    if runtime is not Reason.NATIVE:
        yield Reason.RUNTIME_IS_PYTHON, "the Python runtime reads from Python"
    if known.transport == "httpx":
        yield Reason.CLIENT_CHOSE_HTTPX, "transport='httpx'"
    if known.hooks:
        yield Reason.HOOKS, f"hooks of the caller's client: {', '.join(known.hooks)}"
    if known.custom_transport is not None:
        yield Reason.CUSTOM_TRANSPORT, known.custom_transport
    if not known.native_transport:
        yield Reason.TRANSPORT_MISSING, "there is no native transport here"
    headers = (*case.route.headers, *case.request.http.headers)
    if headers and (taken := _OWN_HEADERS & {name.lower() for name in headers}):
        yield Reason.OPTION_NOT_NATIVE, f"the request has headers that it sets itself: {', '.join(sorted(taken))}"
    if case.body_bytes > known.max_body_bytes:
        yield Reason.LIMIT_EXCEEDED, f"a body of {case.body_bytes} bytes is over the {known.max_body_bytes}"
    if known.proxied is not None:
        yield Reason.PROXY, f"{known.proxied} is reached through a proxy"
    if known.event_loop is not None:
        yield Reason.NOT_ASYNCIO, f"{known.event_loop} runs this task, not asyncio"


def _told(chosen: Callable[[LLMRequest], bool], request: LLMRequest) -> bool:
    told = cast("object", chosen(request))
    if not isinstance(told, bool):
        raise TypeError(f"a runtime function says True or False, not {told!r}")
    return told


def _refuse(case: _Case, what: str, reason: Reason, detail: str) -> None:
    if case.failure is not None:
        return  # nothing is sent, and the caller hears of the failure itself
    message = f"the native {what} was asked for, but {detail}"
    if reason is Reason.EXTENSION_MISSING:
        raise ImportError(message, name="zen_native._core")
    raise UnsupportedError(message, provider=case.route.provider, model=case.route.model)


def _content(request: LLMRequest) -> frozenset[str]:
    """The kinds of content that a request has."""
    kinds = {"text"} if request.system else set[str]()
    for message in request.messages:
        for part in message.content:
            kinds.add(part.type)
            if part.type == "tool-result":
                kinds.update(inner.type for inner in part.content)
    return frozenset(kinds)


# --- what is possible here


def current_capabilities(
    *,
    environ: Mapping[str, str] | None = None,
    native_transport: bool = False,
    transport: TransportChoice = "auto",
    custom_transport: str | None = None,
    hooks: tuple[str, ...] = (),
    proxied: str | None = None,
    event_loop: str | None = None,
) -> Capabilities:
    """What is possible in this process, now; the rest is what the client has been given, and where it is.

    Raises:
        ValueError: `ZEN_NATIVE` is neither `0`, `1` nor empty.
    """
    flag = checked_flag(os.environ if environ is None else environ)
    protocols, framings = native.served()
    return _capabilities(
        flag=flag,
        missing=native.CAUSE,
        protocols=protocols,
        framings=framings,
        refused_content=native.refused_content(),
        native_transport=native_transport and native.moves(),
        max_body_bytes=MAX_BODY_BYTES,
        transport=transport,
        custom_transport=custom_transport,
        hooks=hooks,
        proxied=proxied,
        event_loop=event_loop,
    )


# The same for nearly every request of a client, and not quick to make.
_capabilities = lru_cache(maxsize=256)(Capabilities)


@dataclass(frozen=True, slots=True)
class Rollout:
    """Says of a request whether native may be tried: always the same of one session, and a higher percentage only adds
    sessions. Requests without a session are left out until it is 100."""

    percent: float
    salt: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError(f"percent must be between 0 and 100, not {self.percent!r}")

    def __call__(self, request: LLMRequest) -> bool:
        if request.session_id is None:
            return self.percent == 100
        from hashlib import blake2b  # slow to import, and few roll out

        text = f"{self.salt}\0{request.session_id}".encode("utf-8", "surrogatepass")
        bucket = int.from_bytes(blake2b(text, digest_size=8).digest(), "big") % _BUCKETS
        return bucket < self.percent * (_BUCKETS / 100)


def rollout(percent: float, salt: str = "") -> Rollout:
    """A `runtime=` that takes the native one for so many sessions of a hundred; `salt` draws others."""
    return Rollout(percent, salt)


# --- the record


class Choices(TypedDict, total=False):
    """The optional arguments of `decide`."""

    runtime: RuntimeChoice | None
    client_runtime: RuntimeChoice
    body_bytes: int
    failure: str | None


def select(
    request: LLMRequest,
    route: Route,
    capabilities: Capabilities,
    decisions: Decisions,
    **choices: Unpack[Choices],
) -> Decision:
    """`decide`, counted and written to the log `zen_native.gate` as one record."""
    return recorded(decide(request, route, capabilities, **choices), route, decisions)


def recorded(decision: Decision, route: Route, decisions: Decisions) -> Decision:
    """A decision, with the same record."""
    decisions.add(decision)
    log(decision, route)
    return decision
