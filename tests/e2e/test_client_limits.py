"""How long an answer may take, what comes behind it, and how much of it is read: the client against a server on the
loopback interface."""

from __future__ import annotations

import gzip
import sys
import time
import zlib
from collections.abc import Callable, Iterator

import anyio
import pytest
from tests.kit.asking import TEXT, WAYS, WHOLE, ask, ask_again, config, is_sync, new_client, run
from tests.kit.chat import chunk, sse
from tests.kit.server import CUT, HOLD, RESET, Part, Reply, Server, sse_reply

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", WAYS),
    # httpx leaves its own generators to the collector when a body is not read to its end; trio remarks on it.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]

ONCE = zen.RetryPolicy(attempts=1)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


def gzipped(*parts: Part) -> Reply:
    """An event stream, compressed, whose end does not come."""
    packer = zlib.compressobj(wbits=31)

    def pack(data: bytes) -> bytes:
        return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)

    packed = tuple(pack(part) if isinstance(part, bytes) else part for part in parts)
    return Reply(packed, headers={"content-encoding": "gzip"})


# Limits


def test_comments_are_no_first_event(kind: str, server: Server) -> None:
    server.plays(sse_reply(*[b": ping\n\n", 0.05] * 20, HOLD))
    heard = ask(kind, config(server), timeouts=zen.Timeouts(first_event=0.2, idle=5), retry=ONCE)
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert heard.error.phase == "first-event"


def test_a_head_that_drips_is_no_first_event(kind: str, server: Server) -> None:
    head = [part for byte in b"HTTP/1.1 200 OK\r\nx: " for part in (bytes([byte]), 0.02)]
    server.plays(Reply([*head, HOLD], raw=True))
    heard = ask(kind, config(server), timeouts=zen.Timeouts(first_event=0.2, idle=5), retry=ONCE)
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert heard.error.phase == "first-event"


def test_comments_are_signs_of_life(kind: str, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], *[0.1, b": ping\n\n"] * 6, *WHOLE[1:]))
    heard = ask(kind, config(server), timeouts=zen.Timeouts(idle=0.4))
    assert (heard.error, heard.text) == (None, "Hello")


def test_the_first_event_may_take_longer_than_the_others(kind: str, server: Server) -> None:
    server.plays(sse_reply(0.3, *WHOLE))
    heard = ask(kind, config(server), timeouts=zen.Timeouts(first_event=5, idle=0.1))
    assert (heard.error, heard.text) == (None, "Hello")


@pytest.mark.parametrize("idle", [0.15, 120], ids=["idle_is_shorter", "idle_is_longer"])
def test_the_whole_call_has_a_limit(kind: str, idle: float, server: Server) -> None:
    server.plays(sse_reply(*[TEXT[0], 0.01] * 200))
    heard = ask(kind, config(server), timeouts=zen.Timeouts(total=0.3, idle=idle))
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert heard.error.phase == "total"
    assert heard.text.startswith("Hel")


def test_the_rest_of_a_refusal_is_not_waited_for_longer_than_a_read(kind: str, server: Server) -> None:
    server.plays(Reply([b'{"error": {"message": "no', HOLD], status=400))
    began = time.monotonic()
    heard = ask(kind, config(server), timeouts=zen.Timeouts(idle=0.2), retry=ONCE)
    assert isinstance(heard.error, zen.InvalidRequestError)
    assert time.monotonic() - began < 5


def test_the_whole_call_has_a_limit_where_a_refusal_never_pauses(kind: str, server: Server) -> None:
    """And holds nothing, however long it is."""
    packer = zlib.compressobj(wbits=31)
    begun = packer.compress(b"no") + packer.flush(zlib.Z_SYNC_FLUSH)
    nothing = b"\0\0\0\xff\xff" * 20_000
    server.plays(Reply([begun, *[nothing] * 20_000], status=400, headers={"content-encoding": "gzip"}))
    heard = ask(kind, config(server), timeouts=zen.Timeouts(total=1.0), retry=ONCE)
    assert isinstance(heard.error, zen.InvalidRequestError)
    assert server.hung_up.wait(5)  # and has not played all of it


@pytest.mark.parametrize("how", ["plain", "gzip", "gzip at once"])
def test_a_total_limit_holds_for_who_is_slower_than_the_answer(kind: str, how: str, server: Server) -> None:
    frames = [sse(chunk({"content": "x" * 2000}))] * 200
    paced = [part for frame in frames for part in (frame, 0.01)]
    packed = paced if how == "gzip" else [b"".join(frames)]
    server.plays(sse_reply(*paced) if how == "plain" else gzipped(*packed))
    timeouts, seen = zen.Timeouts(total=0.5), list[zen.LLMEvent]()

    async def main() -> None:
        async with new_client(kind, config(server), retry=ONCE, timeouts=timeouts) as client:
            async for event in client.stream("mine/m", "hi"):
                seen.append(event)
                await anyio.sleep(0.02)

    def main_sync() -> None:
        with new_client(kind, config(server), retry=ONCE, timeouts=timeouts) as client:
            for event in client.stream("mine/m", "hi"):
                seen.append(event)
                time.sleep(0.02)

    with pytest.raises(zen.StreamTimeoutError) as raised:
        main_sync() if is_sync(kind) else run(kind, main)
    assert raised.value.phase == "total"
    assert len(seen) < 150


