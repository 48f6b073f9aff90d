"""Deterministic response bodies for the benches: one per wire, of realistic shape, whole or cut.

Owns the framing (SSE, EventStream) and the cuts. What stands in the frames is in `payloads.py`; nothing here measures.
EventStream layout: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import argparse
import base64
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import payloads

CHAT = "openai-chat"
RESPONSES = "openai-responses"
MESSAGES = "anthropic-messages"
GOOGLE = "google-generate-content"
CONVERSE = "bedrock-converse"
INVOKE = "bedrock-invoke-anthropic"

PROTOCOLS = (CHAT, RESPONSES, MESSAGES, GOOGLE, CONVERSE, INVOKE)
TEXT_EVENTS = 2_000


@dataclass(frozen=True)
class Body:
    """One response: its frames in order, and what a consumer must find in it."""

    protocol: str
    framing: str
    frames: tuple[bytes, ...]
    deltas: int
    characters: int

    @property
    def data(self) -> bytes:
        """The whole body."""
        return b"".join(self.frames)

    def cut(self, size: int) -> list[bytes]:
        """The body in pieces of `size` bytes; 0 gives one event a piece, a negative size the whole body in one."""
        if size == 0:
            return list(self.frames)
        data = self.data
        return [data] if size < 0 else [data[at : at + size] for at in range(0, len(data), size)]


# -- framings ------------------------------------------------------------------------------------------------------


def compact(payload: Any) -> bytes:
    """JSON as the providers send it: no white space, text as UTF-8."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def sse(name: str, payload: Any, end: bytes) -> bytes:
    """One server-sent event; without a name when it is empty, `payload` as it is when it is bytes."""
    data = payload if isinstance(payload, bytes) else compact(payload)
    head = b"event: " + name.encode() + end if name else b""
    return head + b"data: " + data + end + end


def eventstream(name: str, payload: bytes) -> bytes:
    """One EventStream message of type `event`, both checksums right."""
    headers = b"".join(
        bytes((len(key),)) + key + b"\x07" + struct.pack(">H", len(value)) + value
        for key, value in (
            (b":event-type", name.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    message = prelude + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def converse_frame(name: str, payload: dict[str, Any], position: int) -> bytes:
    """A Converse frame: every payload carries a padding field `p` of changing length."""
    return eventstream(name, compact({**payload, "p": payloads.padding(position, 8, 52)}))


def invoke_frame(payload: dict[str, Any], position: int) -> bytes:
    """An InvokeModelWithResponseStream frame: the model's own event in base64."""
    inner = base64.b64encode(compact(payload)).decode()
    return eventstream("chunk", compact({"bytes": inner, "p": payloads.padding(position, 4, 24)}))


# -- bodies --------------------------------------------------------------------------------------------------------


def frames_of(protocol: str, deltas: list[str], variant: str) -> Iterator[bytes]:
    """The frames of one response of `protocol` whose deltas are `deltas`."""
    events = payloads.SHAPES[payloads.MESSAGES if protocol == INVOKE else protocol](deltas, variant)
    if protocol == CONVERSE:
        yield from (converse_frame(name, payload, at) for at, (name, payload) in enumerate(events))
    elif protocol == INVOKE:
        yield from (invoke_frame(payload, at) for at, (_, payload) in enumerate(events))
    else:
        end = b"\r\n" if protocol == GOOGLE else b"\n"
        yield from (sse(name, payload, end) for name, payload in events)
        if protocol == CHAT:
            yield sse("", b"[DONE]", end)


def body(protocol: str, count: int = TEXT_EVENTS, variant: str = "text") -> Body:
    """A response with `count` deltas; `variant` is `text`, `reasoning` or `tools`."""
    return of_deltas(protocol, payloads.deltas(count, variant), variant)


def huge(protocol: str, size: int) -> Body:
    """A response whose one text delta holds `size` characters."""
    text = "".join(payloads.deltas(2_000, "text"))
    return of_deltas(protocol, [(text * (size // len(text) + 1))[:size]], "text")


def endless(protocol: str, count: int) -> list[bytes]:
    """A response of `count` deltas (in thousands) in large reads: one block of deltas over and over, held once.

    Responses repeats its whole text at the end of a stream, which would be another measurement, so it is left out.
    """
    if protocol == RESPONSES:
        raise ValueError(f"{protocol} repeats its text at the end")
    block = 1_000
    empty, full = body(protocol, 0).frames, body(protocol, block).frames
    head = next((at for at, (a, b) in enumerate(zip(empty, full, strict=False)) if a != b), 0)
    deltas = b"".join(full[head : head + block])
    return [b"".join(full[:head]), *[deltas] * (count // block), b"".join(full[head + block :])]


def of_deltas(protocol: str, deltas: list[str], variant: str) -> Body:
    """A response made of the given deltas."""
    framing = "eventstream" if protocol in (CONVERSE, INVOKE) else "sse"
    frames = tuple(frames_of(protocol, deltas, variant))
    return Body(protocol, framing, frames, len(deltas), sum(map(len, deltas)))


def main() -> int:
    """Writes one body to a file, for the Rust bench binary and for looking at."""
    parser = argparse.ArgumentParser(description="Write one generated response body.")
    parser.add_argument("protocol", choices=PROTOCOLS)
    parser.add_argument("--count", type=int, default=TEXT_EVENTS, help="deltas (default %(default)s)")
    parser.add_argument("--variant", choices=payloads.VARIANTS, default="text")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")
    options = parser.parse_args()
    made = body(options.protocol, options.count, options.variant)
    if options.out:
        options.out.write_bytes(made.data)
    else:
        sys.stdout.buffer.write(made.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
