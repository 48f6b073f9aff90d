"""A wire as a Python object: its buffer, two at once, reference cycles, and memory."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import weakref
from typing import Any

import pytest
from tests.kit.feeding import BODY, PROTOCOL, text
from tests.kit.http1 import MAX_HEAD, Waiter, chunk, chunked, counted, head, new_decoder, new_wire, reading
from tests.kit.messages import block, delta, sse, start
from tests.kit.process import least_growth

from zen_native import InvalidProviderOutputError, LLMError, _core, decode

OPEN = head("transfer-encoding: chunked")


# The buffer


def test_the_view_is_one_object_over_the_buffer() -> None:
    buffer = bytearray(100)
    wire = _core.Wire(buffer, max_head_bytes=MAX_HEAD)
    view = wire.get_buffer(-1)
    assert view is wire.get_buffer(1 << 20)
    assert (view.obj is buffer, view.nbytes, view.readonly) == (True, 100, False)


def test_the_buffer_keeps_its_size_as_long_as_the_wire() -> None:
    buffer = bytearray(100)
    wire = _core.Wire(buffer, max_head_bytes=MAX_HEAD)
    with pytest.raises(BufferError):
        buffer.append(1)
    del wire
    buffer.append(1)


def test_one_buffer_for_several_wires() -> None:
    buffer = bytearray(64)
    wires = [_core.Wire(buffer, max_head_bytes=MAX_HEAD) for _ in range(3)]
    for wire in wires:
        wire.begin("POST", new_decoder())
    answer = chunked(BODY)
    events: list[list[Any]] = [[] for _ in wires]
    for at in range(0, len(answer), 60):
        for wire, got in zip(wires, events, strict=True):
            got += reading(wire, answer[at : at + 60])
    assert events == [decode(BODY, PROTOCOL, provider="kit")] * 3


def test_more_bytes_than_there_are() -> None:
    wire = new_wire(size=100)
    wire.begin("GET", None)
    for count in (101, 1 << 40):
        with pytest.raises(ValueError, match=r"^more bytes than the buffer has$"):
            wire.buffer_updated(count)
    with pytest.raises(OverflowError):
        wire.buffer_updated(-1)
    assert not wire.received
    wire.buffer_updated(0)
    assert not wire.received
    wire.get_buffer(-1)[:] = b"x" * 100
    wire.buffer_updated(100)
    assert wire.error == "the server does not speak HTTP/1"


@pytest.mark.parametrize("buffer", [bytes(10), memoryview(bytearray(10)), "text", None, 5])
def test_what_is_no_buffer(buffer: Any) -> None:
    with pytest.raises(TypeError):
        _core.Wire(buffer, max_head_bytes=MAX_HEAD)


def test_a_wire_is_neither_copied_nor_pickled() -> None:
    wire = new_wire()
    for take in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            take(wire)


# Two at once

IN_USE = "the wire is in use by another thread"


def test_second_user_is_refused() -> None:
    """Many threads at one wire: every call works or says that it may not, and nothing comes twice or garbled."""
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.feed(OPEN + chunk(sse(start(), block(0, "text", text=""))))
    wire.take()
    pieces = [chunk(sse(delta(0, "text_delta", text=f"<{number}>"))) for number in range(2000)]
    came: list[Any] = []
    refused: list[str] = []
    wrong: list[BaseException] = []

    def hammer(share: list[bytes]) -> None:
        for piece in share:
            for call in (lambda: wire.feed(piece), lambda: came.extend(wire.take())):  # noqa: B023
                while True:
                    try:
                        call()
                        break
                    except RuntimeError as error:
                        refused.append(str(error))
                    except BaseException as error:  # noqa: BLE001 - anything else fails the test
                        wrong.append(error)
                        return

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=hammer, args=(pieces[at::8],)) for at in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    came += wire.take()
    assert wrong == []
    assert set(refused) <= {IN_USE}
    assert sorted(event.text for event in came) == sorted(f"<{number}>" for number in range(2000))


def test_coming_back_from_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building an error runs Python code, which may come back."""
    wire, decoder = new_wire(), new_decoder()
    seen: list[str] = []

    def nosy(error: LLMError, *args: Any, **fields: Any) -> None:
        calls = [wire.take, wire.take_body, wire.eof, lambda: wire.feed(b"x"), lambda: wire.begin("GET", None)]
        calls += [wire.idle_seconds, lambda: wire.wait(None), lambda: wire.lost(None), lambda: wire.head]
        for call in calls:
            with pytest.raises(RuntimeError) as caught:
                call()
            seen.append(str(caught.value))
        gc.collect()
        original(error, *args, **fields)

    original = LLMError.__init__
    monkeypatch.setattr(LLMError, "__init__", nosy)
    wire.begin("POST", decoder)
    wire.feed(OPEN + chunk(b"data: {broken\n\n"))
    assert seen == [IN_USE] * 9
    assert isinstance(decoder.error, InvalidProviderOutputError)


