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
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, cast

from ._decisions import Decisions, log
from .errors import UnsupportedError
from .runtimes import FLAG, RuntimeName, checked_flag

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
    "current_capabilities",
    "decide",
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
    FRAMING_NOT_NATIVE = 7
    CONTENT_NOT_NATIVE = 8
    OPTION_NOT_NATIVE = 9
    LIMIT_EXCEEDED = 10
    LOWERING_FAILED = 11
    RUNTIME_IS_PYTHON = 12
    """From here on of the transport alone: it decodes as it reads."""
    CLIENT_CHOSE_HTTPX = 13
    CUSTOM_TRANSPORT = 14
    HOOKS = 15
    TRANSPORT_MISSING = 16
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
    """Kinds of content, such as `audio`, that the native path cannot carry."""
    refused_options: frozenset[str] = frozenset()
    """Parts of a request, such as `output-type`, that the native path cannot carry."""
    max_body_bytes: int | None = None
    native_transport: bool = False
    transport: TransportChoice = "auto"
    """What the client says."""
    custom_transport: str | None = None
    """What the caller gave in place of the sockets: a client, a transport, a recorder."""
    hooks: tuple[str, ...] = ()
    """What the caller wants to see of requests and responses in Python."""
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


@dataclass(frozen=True, slots=True)
class _Case:
    """All that one decision depends on."""

    request: LLMRequest
    route: Route
    known: Capabilities
    stream: bool
    body_bytes: int | None
    failure: str | None


