"""What the replay server plays: the frames of the other benches, with a time in the place of each delta's text.

Owns the HTTP head and the slot for the time. `replay/src/script.rs` reads the files, `meter` the times.
"""

from __future__ import annotations

from pathlib import Path

import streams

from .marks import STAMP

# As many fields as the providers send: reading a head is part of a request.
HEAD = {
    "date": "Fri, 20 Nov 2026 12:00:00 GMT",
    "content-type": "text/event-stream; charset=utf-8",
    "transfer-encoding": "chunked",
    "connection": "keep-alive",
    "access-control-expose-headers": "X-Request-ID",
    "openai-organization": "bench",
    "openai-processing-ms": "212",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
    "x-request-id": "req_0123456789abcdef0123456789abcdef",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "server": "replay",
}


def parts(protocol: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Head, frames before the deltas, one delta, frames after them."""
    slot = "0" * STAMP
    empty, one = (streams.of_deltas(protocol, deltas, "text").frames for deltas in ([], [slot]))
    at = next(at for at, frame in enumerate(one) if slot.encode() in frame)
    fields = "".join(f"{name}: {value}\r\n" for name, value in HEAD.items())
    head = f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode()
    if len(one) != len(empty) + 1:
        raise AssertionError("a delta is one frame")
    return head, b"".join(one[:at]), one[at], b"".join(one[at + 1 :])


def write(directory: Path) -> None:
    """The files that the server reads."""
    for name, protocol in (("chat", streams.CHAT), ("messages", streams.MESSAGES)):
        (directory / name).write_bytes(b"\0".join(parts(protocol)))
