"""Responses of HTTP/1.1 as bytes, and a wire that reads them. Owns no expectation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import pytest
from tests.kit.feeding import BODY, PROTOCOL

from zen_native.runtimes import native
from zen_native.runtimes.pure.options import Options

if TYPE_CHECKING:
    from zen_native import _core
    from zen_native.events import LLMEvent

__all__ = ["MAX_HEAD", "Waiter", "chunk", "chunked", "closed", "counted", "head", "new_decoder", "new_wire", "reading"]

MAX_HEAD = 16 << 10


class Waiter:
    """What a wire asks of a future, and how often it was woken."""

    def __init__(self, *, done: bool = False) -> None:
        self.woken = 0
        self.finished = done

    def done(self) -> bool:
        return self.finished

    def set_result(self, result: None, /) -> None:
        assert result is None
        self.woken += 1
        self.finished = True


def head(*fields: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """Status line and fields."""
    return "\r\n".join([f"HTTP/{version} {status}", *fields, "", ""]).encode("latin-1")


def counted(body: bytes = BODY, *fields: str, status: str = "200 OK") -> bytes:
    """A response with a length."""
    return head(f"content-length: {len(body)}", *fields, status=status) + body


def chunk(data: bytes) -> bytes:
    """One, with its size."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(*pieces: bytes, fields: Iterable[str] = (), trailer: bytes = b"") -> bytes:
    """A response in these chunks."""
    chunks = b"".join(map(chunk, pieces))
    return head("transfer-encoding: chunked", *fields) + chunks + b"0\r\n" + trailer + b"\r\n"


def closed(body: bytes = BODY, *fields: str) -> bytes:
    """A response that lasts until the connection is closed."""
    return head(*fields) + body


def new_decoder(
    protocol: str = PROTOCOL, framing: str = "sse", *, trailing_cost: bool = False, raw_events: bool = False
) -> _core.Decoder:
    """A decoder of the extension."""
    native.demand()
    options = Options(provider="kit", trailing_cost=trailing_cost, raw_events=raw_events)
    return cast("_core.Decoder", native.new_decoder(protocol, framing, options))


def new_wire(*, size: int = 1 << 16, max_head_bytes: int = MAX_HEAD) -> _core.Wire:
    """A wire with a buffer of its own."""
    core = pytest.importorskip(
        "zen_native._core", reason="the native runtime is not built: zen_native._core is missing"
    )
    return core.Wire(bytearray(size), max_head_bytes=max_head_bytes)


def reading(wire: _core.Wire, data: bytes) -> list[LLMEvent]:
    """The events of bytes that came through the buffer."""
    view = wire.get_buffer(-1)
    for at in range(0, len(data), len(view)):
        piece = data[at : at + len(view)]
        view[: len(piece)] = piece
        wire.buffer_updated(len(piece))
    return wire.take()