def test_a_decoder_that_is_in_use_breaks_the_answer_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes cannot be decoded and so are lost: both who feeds and who waits must hear of it."""
    wire, decoder, waiter = new_wire(), new_decoder(), Waiter()
    seen: list[str] = []

    def nosy(error: LLMError, *args: Any, **fields: Any) -> None:
        with pytest.raises(RuntimeError) as caught:
            wire.feed(OPEN + chunk(BODY))
        seen.append(str(caught.value))
        original(error, *args, **fields)

    original = LLMError.__init__
    monkeypatch.setattr(LLMError, "__init__", nosy)
    wire.begin("POST", decoder)
    wire.wait(waiter)
    decoder.feed(b"data: {broken\n\n")
    assert seen == ["the decoder is in use by another thread"]
    assert (waiter.woken, wire.ended, wire.kind, wire.reusable) == (1, True, "lost", False)
    assert wire.error == "RuntimeError: the decoder is in use by another thread"


def test_an_event_that_could_not_be_built_is_the_decoders_failure() -> None:
    wire, decoder = new_wire(), new_decoder("openai-chat", raw_events=True)
    wire.begin("POST", decoder)
    wire.feed(OPEN)
    digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        wire.feed(chunk(b'data: {"object":"odd","value":' + b"9" * 1000 + b"}\n\n"))
    finally:
        sys.set_int_max_str_digits(digits)
    assert decoder.done
    assert isinstance(decoder.error, ValueError)
    wire.feed(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    assert (wire.ended, wire.error, wire.skipped) == (True, None, 14)
    assert [event.type for event in wire.take()] == ["step-start"]


def test_an_error_that_could_not_be_built_is_the_decoders_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **fields: Any) -> None:
        raise ZeroDivisionError

    wire, decoder = new_wire(), new_decoder()
    wire.begin("POST", decoder)
    monkeypatch.setattr(LLMError, "__init__", broken)
    wire.feed(OPEN + chunk(b"data: {broken\n\n"))
    assert isinstance(decoder.error, ZeroDivisionError)
    assert decoder.done


# What it holds


class Mark(Waiter):
    """A waiter that can be watched, and can hold what it waits for."""

    def __init__(self, wire: _core.Wire) -> None:
        super().__init__()
        self.wire = wire

    def __call__(self) -> None:
        """As what pauses."""


@pytest.mark.parametrize("hold", [lambda wire, mark: wire.wait(mark), lambda wire, mark: wire.pausing(mark)])
def test_a_cycle_through_a_wire_is_collected(hold: Any) -> None:
    wire = new_wire()
    mark = Mark(wire)
    hold(wire, mark)
    watched = weakref.ref(mark)
    del wire, mark
    gc.collect()
    assert watched() is None


def test_a_cycle_through_its_decoder_is_collected() -> None:
    wire, decoder = new_wire(), new_decoder()
    wire.begin("POST", decoder)
    wire.feed(OPEN + chunk(b"data: {broken\n\n"))
    mark = Mark(wire)
    assert decoder.error is not None
    decoder.error.partial = mark  # type: ignore[assignment]
    watched = weakref.ref(mark)
    del wire, decoder, mark
    gc.collect()
    assert watched() is None


def test_what_is_in_use_is_not_collected() -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.wait(Mark(wire))
    gc.collect()
    wire.feed(chunked(BODY))
    assert text(wire.take()) == "Hello"


def test_a_wire_lets_go_of_the_decoder_at_the_end() -> None:
    wire, decoder = new_wire(), new_decoder()
    before = sys.getrefcount(decoder)
    wire.begin("POST", decoder)
    assert sys.getrefcount(decoder) == before + 1
    wire.feed(chunked(BODY))
    assert (wire.ended, sys.getrefcount(decoder)) == (True, before)


def test_a_waiter_is_let_go_of_when_it_was_woken() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    waiter = Waiter()
    before = sys.getrefcount(waiter)
    wire.wait(waiter)
    assert sys.getrefcount(waiter) == before + 1
    wire.feed(counted(b"ok"))
    assert sys.getrefcount(waiter) == before


def work() -> None:
    bodies = [BODY, b"data: {broken\n\n", b"<html>", BODY[:200]]
    wire = new_wire(size=100)
    for body in bodies:
        wire.pausing(Waiter().done)
        wire.begin("POST", new_decoder())
        wire.wait(Waiter())
        reading(wire, chunked(body, fields=["a: b"]))
    wire.begin("GET", None)
    reading(wire, counted(b"x" * 1000, status="400"))
    wire.take_body()
    wire.begin("GET", None)
    wire.feed(counted(b"never taken")[:-1])
    wire.lost(OSError("gone"))


def test_memory_does_not_grow() -> None:
    objects, size = least_growth(work, rounds=4, times=60)
    assert (objects < 20, size < 5_000) == (True, True), (objects, size)


def test_references_are_given_back() -> None:
    watched = [None, True, Waiter, bytearray, memoryview, dict, tuple, list]

    def grown() -> list[int]:
        before = [sys.getrefcount(one) for one in watched]
        for _ in range(100):
            work()
        gc.collect()
        return [sys.getrefcount(one) - count for one, count in zip(watched, before, strict=True)]

    grown()  # caches fill
    assert [count for count in grown() if abs(count) >= 50] == []


# Text of an error


class NamelessError(OSError):
    def __str__(self) -> str:
        return ""


class UnspeakableError(OSError):
    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "said"),
    [(OSError("gone"), "OSError: gone"), (NamelessError(), "NamelessError"), (UnspeakableError(), "UnspeakableError")],
)
def test_what_is_said_of_a_lost_connection(error: Exception, said: str) -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.lost(error)
    assert (wire.kind, wire.error) == ("lost", said)


def test_pending_events_survive_a_lost_connection() -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.feed(chunked(BODY)[:-5])
    wire.lost(ConnectionResetError())
    assert (wire.ended, wire.kind, text(wire.take())) == (True, "lost", "Hello")
