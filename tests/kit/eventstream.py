"""Frames of `application/vnd.amazon.eventstream`, encoded: lengths, headers of strings, payload, both checksums."""

from __future__ import annotations

from struct import pack
from zlib import crc32

__all__ = ["encode", "exception"]


def encode(payload: bytes, *, event: str, message_type: str = "event", **headers: str) -> bytes:
    """A frame with the headers that Bedrock sends."""
    kind = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}[message_type]
    named = {kind: event, ":content-type": "application/json", ":message-type": message_type, **headers}
    block = b"".join(_header(name, value) for name, value in named.items())
    lengths = pack(">II", len(block) + len(payload) + 16, len(block))
    signed = lengths + pack(">I", crc32(lengths)) + block + payload
    return signed + pack(">I", crc32(signed))


def exception(name: str, payload: bytes) -> bytes:
    """An exception frame."""
    return encode(payload, event=name, message_type="exception")


def _header(name: str, value: str) -> bytes:
    raw, text = name.encode(), value.encode()
    return bytes([len(raw)]) + raw + b"\7" + pack(">H", len(text)) + text
