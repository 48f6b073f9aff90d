"""The client against a server on the loopback interface: whole answers, errors, and when a request is sent again. How
long an answer may take, and where reading stops, is in `test_client_limits`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.kit.asking import KEY, NATIVE, TEXT, WAYS, WHOLE, ask, config, is_sync, new_client, run
from tests.kit.chat import chunk, sse
from tests.kit.order import check_order
from tests.kit.server import CUT, HOLD, RESET, Reply, Server, sse_reply

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


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client slept between attempts; it does not sleep at all."""
    slept: list[float] = []

    async def pause(self: object, seconds: float, watch: object) -> None:
        slept.append(seconds)

    monkeypatch.setattr(SyncIo, "pause", pause)
    monkeypatch.setattr(AsyncIo, "pause", pause)
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
        assert heard.error.status == 307
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