def decide(
    request: LLMRequest,
    route: Route,
    capabilities: Capabilities,
    *,
    runtime: RuntimeChoice | None = None,
    client_runtime: RuntimeChoice = "auto",
    stream: bool = True,
    body_bytes: int | None = None,
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
        stream: whether the answer comes as a stream.
        body_bytes: length of the body, once it is known.
        failure: why the native path could not prepare the request, where it was tried.

    Raises:
        ImportError: native was demanded, but the extension is not there.
        UnsupportedError: native was demanded, the runtime or the transport, but something else stands against it.
    """
    case = _Case(request, route, capabilities, stream, body_bytes, failure)
    chosen = client_runtime if runtime is None else runtime
    by_caller = Reason.CLIENT_CHOSE_PYTHON if runtime is None else Reason.CALLER_CHOSE_PYTHON
    reason, detail = _against_runtime(case, chosen, by_caller)
    transport_reason, transport_detail = _against_transport(case, reason, detail)
    return Decision(
        runtime="native" if reason is Reason.NATIVE else "python",
        transport="native" if transport_reason is Reason.NATIVE else "httpx",
        reason=reason,
        detail=detail,
        transport_reason=transport_reason,
        transport_detail=transport_detail,
    )


def _against_runtime(case: _Case, chosen: RuntimeChoice, by_caller: Reason) -> tuple[Reason, str]:
    if isinstance(chosen, str) and chosen not in ("auto", "native", "python"):
        raise ValueError(f"unknown runtime {chosen!r}; known: auto, native, python, or a function")
    if chosen == "python":
        return by_caller, "runtime='python'"
    demanded = chosen == "native" or case.known.flag == "1"
    if not demanded:
        if case.known.flag == "0":
            return Reason.FLAG_OFF, f"{FLAG}=0"
        if callable(chosen) and not _told(chosen, case.request):
            return Reason.ROLLOUT, f"{chosen!r} left this request out"
    obstacle = next(_obstacles(case), None)
    if obstacle is None:
        return Reason.NATIVE, "nothing stands against it"
    if demanded:
        _refuse(case, "runtime", *obstacle)
    return obstacle


def _obstacles(case: _Case) -> Iterator[tuple[Reason, str]]:
    known = case.known
    framing = case.route.framing if case.stream else "document"
    if known.missing is not None:
        yield Reason.EXTENSION_MISSING, known.missing
    if case.route.protocol not in known.protocols:
        yield Reason.PROTOCOL_NOT_NATIVE, f"the protocol {case.route.protocol} is not native"
    if framing not in known.framings:
        yield Reason.FRAMING_NOT_NATIVE, f"the framing {framing} is not native"
    if known.refused_content and (refused := known.refused_content & _content(case.request)):
        yield Reason.CONTENT_NOT_NATIVE, f"content of the kind {', '.join(sorted(refused))}"
    if known.refused_options and (refused := known.refused_options & _options(case.request)):
        yield Reason.OPTION_NOT_NATIVE, f"the request has {', '.join(sorted(refused))}"
    if case.body_bytes is not None and known.max_body_bytes is not None and case.body_bytes > known.max_body_bytes:
        yield Reason.LIMIT_EXCEEDED, f"a body of {case.body_bytes} bytes is over the {known.max_body_bytes}"
    if case.failure is not None:
        yield Reason.LOWERING_FAILED, case.failure


def _against_transport(case: _Case, runtime: Reason, detail: str) -> tuple[Reason, str]:
    obstacle = next(_transport_obstacles(case.known, runtime), None)
    if obstacle is None:
        return Reason.NATIVE, "nothing stands against it"
    if case.known.transport == "native":
        if runtime is not Reason.NATIVE:
            obstacle = runtime, f"it needs the native runtime, which is not taken: {detail}"
        _refuse(case, "transport", *obstacle)
    return obstacle


def _transport_obstacles(known: Capabilities, runtime: Reason) -> Iterator[tuple[Reason, str]]:
    if runtime is not Reason.NATIVE:
        yield Reason.RUNTIME_IS_PYTHON, "the Python runtime reads from Python"
    if known.transport == "httpx":
        yield Reason.CLIENT_CHOSE_HTTPX, "transport='httpx'"
    if known.custom_transport is not None:
        yield Reason.CUSTOM_TRANSPORT, known.custom_transport
    if known.hooks:
        yield Reason.HOOKS, ", ".join(known.hooks)
    if not known.native_transport:
        yield Reason.TRANSPORT_MISSING, "there is no native transport here"
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
    message = f"the native {what} was asked for, but {detail}"
    if reason is Reason.EXTENSION_MISSING:
        raise ImportError(message, name="zen_native._core")
    raise UnsupportedError(message, provider=case.route.provider, model=case.route.model)


# --- what a request has


def _content(request: LLMRequest) -> frozenset[str]:
    kinds = {"text"} if request.system else set[str]()
    for message in request.messages:
        for part in message.content:
            kinds.add(part.type)
            if part.type == "tool-result":
                kinds.update(inner.type for inner in part.content)
    return frozenset(kinds)


def _options(request: LLMRequest) -> frozenset[str]:
    has: Mapping[str, bool] = {
        "tools": bool(request.tools),
        "freeform-tools": any(tool.freeform for tool in request.tools),
        "provider-tools": any(tool.native is not None for tool in request.tools),
        "tool-choice": request.tool_choice is not None,
        "reasoning": request.reasoning is not None,
        "response-format": request.response_format is not None,
        "output-type": request.output_type is not None,
        "provider-options": bool(request.provider_options),
        "http-headers": bool(request.http.headers),
        "http-query": bool(request.http.query),
        "http-body": bool(request.http.body),
    }
    return frozenset(name for name, there in has.items() if there)


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
    from .runtimes import native

    protocols, framings = native.served()
    return Capabilities(
        flag=checked_flag(os.environ if environ is None else environ),
        missing=native.CAUSE,
        protocols=protocols,
        framings=framings,
        native_transport=native_transport and native.moves(),
        transport=transport,
        custom_transport=custom_transport,
        hooks=hooks,
        proxied=proxied,
        event_loop=event_loop,
    )


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
    stream: bool
    body_bytes: int | None
    failure: str | None


def select(
    request: LLMRequest,
    route: Route,
    capabilities: Capabilities,
    decisions: Decisions,
    **choices: Unpack[Choices],
) -> Decision:
    """`decide`, counted and written to the log `zen_native.gate` as one record."""
    decision = decide(request, route, capabilities, **choices)
    decisions.add(decision)
    log(decision, route)
    return decision
