"""What must come of a fault: the events of the bytes that reached the client and the error, as the decoder alone has
them. Owns the expectations for the outcomes of `tests.kit.faults`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.kit import wire
from tests.kit.asking import Heard
from tests.kit.dialogue import AFTER, Talk
from tests.kit.endure import Endured, Meeting
from tests.kit.faults import Answer, Fault
from tests.kit.order import check_order

import zen_native as zen

__all__ = ["answer_for", "check", "fits"]


_IDLE = zen.StreamTimeoutError("the time limit passed: idle", phase="idle")


def answer_for(meeting: Meeting) -> Answer:
    """A text and two calls, struck in the middle of an event, with some text before and all calls behind."""
    protocol = meeting.talk.protocol
    pieces = wire.calls(protocol)
    struck = next(at for at, piece in enumerate(pieces) if _text_of(protocol, b"".join(pieces[: at + 1]))) + 1
    at = len(b"".join(pieces[:struck])) + len(pieces[struck]) // 2
    return Answer(b"".join(pieces), wire.CONTENT_TYPES[protocol], at, meeting.was_read)


def fits(fault: Fault, protocol: str) -> bool:
    """Whether the fault is one of that protocol's framing."""
    framing = "eventstream" if protocol.startswith("bedrock-") else "sse"
    return fault.framing in (None, framing)


def check(fault: Fault, answer: Answer, talk: Talk, endured: Endured) -> None:
    """The right error with what came before it, nothing left behind, and a client that is none the worse."""
    heard, expected = endured.heard, _expected(fault, answer, talk)
    check_order(heard.events, failed=heard.error is not None)
    events = [_unpriced(event) for event in heard.events]
    if fault.outcome == "reset":  # which may overtake what came before it
        assert events == expected.events[: len(events)]
    else:
        assert events == expected.events
    _check_error(heard.error, expected.error)
    if heard.error is not None:
        assert heard.error.partial == zen.fold(heard.events)
        assert endured.left_open == 0
    assert endured.again.text == AFTER
    assert endured.files[0] == endured.files[1]


def _expected(fault: Fault, answer: Answer, talk: Talk) -> Heard:
    match fault.outcome:
        case "whole":
            heard = _decoded(talk, answer.body)
            assert heard.error is None
            return Heard(_decoded(talk, fault.damage(answer)).events, None)
        case "decoded":
            return _decoded(talk, fault.damage(answer))
        case "cut":
            heard = _decoded(talk, answer.body[: answer.at])
            assert isinstance(heard.error, zen.IncompleteStreamError)
            return heard
        case "reset":
            return _interrupted(talk, answer.body[: answer.at], zen.ReadError(""))
        case "stall":
            return _interrupted(talk, answer.body[: answer.at], _IDLE)
        case "reset-behind":
            return _interrupted(talk, answer.body, zen.ReadError(""))
        case "stall-behind":
            return _interrupted(talk, answer.body, _IDLE)


def _interrupted(talk: Talk, body: bytes, error: zen.LLMError) -> Heard:
    """What came, and that error where the answer is not known to be whole."""
    decoder = _decoder(talk)
    events = decoder.feed(body)
    return Heard([_unpriced(event) for event in events], None if decoder.done else error)


def _check_error(error: zen.LLMError | None, expected: zen.LLMError | None) -> None:
    assert type(error) is type(expected), repr(error)
    if error is None or expected is None:
        return
    assert error.retryable is expected.retryable
    if expected.message:
        assert (error.message, error.code, error.body) == (expected.message, expected.code, expected.body)
    if isinstance(expected, zen.StreamTimeoutError) and isinstance(error, zen.StreamTimeoutError):
        assert error.phase == expected.phase


def _decoded(talk: Talk, body: bytes) -> Heard:
    decoder = _decoder(talk)
    events = decoder.feed(body)
    if not decoder.done:
        try:
            events += decoder.finish()
        except zen.LLMError as error:
            return Heard([_unpriced(event) for event in events], error)
    return Heard([_unpriced(event) for event in events], decoder.error)


def _decoder(talk: Talk) -> zen.Decoder:
    return zen.Decoder(talk.protocol, runtime=talk.runtime)  # type: ignore[arg-type] - a word of the tests' own


def _text_of(protocol: str, body: bytes) -> str:
    events: Sequence[zen.LLMEvent] = zen.Decoder(protocol, runtime="python").feed(body)
    return "".join(event.text for event in events if isinstance(event, zen.TextDelta))


def _unpriced(event: zen.LLMEvent) -> zen.LLMEvent:
    """Without the cost that the client takes from a table."""
    if isinstance(event, zen.StepFinish | zen.Finish) and event.usage is not None:
        return replace(event, usage=replace(event.usage, cost=None, cost_source=None))
    return event
