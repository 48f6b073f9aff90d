"""What the native transport's exchanges keep of an answer while it lasts."""

from __future__ import annotations

import pytest

from zen_native.runtimes import native
from zen_native.transport.native.answer import Answer

pytestmark = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")


def test_headers_that_nobody_reads_any_more_are_let_go() -> None:
    from zen_native._core import Wire

    wire = Wire(bytearray(1024), max_head_bytes=1024)
    wire.begin("POST", None)
    wire.feed(b"HTTP/1.1 200 OK\r\nx-request-id: 1\r\nx-a: 2\r\ncontent-length: 1\r\n\r\n")
    answer = Answer(wire)
    answer._note_head(False, 0.0, None)
    assert (answer.status, answer.headers["x-a"]) == (200, "2")
    answer.keep_headers(("x-request-id", "cf-ray"))
    assert answer.headers == {"x-request-id": "1"}
    assert wire.head == (200, {"x-request-id": "1"})
