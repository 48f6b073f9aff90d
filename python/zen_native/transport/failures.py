"""What an exception of an HTTP library means.

Owns the table by class names, which httpx, httpx2 and httpcore share, so that none of them need be imported for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zen_native.errors import ConnectError, LLMError, ReadError, TlsError, TransportError

from .base import BodyCutError

if TYPE_CHECKING:
    from .limits import Watch

__all__ = ["failure", "is_refusal"]

_MAX_CAUSES = 8
_LIBRARIES = frozenset({"h11", "httpcore", "httpcore2", "httpx", "httpx2"})


def failure(error: Exception, watch: Watch, *, body: bool = False) -> Exception | None:
    """The error to raise instead, None where that is no failure of the network. `body`: the head was there already."""
    for cls in type(error).__mro__:
        if cls.__module__.partition(".")[0] in _LIBRARIES:
            found = _by_name(cls.__name__, error, watch, body=body)
            if found is not None:
                return found
    if isinstance(error, TimeoutError):
        return watch.expired()
    if isinstance(error, OSError):
        if not body and is_refusal(error):
            return TlsError(_text(error))
        return ReadError(_text(error)) if body else TransportError(_text(error))
    return None


def _by_name(name: str, error: Exception, watch: Watch, *, body: bool) -> LLMError | BodyCutError | None:
    match name:
        case "PoolTimeout":
            return watch.no_turn()
        case "ConnectTimeout":
            return watch.no_connection(_said(error))
        case "TimeoutException":
            return watch.expired()
        case "ConnectError" | "ProxyError" | "NetworkError" if not body and is_refusal(error):
            return TlsError(_text(error))
        case "ConnectError":
            return ConnectError(_said(error) or _text(error))
        case "ProxyError":
            return ConnectError(_text(error))
        case "RemoteProtocolError" if body:
            return BodyCutError(_text(error))
        case "NetworkError" | "RemoteProtocolError":
            return ReadError(_text(error))
        case "UnsupportedProtocol" | "ProtocolError" | "TransportError" | "StreamError" | "InvalidURL":
            return TransportError(_text(error))
        case _:
            return None


def _text(error: Exception) -> str:
    name, said = type(error).__name__, _said(error)
    return f"{name}, and no reason is given" if said is None else f"{name}: {said}"


def _said(error: Exception) -> str | None:
    """What it says, or what the first of its causes that says anything does."""
    return next((text for cause in _causes(error) if (text := str(cause))), None)


def is_refusal(error: BaseException | None) -> bool:
    """Whether TLS failed, and not only the connection below it."""
    ssl: Any = sys.modules.get("ssl")
    if ssl is None or error is None:
        return False
    gone = (ssl.SSLEOFError, ssl.SSLSyscallError, ssl.SSLZeroReturnError)
    return any(isinstance(cause, ssl.SSLError) and not isinstance(cause, gone) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_MAX_CAUSES):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
