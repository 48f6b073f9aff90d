"""What the native transport's exchanges keep of an answer while it lasts, and what it means that there is none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from zen_native.errors import ReadError
from zen_native.runtimes import native
from zen_native.transport.native.answer import Answer, StaleError


@dataclass
class Ended:
    """A connection."""

    used: bool
    taken: bool | None = None
    failure: BaseException | None = None


pytestmark = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")


def test_headers_that_nobody_reads_any_more_are_let_go() -> None:
    from zen_native._core import Wire

    wire = Wire(bytearray(1024), max_head_bytes=1024)
    wire.begin("POST", None)
    wire.feed(b"HTTP/1.1 200 OK\r\nx-request-id: 1\r\nx-a: 2\r\ncontent-length: 1\r\n\r\n")
    answer = Answer(wire)
    answer._note_head(Ended(used=False), 0.0)
    assert (answer.status, answer.headers["x-a"]) == (200, "2")
    answer.keep_headers(("x-request-id", "cf-ray"))
    assert answer.headers == {"x-request-id": "1"}
    assert wire.head == (200, {"x-request-id": "1"})


@pytest.mark.parametrize(
    ("ended", "seconds", "expected"),
    [
        (Ended(used=True), 0.99, StaleError),
        (Ended(used=True), 1.01, ReadError),
        (Ended(used=False), 0.0, ReadError),
        (Ended(used=False, taken=False), 0.0, ReadError),
        (Ended(used=True, taken=True), 0.0, ReadError),
        (Ended(used=True, taken=False), 1.01, StaleError),
    ],
)
def test_a_request_goes_out_again_if_nothing_was_taken(ended: Ended, seconds: float, expected: type[Exception]) -> None:
    """On a connection that was kept. Where it is not known: within a second; later somebody may have been at work."""
    from zen_native._core import Wire

    wire = Wire(bytearray(1024), max_head_bytes=1024)
    wire.begin("POST", None)
    wire.eof()
    with pytest.raises(expected):
        Answer(wire)._note_head(ended, seconds)
