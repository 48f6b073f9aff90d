"""Servers that break HTTP itself: heads, framings, compressions and ends that are none. Each ends in a typed error with
what came before, in little memory, and the client goes on over another connection."""

from __future__ import annotations

import gzip
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any

import pytest
from tests.kit import chat
from tests.kit.asking import KEY, NATIVE, TEXT, WHOLE
from tests.kit.dialogue import Talk
from tests.kit.endure import Endured, Meeting, endure
from tests.kit.process import linux, peak_memory
from tests.kit.server import CUT, HOLD, RESET, Part, Reply, Server, sse_reply

import zen_native as zen

pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
BODY = b"".join(WHOLE)
LARGE = 48 << 20
"""More than any limit lets a peer make us hold, and far less than these servers send."""


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


BEGUN = CHUNKED + framed(TEXT[0])
KEPT = CHUNKED + framed(BODY) + b"0\r\n\r\n"
CLOSING = HEAD + b"connection: close\r\n"
ENDED = CLOSING + b"transfer-encoding: chunked\r\n\r\n" + framed(BODY) + b"0\r\n\r\n"

NO_HEADS: dict[str, list[Part]] = {
    "a reset": [RESET],
    "nothing": [],
    "another protocol": [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", HOLD],
    "binary": [bytes(range(256)), HOLD],
    "half a head": [HEAD, CUT],
    "a status of letters": [b"HTTP/1.1 abc OK\r\n\r\n", HOLD],
    "a short status": [b"HTTP/1.1 99 OK\r\n\r\n", HOLD],
    "a line without a colon": [HEAD + b"what is this\r\n\r\n", HOLD],
    "a NUL": [HEAD + b"x-a: \0\r\n\r\n", HOLD],
    "a lone CR": [HEAD + b"x-a: 1\rx-b: 2\r\n\r\n", HOLD],
    "a header of 1 MB": [HEAD + b"x-a: " + b"a" * (1 << 20) + b"\r\n\r\n", HOLD],
    "100,000 headers": [HEAD + b"x-a: 1\r\n" * 100_000 + b"\r\n", HOLD],
    "a negative length": [HEAD + b"content-length: -5\r\n\r\n" + BODY, HOLD],
    "a length of letters": [HEAD + b"content-length: five\r\n\r\n" + BODY, HOLD],
    "a length of 23 digits": [HEAD + b"content-length: 99999999999999999999999\r\n\r\n" + BODY, HOLD],
    "two lengths": [HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\n" + BODY, HOLD],
    "an unknown framing": [HEAD + b"transfer-encoding: what\r\n\r\n" + BODY, HOLD],
    "another protocol asked for": [b"HTTP/1.1 101 X\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", HOLD],
}
NO_BODIES: dict[str, list[Part]] = {
    "a negative chunk": [BEGUN + b"-5\r\nhello\r\n", HOLD],
    "a chunk of letters": [BEGUN + b"five\r\nhello\r\n", HOLD],
    "a chunk of 25 digits": [BEGUN + b"f" * 25 + b"\r\nhello\r\n", HOLD],
    "a chunk that is longer than it says": [BEGUN + b"2\r\n: hello\r\n", HOLD],
    "trailers that are none": [BEGUN + b"0\r\nwhat is this\r\n\r\n", HOLD],
}
FINE: dict[str, list[Part]] = {
    "HTTP/1.0": [HEAD.replace(b"1.1", b"1.0") + b"\r\n" + BODY, CUT],
    "100 Continue": [b"HTTP/1.1 100 Continue\r\n\r\n" + ENDED, HOLD],
    "early hints": [b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * 3 + ENDED, HOLD],
    "chunk extensions": [ENDED.replace(b"%x\r\n" % len(BODY), b"%x;a=b;c\r\n" % len(BODY)), HOLD],
    "trailers": [ENDED[:-2] + b"x-a: 1\r\n\r\n", HOLD],
    "no reason": [ENDED.replace(b" OK", b" "), HOLD],
}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def asks(way: tuple[str, str], server: Server, parts: Iterable[Part], **options: Any) -> Endured:
    """What comes of an answer by hand, and of another question to a server that is sane again."""
    server.plays(Reply(parts, raw=True), sse_reply(*WHOLE))  # type: ignore[arg-type] - they may have no end
    kind, transport = way
    talk = Talk("openai-chat", kind, "auto", server.url, options={"transport": transport, **options})
    endured = endure(Meeting(talk, server))
    assert endured.again.text == "Hello"
    assert endured.left_open == 0 or endured.heard.error is None
    assert endured.files[0] == endured.files[1]
    if endured.heard.error is not None:
        assert endured.heard.error.partial == zen.fold(endured.heard.events)
    return endured


@pytest.mark.parametrize("parts", NO_HEADS.values(), ids=NO_HEADS)
def test_no_head(way: tuple[str, str], parts: list[Part], server: Server) -> None:
    heard = asks(way, server, parts).heard
    assert isinstance(heard.error, zen.ReadError)
    assert heard.events == []
    assert not heard.error.retryable


@pytest.mark.parametrize("parts", NO_BODIES.values(), ids=NO_BODIES)
def test_no_body(way: tuple[str, str], parts: list[Part], server: Server) -> None:
    heard = asks(way, server, parts).heard
    assert isinstance(heard.error, zen.IncompleteStreamError)
    assert heard.text == "Hel"
    (note,) = pickle.loads(pickle.dumps(heard.error)).__notes__
    assert note.startswith("the body was cut: ")


REASONS = {
    "a chunk of letters": "the size of a chunk is malformed",
    "a chunk of 25 digits": "the size of a chunk is too large",
    "a chunk that is longer than it says": "a chunk of the response does not end where it says",
    "trailers that are none": "the trailer of the response is malformed",
}


@pytest.mark.parametrize("name", REASONS)
@pytest.mark.parametrize("kind", NATIVE)
def test_why_a_body_is_none(kind: str, name: str, server: Server) -> None:
    error = asks((kind, "native"), server, NO_BODIES[name]).heard.error
    assert error is not None
    assert error.__notes__ == [f"the body was cut: {REASONS[name]}"]


def test_a_secret_in_why_a_body_is_none(server: Server) -> None:
    """The text of the other library holds what the server sent."""
    parts: list[Part] = [BEGUN + KEY.encode() + b"\r\n", HOLD]
    error = asks(("sync", "httpx"), server, parts).heard.error
    assert error is not None
    (note,) = error.__notes__
    assert "sk-" not in note
    assert "illegal chunk header" in note


@pytest.mark.parametrize("parts", FINE.values(), ids=FINE)
def test_strange_and_fine(way: tuple[str, str], parts: list[Part], server: Server) -> None:
    heard = asks(way, server, parts).heard
    assert (heard.error, heard.text) == (None, "Hello")


@pytest.mark.parametrize("parts", [[HOLD], [HEAD, HOLD], [CHUNKED, HOLD], [CHUNKED + b"400\r\n", HOLD]])
def test_silence(way: tuple[str, str], parts: list[Part], server: Server) -> None:
    heard = asks(way, server, parts, timeouts=zen.Timeouts(first_event=2.0)).heard
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert heard.error.phase == "first-event"


def test_what_follows_an_answer_is_not_the_next_one(way: tuple[str, str], server: Server) -> None:
    stale = chat.sse(chat.chunk({"content": "stale"}), chat.chunk({}, "stop"), "[DONE]")
    heard = asks(way, server, [KEPT + CHUNKED + framed(stale) + b"0\r\n\r\n", HOLD]).heard
    assert heard.text == "Hello"
    assert [request.connection for request in server.requests] == [0, 1]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body(way: tuple[str, str], status: int, server: Server) -> None:
    expected = {204: zen.IncompleteStreamError, 304: zen.UnknownProviderError}[status]
    heard = asks(way, server, [b"HTTP/1.1 %d X\r\nconnection: close\r\n\r\n" % status, HOLD]).heard
    assert type(heard.error) is expected


# Compressed


def compressed(change: Callable[[bytes], bytes]) -> list[Part]:
    """Text that is long enough to come out in several pieces."""
    long = chat.sse(*(chat.chunk({"content": f"{number} "}) for number in range(20_000)))
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    return [head + framed(change(gzip.compress(TEXT[0] + long + b"".join(WHOLE[2:]), 1))) + b"0\r\n\r\n"]


def test_a_compressed_answer_that_is_cut(way: tuple[str, str], server: Server) -> None:
    heard = asks(way, server, compressed(lambda data: data[: len(data) // 2])).heard
    assert isinstance(heard.error, zen.IncompleteStreamError)
    assert heard.text.startswith("Hel0 1 2 ")


def test_a_compressed_answer_that_is_damaged(way: tuple[str, str], server: Server) -> None:
    half = compressed(lambda data: data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :])
    heard = asks(way, server, half).heard
    assert isinstance(heard.error, zen.InvalidProviderOutputError)
    assert heard.text.startswith("Hel0 1 2 ")


def packed_events() -> list[bytes]:
    """A whole answer in chunks of a gzip stream, without that one's end."""
    packer = zlib.compressobj(wbits=31)
    return [framed(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)) for part in (TEXT[0], *WHOLE[1:])]


@pytest.mark.parametrize("rest", [[0.3, b"0\r\n\r\n"], [HOLD]], ids=["late", "never"])
def test_a_compressed_answer_whose_body_does_not_end(way: tuple[str, str], rest: list[Part], server: Server) -> None:
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    heard = asks(way, server, [head, *packed_events(), *rest]).heard
    assert (heard.error, heard.text) == (None, "Hello")


def test_a_compressed_answer_that_is_damaged_behind_its_events(way: tuple[str, str], server: Server) -> None:
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    begin, *_ = packed_events()
    heard = asks(way, server, [head + begin + framed(b"\xff" * 20) + b"0\r\n\r\n"]).heard
    assert isinstance(heard.error, zen.InvalidProviderOutputError)
    assert heard.text == "Hel"


def test_a_refusal_that_cannot_be_read_is_one_by_its_status(way: tuple[str, str], server: Server) -> None:
    head = (
        b"HTTP/1.1 429 X\r\nconnection: close\r\ncontent-encoding: br\r\nretry-after: 0.1\r\ncontent-length: 5\r\n\r\n"
    )
    error = asks(way, server, [head + b"\x8b\x02\x80hi", HOLD]).heard.error
    assert isinstance(error, zen.RateLimitError)
    assert (error.status, error.retry_after) == (429, 0.1)


# Without an end


def bomb() -> Iterator[bytes]:
    """Comments, a thousandth of their length."""
    packer = zlib.compressobj(9, wbits=31)
    begin = packer.compress(b":\n") + packer.flush(zlib.Z_FULL_FLUSH)
    more = packer.compress(b": no\n" * 200_000) + packer.flush(zlib.Z_FULL_FLUSH)
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    return endless(head + framed(begin), framed(more))


def endless(begin: bytes, more: bytes) -> Iterator[bytes]:
    return chain([begin], repeat(more))


ENDLESS: dict[str, tuple[Callable[[], Iterator[bytes]], type[zen.LLMError] | None, str]] = {
    "headers": (lambda: endless(HEAD, b"x-a: " + b"a" * 1000 + b"\r\n"), zen.ReadError, ""),
    "a header": (lambda: endless(HEAD + b"x-a: ", b"a" * 4000), zen.ReadError, ""),
    "heads": (lambda: repeat(b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" * 50), zen.StreamTimeoutError, ""),
    "a chunk's extension": (lambda: endless(BEGUN + b"5;", b"a" * 4000), zen.IncompleteStreamError, "Hel"),
    "trailers": (lambda: endless(BEGUN + b"0\r\n", b"x-a: 1\r\n" * 500), zen.IncompleteStreamError, "Hel"),
    "comments": (lambda: endless(CHUNKED, framed(b": ping\n\n" * 5000)), zen.StreamTimeoutError, ""),
    "an event": (lambda: endless(BEGUN + framed(b"data: "), framed(b"A" * 60_000)), zen.LimitExceededError, "Hel"),
    "an event's name": (
        lambda: endless(BEGUN + framed(b"event: "), framed(b"A" * 60_000)),
        zen.LimitExceededError,
        "Hel",
    ),
    "an error": (
        lambda: endless(CHUNKED.replace(b"200", b"500"), framed(b"A" * 60_000)),
        zen.ServerError,
        "",
    ),
    "what follows": (lambda: endless(CHUNKED + framed(BODY), framed(b"A" * 60_000)), None, "Hello"),
    "zeros": (bomb, zen.LimitExceededError, ""),
}


@linux
@pytest.mark.parametrize("name", ENDLESS)
def test_no_end(way: tuple[str, str], name: str, server: Server) -> None:
    parts, expected, text = ENDLESS[name]
    if name == "heads" and way[1] == "native":
        expected = zen.ReadError  # it counts them, which httpx leaves to the limit of time
    # Also for the request behind it, which must be answered in that time.
    first_event = 2.0 if expected is zen.StreamTimeoutError else 20
    with peak_memory() as memory:
        heard = asks(way, server, parts(), timeouts=zen.Timeouts(first_event=first_event)).heard
    assert type(heard.error) is (expected or type(None))
    assert heard.text == text
    assert memory.grown < LARGE
