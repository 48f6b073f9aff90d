"""What can go wrong, as classes. Owns the tree, its fields, and how an error is built from what a provider said.

    LLMError
      InvalidRequestError
        ContextOverflowError
        PayloadTooLargeError
      WrongEndpointError
      UnsupportedError
      NoRouteError
      AuthenticationError
      PermissionDeniedError
      RateLimitError           reset_time
      QuotaExceededError
      ContentPolicyError
      ServerError
        OverloadedError
      TransportError
        ConnectError
          TlsError
        ReadError
        StreamTimeoutError     phase
          PoolTimeoutError
      IncompleteStreamError
      InvalidProviderOutputError
        LimitExceededError
        ChecksumError
      ToolLoopError
      UnknownProviderError

Which class an answer means is decided in `_classify`, what it says is read in `_error_facts`, secrets go in `_redact`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ._redact import redacted_body, redacted_code, redacted_message

if TYPE_CHECKING:
    from datetime import datetime

    from .response import LLMResponse

__all__ = [
    "AuthenticationError",
    "ChecksumError",
    "ConnectError",
    "ContentPolicyError",
    "ContextOverflowError",
    "DecodeErrorKind",
    "IncompleteStreamError",
    "InvalidProviderOutputError",
    "InvalidRequestError",
    "LLMError",
    "LimitExceededError",
    "NoRouteError",
    "OverloadedError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PoolTimeoutError",
    "QuotaExceededError",
    "RateLimitError",
    "ReadError",
    "ServerError",
    "StreamTimeoutError",
    "TimeoutPhase",
    "TlsError",
    "ToolLoopError",
    "TransportError",
    "UnknownProviderError",
    "UnsupportedError",
    "WrongEndpointError",
    "classify_error",
    "decode_error",
]

TimeoutPhase = Literal["connect", "first-event", "idle", "total"]
DecodeErrorKind = Literal["provider", "incomplete", "invalid-output", "limit-exceeded", "checksum"]


class LLMError(Exception):
    """Base of all errors. `body` is redacted and at most 16 KiB; `partial` is what was decoded before the failure."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        "message",
        "provider",
        "model",
        "status",
        "code",
        "request_id",
        "retryable",
        "retry_after",
        "body",
        "partial",
    )
    """The names of the fields of this class, for loggers and comparisons."""

    _retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        model: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        body: str | bytes | None = None,
        partial: LLMResponse | None = None,
    ) -> None:
        self.message = redacted_message(message)
        super().__init__(self.message)
        self.provider = provider
        self.model = model
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retryable: bool = self._retryable if retryable is None else retryable
        self.retry_after = retry_after
        self.body = redacted_body(body)
        self.partial = partial

    def __repr__(self) -> str:
        shown = [name for name in self.FIELDS if name not in ("message", "body", "partial")]
        known = "".join(f", {name}={getattr(self, name)!r}" for name in shown if getattr(self, name) is not None)
        return f"{type(self).__name__}({self.message!r}{known})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own calls the class with `args` and loses the keywords, here and in every subclass.
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(cls: type[LLMError], args: tuple[Any, ...], state: dict[str, Any]) -> LLMError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class InvalidRequestError(LLMError):
    """The provider refuses the request as it is."""


class ContextOverflowError(InvalidRequestError):
    """The prompt, or prompt and answer, do not fit the context window."""


class PayloadTooLargeError(InvalidRequestError):
    """The request has too many bytes."""


class WrongEndpointError(LLMError):
    """The gateway does not serve this model in this wire format."""


class UnsupportedError(LLMError):
    """The wire format cannot express what was asked."""


class NoRouteError(LLMError):
    """Nobody is known to serve this model."""


class AuthenticationError(LLMError):
    """No key, or one that is not accepted."""


class PermissionDeniedError(LLMError):
    """The key is accepted but may not do this."""


