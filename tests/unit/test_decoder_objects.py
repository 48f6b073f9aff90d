"""The public decoder, in both runtimes: what may be fed, use by two at once, and what kind of objects come out."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.kit import chat
from tests.kit.decoding import pieces
from tests.kit.feeding import BODY, HELLO, OVERLONG, PROTOCOL, drained, text
from tests.kit.messages import block, delta, sse, start
from tests.kit.process import least_growth

from zen_native import (
    Decoder,
    Finish,
    InvalidProviderOutputError,
    LLMError,
    StepFinish,
    TextDelta,
    ToolCall,
    decode,
    native_status,
)
from zen_native.events import EVENT_TYPES
from zen_native.runtimes import choose, new_decoder
from zen_native.runtimes.pure.options import Options

# What may be fed


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: memoryview(bytearray(data))])
def test_kinds_of_bytes(runtime: str, kind: Callable[[bytes], Any]) -> None:
    assert decode(kind(BODY), PROTOCOL, runtime=runtime) == decode(BODY, PROTOCOL, runtime=runtime)


def test_views_with_gaps(runtime: str) -> None:
    doubled = bytes(byte for byte in BODY for _ in (0, 1))
    assert text(decode(memoryview(doubled)[::2], PROTOCOL, runtime=runtime)) == "Hello"


class Data(bytes):
    """A subclass of bytes is bytes."""


def test_subclass_of_bytes(runtime: str) -> None:
    assert text(decode(Data(BODY), PROTOCOL, runtime=runtime)) == "Hello"


@pytest.mark.parametrize("data", ["text", None, 5, [1], object()])
def test_what_is_no_bytes(runtime: str, data: Any) -> None:
    decoder = Decoder(PROTOCOL, runtime=runtime)
    decoder.feed(BODY[:100])
    with pytest.raises(TypeError, match=r"^data must be bytes, bytearray or memoryview$"):
        decoder.feed(data)
    assert text(decoder.feed(BODY[100:])) == "Hello"


def test_a_buffer_may_change_after_its_feed(runtime: str) -> None:
    decoder, events = Decoder(PROTOCOL, runtime=runtime), []
    buffer = bytearray(16)
    for piece in pieces(BODY, 16):
        buffer[: len(piece)] = piece
        events += decoder.feed(memoryview(buffer)[: len(piece)])
    assert events == decode(BODY, PROTOCOL, runtime=runtime)


# Two at once


def test_second_user_is_refused(runtime: str) -> None:
    """Many threads at one decoder: every call works or says that it may not, and nothing comes twice or garbled."""
    numbers = [sse(delta(0, "text_delta", text=f"<{number}>")) for number in range(2000)]
    decoder = Decoder(PROTOCOL, runtime=runtime)
    decoder.feed(sse(start(), block(0, "text", text="")))
    came, refused, wrong = [], [], []

    def hammer(share: list[bytes]) -> None:
        for piece in share:
            while True:
                try:
                    came.extend(decoder.feed(piece))
                    break
                except RuntimeError as error:
                    refused.append(str(error))
                except BaseException as error:  # noqa: BLE001 - anything else fails the test
                    wrong.append(error)
                    return

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=hammer, args=(numbers[at::8],)) for at in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert set(refused) <= {"the decoder is in use by another thread"}
    assert sorted(event.text for event in came) == sorted(f"<{number}>" for number in range(2000))


def test_coming_back_from_inside_is_refused(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Building an error runs Python code, which may come back."""
    decoder = Decoder(PROTOCOL, runtime=runtime)
    seen: list[str] = []

    def nosy(error: LLMError, *args: Any, **fields: Any) -> None:
        for call in (decoder.finish, lambda: decoder.feed(b"x")):
            with pytest.raises(RuntimeError) as caught:
                call()
            seen.append(str(caught.value))
        original(error, *args, **fields)

    original = LLMError.__init__
    monkeypatch.setattr(LLMError, "__init__", nosy)
    decoder.feed(b"<html>")
    with pytest.raises(InvalidProviderOutputError):
        decoder.finish()
    assert seen == ["the decoder is in use by another thread"] * 2


# What comes out


def test_classes_are_the_public_ones(runtime: str) -> None:
    events = decode(BODY, PROTOCOL, runtime=runtime)
    assert all(type(event) is EVENT_TYPES[event.type] for event in events)
    assert {event.type for event in events} > {"step-start", "text-delta", "tool-call", "step-finish", "finish"}


def test_the_finish_of_one_step_says_what_the_step_said(runtime: str) -> None:
    *_, step, finish = decode(BODY, PROTOCOL, runtime=runtime)
    assert isinstance(step, StepFinish)
    assert isinstance(finish, Finish)
    assert step.usage is not None
    assert finish.usage is step.usage
    assert finish.reason is step.reason


