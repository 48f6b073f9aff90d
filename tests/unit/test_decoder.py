"""The public decoder, in both runtimes: names, options, limits and failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.decoding import pieces
from tests.kit.eventstream import encode
from tests.kit.feeding import BODY, BYTE_LIMITS, CALL, HELLO, OVERLONG, PROTOCOL, drained, text
from tests.kit.messages import STOP, block, end, sse, start, stop, text_block

import zen_native
from zen_native import (
    ContextOverflowError,
    Decoder,
    Finish,
    IncompleteStreamError,
    InvalidProviderOutputError,
    LimitExceededError,
    decode,
)
from zen_native.runtimes.pure.names import DEFAULT_FRAMING

# Names and options


def test_runtime_is_the_one_asked_for(runtime: str) -> None:
    assert Decoder(PROTOCOL, runtime=runtime).runtime == runtime
    assert repr(Decoder(PROTOCOL, runtime=runtime)) == f"<Decoder anthropic-messages over sse, {runtime}>"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"protocol": "openai"},
            f"unknown protocol 'openai'; known: {', '.join(sorted(DEFAULT_FRAMING))}",
        ),
        ({"protocol": ["x"]}, f"unknown protocol ['x']; known: {', '.join(sorted(DEFAULT_FRAMING))}"),
        ({"framing": "ndjson"}, "unknown framing 'ndjson'; known: document, eventstream, json-array, sse"),
        ({"runtime": "rust"}, "unknown runtime 'rust'; known: auto, native, python"),
    ],
)
def test_unknown_names_list_the_known_ones(arguments: dict[str, Any], message: str) -> None:
    for make in (lambda **said: Decoder(said.pop("protocol"), **said), lambda **said: decode(b"", **said)):
        with pytest.raises(ValueError, match="unknown") as caught:
            make(**{"protocol": PROTOCOL, **arguments})
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("provider", 5, TypeError),
        ("provider", "", TypeError),
        ("provider", "a\ud800", ValueError),
        ("think_tags", "think", TypeError),
        ("think_tags", 5, TypeError),
        ("think_tags", ["a b"], ValueError),
        ("think_tags", ["<think>"], ValueError),
        ("think_tags", [""], ValueError),
        ("think_tags", [5], ValueError),
        ("think_tags", ["t" * 65], ValueError),
        ("trailing_cost", 1, TypeError),
        ("require_finish_reason", "yes", TypeError),
        ("raw_events", None, TypeError),
        *((limit, value, TypeError) for limit in BYTE_LIMITS for value in (None, "1", 1.5)),
        *((limit, value, ValueError) for limit in BYTE_LIMITS for value in (0, -1, 1 << 32)),
        ("max_event_bytes", True, TypeError),
        ("max_response_bytes", "1", TypeError),
        ("max_response_bytes", 0, ValueError),
        ("max_response_bytes", 1 << 63, ValueError),
    ],
)  # fmt: skip
def test_options_of_a_wrong_type_or_value(runtime: str, option: str, value: object, kind: type[Exception]) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(kind, match=option if option != "think_tags" or value != 5 else "not iterable"):
        Decoder(PROTOCOL, runtime=runtime, **options)


def test_largest_limits_are_taken(runtime: str) -> None:
    largest = (1 << 32) - 2
    limits = {"max_event_bytes": largest, "max_frame_bytes": largest, "max_header_bytes": largest}
    assert text(decode(BODY, PROTOCOL, runtime=runtime, max_response_bytes=(1 << 63) - 1, **limits)) == "Hello"


def test_provider_is_the_key_of_metadata_and_stands_in_errors(runtime: str) -> None:
    frames = [start(), block(0, "redacted_thinking", data="c2VjcmV0"), stop(0)]
    for options, name in (({}, "anthropic"), ({"provider": "acme"}, "acme")):
        events, error = drained(Decoder(PROTOCOL, runtime=runtime, **options), [sse(*frames)])
        metadata = [event.metadata for event in events if event.type.startswith("reasoning")]
        assert {key for said in metadata if said is not None for key in said} == {name}
        assert error is not None
        assert error.provider == name


def test_raw_events_only_when_asked_for(runtime: str) -> None:
    body = sse(start(), {"type": "news", "n": 1}, end(), STOP)
    assert "raw" not in [event.type for event in decode(body, PROTOCOL, runtime=runtime)]
    (raw,) = (event for event in decode(body, PROTOCOL, runtime=runtime, raw_events=True) if event.type == "raw")
    assert raw == zen_native.Raw("news", {"type": "news", "n": 1})


COST = 'data: {"type":"ping","cost":"0.25"}\n\n'


@pytest.mark.parametrize(
    ("options", "cost"),
    [
        ({}, None),
        ({"trailing_cost": True}, "0.25"),
        ({"provider": "opencode-zen"}, "0.25"),
        ({"provider": "opencode-zen", "trailing_cost": False}, None),
    ],
)
def test_trailing_cost(runtime: str, options: dict[str, Any], cost: str | None) -> None:
    finish = decode(BODY + COST.encode(), PROTOCOL, runtime=runtime, **options)[-1]
    assert isinstance(finish, Finish)
    assert finish.usage is not None
    assert (None if finish.usage.cost is None else str(finish.usage.cost)) == cost


def test_done_tells_when_reading_may_stop(runtime: str) -> None:
    decoder = Decoder(PROTOCOL, runtime=runtime)
    decoder.feed(BODY[:-1])
    assert not decoder.done
    decoder.feed(BODY[-1:])
    assert decoder.done
    waiting = Decoder(PROTOCOL, runtime=runtime, trailing_cost=True)
    waiting.feed(BODY)
    assert not waiting.done
    waiting.feed(COST.encode())
    assert waiting.done


def test_answered_comes_before_the_charge(runtime: str) -> None:
    waiting = Decoder(PROTOCOL, runtime=runtime, trailing_cost=True)
    waiting.feed(BODY[:-1])
    assert (waiting.answered, waiting.done) == (False, False)
    waiting.feed(BODY[-1:])
    assert (waiting.answered, waiting.done) == (True, False)


# Limits, whatever the cut

LONG = sse(start(), *text_block(0, "x" * 500), end(), STOP)
FRAMES = encode(b'{"bytes":"' + b"e" * 400 + b'"}', event="chunk")
LIMITS: list[tuple[dict[str, Any], bytes, str]] = [
    ({"max_event_bytes": 300}, LONG, "sse"),
    ({"max_event_bytes": 300}, json.dumps([{"a": "x" * 400}]).encode(), "json-array"),
    ({"max_event_bytes": 300}, json.dumps({"a": "x" * 400}).encode(), "document"),
    ({"max_frame_bytes": 300}, FRAMES, "eventstream"),
    ({"max_header_bytes": 40}, FRAMES, "eventstream"),
    *(({"max_response_bytes": 250}, LONG, framing) for framing in ("sse", "document")),
    ({"max_response_bytes": 250}, FRAMES, "eventstream"),
]


@pytest.mark.parametrize(
    ("options", "body", "framing"), LIMITS, ids=lambda value: "" if isinstance(value, bytes) else None
)
def test_limits(runtime: str, options: dict[str, Any], body: bytes, framing: str) -> None:
    def outcome(parts: list[bytes]) -> tuple[list[Any], str]:
        events, error = drained(Decoder(PROTOCOL, framing=framing, runtime=runtime, **options), parts)
        assert isinstance(error, LimitExceededError), error
        assert str(next(iter(options.values()))) in error.message or "max_response_bytes" in error.message
        return events, error.message

    whole = outcome([body])
    for size in (1, 7, 100, 299):
        assert outcome(pieces(body, size)) == whole


def test_response_of_exactly_the_limit_fits(runtime: str) -> None:
    for size in (1, 64, len(BODY)):
        decoder = Decoder(PROTOCOL, runtime=runtime, max_response_bytes=len(BODY))
        events, error = drained(decoder, pieces(BODY, size))
        assert error is None
        assert text(events) == "Hello"
    one_less = Decoder(PROTOCOL, runtime=runtime, max_response_bytes=BODY.index(b'{"type": "message_stop"') + 1)
    assert isinstance(drained(one_less, [BODY])[1], LimitExceededError)


# Failures

FAILING = sse(*HELLO, OVERLONG, *CALL)


def test_events_before_a_failure_come_first_then_every_call_raises(runtime: str) -> None:
    decoder = Decoder(PROTOCOL, runtime=runtime)
    assert text(decoder.feed(FAILING)) == "Hello"
    error = decoder.error
    assert isinstance(error, ContextOverflowError)
    assert decoder.done
    for call in (lambda: decoder.feed(b"x"), decoder.finish, lambda: decoder.feed(b""), decoder.finish):
        with pytest.raises(ContextOverflowError) as caught:
            call()
        assert caught.value is error
    assert decoder.error is error


def test_decode_raises_with_what_came_before(runtime: str) -> None:
    with pytest.raises(ContextOverflowError) as caught:
        decode(FAILING, PROTOCOL, runtime=runtime)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hello"


def test_end_without_an_event_before_it_raises_at_once(runtime: str) -> None:
    decoder = Decoder(PROTOCOL, runtime=runtime)
    assert decoder.finish.__self__ is decoder.feed.__self__  # type: ignore[attr-defined]
    decoder.feed(sse(*HELLO))
    with pytest.raises(IncompleteStreamError) as caught:
        decoder.finish()
    assert decoder.error is caught.value
    with pytest.raises(IncompleteStreamError):
        decoder.feed(b"more")


def test_empty_body_is_incomplete(runtime: str) -> None:
    with pytest.raises(IncompleteStreamError) as caught:
        decode(b"", PROTOCOL, runtime=runtime)
    assert caught.value.partial is not None


def test_html_is_shown(runtime: str) -> None:
    with pytest.raises(InvalidProviderOutputError) as caught:
        decode(b"<html>" + b"x" * 500, PROTOCOL, runtime=runtime)
    assert caught.value.body == "<html>" + "x" * 194


@pytest.mark.parametrize(
    ("body", "framing", "said"),
    [
        (b'{"id": 1}', None, 'not a stream but a JSON document, which framing="document" decodes'),
        (b"<html></html>", None, "not a stream"),
        (b'{"id": ', None, "not a stream"),
        (b"<html></html>", "document", "not an answer"),
    ],
)
def test_a_document_instead_of_a_stream_is_named(runtime: str, body: bytes, framing: str | None, said: str) -> None:
    with pytest.raises(InvalidProviderOutputError) as caught:
        decode(body, PROTOCOL, runtime=runtime, framing=framing)
    assert caught.value.message == f"the response is {said}"


@pytest.mark.parametrize(
    ("protocol", "limits"),
    [
        (PROTOCOL, {"max_event_bytes": 10}),
        ("google-generate-content", {"max_event_bytes": 10, "framing": "json-array"}),
        (PROTOCOL, {"max_event_bytes": 10, "framing": "document"}),
        ("bedrock-converse", {"max_frame_bytes": 20}),
        ("bedrock-converse", {"max_header_bytes": 10}),
        (PROTOCOL, {"max_response_bytes": 10}),
    ],
)
def test_a_limit_names_its_option(runtime: str, protocol: str, limits: dict[str, Any]) -> None:
    bodies = {
        "bedrock-converse": encode(b"{}", event="messageStart"),
        "google-generate-content": b'[{"candidates": []}]',
    }
    body = b'{"type": "message"}' if limits.get("framing") == "document" else bodies.get(protocol, BODY)
    with pytest.raises(LimitExceededError) as caught:
        decode(body, protocol, runtime=runtime, **limits)
    assert next(iter(limits)) in caught.value.message


def test_feed_after_finish(runtime: str) -> None:
    decoder = Decoder(PROTOCOL, runtime=runtime)
    decoder.feed(BODY)
    assert decoder.finish() == []
    with pytest.raises(RuntimeError, match=r"^feed\(\) after finish\(\)$"):
        decoder.feed(b"")
    assert decoder.finish() == []
    assert decoder.error is None


def test_bytes_after_the_finish_are_ignored(runtime: str) -> None:
    decoder = Decoder(PROTOCOL, runtime=runtime)
    assert decoder.feed(BODY)[-1].type == "finish"
    assert decoder.feed(FAILING) == []
    assert decoder.finish() == []
