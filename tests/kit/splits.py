"""Bodies as lists of frames, and frames as payloads that can be changed, for every framing.

Owns only what mutations need: a body that is cut wrongly here is one more hostile body. The layout of binary frames is
that of `application/vnd.amazon.eventstream`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from struct import pack, unpack_from
from zlib import crc32

__all__ = ["join", "mend", "payload", "replace_payload", "split"]

_BLANK_LINE = re.compile(rb"(?<=\n)\r?\n|(?<=\r)\r(?!\n)")
_DATA = re.compile(rb"data: ?([^\r\n]*)")
_EVENTSTREAM_LEAST = 16


def split(framing: str, body: bytes) -> list[bytes]:
    """The frames of a body; what is between or behind them stays with one of them."""
    if framing == "eventstream":
        return _split_binary(body)
    if framing == "sse":
        ends = [match.end() for match in _BLANK_LINE.finditer(body)]
        return [body[start:end] for start, end in zip([0, *ends], [*ends, len(body)], strict=True) if start < end]
    if framing == "json-array":
        return _split_array(body)
    return [body]


def join(framing: str, frames: list[bytes]) -> bytes:
    """The opposite of `split`."""
    if framing == "json-array":
        return b"[" + b",\n".join(frames) + b"]"
    return b"".join(frames)


def payload(framing: str, frame: bytes) -> str | None:
    """The text of a frame that is meant to be JSON."""
    if framing == "eventstream":
        data = _binary_payload(frame)
    elif framing == "sse":
        match = _DATA.search(frame)
        data = None if match is None else match.group(1)
    else:
        data = frame
    return None if data is None else _unwrapped(data.decode("utf-8", "replace"))


def replace_payload(framing: str, frame: bytes, text: str) -> bytes:
    """The frame with another text in it; checksums are made right."""
    data = text.encode("utf-8", "replace")
    if framing == "eventstream":
        old = _binary_payload(frame) or b""
        return _rebuild(frame, _wrapped(old, data))
    if framing == "sse":
        return _DATA.sub(lambda _: b"data: " + data, frame, count=1)
    return data


def mend(body: bytes) -> bytes:
    """A binary body with all checksums made right, as far as its lengths make sense."""
    mended = bytearray(body)
    at = 0
    while len(mended) - at >= _EVENTSTREAM_LEAST:
        (total,) = unpack_from(">I", mended, at)
        if not _EVENTSTREAM_LEAST <= total <= len(mended) - at:
            break
        mended[at + 8 : at + 12] = pack(">I", crc32(mended[at : at + 8]))
        mended[at + total - 4 : at + total] = pack(">I", crc32(mended[at : at + total - 4]))
        at += total
    return bytes(mended)


def _split_binary(body: bytes) -> list[bytes]:
    frames = []
    while len(body) >= _EVENTSTREAM_LEAST:
        (total,) = unpack_from(">I", body)
        if not _EVENTSTREAM_LEAST <= total <= len(body):
            break
        frames.append(body[:total])
        body = body[total:]
    return [*frames, body] if body else frames


def _split_array(body: bytes) -> list[bytes]:
    try:
        items = json.loads(body)
    except ValueError:
        return [body]
    return [json.dumps(item).encode() for item in items] if isinstance(items, list) else [body]


def _binary_payload(frame: bytes) -> bytes | None:
    if len(frame) < _EVENTSTREAM_LEAST:
        return None
    (headers,) = unpack_from(">I", frame, 4)
    return frame[12 + headers : -4] if 12 + headers <= len(frame) - 4 else None


def _rebuild(frame: bytes, data: bytes) -> bytes:
    (headers,) = unpack_from(">I", frame, 4)
    block = frame[12 : 12 + headers]
    return mend(pack(">III", len(block) + len(data) + _EVENTSTREAM_LEAST, len(block), 0) + block + data + b"\0\0\0\0")


def _unwrapped(text: str) -> str:
    """What a chunk of Bedrock's InvokeModel carries, else the text itself."""
    try:
        value = json.loads(text)
        if isinstance(value, dict) and isinstance(value.get("bytes"), str):
            return base64.b64decode(value["bytes"], validate=True).decode("utf-8", "replace")
    except (ValueError, RecursionError, binascii.Error):
        pass
    return text


def _wrapped(old: bytes, data: bytes) -> bytes:
    text = old.decode("utf-8", "replace")
    if _unwrapped(text) == text:
        return data
    return json.dumps({**json.loads(text), "bytes": base64.b64encode(data).decode()}).encode()
