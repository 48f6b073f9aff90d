"""Responses of every odd form against another reader of HTTP/1.1, h11: the same verdict, and the same body. Where ours
is another on purpose, the table says why."""

from __future__ import annotations

from itertools import product

import h11
import pytest
from tests.kit.http1 import new_wire

BODY = b"Hello"
CHUNKS = b"5\r\nHello\r\n0\r\n\r\n"
LENGTH = b"content-length: 5\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"

STATUS_LINES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 299 Odd", b"HTTP/1.1 599 X",
    b"HTTP/1.1 200 a b\tc", b"HTTP/1.1 200 caf\xe9", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 abc OK",
    b"HTTP/1.1 -20 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b" HTTP/1.1 200 OK", b"http/1.1 200 OK",
    b"HTTP/1.2 200 OK", b"HTTP/2.0 200 OK", b"HTTP/1 200 OK", b"HTTP/11 200 OK", b"HTTP 200 OK", b"200 OK", b"",
    b"HTTP/1.1 200 OK\0", b"HTTP/1.1 200 O\rK", b"ICY 200 OK", b"HTTP/1.1 099 X", b"HTTP/1.1 000 X",
]  # fmt: skip
FIELDS = [
    b"x-a: 1", b"x-a:1", b"x-a:   1   ", b"x-a:\t1\t", b"x-a:", b"x-a: ", b"X-A: 1\r\nx-a: 2", b"x-a: 1:2", b"x: \xff",
    b"x-a: \xc3\xa9", b"x-a: \"quoted\"", b"!#$%&'*+-.^_`|~: 1", b"x-a : 1", b" x-a: 1", b"x a: 1", b"x-a", b": 1",
    b"x(a: 1",
    b"x-a: 1\r\n 2", b"x-a: 1\r\n\t2", b"x-a: 1\0", b"x-a: 1\x012", b"x-a: 1\x7f", b"x-a: 1\r2", b"x\xe9: 1",
    b"x-a: a\nx-b: b",
    b"connection: close", b"connection: keep-alive", b"x-a: " + b"a" * 8000, b"\r\nx-a: 1", b"x-a;: 1", b"x\0a: 1",
]  # fmt: skip
CHUNK_FORMS = [
    CHUNKS, b"05\r\nHello\r\n0\r\n\r\n", b"5;a=b\r\nHello\r\n0\r\n\r\n", b'5;a="b c"\r\nHello\r\n0;z\r\n\r\n',
    b"5 \r\nHello\r\n0\r\n\r\n", b"2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n", b"5\r\nHello\r\n00\r\n\r\n",
    b"5\r\nHello\r\n0\r\nx-t: 1\r\n\r\n", b"5\r\nHello\r\n0\r\nbad\r\n\r\n", b"5\r\nHello\r\n0\r\nx-t : 1\r\n\r\n",
    b"5\r\nHello0\r\n\r\n", b"5\r\nHelloXX0\r\n\r\n", b"6\r\nHello\r\n0\r\n\r\n", b"4\r\nHello\r\n0\r\n\r\n",
    b"g\r\nHello\r\n0\r\n\r\n", b"-5\r\nHello\r\n0\r\n\r\n", b"+5\r\nHello\r\n0\r\n\r\n", b"0x5\r\nHello\r\n0\r\n\r\n",
    b"\r\nHello\r\n0\r\n\r\n", b" 5\r\nHello\r\n0\r\n\r\n", b"5\nHello\n0\n\n", b"5\r\nHello\n0\r\n\r\n",
    b"5\rHello\r\n0\r\n\r\n", b"fffffffffffffffffffff\r\nHello", b"5\r\nHello\r\n", b"5\r\nHel", b"5", b"",
    b"5\r\nHello\r\n0\r\n", b"5;\0\r\nHello\r\n0\r\n\r\n", b"5;a\nb\r\nHello\r\n0\r\n\r\n",
    b"5_0\r\nHello\r\n0\r\n\r\n", b"5 0\r\nHello\r\n0\r\n\r\n", b"5 a\r\nHello\r\n0\r\n\r\n",
    b"5\t \r\nHello\r\n0\r\n\r\n",
]  # fmt: skip
LENGTHS = [
    b"content-length: 5", b"content-length: 05", b"content-length:5", b"content-length: 5 ", b"content-length: +5",
    b"content-length: -5", b"content-length: 5a", b"content-length: 0x5", b"content-length:", b"content-length: 5.0",
    b"content-length: 5, 5", b"content-length: 5\r\ncontent-length: 5", b"content-length: 5\r\ncontent-length: 6",
    b"content-length: 4", b"content-length: 6", b"content-length: 0", b"content-length: 99999999999999999999999",
    b"content-length: 5\r\ntransfer-encoding: chunked", b"transfer-encoding: chunked\r\ncontent-length: 5",
    b"transfer-encoding: gzip", b"transfer-encoding: gzip, chunked", b"transfer-encoding: identity",
    b"transfer-encoding: Chunked", b"transfer-encoding: chunked, chunked", b"transfer-encoding:",
    b"transfer-encoding: chunked\r\ntransfer-encoding: chunked", b"transfer-encoding: \x0bchunked", b"x-a: 1",
]  # fmt: skip

