"""Changes that make a real body hostile: to its bytes, to its frames, and to the JSON inside a frame.

Owns what is tried, not what must come of it. Everything random comes from the generator that is handed in, so that a
seed, or hypothesis, decides.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.kit.splits import join, mend, payload, replace_payload, split

__all__ = ["RAW_VALUES", "SAID", "TEXTS", "TOKENS", "VALUES", "mutate"]

_MAX_BODY = 1 << 20
_RAW = "\x00raw\x00"
"""Marks a string that goes into the text as it is, without quotes."""

TOKENS = (
    b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n\r\n",
    b"\n\n", b"\r\r", b"\xe2\x80\xa8", b"\xc2\x85", b"\x1f", b"\\", b'"', b"\\u", b"\\ud83d", b"\\ude00",
    b"\\ud83d\\ude00", b"{", b"}", b"[", b"]", b",", b":", b" ", b"null", b"true", b"-", b"1e400", b"NaN", b"-0",
    b"1.0", b"<think>", b"</think>", b"<", b"<html>", b"data: [DONE]\n\n", b"data:\n\n", b"data\n\n", b": comment\n\n",
    b"event: error\n", b"event: ping\n", b"id: 1\n", b"retry: 5\n", b"data: {}\n\n", b"data: [1]\n\n",
    b'data: {"error":{"message":"no","type":"x"}}\n\n', b'data: {"choices":[],"cost":"0.25"}\n\n',
    b'data: {"type":"ping","cost":"0.5"}\n\n', b"[" * 130, b'{"a":' * 130, b"9" * 40,
    b"data: " + b"[" * 129 + b"]" * 129 + b"\n\n",
)  # fmt: skip
"""Pieces that a decoder may trip over."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 1.0, 0.5, -0.0, 1e22, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**30, "", "0", "1",
    "x", "a" * 300, "\n", " \n{", "{}", '{"a":1}', '{"a":', "[1]", "null", "\ud83d", "\ude00", "\ud83d\ude00",
    "a\ud800", "\x00", "<think>", "</think>", "<think>a</think>b", "tool_calls", "length", "error", "[DONE]", "0.25",
    "1e-7", "-1", "text", "\u00e9", "\U0001f600", [], {}, [[]], [{}], [None], ["a"], {"a": 1}, {"": None},
    {"type": "text", "text": "x"}, {"message": "m"}, {"error": {"message": "m", "code": 429}},
)  # fmt: skip
"""What takes the place of a JSON value."""

TEXTS = (
    "\ud83d", "\ud83d", "\ude00", "", "", "a\ud83d", "\ude00b", " ", "\n", "\x7f", "<think>", "</think>", "<thi", "nk>",
    "</", "a\n<think>\ud83d", "\ude00</think>",
)  # fmt: skip
"""Deltas that are joined with their neighbours."""

SAID = ("text", "content", "delta", "thinking", "reasoning", "arguments", "partial_json", "input")
"""Members that such deltas stand in."""

RAW_VALUES = (
    "1e400", "-0", "1E5", "1.10", "1e-400", "NaN", "01", "9" * 4300, "9" * 4301, "0." + "1" * 80, "0." + "1" * 4300,
    '{"a":1,"a":2}', "[" * 126 + "]" * 126, "[" * 140 + "]" * 140, r'"\ud83d"', r'"\udc00\ud800"', r'"\u0000"', "'a'",
    "tru", "", "18446744073709551616", "1.0000000000000000000001", '"\t"', r'"\/"', "[1,]", "2e0", "-1.5e+3",
)  # fmt: skip
"""JSON, or almost, that goes into the text as it is."""

Place = tuple[Any, Any]
"""A dict or list, and the key or index in it."""


