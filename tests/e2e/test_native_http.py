"""HTTP/1 over the native transport as servers speak it: which connections are used again, and answers that arrive in
two pieces, cut anywhere. What is no HTTP at all is in `test_faults_http`, for both transports."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, ask_again, config
from tests.kit.http1 import chunked, head
from tests.kit.reads import Reads
from tests.kit.server import HOLD, Part, Reply, Server, sse_reply

import zen_native as zen

pytestmark = pytest.mark.parametrize("kind", NATIVE)

BODY = b"".join(WHOLE)
LENGTH = f"content-length: {len(BODY)}"
CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in WHOLE) + b"0\r\n\r\n"
INFORMATION = b"".join(head(status=status) for status in ("100 Continue", "102 Processing", "103 Early Hints"))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def raw(*parts: Part) -> Reply:
    """By hand. The server would take another request on the same connection."""
    return Reply(parts, raw=True, kept=True)


# Cuts


def test_an_answer_that_is_cut_anywhere(kind: str, server: Server, reads: Reads) -> None:
    """The client has read what comes before the cut when the rest is sent. All answers come over one connection."""
    answer = INFORMATION[:25] + chunked(*WHOLE, fields=["content-type: text/event-stream"], trailer=b"x-a: 1\r\n")

    def play(cut: int) -> None:
        read = reads.next()
        server.plays(raw(answer[: cut + 1], lambda: read.wait(5), answer[cut + 1 :]))

    heard = ask_again(kind, config(server), len(answer) - 1, before=play)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * (len(answer) - 1)
    assert server.connections == 1


# Which connections are used again

ENDS: dict[str, tuple[bytes, bool]] = {
    "a length": (head(LENGTH) + BODY, True),
    "chunks": (head("transfer-encoding: chunked") + CHUNKS, True),
    "informational answers before it": (INFORMATION + head(LENGTH) + BODY, True),
    "a length, and a close": (head(LENGTH, "connection: close") + BODY, False),
    "chunks, and a close among other options": (
        head("transfer-encoding: chunked", "connection: x-a, Close") + CHUNKS,
        False,
    ),
    "HTTP/1.0 with a length": (head(LENGTH, version="1.0") + BODY, False),
    "HTTP/1.0 with a length, kept alive": (head(LENGTH, "connection: keep-alive", version="1.0") + BODY, True),
    "HTTP/1.0 in chunks": (
        head("transfer-encoding: chunked", "connection: keep-alive", version="1.0") + CHUNKS,
        False,
    ),
    "more than its length": (head(LENGTH) + BODY + b"more", False),
    "more than its chunks": (head("transfer-encoding: chunked") + CHUNKS + b"\r\n", False),
}


@pytest.mark.parametrize("name", ENDS)
def test_who_gets_another_request(kind: str, name: str, server: Server) -> None:
    answer, kept = ENDS[name]
    server.plays(raw(answer))
    heard = ask_again(kind, config(server), 3)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 3
    assert [request.connection for request in server.requests] == ([0, 0, 0] if kept else [0, 1, 2])


def test_a_body_without_a_length_ends_with_its_connection(kind: str, server: Server) -> None:
    server.plays(Reply([head(version="1.0") + BODY], raw=True))
    heard = ask_again(kind, config(server), 2)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert server.connections == 2


def test_what_comes_when_nobody_asked(kind: str, server: Server, reads: Reads) -> None:
    """It is not taken for the answer to the next request, however much it looks like one."""
    ended, sent = threading.Event(), threading.Event()
    stale = head(LENGTH) + BODY.replace(b"Hel", b"Bad")
    server.plays(raw(head(LENGTH) + BODY, lambda: ended.wait(5), stale, sent.set), sse_reply(*WHOLE))

    def before(number: int) -> None:
        if number:
            read = reads.next()
            ended.set()
            assert sent.wait(5)
            # A loop reads what comes; who reads for a thread looks before the next request.
            assert kind == "native-sync" or read.wait(5)

    heard = ask_again(kind, config(server), 2, before=before)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert [request.connection for request in server.requests] == [0, 1]


# Lengths that lie. Those that are no numbers, or too large or too small, are faults of both transports' tests.


def test_a_length_beside_chunks(kind: str, server: Server) -> None:
    """RFC 9112 section 6.3: whoever sends both may want two readers to disagree. It is an error, and the end."""
    server.plays(raw(head(LENGTH, "transfer-encoding: chunked") + CHUNKS, HOLD), sse_reply(*WHOLE))
    refused, fine = ask_again(kind, config(server), 2)
    assert isinstance(refused.error, zen.ReadError)
    assert refused.events == []
    assert fine.text == "Hello"
    assert server.hung_up.wait(5)


@pytest.mark.parametrize("more", [1, 1 << 40])
def test_a_length_of_which_the_end_never_comes(kind: str, more: int, server: Server) -> None:
    """The answer is whole, and nobody waits for what a server only promised."""
    server.plays(raw(head(f"content-length: {len(BODY) + more}") + BODY, HOLD), sse_reply(*WHOLE))
    heard = ask_again(kind, config(server), 2)
    assert [(each.error, each.text) for each in heard] == [(None, "Hello")] * 2
    assert [request.connection for request in server.requests] == [0, 1]


def test_a_length_that_ends_before_the_answer(kind: str, server: Server) -> None:
    server.plays(raw(head(f"content-length: {len(TEXT[0])}") + BODY), sse_reply(*WHOLE))
    cut, fine = ask_again(kind, config(server), 2)
    assert isinstance(cut.error, zen.IncompleteStreamError)
    assert (cut.text, fine.text) == ("Hel", "Hello")
    assert [request.connection for request in server.requests] == [0, 1]
