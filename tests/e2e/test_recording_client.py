"""Parity over cassettes through the whole client: recorded once from a socket, played to both runtimes without one."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from tests.kit.decoding import pieces
from tests.kit.recording import MODELS
from tests.kit.server import CUT, HOLD, Reply, Server

import zen_native as zen
from zen_native._cli.exchange import Exchange
from zen_native._demo.recordings import load_recordings
from zen_native.events import to_dict
from zen_native.recording import CassetteError, NoMatchError, Recorder, load_cassette
from zen_native.transport.async_http import AsyncHttp
from zen_native.transport.http import SyncHttp

KEY = "sk-sentinel-0123456789-abcdef"
# No client of ours asks for the JSON array.
EXCHANGES = {exchange.id: exchange for exchange in load_recordings() if exchange.id != "google-json-array"}
WAYS = ("httpx", "own", "async-httpx", "async-own")


def ask(way: str, url: str, model: str, recorder: Recorder, runtime: Any = "auto", prompt: str = "hi") -> list[Any]:
    """The events of one call by a client that sends in that way."""
    settings = zen.ProviderSettings(base_url=url, api_key=KEY, options={"region": "x"} if "bedrock" in model else {})
    config = zen.Config(providers={model.partition("/")[0]: settings}, environ={})
    once = zen.RetryPolicy(attempts=1)

    async def main() -> list[Any]:
        transport = recorder.async_transport() if way == "async-httpx" else recorder.around(AsyncHttp(), is_async=True)
        async with zen.AsyncClient(config, transport=transport, runtime=runtime, retry=once) as client:
            try:
                return [to_dict(event) async for event in client.stream(model, prompt)]
            finally:
                if way == "async-httpx":
                    await transport.aclose()

    if way.startswith("async"):
        return asyncio.run(main())
    transport = recorder.transport() if way == "httpx" else recorder.around(SyncHttp(), is_async=False)
    with zen.Client(config, transport=transport, runtime=runtime, retry=once) as client:
        try:
            return [to_dict(event) for event in client.stream(model, prompt)]
        finally:
            if way == "httpx":
                transport.close()


def reply_of(exchange: Exchange, *more: Any) -> Reply:
    return Reply((*pieces(exchange.body, 211), *more), headers=dict(exchange.headers))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("exchange", EXCHANGES.values(), ids=EXCHANGES.keys())
def test_what_was_recorded_is_played_to_both_runtimes(
    exchange: Exchange, way: str, runtime: str, tmp_path: Path
) -> None:
    path, model = tmp_path / "one.json", MODELS[exchange.protocol or ""]
    with Server(reply_of(exchange)) as server, Recorder(path, "record", environ={}) as recorder:
        recorded = ask(way, server.url, model, recorder)
    assert len(server.requests) == 1
    assert recorded[-1]["type"] == "finish"
    assert KEY not in path.read_text("utf-8")
    (one,) = load_cassette(path).interactions
    assert one.response.body == exchange.body
    for played in WAYS:
        recorder = Recorder(path, "replay", environ={"CI": "true"})
        assert ask(played, server.url, model, recorder, runtime) == recorded
        assert recorder.unused == ()


@pytest.mark.parametrize("way", WAYS)
def test_a_cut_answer_fails_in_the_same_way_when_it_is_played(way: str, runtime: str, tmp_path: Path) -> None:
    path, exchange = tmp_path / "one.json", EXCHANGES["chat-parallel-tools"]
    cut = Reply((exchange.body[:900], CUT), headers=dict(exchange.headers))
    with Server(cut) as server:
        recorder = Recorder(path, "record", environ={})
        with pytest.raises(zen.IncompleteStreamError) as recorded:
            ask(way, server.url, "openai-chat/gpt-5-mini", recorder)
        recorder.close()
    assert load_cassette(path).interactions[0].response.end == "cut"
    with pytest.raises(zen.IncompleteStreamError) as played:
        ask(way, server.url, "openai-chat/gpt-5-mini", Recorder(path, "replay", environ={}), runtime)
    assert str(played.value) == str(recorded.value)
    assert played.value.partial == recorded.value.partial


@pytest.mark.parametrize("way", WAYS)
def test_an_error_is_the_same_error_when_it_is_played(way: str, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    said = b'{"error": {"message": "slow down, %s", "type": "rate_limit_error"}}' % KEY.encode()
    reply = Reply((said,), status=429, headers={"content-type": "application/json", "retry-after": "7"})
    with Server(reply) as server:
        recorder = Recorder(path, "record", environ={})
        with pytest.raises(zen.RateLimitError):
            ask(way, server.url, "openai-chat/gpt-5-mini", recorder)
        recorder.close()
    assert KEY not in path.read_text("utf-8")
    with pytest.raises(zen.RateLimitError, match="slow down") as played:
        ask(way, server.url, "openai-chat/gpt-5-mini", Recorder(path, "replay", environ={}))
    assert played.value.retry_after == 7


@pytest.mark.parametrize("way", WAYS)
def test_a_reader_that_stops_at_the_end_needs_no_end_of_the_body(way: str, tmp_path: Path) -> None:
    path, exchange = tmp_path / "one.json", EXCHANGES["messages-thinking-tool"]
    with Server(reply_of(exchange, HOLD)) as server, Recorder(path, "record", environ={}) as recorder:
        recorded = ask(way, server.url, "anthropic/claude-sonnet-4-5", recorder)
    assert load_cassette(path).interactions[0].response.end in {"closed", "failed"}
    assert ask(way, server.url, "anthropic/claude-sonnet-4-5", Recorder(path, "replay", environ={})) == recorded


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_was_not_recorded_is_no_failure_of_the_network(way: str, tmp_path: Path) -> None:
    path, exchange = tmp_path / "one.json", EXCHANGES["chat-parallel-tools"]
    with Server(reply_of(exchange)) as server, Recorder(path, "record", environ={}) as recorder:
        ask(way, server.url, "openai-chat/gpt-5-mini", recorder)
    recorder = Recorder(path, "replay", environ={})
    with pytest.raises(NoMatchError, match=r'"content": "other"') as caught:
        ask(way, server.url, "openai-chat/gpt-5-mini", recorder, prompt="other")
    assert isinstance(caught.value, CassetteError)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_times_are_played_on_request(way: str, tmp_path: Path) -> None:
    path, exchange = tmp_path / "one.json", EXCHANGES["chat-parallel-tools"]
    slow = Reply((exchange.body[:400], 0.15, exchange.body[400:]), headers=dict(exchange.headers))
    with Server(slow) as server, Recorder(path, "record", environ={}) as recorder:
        recorded = ask(way, server.url, "openai-chat/gpt-5-mini", recorder)
    began = time.monotonic()
    assert (
        ask(way, server.url, "openai-chat/gpt-5-mini", Recorder(path, "replay", timings=True, environ={})) == recorded
    )
    assert time.monotonic() - began >= 0.14


@pytest.mark.parametrize("way", ["own", "async-own"])
def test_off_records_nothing(way: str, tmp_path: Path) -> None:
    exchange = EXCHANGES["chat-parallel-tools"]
    with Server(reply_of(exchange)) as server, Recorder(tmp_path / "one.json", "off", environ={}) as recorder:
        assert ask(way, server.url, "openai-chat/gpt-5-mini", recorder)[-1]["type"] == "finish"
    assert list(tmp_path.iterdir()) == []