@pytest.mark.parametrize("seconds", [2**32 / 1000 + 0.1, sys.float_info.max], ids=["50 days", "all"])
def test_any_number_of_seconds_is_a_limit(kind: str, seconds: float, server: Server) -> None:
    """The first one is a tenth of a second, where milliseconds are counted in 32 bits."""
    server.plays(sse_reply(0.3, TEXT[0], 0.3, *WHOLE[1:], kept=True))
    timeouts = zen.Timeouts(connect=seconds, first_event=seconds, idle=seconds, total=seconds, trailing=seconds)
    limits = zen.ConnectionLimits(max_connections=1, idle_seconds=seconds)
    for each in ask_again(kind, config(server), 2, timeouts=timeouts, connections=limits):
        assert (each.error, each.text) == (None, "Hello")


# The end of the body


def test_reading_stops_at_the_end_of_the_answer(kind: str, runtime: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE, HOLD))
    heard = ask(kind, config(server), runtime=runtime)
    assert (heard.error, heard.text) == (None, "Hello")
    assert server.hung_up.wait(1)


@pytest.mark.parametrize("reply", [sse_reply, gzipped])
@pytest.mark.parametrize("charged", [True, False])
def test_a_charge_is_waited_for_but_not_for_long(
    kind: str, runtime: str, server: Server, charged: bool, reply: Callable[..., Reply]
) -> None:
    charge = sse({"choices": [], "cost": "0.25"})
    server.plays(reply(*WHOLE, *([0.1, charge] if charged else []), HOLD))
    heard = ask(
        kind,
        config(server, trailing_cost=True),
        runtime=runtime,
        timeouts=zen.Timeouts(trailing=1.0 if charged else 0.2),
    )
    assert heard.error is None
    usage = heard.events[-1].usage
    assert (str(usage.cost) if charged else usage.cost) == ("0.25" if charged else None)


def test_a_charge_is_not_waited_for_as_an_event_is(kind: str, runtime: str, server: Server) -> None:
    """Whoever reads all of the answer at once knows of that limit before he reads again."""
    server.plays(sse_reply(0.1, b"".join(WHOLE), HOLD))
    limits = zen.Timeouts(trailing=0.2, idle=3)
    heard = ask(kind, config(server, trailing_cost=True), runtime=runtime, timeouts=limits)
    assert (heard.error, heard.text) == (None, "Hello")


def test_behind_an_answer_a_server_that_never_pauses_is_left(kind: str, server: Server) -> None:
    packer = zlib.compressobj(level=0, wbits=31)  # what is only stored may come again as it is
    whole, more = (
        packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH) for data in (b"".join(WHOLE), b": x\n\n" * 20_000)
    )
    server.plays(Reply([whole, *[more] * 5_000], headers={"content-encoding": "gzip"}))
    heard = ask(kind, config(server, trailing_cost=True), timeouts=zen.Timeouts(trailing=0.2))
    assert (heard.error, heard.text) == (None, "Hello")
    assert server.hung_up.wait(5)  # and has not played all of it


def test_a_complete_answer_does_not_fail_any_more(kind: str, runtime: str, server: Server) -> None:
    server.plays(sse_reply(*WHOLE, 0.05, RESET))
    heard = ask(kind, config(server, trailing_cost=True), runtime=runtime)
    assert (heard.error, heard.text) == (None, "Hello")


def test_a_cut_answer_has_the_id_that_its_head_gave_it(kind: str, runtime: str, server: Server) -> None:
    server.plays(Reply([TEXT[0], 0.05, CUT], headers={"x-request-id": "req-1", "x-other": "y" * 1000}))
    heard = ask(kind, config(server), runtime=runtime, retry=ONCE)
    assert isinstance(heard.error, zen.IncompleteStreamError)
    assert (heard.text, heard.error.request_id) == ("Hel", "req-1")


def test_compressed_bodies_are_read_though_not_asked_for(kind: str, runtime: str, server: Server) -> None:
    packed = gzip.compress(b"".join(WHOLE))
    server.plays(Reply([packed[:20], packed[20:]], headers={"content-encoding": "gzip"}))
    assert ask(kind, config(server), runtime=runtime).text == "Hello"


def test_a_gzip_bomb_is_refused(kind: str, server: Server) -> None:
    bomb = gzip.compress(b": nothing at all\n" * 4_000_000, 9)
    server.plays(Reply([bomb], headers={"content-encoding": "gzip"}))
    assert isinstance(ask(kind, config(server), retry=ONCE).error, zen.LimitExceededError)


def test_a_gzip_bomb_in_an_error_is_cut(kind: str, server: Server) -> None:
    bomb = gzip.compress(b" " * 50_000_000, 9)
    server.plays(Reply([bomb], status=500, headers={"content-encoding": "gzip"}))
    assert isinstance(ask(kind, config(server), retry=ONCE).error, zen.ServerError)


def test_other_compressions_are_refused(kind: str, server: Server) -> None:
    server.plays(Reply([b"..."], headers={"content-encoding": "br"}))
    heard = ask(kind, config(server), retry=ONCE)
    assert isinstance(heard.error, zen.InvalidProviderOutputError)
    assert "(br)" in heard.error.message


def test_a_length_of_the_callers_that_is_wrong_is_an_error_like_others(kind: str, server: Server) -> None:
    """With httpx; the native transport sets it itself, and says so."""
    heard = ask(kind, config(server, headers={"content-length": "5"}), transport="httpx", retry=ONCE)
    assert isinstance(heard.error, zen.TransportError)
    assert "Content-Length" in heard.error.message
