"""Who is woken by a wire and when, and when it asks to read no more."""

from __future__ import annotations

from tests.kit.feeding import text
from tests.kit.http1 import Waiter, counted, head, new_decoder, new_wire

HIGH_WATER = 256 << 10


def test_a_waiter_is_woken_once_and_forgotten() -> None:
    wire, waiter = new_wire(), Waiter()
    wire.begin("POST", new_decoder())
    wire.wait(waiter)
    wire.feed(head("transfer-encoding: chunked"))
    assert waiter.woken == 1
    waiter.finished = False
    wire.feed(b"5\r\n")
    wire.eof()
    assert waiter.woken == 1


def test_one_that_is_done_is_left() -> None:
    wire, waiter = new_wire(), Waiter(done=True)
    wire.begin("POST", new_decoder())
    wire.wait(waiter)
    wire.feed(counted())
    assert (waiter.woken, text(wire.take())) == (0, "Hello")
