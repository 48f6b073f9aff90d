"""The client against a server on the loopback interface: whole answers, errors, and every way in which one can fail."""

from __future__ import annotations

import gzip
import json
import sys
import time
import zlib
from collections.abc import Callable, Iterator

import anyio
import pytest
from tests.kit.asking import KEY, NATIVE, TEXT, WAYS, WHOLE, ask, ask_again, config, is_sync, new_client, run
from tests.kit.chat import chunk, sse
from tests.kit.order import check_order
from tests.kit.server import CUT, HOLD, RESET, Part, Reply, Server, sse_reply

import zen_native as zen
from zen_native._io import AsyncIo, SyncIo

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


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client slept between attempts; it does not sleep at all."""
    slept: list[float] = []

    async def sleep(self: object, seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(SyncIo, "sleep", sleep)
    monkeypatch.setattr(AsyncIo, "sleep", sleep)
    return slept


def test_an_answer_comes_whole_and_in_order(kind: str, runtime: str, server: Server) -> None:
    heard = ask(kind, config(server), runtime=runtime)
    assert heard.error is None
    assert heard.text == "Hello"
    check_order(heard.events)


def test_an_event_that_takes_many_reads(kind: str, runtime: str, server: Server) -> None:
    """Larger than what may be pending; it is followed when it has been taken."""
    long = "x" * 1_000_000
    server.plays(sse_reply(sse(chunk({"content": long})), *WHOLE))
    heard = ask(kind, config(server), runtime=runtime, timeouts=zen.Timeouts(idle=10))
    assert heard.error is None
    assert heard.text == f"{long}Hello"


def test_what_is_sent(kind: str, server: Server) -> None:
    ask(kind, config(server), call={"system": "be brief"})
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept-encoding"] == "identity"
    assert json.loads(request.body)["messages"][0] == {"role": "system", "content": "be brief"}


def test_a_stall_is_an_idle_timeout_with_what_came_before(kind: str, runtime: str, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], HOLD))
    heard = ask(kind, config(server), runtime=runtime, timeouts=zen.Timeouts(idle=0.1))
    assert heard.text == "Hel"
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert heard.error.phase == "idle"
    assert heard.error.partial is not None
    assert heard.error.partial.text == "Hel"
    assert server.hung_up.wait(0.25)


def test_a_cut_answer_is_incomplete(kind: str, runtime: str, server: Server) -> None:
    server.plays(sse_reply(*TEXT, CUT))
    heard = ask(kind, config(server), runtime=runtime)
    assert heard.text == "Hello"
    assert isinstance(heard.error, zen.IncompleteStreamError)


def test_a_reset_is_a_read_error(kind: str, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], 0.05, RESET))
    heard = ask(kind, config(server))
    assert heard.text == "Hel"
    assert isinstance(heard.error, zen.ReadError)
    assert not heard.error.retryable


def test_a_page_instead_of_a_stream_is_invalid_output(kind: str, runtime: str, server: Server) -> None:
    server.plays(Reply([b"<html><body>Sign in</body></html>"], headers={"content-type": "text/html"}))
    heard = ask(kind, config(server), runtime=runtime)
    assert isinstance(heard.error, zen.InvalidProviderOutputError)
    assert "Sign in" in (heard.error.body or "")


# Refusals


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, zen.InvalidRequestError),
        (401, zen.AuthenticationError),
        (429, zen.RateLimitError),
        (500, zen.ServerError),
        (529, zen.OverloadedError),
    ],
)
def test_a_refusal_is_the_error_it_says(kind: str, server: Server, status: int, expected: type[zen.LLMError]) -> None:
    body = json.dumps({"error": {"message": f"no, {KEY} will not do"}}).encode()
    server.plays(Reply([body], status=status, headers={"x-request-id": "req-1", "content-type": "application/json"}))
    heard = ask(kind, config(server), retry=ONCE)
    assert type(heard.error) is expected
    error = heard.error
    assert (error.status, error.request_id, error.provider, error.model) == (status, "req-1", "mine", "m")
    assert error.message == "no, [redacted] will not do"
    assert KEY not in (error.body or "")


def test_an_error_in_the_stream_is_raised_after_what_came_before(kind: str, runtime: str, server: Server) -> None:
    server.plays(sse_reply(*TEXT, sse({"error": {"message": f"broke {KEY}", "type": "server_error"}})))
    heard = ask(kind, config(server), runtime=runtime)
    assert heard.text == "Hello"
    assert isinstance(heard.error, zen.ServerError)
    assert (heard.error.message, heard.error.provider, heard.error.model) == ("broke [redacted]", "mine", "m")
    assert heard.error.partial is not None
    assert heard.error.partial.text == "Hello"
    assert len(server.requests) == 1


@pytest.mark.parametrize("away", [True, False])
def test_redirects_are_not_followed(kind: str, server: Server, away: bool) -> None:
    with Server(sse_reply(*WHOLE)) as other:
        to = other.url if away else server.url
        server.plays(Reply(status=307, headers={"location": f"{to}/elsewhere?key=1"}))
        heard = ask(kind, config(server), retry=ONCE)
        assert heard.error is not None
        assert f"redirect to {to} " in heard.error.message
        assert (len(server.requests), len(other.requests)) == (1, 0)


def test_a_refused_connection_is_tried_again(kind: str, waits: list[float]) -> None:
    with Server(sse_reply(*WHOLE)) as gone:
        settings = config(gone)
    heard = ask(kind, settings)
    assert isinstance(heard.error, zen.ConnectError)
    assert heard.error.retryable
    assert kind not in NATIVE or gone.url.removeprefix("http://") in heard.error.message
    assert len(waits) == 2


# Trying again


def test_a_failing_server_is_asked_again(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(Reply([b"{}"], status=500), Reply([b"{}"], status=529), sse_reply(*WHOLE))
    heard = ask(kind, config(server))
    assert (heard.error, heard.text, len(server.requests), len(waits)) == (None, "Hello", 3, 2)


def test_an_error_before_the_first_event_is_tried_again(kind: str, server: Server, waits: list[float]) -> None:
    broken = sse({"error": {"message": "busy", "type": "overloaded_error"}})
    server.plays(sse_reply(broken), sse_reply(*WHOLE))
    assert ask(kind, config(server)).text == "Hello"
    assert len(waits) == 1


def test_what_the_provider_asks_for_is_waited(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(Reply([b"{}"], status=429, headers={"retry-after": "7"}), sse_reply(*WHOLE))
    assert ask(kind, config(server)).text == "Hello"
    assert waits[0] >= 7


def test_more_than_the_cap_is_not_waited(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(Reply([b"{}"], status=429, headers={"retry-after": "3600"}))
    heard = ask(kind, config(server))
    assert isinstance(heard.error, zen.RateLimitError)
    assert heard.error.retry_after == 3600
    assert (len(server.requests), waits) == (1, [])


def test_the_server_may_forbid_it(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(Reply([b"{}"], status=500, headers={"x-should-retry": "false"}))
    assert isinstance(ask(kind, config(server)).error, zen.ServerError)
    assert (len(server.requests), waits) == (1, [])


def test_nothing_is_sent_twice_once_events_came(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(sse_reply(*TEXT, CUT), sse_reply(*WHOLE))
    assert isinstance(ask(kind, config(server)).error, zen.IncompleteStreamError)
    assert (len(server.requests), waits) == (1, [])


def test_an_empty_stream_is_tried_again_only_on_request(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(sse_reply(CUT), sse_reply(*WHOLE))
    assert isinstance(ask(kind, config(server)).error, zen.IncompleteStreamError)
    assert waits == []
    server.plays(sse_reply(CUT), sse_reply(*WHOLE))
    assert ask(kind, config(server), retry=zen.RetryPolicy(incomplete_streams=True)).text == "Hello"


def test_a_connection_that_dies_after_sending_is_not_tried_again(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(Reply([RESET], raw=True), sse_reply(*WHOLE))
    heard = ask(kind, config(server))
    assert isinstance(heard.error, zen.ReadError)
    assert (len(server.requests), waits) == (1, [])


def test_another_model_is_asked_and_the_finish_says_so(kind: str, server: Server) -> None:
    server.plays(Reply([b'{"error": {"message": "no money"}}'], status=402))
    with Server(sse_reply(*WHOLE)) as other:
        heard = ask(kind, config(server, other), call={"fallbacks": ["other/n"]})
    assert heard.text == "Hello"
    assert json.loads(other.requests[0].body)["model"] == "n"
    (warning,) = heard.events[-1].warnings
    assert warning == "other/n was asked, for mine/m failed: QuotaExceededError: no money"


def test_a_wrong_request_is_wrong_everywhere(kind: str, server: Server) -> None:
    server.plays(Reply([b'{"error": {"message": "temperature?"}}'], status=400))
    with Server(sse_reply(*WHOLE)) as other:
        heard = ask(kind, config(server, other), call={"fallbacks": ["other/n"]})
    assert isinstance(heard.error, zen.InvalidRequestError)
    assert other.requests == []


def test_the_last_error_is_raised_with_those_before_as_notes(kind: str, server: Server) -> None:
    server.plays(Reply([b"{}"], status=401))
    with Server(Reply([b"{}"], status=402)) as other:
        heard = ask(kind, config(server, other), call={"fallbacks": ["other/n"]})
    assert isinstance(heard.error, zen.QuotaExceededError)
    assert heard.error.__notes__[0].startswith("other/n was asked, for mine/m failed: AuthenticationError")


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


def test_a_rate_limit_holds_back_the_next_call_too(kind: str, server: Server, waits: list[float]) -> None:
    server.plays(Reply([b"{}"], status=429, headers={"retry-after": "30"}), sse_reply(*WHOLE))
    settings, options = config(server), {"retry": ONCE}

    async def main() -> None:
        async with new_client(kind, settings, **options) as client:
            with pytest.raises(zen.RateLimitError):
                await client.generate("mine/m", "hi")
            await client.generate("mine/m", "hi")

    if not is_sync(kind):
        run(kind, main)
    else:
        with new_client(kind, settings, **options) as client:
            with pytest.raises(zen.RateLimitError):
                client.generate("mine/m", "hi")
            client.generate("mine/m", "hi")
    assert len(waits) == 1
    assert 25 < waits[0] < 50