class RateLimitError(LLMError):
    """Too fast; slower works. `reset_time` is when the window opens again, aware, in UTC."""

    FIELDS = (*LLMError.FIELDS, "reset_time")
    _retryable = True

    def __init__(self, message: str, *, reset_time: datetime | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.reset_time = reset_time


class QuotaExceededError(LLMError):
    """The account has no more to spend."""


class ContentPolicyError(LLMError):
    """Refused by policy."""


class ServerError(LLMError):
    """The provider failed."""

    _retryable = True


class OverloadedError(ServerError):
    """The provider has no capacity at the moment."""


class TransportError(LLMError):
    """The connection failed; `retryable` says whether nothing of the request was accepted."""


class ConnectError(TransportError):
    """No connection came about."""

    _retryable = True


class TlsError(ConnectError):
    """The server is not trusted, or does not trust us: its certificate or the handshake was refused."""

    _retryable = False


class ReadError(TransportError):
    """The connection broke while the answer was read."""


class StreamTimeoutError(TransportError):
    """A time limit passed; `phase` says which."""

    FIELDS = (*LLMError.FIELDS, "phase")

    def __init__(self, message: str, *, phase: TimeoutPhase | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.phase = phase


class PoolTimeoutError(StreamTimeoutError):
    """All connections that the client may have were in use for too long; nothing was sent."""

    _retryable = True


class IncompleteStreamError(LLMError):
    """The stream ended before the answer did."""

    _retryable = True


class InvalidProviderOutputError(LLMError):
    """The provider sent what its format does not allow; `body` is the frame, or the head of the body."""


class LimitExceededError(InvalidProviderOutputError):
    """The provider sent more than a limit allows."""


class ChecksumError(InvalidProviderOutputError):
    """A checksum in the stream does not match its bytes."""


class ToolLoopError(LLMError):
    """The tool loop may not go on: too many steps, or an unknown tool."""


class UnknownProviderError(LLMError):
    """The provider says error in words that nothing here knows."""


_DECODE_ERRORS: Mapping[str, type[LLMError]] = {
    "incomplete": IncompleteStreamError,
    "invalid-output": InvalidProviderOutputError,
    "limit-exceeded": LimitExceededError,
    "checksum": ChecksumError,
}


def classify_error(
    payload: object,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    name: str = "",
    body: str | bytes | None = None,
    provider: str | None = None,
    model: str | None = None,
    message: str | None = None,
    secrets: Iterable[str] = (),
) -> LLMError:
    """The error that an HTTP answer, an in-stream error object or an EventStream exception means.

    `payload` is any JSON; `None` reads it from `body`. `name` is the exception or event name. `message` stands where
    the payload has none. `secrets` are the credentials that were sent. Never raises.
    """
    from ._classify import classify
    from ._error_facts import read_facts

    facts = read_facts(payload, status=status, headers=headers, name=name, body=body)
    cls: type[LLMError] = globals()[classify(facts)]
    secrets = tuple(secrets)
    extra: dict[str, Any] = {"reset_time": facts.reset_time} if cls is RateLimitError else {}
    return cls(
        redacted_message(facts.message or message or _fallback_message(facts.status, facts.code), secrets),
        provider=provider,
        model=model,
        status=facts.status,
        code=redacted_code(facts.code, secrets),
        request_id=facts.request_id,
        retryable=facts.should_retry,
        retry_after=facts.retry_after,
        body=redacted_body(body, secrets),
        **extra,
    )


def decode_error(
    kind: DecodeErrorKind,
    message: str,
    *,
    body: str | bytes | None = None,
    payload: object = None,
    name: str = "",
    provider: str | None = None,
) -> LLMError:
    """The error of a decoder, for both runtimes: what the provider said, or what is wrong with its bytes."""
    cls = _DECODE_ERRORS.get(kind)
    if cls is None:
        return classify_error(payload, name=name, body=body, provider=provider, message=message)
    return cls(message, provider=provider, body=body)


def _fallback_message(status: int | None, code: str | None) -> str:
    said = code if code is not None else "error" if status is None else f"HTTP {status}"
    return f"the provider answered {said} without a message"