def test_events_can_be_pickled_and_copied(runtime: str) -> None:
    events = decode(BODY, PROTOCOL, runtime=runtime)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(events, protocol)) == events
    assert copy.deepcopy(events) == events
    assert [repr(event) for event in copy.deepcopy(events)] == [repr(event) for event in events]
    assert hash(events[2]) == hash(pickle.loads(pickle.dumps(events[2])))


def test_a_decoder_is_neither_copied_nor_pickled(runtime: str) -> None:
    decoder = Decoder(PROTOCOL, runtime=runtime)
    for take in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            take(decoder)


def test_a_fresh_decoder_is_one_of_the_same_kind_at_its_beginning(runtime: str) -> None:
    name = choose(runtime)
    options = Options("mine", think_tags=("think",), raw_events=True)
    body = chat.sse({"object": "odd"}, chat.chunk({"content": "<think>a</think>b"}, "stop"))
    first = new_decoder(name, "openai-chat", "sse", options)
    expected = first.feed(body) + first.finish()
    assert {event.type for event in expected} >= {"raw", "reasoning-delta", "text-delta", "finish"}
    fresh = first.fresh()
    assert not fresh.done
    assert fresh.feed(body) + fresh.finish() == expected


def test_a_fresh_decoder_knows_nothing_of_a_failure(runtime: str) -> None:
    first = new_decoder(choose(runtime), PROTOCOL, "sse", Options("mine"))
    with pytest.raises(LLMError):
        first.finish()
    assert first.error is not None
    fresh = first.fresh()
    assert fresh.error is None
    assert text(fresh.feed(BODY)) == "Hello"


def test_events_are_frozen(runtime: str) -> None:
    for event in decode(BODY, PROTOCOL, runtime=runtime):
        with pytest.raises((AttributeError, TypeError)):
            event.type = "x"  # type: ignore[misc]
        with pytest.raises((AttributeError, TypeError)):
            event.extra = 1  # type: ignore[union-attr]


def test_native_events_of_text_are_not_tracked() -> None:
    pytest.importorskip("zen_native._core", reason="the native runtime is not built: zen_native._core is missing")
    plain = (
        "step-start",
        "text-start",
        "text-delta",
        "text-end",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-end",
    )
    events = decode(BODY, PROTOCOL, runtime="native")
    assert {event.type for event in events} > set(plain)
    assert [event.type for event in events if event.type in plain and gc.is_tracked(event)] == []


def test_a_cycle_through_an_event_is_collected(runtime: str) -> None:
    (call,) = (event for event in decode(BODY, PROTOCOL, runtime=runtime) if isinstance(event, ToolCall))

    mark = threading.Event()  # any object that can be watched
    watched = weakref.ref(mark)
    call.input["self"], call.input["mark"] = call, mark
    del mark, call
    gc.collect()
    assert watched() is None


def test_memory_does_not_grow(runtime: str) -> None:
    bodies = [BODY, sse(*HELLO, OVERLONG), b"<html>", sse(*HELLO), BODY[:200]]

    def work() -> None:
        for body in bodies:
            decoder = Decoder(PROTOCOL, runtime=runtime, raw_events=True, think_tags=("think",))
            drained(decoder, pieces(body, 37))

    objects, size = least_growth(work, rounds=4, times=60)
    assert (objects < 20, size < 5_000) == (True, True), (objects, size)


def test_references_are_given_back(runtime: str) -> None:
    watched = [TextDelta, ToolCall, Finish, None, True, "anthropic"]

    def grown() -> list[int]:
        before = [sys.getrefcount(one) for one in watched]
        for _ in range(300):
            decode(BODY, PROTOCOL, runtime=runtime)
        gc.collect()
        return [sys.getrefcount(one) - count for one, count in zip(watched, before, strict=True)]

    grown()  # caches fill
    assert [count for count in grown() if abs(count) >= 100] == []


def test_a_decoder_that_could_not_build_an_event_stays_failed() -> None:
    if native_status().runtime != "native":
        pytest.skip("the native runtime is not built: only it builds events apart from decoding")
    decoder = Decoder("openai-chat", runtime="native", raw_events=True)
    digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        with pytest.raises(ValueError, match="digits") as first:
            decoder.feed(b'data: {"object":"odd","value":' + b"9" * 1000 + b"}\n\n")
    finally:
        sys.set_int_max_str_digits(digits)
    assert decoder.done
    with pytest.raises(ValueError, match="digits") as second:
        decoder.feed(b"data: [DONE]\n\n")
    assert second.value is first.value
