"""The reading half of a connection: framings of HTTP, what is decoded and what is not, and how an answer ends."""

from __future__ import annotations

import pytest
from tests.kit.decoding import pieces
from tests.kit.feeding import BODY, HELLO, PROTOCOL, text
from tests.kit.http1 import MAX_HEAD, chunked, closed, counted, head, new_decoder, new_wire, reading
from tests.kit.messages import sse

from zen_native import InvalidProviderOutputError, decode

FRAMES = [piece + b"\n\n" for piece in BODY.split(b"\n\n") if piece]
OPEN = head("transfer-encoding: chunked")
ANSWERS = {
    "one chunk": (chunked(BODY), True),
    "a chunk for each event": (chunked(*FRAMES), True),
    "small chunks": (chunked(*pieces(BODY, 7)), True),
    "length": (counted(), True),
    "until the connection closes": (closed(), False),
    "1.0": (head(version="1.0") + BODY, False),
    "informational": (head(status="103 Early Hints") + head("a: b", status="100 Continue") + counted(), True),
    "trailer": (chunked(BODY, trailer=b"x-cost: 1\r\nx-other: 2\r\n"), True),
    "extensions": (chunked(BODY).replace(b"\r\n0\r\n", b"\r\n0;a=b; c\r\n"), True),
}


@pytest.fixture(scope="module")
def events() -> list[object]:
    return list(decode(BODY, PROTOCOL, provider="kit"))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_in_one_read(name: str, events: list[object]) -> None:
    answer, reusable = ANSWERS[name]
    wire, decoder = new_wire(), new_decoder()
    wire.begin("POST", decoder)
    assert reading(wire, answer) == events
    assert decoder.done
    wire.eof()
    assert (wire.ended, wire.error, wire.kind, wire.decodes, wire.received) == (True, None, None, True, True)
    assert not wire.reusable
    assert reusable == (b"content-length" in answer or b"chunked" in answer)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_cut_at_every_byte(name: str, events: list[object]) -> None:
    answer, reusable = ANSWERS[name]
    for cut in range(1, len(answer)):
        wire = new_wire()
        wire.begin("POST", new_decoder())
        assert reading(wire, answer[:cut]) + reading(wire, answer[cut:]) == events, cut
        assert (wire.ended, wire.reusable) == (reusable, reusable), cut


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
def test_an_answer_in_small_reads(name: str, size: int, events: list[object]) -> None:
    answer, reusable = ANSWERS[name]
    wire = new_wire(size=size)
    wire.begin("POST", new_decoder())
    assert reading(wire, answer) == events
    assert (wire.ended, wire.reusable) == (reusable, reusable)


def test_the_head() -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    assert wire.head is None
    fields = (
        "X-One: 1",
        "Set-Cookie: a=1",
        "x-one:  2 ",
        "Set-Cookie: b=2",
        "X-Text: caf\xe9",
        "x-utf: \xc3\xa9",
        "empty:",
    )
    wire.feed(head(*fields, status="201 Created"))
    assert wire.head == (
        201,
        {"x-one": "1, 2", "set-cookie": "a=1, b=2", "x-text": "caf\xe9", "x-utf": "\xe9", "empty": ""},
    )


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_that_are_elsewhere(kind: type, events: list[object]) -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    for piece in pieces(chunked(*FRAMES), 100):
        wire.feed(kind(piece))
    assert wire.take() == events
    with pytest.raises(TypeError, match=r"^data must be bytes, bytearray or memoryview$"):
        wire.feed("text")  # type: ignore[arg-type]


# What is not decoded


@pytest.mark.parametrize("status", ["400 Bad Request", "302 Found", "500", "429 Too Many Requests"])
def test_the_body_of_another_status_is_raw(status: str) -> None:
    wire, decoder = new_wire(), new_decoder()
    wire.begin("POST", decoder)
    assert reading(wire, counted(b'{"error": 1}', status=status)) == []
    assert (wire.decodes, wire.ended, wire.take_body(), wire.take_body()) == (False, True, b'{"error": 1}', b"")
    assert (decoder.done, wire.reusable) == (False, True)


@pytest.mark.parametrize(
    ("encoding", "decodes"),
    [("gzip", False), ("br", False), ("gzip, br", False), ("identity", True), ("Identity", True), ("", True)],
)
def test_an_encoded_body_is_raw(encoding: str, decodes: bool) -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    got = reading(wire, counted(BODY, f"Content-Encoding: {encoding}"))
    assert (wire.decodes, text(got), wire.take_body()) == (
        decodes,
        "Hello" if decodes else "",
        b"" if decodes else BODY,
    )