def mutate(rng: Random, framing: str, body: bytes, other: bytes) -> bytes:
    """The body after one to four changes; `other` is a body to take pieces from."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        change = rng.choice((_bytes, _frames, _frames, _json, _json, _json, _texts))
        body = change(rng, framing, body, other)[:_MAX_BODY]
    return mend(body) if framing == "eventstream" and rng.random() < 0.8 else body


def _bytes(rng: Random, framing: str, body: bytes, other: bytes) -> bytes:
    at = rng.randint(0, len(body))
    end = min(len(body), at + rng.choice((1, 1, 2, 4, 16, 64, 400)))
    taken = rng.randint(0, len(other))
    return rng.choice(
        (
            lambda: body[:at] + bytes(byte ^ (1 << rng.randrange(8)) for byte in body[at : at + 1]) + body[at + 1 :],
            lambda: body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :],
            lambda: body[:at] + body[end:],
            lambda: body[:end] + body[at:end] * rng.choice((1, 1, 2, 50)) + body[end:],
            lambda: body[:at] + rng.choice(TOKENS) + body[at:],
            lambda: body[:at] + rng.choice(TOKENS) + body[end:],
            lambda: body[:at] + other[taken : taken + 100] + body[at:],
            lambda: body[:at] + other[taken:],
            lambda: body[:at],
        )
    )()


def _frames(rng: Random, framing: str, body: bytes, other: bytes) -> bytes:
    frames, others = split(framing, body), split(framing, other)
    if not frames:
        return body
    at, to = rng.randrange(len(frames)), rng.randrange(len(frames))
    kind = rng.randrange(6)
    if kind == 0:
        del frames[at]
    elif kind == 1:
        frames.insert(to, frames[at])
    elif kind == 2:
        frames[at], frames[to] = frames[to], frames[at]
    elif kind == 3 and others:
        frames.insert(at, rng.choice(others))
    elif kind == 4:
        window = frames[at : at + 5]
        rng.shuffle(window)
        frames[at : at + 5] = window
    else:
        frames[at:] = others[rng.randint(0, len(others)) :]
    return join(framing, frames)


def _json(rng: Random, framing: str, body: bytes, other: bytes) -> bytes:
    frames = split(framing, body)
    if not frames:
        return body
    at = rng.randrange(len(frames))
    text = payload(framing, frames[at])
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return _bytes(rng, framing, body, other)
    for _ in range(rng.choice((1, 1, 2))):
        value = _changed(rng, value)
    frames[at] = replace_payload(framing, frames[at], _dumped(value, ascii_only=rng.random() < 0.5))
    return join(framing, frames)


def _texts(rng: Random, framing: str, body: bytes, other: bytes) -> bytes:
    """A frame becomes several, which differ in one string; most often in what is said."""
    frames = split(framing, body)
    for at in rng.sample(range(len(frames)), min(8, len(frames))):
        try:
            value = json.loads(payload(framing, frames[at]) or "")
        except (ValueError, RecursionError):
            continue
        places = [(holder, key) for holder, key in _places(value) if isinstance(holder[key], str)]
        said = [(holder, key) for holder, key in places if key in SAID]
        if said or (places and rng.random() < 0.1):
            frames[at : at + 1] = _copies(rng, framing, frames[at], value, rng.choice(said or places))
            return join(framing, frames)
    return _bytes(rng, framing, body, other)


def _copies(rng: Random, framing: str, frame: bytes, value: Any, place: Place) -> list[bytes]:
    holder, key = place
    copies = []
    for _ in range(rng.randint(2, 6)):
        holder[key] = rng.choice(TEXTS)
        copies.append(replace_payload(framing, frame, _dumped(value, ascii_only=rng.random() < 0.5)))
    return copies


def _changed(rng: Random, value: Any) -> Any:
    places = _places(value)
    if not places:
        return _hostile(rng)
    holder, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[rng.choice(("type", "index", "id", "text", "x", str(key).upper(), "error", "cost"))] = holder.pop(key)
    elif kind == 2:
        source, name = rng.choice(places)
        holder[key] = _copied(source[name])
    elif kind == 3 and isinstance(holder, list):
        holder.insert(key, _copied(holder[key]))
    elif kind == 4 and isinstance(holder, dict):
        source, name = rng.choice(places)
        holder[rng.choice((str(name), "extra"))] = _copied(source[name])
    else:
        holder[key] = _hostile(rng)
    return value


def _hostile(rng: Random) -> Any:
    return _RAW + rng.choice(RAW_VALUES) if rng.random() < 0.3 else _copied(rng.choice(VALUES))


def _places(value: Any) -> list[Place]:
    """Every member and item at any depth."""
    places: list[Place] = []
    holders = [value]
    while holders:
        holder = holders.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            places.append((holder, key))
            holders.append(holder[key])
    return places


def _copied(value: Any) -> Any:
    """A value that shares nothing, so that no object comes to hold itself."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _dumped(value: Any, *, ascii_only: bool) -> str:
    """JSON text with raw pieces as they are; lone surrogates stay escapes."""
    if isinstance(value, str):
        if value.startswith(_RAW):
            return value.removeprefix(_RAW)
        lone = any("\ud800" <= letter <= "\udfff" for letter in value)
        return json.dumps(value, ensure_ascii=ascii_only or lone)
    if isinstance(value, dict):
        names = (_dumped(key, ascii_only=True) for key in value)
        items = (_dumped(item, ascii_only=ascii_only) for item in value.values())
        return "{" + ",".join(map(":".join, zip(names, items, strict=True))) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_dumped(item, ascii_only=ascii_only) for item in value) + "]"
    return json.dumps(value)
