"""Faults of networks, proxies and servers, put on an answer that is right: our own injector over `tests.kit.server`.

Owns the catalogue, and what must come of each fault. `spec` says the same fault in the words of a tool that others
wrote (`tests.kit.chaos`), so that one list drives both.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from struct import pack, pack_into, unpack_from
from typing import Literal
from zlib import crc32

from tests.kit.server import CUT, HOLD, RESET, Part, Reply
from tests.kit.splits import join, split

__all__ = ["FAULTS", "Answer", "Fault", "Outcome"]

Outcome = Literal["whole", "decoded", "cut", "reset", "stall", "reset-behind", "stall-behind"]
"""What must come of an answer: all of it; what a decoder makes of its bytes as they are after the fault; what came
before the fault and the decoder's verdict on an end there; or that and an error of the transport. Behind the answer
there is only an error where the protocol knows no other end than that of the body."""


@dataclass(frozen=True)
class Answer:
    """A right answer, where it is struck, and a wait until the client has events of what came before."""

    body: bytes
    content_type: str
    at: int
    was_read: Callable[[], object]

    @property
    def framing(self) -> str:
        """What its body is cut into."""
        return "eventstream" if self.content_type.endswith("eventstream") else "sse"


@dataclass(frozen=True)
class Fault:
    """One fault. `spec` may have `{at}`, `{end}` and `{short}`; without one the tool does not know this fault."""

    name: str
    spec: str
    put: Callable[[Answer], Reply]
    outcome: Outcome
    damage: Callable[[Answer], bytes] = lambda answer: answer.body
    """The body as the client reads it, if all of it comes."""
    framing: str | None = None
    """The only one that it makes sense for."""

    def told(self, answer: Answer) -> str:
        """The spec for this answer."""
        end = len(answer.body)
        return self.spec.format(at=answer.at, end=end, short=answer.at - end)


# --- HTTP by hand


def _head(answer: Answer, *more: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"content-type: {answer.content_type}", "connection: close", *more, "", ""]
    return "\r\n".join(lines).encode()


def _chunks(data: bytes, size: int = 1 << 20) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def _chunked(answer: Answer, body: bytes, *more: str, size: int = 1 << 20) -> bytes:
    return _head(answer, "transfer-encoding: chunked", *more) + _chunks(body, size) + b"0\r\n\r\n"


def _begun(answer: Answer, upto: int | None = None) -> bytes:
    """The head and what comes before the fault, for one write: a client that has an event of it has all of it."""
    return _head(answer, "transfer-encoding: chunked") + _chunks(answer.body[: answer.at if upto is None else upto])


def _raw(*parts: Part) -> Reply:
    return Reply(parts, raw=True)


def _whole(answer: Answer) -> Reply:
    return _raw(_chunked(answer, answer.body))


# --- how an answer is sent


def _in_shards(answer: Answer) -> Reply:
    sent = _chunked(answer, answer.body)
    return _raw(*(sent[at : at + 1] for at in range(len(sent))))


def _in_random_shards(answer: Answer) -> Reply:
    rng, sent, parts = Random(7), _chunked(answer, answer.body), list[bytes]()
    while sent:
        width = rng.randint(1, 40)
        parts.append(sent[:width])
        sent = sent[width:]
    return _raw(*parts)


def _dripping(answer: Answer) -> Reply:
    sent = _chunked(answer, answer.body)
    parts: list[Part] = []
    for at in range(0, len(sent), 200):
        parts += [sent[at : at + 200], 0.002]
    return _raw(*parts)


def _pausing(answer: Answer) -> Reply:
    return _raw(_begun(answer), 0.05, _chunks(answer.body[answer.at :]) + b"0\r\n\r\n")


def _by_length(answer: Answer, more: int = 0, body: bytes | None = None) -> Reply:
    sent = answer.body if body is None else body
    return _raw(_head(answer, f"content-length: {len(sent) + more}") + sent)


def _by_close(answer: Answer, upto: int | None = None, *then: Part) -> Reply:
    return _raw(_head(answer) + answer.body[:upto], *then)


def _other_type(kind: str | None) -> Callable[[Answer], Reply]:
    def put(answer: Answer) -> Reply:
        line = b"" if kind is None else f"content-type: {kind}\r\n".encode()
        plain = f"content-type: {answer.content_type}\r\n".encode()
        return _raw(_chunked(answer, answer.body).replace(plain, line))

    return put


def _compressed(answer: Answer, change: Callable[[bytes], bytes] = bytes) -> Reply:
    return _raw(_chunked(answer, change(gzip.compress(answer.body)), "content-encoding: gzip"))


def _breaking_off(*then: Part, more: bytes = b"") -> Callable[[Answer], Reply]:
    return lambda answer: _raw(_begun(answer) + more, *then)


def _ended(*then: Part) -> Callable[[Answer], Reply]:
    """All of the answer, but not the end of the body."""
    return lambda answer: _raw(_begun(answer, len(answer.body)), *then)


def _torn(answer: Answer) -> Reply:
    return _raw(_begun(answer), answer.was_read, RESET)


def _torn_behind(answer: Answer) -> Reply:
    return _raw(_begun(answer, len(answer.body)), answer.was_read, RESET)


# --- damage to the bytes


def _with(damage: Callable[[Answer], bytes]) -> Callable[[Answer], Reply]:
    return lambda answer: _raw(_chunked(answer, damage(answer)))


def _flipped(answer: Answer) -> bytes:
    out = bytearray(answer.body)
    out[answer.at] ^= 0x80
    return bytes(out)


def _with_junk(answer: Answer) -> bytes:
    return answer.body[: answer.at] + bytes(5) + answer.body[answer.at :]


def _frames(change: Callable[[list[bytes]], None]) -> Callable[[Answer], bytes]:
    def damage(answer: Answer) -> bytes:
        frames = split(answer.framing, answer.body)
        change(frames)
        return join(answer.framing, frames)

    return damage


def _drop(frames: list[bytes]) -> None:
    del frames[2]


def _repeat(frames: list[bytes]) -> None:
    frames.insert(2, frames[2])


def _swap(frames: list[bytes]) -> None:
    frames[2], frames[3] = frames[3], frames[2]


def _break_checksum(frames: list[bytes]) -> None:
    frames[3] = frames[3][:-4] + bytes([frames[3][-4] ^ 1]) + frames[3][-3:]


def _break_prelude(frames: list[bytes]) -> None:
    frames[3] = frames[3][:8] + bytes([frames[3][8] ^ 1]) + frames[3][9:]


def _lengthen(frames: list[bytes]) -> None:
    out = bytearray(frames[3])
    pack_into(">I", out, 0, unpack_from(">I", out)[0] + 8)
    frames[3] = bytes(out[:8]) + pack(">I", crc32(out[:8])) + bytes(out[12:])


def _interrupt(frames: list[bytes]) -> None:
    frames.insert(3, b"data: {nonsense\n\n")


def _comment(frames: list[bytes]) -> None:
    frames[:] = [frame + b": keep-alive\n\n" for frame in frames]


# --- the catalogue


def _lines(end: bytes) -> Callable[[Answer], bytes]:
    return lambda answer: answer.body.replace(b"\n", end)


def _damaged(
    name: str,
    spec: str,
    damage: Callable[[Answer], bytes],
    framing: str | None = None,
    outcome: Outcome = "decoded",
) -> Fault:
    return Fault(name, spec, _with(damage), outcome, damage, framing)


def _catalogue() -> Iterable[Fault]:
    yield Fault("shards-of-one-byte", "shard=1", _in_shards, "whole")
    yield Fault("random-shards", "shard=r:7:40", _in_random_shards, "whole")
    yield Fault("chunks-of-one-byte", "rechunk=1", lambda answer: _raw(_chunked(answer, answer.body, size=1)), "whole")
    yield Fault("drip", "shard=200,drip=2", _dripping, "whole")
    yield Fault("late", "delay=50", lambda answer: _raw(0.05, _chunked(answer, answer.body)), "whole")
    yield Fault("pause", "stall={at}:50", _pausing, "whole")
    yield Fault("one-write", "buffer", _whole, "whole")
    yield Fault("length", "length=0", _by_length, "whole")
    yield Fault("close-delimited", "close", _by_close, "whole")
    yield Fault("gzip", "gzip", _compressed, "whole")
    yield Fault("another-type", "ctype=text/html", _other_type("text/html"), "whole")
    yield Fault("no-type", "ctype=", _other_type(None), "whole")
    yield _damaged("crlf", "crlf", _lines(b"\r\n"), "sse", "whole")
    yield _damaged("cr", "cr", _lines(b"\r"), "sse", "whole")
    yield _damaged("bom", "bom", lambda answer: b"\xef\xbb\xbf" + answer.body, "sse", "whole")
    yield _damaged("comments", "comment=1", _frames(_comment), "sse", "whole")
    yield Fault("cut-behind", "buffer,truncate={end}", _ended(CUT), "whole")
    yield Fault("reset-behind", "buffer,stall={end}:50,reset={end}", _torn_behind, "reset-behind")
    yield Fault("stall-behind", "buffer,stall={end}:60000", _ended(HOLD), "stall-behind")

    yield Fault("cut", "truncate={at}", _breaking_off(CUT), "cut")
    yield Fault("cut-in-a-chunk", "halfchunk={at}", _breaking_off(CUT, more=b"400\r\n"), "cut")
    yield Fault("early-end", "eof={at}", _breaking_off(more=b"0\r\n\r\n"), "cut")
    yield Fault("no-chunk", "", _breaking_off(more=b"zz\r\nwhat\r\n0\r\n\r\n"), "cut")
    yield Fault(
        "length-too-long",
        "length=64,truncate={at}",
        lambda answer: _by_length(answer, 64, answer.body[: answer.at]),
        "cut",
    )
    yield Fault(
        "length-too-short", "length={short}", lambda answer: _by_length(answer, answer.at - len(answer.body)), "cut"
    )
    yield Fault("cut-and-close-delimited", "close,truncate={at}", lambda answer: _by_close(answer, answer.at), "cut")
    yield Fault("reset", "stall={at}:100,reset={at}", _torn, "reset")
    yield Fault(
        "reset-and-close-delimited",
        "close,stall={at}:100,reset={at}",
        lambda answer: _by_close(answer, answer.at, answer.was_read, RESET),
        "reset",
    )
    yield Fault("stall", "buffer,stall={at}:60000", _breaking_off(HOLD), "stall")

    yield _damaged("flipped-bit", "flip={at}:0x80", _flipped)
    yield _damaged("junk", "junk={at}:5", _with_junk)
    yield _damaged("dropped-event", "drop=2", _frames(_drop), "sse")
    yield _damaged("repeated-event", "dup=2", _frames(_repeat), "sse")
    yield _damaged("swapped-events", "swap=2", _frames(_swap), "sse")
    yield _damaged("nonsense", "sse=3:data: {{nonsense", _frames(_interrupt), "sse")
    yield _damaged("checksum", "crc=3:message", _frames(_break_checksum), "eventstream")
    yield _damaged("prelude-checksum", "crc=3:prelude", _frames(_break_prelude), "eventstream")
    yield _damaged("frame-length", "len=3:8", _frames(_lengthen), "eventstream")


FAULTS = tuple(_catalogue())