def test_without_a_decoder_the_body_is_raw() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    assert reading(wire, chunked(b"one ", b"two")) == []
    assert (wire.decodes, wire.take_body(), wire.ended) == (False, b"one two", True)


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [
        ("HEAD", "200 OK", 5),
        ("HEAD", "404 Not Found", 5),
        ("POST", "204 No Content", 0),
        ("GET", "304 Not Modified", 5),
    ],
)
def test_answers_without_a_body(method: str, status: str, length: int) -> None:
    wire = new_wire()
    wire.begin(method, None)
    wire.feed(head(f"content-length: {length}", status=status))
    assert (wire.ended, wire.error, wire.reusable, wire.take_body()) == (True, None, True, b"")


def test_what_follows_the_end_of_the_answer_is_skipped() -> None:
    wire, decoder = new_wire(), new_decoder()
    wire.begin("POST", decoder)
    got = reading(wire, chunked(BODY + b"x" * 10, b"y" * 500))
    assert (text(got), decoder.done, wire.skipped, wire.ended, wire.reusable) == ("Hello", True, 500, True, True)


def test_what_follows_a_failure_is_skipped() -> None:
    wire, decoder = new_wire(), new_decoder()
    wire.begin("POST", decoder)
    got = reading(wire, chunked(sse(*HELLO), b"data: {broken\n\n", b"more", b"and more"))
    assert text(got) == "Hello"
    assert isinstance(decoder.error, InvalidProviderOutputError)
    assert (wire.error, wire.skipped, wire.ended, wire.reusable) == (None, 12, True, True)


# The connection afterwards


def test_several_answers_on_one_connection(events: list[object]) -> None:
    wire = new_wire()
    assert wire.reusable
    for answer in (chunked(*FRAMES), counted(), counted()):
        wire.begin("POST", new_decoder())
        assert (wire.head, wire.ended, wire.received, wire.reusable) == (None, False, False, False)
        assert reading(wire, answer) == events
        assert (wire.ended, wire.reusable) == (True, True)


@pytest.mark.parametrize(
    ("fields", "version", "keeps"),
    [
        ((), "1.1", True),
        (("connection: close",), "1.1", False),
        (("Connection: x, CLOSE",), "1.1", False),
        (("connection: closed",), "1.1", True),
        (("connection: x", "connection: close"), "1.1", False),
        ((), "1.0", False),
        (("connection: keep-alive",), "1.0", True),
        (("connection: Keep-Alive, x",), "1.0", True),
        (("connection: keep-alive, close",), "1.0", False),
    ],
)
def test_who_keeps_the_connection(fields: tuple[str, ...], version: str, keeps: bool) -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.feed(head("content-length: 2", *fields, version=version) + b"ok")
    assert (wire.ended, wire.error, wire.reusable) == (True, None, keeps)


