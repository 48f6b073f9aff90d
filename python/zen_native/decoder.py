"""`Decoder` and `decode`: bytes of any provider's answer in, typed events out.

Owns what a caller may ask for and how it is checked. Decoding is the runtimes' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal, NoReturn, TypedDict, Unpack

from zen_native.errors import LLMError
from zen_native.events import LLMEvent
from zen_native.runtimes import RuntimeName, choose, new_decoder
from zen_native.runtimes.pure.frame import Limits
from zen_native.runtimes.pure.names import DEFAULT_FRAMING, DEFAULT_PROVIDER, FRAMINGS
from zen_native.runtimes.pure.options import Options

__all__ = ["Decoder", "DecoderOptions", "Feed", "checked_options", "decode"]

Feed = Callable[[bytes | bytearray | memoryview], list[LLMEvent]]

_MAX_LIMIT = (1 << 32) - 1
_MAX_TAG = 64


class DecoderOptions(TypedDict, total=False):
    """What `Decoder` takes by keyword, for functions that pass it on."""

    framing: str | None
    runtime: Literal["auto", "native", "python"]
    provider: str | None
    think_tags: Iterable[str]
    trailing_cost: bool | None
    require_finish_reason: bool
    raw_events: bool
    max_event_bytes: int
    max_frame_bytes: int
    max_header_bytes: int
    max_response_bytes: int | None


class Decoder:
    """Decodes one response, however its bytes are cut.

    Feed it what the network gives, then `finish()` when the body ends::

        decoder = Decoder("anthropic-messages")
        for chunk in chunks:
            for event in decoder.feed(chunk):
                ...
        for event in decoder.finish():
            ...

    Args:
        protocol: `openai-chat`, `openai-responses`, `anthropic-messages`, `google-generate-content`,
            `bedrock-converse` or `bedrock-invoke-anthropic`.
        framing: `sse`, `eventstream`, `json-array` or `document` (the ordinary, not streamed answer). Each protocol
            has its default: EventStream for Bedrock, else SSE.
        runtime: `native`, `python`, or `auto`: native where the extension loads and `ZEN_NATIVE` does not forbid it.
        provider: key of the events' metadata; by default the protocol's own provider.
        think_tags: names of tags, such as `("think",)`, whose text inside the answer is reasoning.
        trailing_cost: keep reading after the end of the answer until a charge comes, as OpenCode's gateways send it.
            By default where the provider's name begins with `opencode`.
        require_finish_reason: fail with `IncompleteStreamError` where the provider said `[DONE]` but no reason.
        raw_events: give out frames that no handler knows as `Raw` events.
        max_event_bytes: largest SSE event, array element or document.
        max_frame_bytes: largest EventStream frame.
        max_header_bytes: largest header block of an EventStream frame.
        max_response_bytes: largest response, unlimited when None.

    Raises:
        ValueError: an unknown name, or a limit that is no positive number below 2^32.
        TypeError: an option of the wrong type.
        ImportError: the native runtime was demanded, but the extension does not load.
    """

    __slots__ = ("_decoder", "feed", "finish", "framing", "protocol", "runtime")

    feed: Feed
    """`feed(data)`: the events of the next bytes. What was decoded before a failure is returned; `error` is then set
    and the next call raises it. Raises `RuntimeError` after `finish`, or while another thread is inside."""
    finish: Callable[[], list[LLMEvent]]
    """`finish()`: the events of the end of the body. Raises a failure at once if there is no event to return before it,
    else it is in `error`."""

    def __init__(
        self,
        protocol: str,
        *,
        framing: str | None = None,
        runtime: Literal["auto", "native", "python"] = "auto",
        provider: str | None = None,
        think_tags: Iterable[str] = (),
        trailing_cost: bool | None = None,
        require_finish_reason: bool = False,
        raw_events: bool = False,
        max_event_bytes: int = 16 << 20,
        max_frame_bytes: int = 16 << 20,
        max_header_bytes: int = 128 << 10,
        max_response_bytes: int | None = None,
    ) -> None:
        self.protocol = _known("protocol", protocol, DEFAULT_FRAMING)
        self.framing = _known("framing", DEFAULT_FRAMING[protocol] if framing is None else framing, FRAMINGS)
        self.runtime: RuntimeName = choose(runtime)
        limits = Limits(
            _limit("max_event_bytes", max_event_bytes),
            _limit("max_frame_bytes", max_frame_bytes),
            _limit("max_header_bytes", max_header_bytes),
            None if max_response_bytes is None else _limit("max_response_bytes", max_response_bytes, 1 << 63),
        )
        options = replace(
            checked_options(DEFAULT_PROVIDER[protocol] if provider is None else provider, think_tags, trailing_cost),
            limits=limits,
            require_finish_reason=_flag("require_finish_reason", require_finish_reason),
            raw_events=_flag("raw_events", raw_events),
        )
        self._decoder = new_decoder(self.runtime, self.protocol, self.framing, options)
        # Bound methods of the runtime itself: a wrapper would cost more than many an event.
        self.feed = self._decoder.feed
        self.finish = self._decoder.finish

    @property
    def error(self) -> LLMError | None:
        """What ended the decoding, None while nothing did."""
        return self._decoder.error

    @property
    def done(self) -> bool:
        """Whether nothing more can come: the finish was given out, or the stream failed. Reading may stop here."""
        return self._decoder.done

    @property
    def answered(self) -> bool:
        """Whether the answer is complete. Until `done`, a charge may follow it, where the route has such charges."""
        return self._decoder.answered

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Decoder is in the middle of its stream and cannot be copied or pickled")

    def __repr__(self) -> str:
        return f"<Decoder {self.protocol} over {self.framing}, {self.runtime}>"


def decode(
    body: bytes | bytearray | memoryview,
    protocol: str,
    **options: Unpack[DecoderOptions],
) -> list[LLMEvent]:
    """All events of a whole body. Options as for `Decoder`.

    Raises:
        LLMError: the stream failed; what was decoded before is in the error's `partial`.
    """
    decoder = Decoder(protocol, **options)
    events = decoder.feed(body)
    try:
        if decoder.error is None:
            events += decoder.finish()
        if decoder.error is not None:
            raise decoder.error
    except LLMError as error:
        from zen_native.response import fold

        error.partial = fold(events)
        raise
    return events


def checked_options(provider: str, think_tags: Iterable[str], trailing_cost: bool | None) -> Options:
    """Those that depend on who is asked, the rest by default. Raises what `Decoder` raises."""
    key = _text("provider", provider)
    trails = key.startswith("opencode") if trailing_cost is None else trailing_cost
    return Options(key, think_tags=_tags(think_tags), trailing_cost=_flag("trailing_cost", trails))


def _known(what: str, name: object, names: Iterable[str]) -> str:
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"unknown {what} {name!r}; known: {', '.join(sorted(names))}")
    return name


def _text(what: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{what} must be a string that is not empty, not {value!r}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{what} must be valid Unicode, not {value!r}")
    return value


def _flag(what: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be True or False, not {value!r}")
    return value


def _limit(what: str, value: object, ceiling: int = _MAX_LIMIT) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} must be a number of bytes, not {value!r}")
    if not 0 < value < ceiling:
        raise ValueError(f"{what} must be between 1 and {ceiling - 1}, not {value}")
    return value


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    if isinstance(tags, str):
        raise TypeError("think_tags must be a sequence of names, not one string")
    return tuple(_tag(tag) for tag in tags)


def _tag(tag: object) -> str:
    if isinstance(tag, str) and tag.isascii() and tag.replace("_", "").replace("-", "").isalnum():
        if len(tag) > _MAX_TAG:
            raise ValueError(f"think_tags must be names of at most {_MAX_TAG} characters, not {tag!r}")
        return tag
    raise ValueError(f"think_tags must be names of ASCII letters, digits, '-' and '_', not {tag!r}")