VECTORS = {
    **{line: line + b"\r\n" + LENGTH + b"\r\n" + BODY for line in STATUS_LINES},
    **{
        field + end: b"HTTP/1.1 200 OK\r\n" + field + b"\r\n" + end + b"\r\n" + body
        for field, (end, body) in product(FIELDS, [(LENGTH, BODY), (CHUNKED, CHUNKS), (b"", BODY)])
    },
    **{b"chunks " + form: b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n" + form for form in CHUNK_FORMS},
    **{b"length " + form: b"HTTP/1.1 200 OK\r\n" + form + b"\r\n\r\n" + BODY for form in LENGTHS},
    **{
        b"many %d" % count: b"HTTP/1.1 200 OK\r\n" + b"x-a: 1\r\n" * count + LENGTH + b"\r\n" + BODY
        for count in (100, 127, 128)
    },
}

Verdict = tuple[str, bytes]
"""`whole`, `head` or `body` for where it is refused or cut, and the body as far as it is read."""


def ours(data: bytes) -> Verdict:
    wire = new_wire(max_head_bytes=64 << 10)
    wire.begin("GET", None)
    wire.feed(data)
    wire.eof()
    return wire.kind or "whole", wire.take_body()


def theirs(data: bytes) -> Verdict:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 << 10)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    where, body = "head", b""
    try:
        connection.receive_data(data)
        connection.receive_data(b"")
        while not isinstance(event := connection.next_event(), (h11.EndOfMessage, h11.ConnectionClosed)):
            if isinstance(event, h11.Response):
                where = "body"
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
    except h11.RemoteProtocolError:
        return where, body
    return "whole", body


REFUSED: dict[str, list[bytes]] = {
    "HTTP/1 is 1.0 or 1.1: another version was never asked for": [b"HTTP/1.2 200 OK", b"HTTP/2.0 200 OK"],
    "a folded line, which a client may take or leave (RFC 9112 section 5.2)": [
        field + end for field in (b"x-a: 1\r\n 2", b"x-a: 1\r\n\t2") for end in (LENGTH, CHUNKED, b"")
    ],
    "a control character in a value (RFC 9110 section 5.5)": [
        field + end for field in (b"x-a: 1\x012", b"x-a: 1\x7f") for end in (LENGTH, CHUNKED, b"")
    ],
    "a control character in a chunk's extensions (RFC 9112 section 7.1.1)": [b"chunks 5;\0\r\nHello\r\n0\r\n\r\n"],
    "a length that is repeated, be it the same one (RFC 9112 section 6.3)": [
        b"length content-length: 5, 5", b"length content-length: 5\r\ncontent-length: 5",
    ],
    "a length beside chunks, which two readers may understand in two ways (RFC 9112 section 6.3)": [
        b"length content-length: 5\r\ntransfer-encoding: chunked",
        b"length transfer-encoding: chunked\r\ncontent-length: 5",
    ],
    "more than 128 fields": [b"many 128"],
}  # fmt: skip
"""What only we refuse, or refuse sooner, and why."""
SOONER = {name: why for why, names in REFUSED.items() for name in names}


@pytest.mark.parametrize("name", [name for name in VECTORS if name not in SOONER])
def test_the_same_verdict(name: bytes) -> None:
    assert ours(VECTORS[name]) == theirs(VECTORS[name])


@pytest.mark.parametrize("name", SOONER)
def test_what_only_we_refuse(name: bytes) -> None:
    where, body = ours(VECTORS[name])
    assert (where, body) == ("body" if name.startswith(b"chunks") else "head", b"")
    assert theirs(VECTORS[name]) in [("whole", BODY), ("body", b"")]


@pytest.mark.parametrize("line", [b"5 ;a", b"5\t ; a", b"5 ; a=b ;c"])
def test_blanks_may_stand_before_an_extension(line: bytes) -> None:
    """RFC 9112 section 7.1.1, though h11 refuses them."""
    assert ours(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n" + line + CHUNKS[1:]) == ("whole", BODY)


def test_there_are_vectors_of_each_verdict() -> None:
    """Or two readers that refuse everything would agree as well."""
    verdicts = [ours(data)[0] for data in VECTORS.values()]
    assert min(verdicts.count(each) for each in ("whole", "head", "body")) >= 15
