"""zen-native: a streaming runtime for language models.

Names are loaded on first use: importing the package costs next to nothing, and what is not used is not imported.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing.TYPE_CHECKING`, without its import

if TYPE_CHECKING:
    from .client import AsyncClient, Client
    from .decoder import Decoder, decode
    from .errors import (
        AuthenticationError,
        ChecksumError,
        ConnectError,
        ContentPolicyError,
        ContextOverflowError,
        IncompleteStreamError,
        InvalidProviderOutputError,
        InvalidRequestError,
        LimitExceededError,
        LLMError,
        NoRouteError,
        OverloadedError,
        PayloadTooLargeError,
        PermissionDeniedError,
        PoolTimeoutError,
        QuotaExceededError,
        RateLimitError,
        ReadError,
        ServerError,
        StreamTimeoutError,
        TlsError,
        ToolLoopError,
        TransportError,
        UnknownProviderError,
        UnsupportedError,
        WrongEndpointError,
    )
    from .events import (
        Citation,
        Finish,
        FinishReason,
        LLMEvent,
        Media,
        Raw,
        ReasoningDelta,
        ReasoningEnd,
        ReasoningStart,
        StepFinish,
        StepStart,
        TextDelta,
        TextEnd,
        TextStart,
        ToolCall,
        ToolInputDelta,
        ToolInputEnd,
        ToolInputError,
        ToolInputStart,
        ToolResult,
        from_dict,
        to_dict,
    )
    from .explain import Explanation
    from .gate import Decision, Decisions, Reason, rollout
    from .pricing import Priced, PriceTable, price
    from .request import (
        AudioContent,
        CacheHint,
        CachePolicy,
        DocumentContent,
        GenerationOptions,
        HttpOverlay,
        ImageContent,
        LLMRequest,
        Message,
        ReasoningContent,
        ReasoningOptions,
        ResponseFormat,
        TextContent,
        Tool,
        ToolCallContent,
        ToolChoice,
        ToolResultContent,
    )
    from .response import LLMResponse, ReasoningPart, Step, TextPart, fold
    from .route import AwsCredentials, Prices, Route, Secret
    from .routing import resolve
    from .runtimes import NativeStatus, native_status
    from .settings import Config, ProviderSettings
    from .streams import AsyncStream, Stream
    from .tools import ToolLoop
    from .transport.connections import ConnectionLimits
    from .transport.limits import Timeouts
    from .transport.retry import RetryPolicy
    from .transport.tls import Tls
    from .usage import Usage, UsageBuckets, sum_usage

__all__ = [
    "AsyncClient",
    "AsyncStream",
    "AudioContent",
    "AuthenticationError",
    "AwsCredentials",
    "CacheHint",
    "CachePolicy",
    "ChecksumError",
    "Citation",
    "Client",
    "Config",
    "ConnectError",
    "ConnectionLimits",
    "ContentPolicyError",
    "ContextOverflowError",
    "Decision",
    "Decisions",
    "Decoder",
    "DocumentContent",
    "Explanation",
    "Finish",
    "FinishReason",
    "GenerationOptions",
    "HttpOverlay",
    "ImageContent",
    "IncompleteStreamError",
    "InvalidProviderOutputError",
    "InvalidRequestError",
    "LLMError",
    "LLMEvent",
    "LLMRequest",
    "LLMResponse",
    "LimitExceededError",
    "Media",
    "Message",
    "NativeStatus",
    "NoRouteError",
    "OverloadedError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PoolTimeoutError",
    "PriceTable",
    "Priced",
    "Prices",
    "ProviderSettings",
    "QuotaExceededError",
    "RateLimitError",
    "Raw",
    "ReadError",
    "Reason",
    "ReasoningContent",
    "ReasoningDelta",
    "ReasoningEnd",
    "ReasoningOptions",
    "ReasoningPart",
    "ReasoningStart",
    "ResponseFormat",
    "RetryPolicy",
    "Route",
    "Secret",
    "ServerError",
    "Step",
    "StepFinish",
    "StepStart",
    "Stream",
    "StreamTimeoutError",
    "TextContent",
    "TextDelta",
    "TextEnd",
    "TextPart",
    "TextStart",
    "Timeouts",
    "Tls",
    "TlsError",
    "Tool",
    "ToolCall",
    "ToolCallContent",
    "ToolChoice",
    "ToolInputDelta",
    "ToolInputEnd",
    "ToolInputError",
    "ToolInputStart",
    "ToolLoop",
    "ToolLoopError",
    "ToolResult",
    "ToolResultContent",
    "TransportError",
    "UnknownProviderError",
    "UnsupportedError",
    "Usage",
    "UsageBuckets",
    "WrongEndpointError",
    "decode",
    "fold",
    "from_dict",
    "native_status",
    "price",
    "resolve",
    "rollout",
    "sum_usage",
    "to_dict",
]

# Which module a public name lives in. Only that one is imported for it, and what it needs itself.
_HOMES = {
    "usage": "Usage UsageBuckets sum_usage",
    "events": (
        "Citation Finish FinishReason LLMEvent Media Raw ReasoningDelta ReasoningEnd ReasoningStart "
        "StepFinish StepStart TextDelta TextEnd TextStart ToolCall ToolInputDelta ToolInputEnd ToolInputError "
        "ToolInputStart ToolResult from_dict to_dict"
    ),
    "errors": (
        "AuthenticationError ChecksumError ConnectError ContentPolicyError ContextOverflowError "
        "IncompleteStreamError InvalidProviderOutputError InvalidRequestError LLMError LimitExceededError "
        "NoRouteError OverloadedError PayloadTooLargeError PermissionDeniedError PoolTimeoutError "
        "QuotaExceededError RateLimitError ReadError ServerError StreamTimeoutError TlsError ToolLoopError "
        "TransportError UnknownProviderError UnsupportedError WrongEndpointError"
    ),
    "response": "LLMResponse ReasoningPart Step TextPart fold",
    "runtimes": "NativeStatus native_status",
    "decoder": "Decoder decode",
    "gate": "Decision Decisions Reason rollout",
    "route": "AwsCredentials Prices Route Secret",
    "settings": "Config ProviderSettings",
    "routing": "resolve",
    "pricing": "PriceTable Priced price",
    "request": (
        "AudioContent CacheHint CachePolicy DocumentContent GenerationOptions HttpOverlay ImageContent "
        "LLMRequest Message ReasoningContent ReasoningOptions ResponseFormat TextContent Tool ToolCallContent "
        "ToolChoice ToolResultContent"
    ),
    "transport.limits": "Timeouts",
    "transport.retry": "RetryPolicy",
    "transport.connections": "ConnectionLimits",
    "transport.tls": "Tls",
    "streams": "AsyncStream Stream",
    "tools": "ToolLoop",
    "explain": "Explanation",
    "client": "AsyncClient Client",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