def test_chunks_of_an_old_version_are_read_once() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.feed(chunked(b"ok", fields=["connection: keep-alive"]).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (wire.ended, wire.take_body(), wire.reusable) == (True, b"ok", False)


@pytest.mark.parametrize("together", [True, False])
def test_bytes_that_nobody_asked_for(together: bool) -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.feed(counted(b"ok") + (b"x" if together else b""))
    assert wire.reusable is not together
    if not together:
        wire.feed(b"x")
    assert (wire.ended, wire.error, wire.reusable, wire.take_body()) == (True, None, False, b"ok")
    wire.begin("GET", None)
    assert (wire.ended, wire.kind, wire.error) == (True, "head", "the server sent what nobody asked for")
    assert not wire.received


def test_a_connection_that_closed_meanwhile() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.feed(counted(b"ok"))
    wire.eof()
    assert (wire.error, wire.reusable) == (None, False)
    wire.begin("GET", None)
    assert (wire.ended, wire.kind, wire.received) == (True, "head", False)
    assert wire.error == "the server closed the connection before it answered"


def test_an_answer_under_way_is_not_given_up() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.feed(counted(b"ok")[:-1])
    with pytest.raises(RuntimeError, match=r"^the last answer has not ended$"):
        wire.begin("GET", None)
    wire.feed(b"k")
    assert (wire.ended, wire.take_body()) == (True, b"ok")


# Ends that come too early


def test_an_end_at_every_byte() -> None:
    answer = chunked(*FRAMES)
    start = answer.index(b"\r\n\r\n") + 4
    for cut in range(len(answer)):
        wire, decoder = new_wire(), new_decoder()
        wire.begin("POST", decoder)
        wire.feed(answer[:cut])
        wire.eof()
        expected = "head" if cut < start else "body"
        assert (wire.ended, wire.kind, wire.reusable, wire.received) == (True, expected, False, cut > 0), cut
        assert (wire.head is None) == (expected == "head"), cut


def test_a_connection_that_is_lost() -> None:
    answer = counted()
    for cut in range(len(answer)):
        wire = new_wire()
        wire.begin("POST", new_decoder())
        wire.feed(answer[:cut])
        wire.lost(ConnectionResetError(104, "Connection reset by peer"))
        assert (wire.ended, wire.kind, wire.reusable, wire.received) == (True, "lost", False, cut > 0), cut
        assert wire.error == "ConnectionResetError: [Errno 104] Connection reset by peer"


def test_a_connection_that_is_lost_without_a_reason() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.feed(closed(b"all"))
    wire.lost(None)
    assert (wire.ended, wire.error, wire.take_body()) == (True, None, b"all")
    wire.begin("GET", None)
    wire.lost(None)
    assert (wire.ended, wire.kind) == (True, "head")


def test_what_comes_after_the_answer_leaves_it_alone() -> None:
    wire = new_wire()
    wire.begin("GET", None)
    wire.feed(counted(b"ok"))
    wire.lost(OSError("late"))
    wire.eof()
    wire.feed(b"later")
    assert (wire.ended, wire.error, wire.kind, wire.take_body()) == (True, None, None, b"ok")
    assert not wire.reusable


# What is no response


@pytest.mark.parametrize("size", [1 << 16, 100])
def test_the_limit_of_a_head(size: int) -> None:
    least = len(head("x: ", status="204 No Content"))
    for length in (MAX_HEAD, MAX_HEAD + 1):
        wire = new_wire(size=size)
        wire.begin("GET", None)
        answer = head("x: " + "y" * (length - least), status="204 No Content")
        assert len(answer) == length
        reading(wire, answer)
        assert wire.error == (None if length == MAX_HEAD else "the head of the response is too large")


HEAD_MALFORMED = "the head of the response is malformed"
NO_LENGTH = "the content-length of the response is no single number"
BAD_SIZE = "the size of a chunk is malformed"
SECRET = "sk-secret"  # what a server sent is in no text of ours


@pytest.mark.parametrize(
    ("answer", "kind", "error"),
    [
        (b"<html>" + SECRET.encode(), "head", "the server does not speak HTTP/1"),
        (b"HTTP/2 200 OK\r\n\r\n", "head", "the server does not speak HTTP/1"),
        (head(status=f"2x0 {SECRET}"), "head", HEAD_MALFORMED),
        (head(f"name : {SECRET}"), "head", HEAD_MALFORMED),
        (head(f"name: {SECRET}\r\n folded"), "head", HEAD_MALFORMED),
        (head(f"name: {SECRET}\0"), "head", HEAD_MALFORMED),
        (head(f"name: {SECRET}\rname: x"), "head", HEAD_MALFORMED),
        (head(f"content-length: {SECRET}"), "head", NO_LENGTH),
        (head("content-length: 2", "content-length: 2"), "head", NO_LENGTH),
        (head("content-length: 2, 3"), "head", NO_LENGTH),
        (head("content-length: 18446744073709551616"), "head", NO_LENGTH),
        (
            head("content-length: 2", "transfer-encoding: chunked"),
            "head",
            "the response has both a transfer-encoding and a length",
        ),
        (head("transfer-encoding: gzip, chunked"), "head", "the transfer-encoding of the response is not chunked"),
        (head(*["a: b"] * 129), "head", "the response has too many header fields"),
        (head(status="101 Switching"), "head", "the server changes to a protocol that nobody asked for"),
        (head(status="100") * 17, "head", "the server sends informational responses without end"),
        (OPEN + SECRET.encode(), "body", BAD_SIZE),
        (OPEN + b"2\nok\r\n", "body", BAD_SIZE),
        (OPEN + b"10000000000000000\r\n", "body", "the size of a chunk is too large"),
        (OPEN + b"2;" + b"x" * 2000, "body", "the extensions of a chunk are too large"),
        (OPEN + b"2\r\nokay\r\n", "body", "a chunk of the response does not end where it says"),
        (OPEN + b"0\r\n name: x\r\n\r\n", "body", "the trailer of the response is malformed"),
        (OPEN + b"0\r\nname: " + b"x" * MAX_HEAD, "body", "the trailer of the response is too large"),
    ],
)
def test_what_is_no_response(answer: bytes, kind: str, error: str) -> None:
    for size in (1 << 16, 1):
        wire = new_wire(size=size)
        wire.begin("POST", new_decoder())
        reading(wire, answer)
        assert (wire.ended, wire.kind, wire.error, wire.reusable, wire.received) == (True, kind, error, False, True)
        wire.feed(counted())
        wire.eof()
        assert (wire.kind, wire.error, wire.take(), wire.take_body()) == (kind, error, [], b"")


def test_what_was_decoded_before_a_bad_chunk_is_there() -> None:
    wire = new_wire()
    wire.begin("POST", new_decoder())
    wire.feed(OPEN + b"%x\r\n%b\r\nno size" % (len(BODY), BODY))
    assert (wire.kind, text(wire.take())) == ("body", "Hello")
