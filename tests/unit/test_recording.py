"""Recording and playing through httpx: chunks, times, ends, modes, and which answer a request gets."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from tests.kit.recording import EVENTSTREAM, SSE, URL, Answer, Chunked, record

from zen_native.recording import CassetteError, NoMatchError, Recorder, load_cassette

BODY = {"model": "m"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "one.json"


def play(path: Path, **options: Any) -> tuple[Recorder, httpx.Client]:
    recorder = Recorder(path, "replay", environ={}, **options)
    return recorder, httpx.Client(transport=recorder.transport())


def chunks(client: Any, **request: Any) -> list[bytes]:
    with client.stream(**{"method": "POST", "url": URL, "json": BODY, **request}) as response:
        return list(response.iter_raw())


# --- chunks and times


@pytest.mark.parametrize("sent", [SSE, EVENTSTREAM, (b"",), (b"a",), (b"\xff\x00", b"\xfe"), tuple([b"x"] * 500)])
def test_chunks_are_played_as_they_came(path: Path, sent: tuple[bytes, ...]) -> None:
    record(path, Answer(sent))
    _, client = play(path)
    assert chunks(client) == [chunk for chunk in sent if chunk]


@pytest.mark.parametrize("sent", [SSE, EVENTSTREAM])
def test_asynchronous_clients_record_and_play_the_same(path: Path, sent: tuple[bytes, ...]) -> None:
    async def run(mode: Any) -> list[bytes]:
        with Recorder(path, mode, environ={}) as recorder:
            transport = recorder.async_transport(Chunked(Answer(sent)))
            client = httpx.AsyncClient(transport=transport)
            async with client, client.stream("POST", URL, json=BODY) as response:
                return [chunk async for chunk in response.aiter_raw()]

    assert asyncio.run(run("record")) == list(sent)
    assert asyncio.run(run("replay")) == list(sent)
    _, client = play(path)
    assert chunks(client) == list(sent)


def test_httpx2_has_the_same_shape(path: Path) -> None:
    record(path, Answer(SSE))
    recorder = Recorder(path, "replay", environ={})
    with httpx2.Client(transport=recorder.transport()) as client, client.stream("POST", URL, json=BODY) as response:
        assert type(response) is httpx2.Response
        assert list(response.iter_raw()) == list(SSE)


def test_httpx2_is_recorded(path: Path) -> None:
    with Recorder(path, "record", environ={}) as recorder:
        inner = httpx2.MockTransport(lambda request: httpx2.Response(200, content=b"hello"))
        with httpx2.Client(transport=recorder.transport(inner)) as client:
            assert client.post(URL, json=BODY).text == "hello"
    _, client1 = play(path)
    assert client1.post(URL, json=BODY).text == "hello"


def test_times_are_kept_and_played_on_request(path: Path) -> None:
    record(path, Answer((b"a", b"b"), pause=lambda: time.sleep(0.03)))
    (interaction,) = load_cassette(path).interactions
    assert all(chunk.ms >= 29 for chunk in interaction.response.chunks)
    _, slow = play(path, timings=True)
    began = time.monotonic()
    assert chunks(slow) == [b"a", b"b"]
    assert time.monotonic() - began >= 0.058


def test_times_are_not_played_by_default(path: Path) -> None:
    record(path, Answer((b"a",)))
    data = json.loads(path.read_text())
    data["interactions"][0]["response"].update(head_ms=60_000, chunks=[[1, 60_000]])
    path.write_text(json.dumps(data))
    _, client = play(path)
    assert chunks(client) == [b"a"]


def test_an_answer_made_from_a_whole_body_is_recorded(path: Path) -> None:
    with Recorder(path, "record", environ={}) as recorder:
        inner = httpx.MockTransport(lambda request: httpx.Response(404, json={"error": "no"}))
        httpx.Client(transport=recorder.transport(inner)).post(URL, json=BODY)
    _, client = play(path)
    response = client.post(URL, json=BODY)
    assert (response.status_code, response.json()) == (404, {"error": "no"})


def test_the_head_is_played(path: Path) -> None:
    headers = {"content-type": "application/json", "Retry-After": "7", "x-ratelimit-remaining": "0", "server": "x"}
    record(path, Answer((b"{}",), status=429, headers=headers))
    _, client = play(path)
    response = client.post(URL, json=BODY)
    assert response.status_code == 429
    assert dict(response.headers) == {
        "content-type": "application/json",
        "retry-after": "7",
        "x-ratelimit-remaining": "0",
    }


# --- ends


def test_a_cut_answer_is_cut_again_after_what_came(path: Path) -> None:
    with Recorder(path, "record", environ={}) as recorder:
        sent = Chunked(Answer(SSE[:2], error=httpx.RemoteProtocolError("peer closed connection")))
        client = httpx.Client(transport=recorder.transport(sent))
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(URL, json=BODY)
    assert load_cassette(path).interactions[0].response.end == "cut"
    assert_ends_early(path, list(SSE[:2]), httpx.RemoteProtocolError, "the recorded answer was cut here")


def test_a_connection_that_failed_fails_again(path: Path) -> None:
    with Recorder(path, "record", environ={}) as recorder:
        client = httpx.Client(transport=recorder.transport(Chunked(Answer(SSE[:2], error=httpx.ReadTimeout("slow")))))
        with pytest.raises(httpx.ReadTimeout):
            client.post(URL, json=BODY)
    assert load_cassette(path).interactions[0].response.end == "failed"
    assert_ends_early(path, list(SSE[:2]), httpx.ReadError, "the recorded connection failed here")


def test_an_answer_that_its_reader_closed_is_no_short_answer(path: Path) -> None:
    with Recorder(path, "record", environ={}) as recorder:
        sent = Chunked(Answer(SSE))
        client = httpx.Client(transport=recorder.transport(sent))
        with client.stream("POST", URL, json=BODY) as response:
            assert next(response.iter_raw()) == SSE[0]
    assert sent.bodies[0].closed
    assert load_cassette(path).interactions[0].response.end == "closed"
    assert_ends_early(path, [SSE[0]], httpx.ReadError, "the recording ends here")


def test_a_cancelled_reader_has_closed_the_answer(path: Path) -> None:
    async def run() -> None:
        recorder = Recorder(path, "record", environ={})
        client = httpx.AsyncClient(transport=recorder.async_transport(Chunked(Answer(SSE))))

        async def read() -> None:
            async with client.stream("POST", URL, json=BODY) as response:
                async for _ in response.aiter_raw():
                    await asyncio.sleep(60)

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        recorder.close()

    asyncio.run(run())
    assert load_cassette(path).interactions[0].response.end == "closed"


def assert_ends_early(path: Path, expected: list[bytes], kind: type[Exception], message: str) -> None:
    _, client = play(path)
    read: list[bytes] = []
    with client.stream("POST", URL, json=BODY) as response, pytest.raises(kind, match=message):
        read.extend(response.iter_raw())
    read = []
    _, client = play(path)
    with client.stream("POST", URL, json=BODY) as response:
        pieces = response.iter_raw()
        read = [next(pieces) for _ in expected]
    assert read == expected


def test_a_request_without_an_answer_leaves_nothing(path: Path) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with Recorder(path, "record", environ={}) as recorder:
        client = httpx.Client(transport=recorder.transport(httpx.MockTransport(fail)))
        with pytest.raises(httpx.ConnectError):
            client.post(URL, json=BODY)
    assert not path.exists()


# --- modes


def test_auto_records_once_and_then_plays(path: Path) -> None:
    for _ in range(2):
        with Recorder(path, environ={}) as recorder:
            sent = Chunked()
            client = httpx.Client(transport=recorder.transport(sent))
            assert client.post(URL, json=BODY).content == b"".join(SSE)
    assert recorder.mode == "replay"
    assert sent.requests == []


def test_record_replaces_what_was_there(path: Path) -> None:
    record(path, Answer((b"old",)))
    record(path, Answer((b"new",)))
    _, client = play(path)
    assert client.post(URL, json=BODY).content == b"new"


def test_replay_sends_nothing_and_needs_a_cassette(path: Path) -> None:
    with pytest.raises(CassetteError, match=r"one\.json: No such file"):
        Recorder(path, "replay", environ={})
    record(path)
    recorder = Recorder(path, "replay", environ={})
    sent = Chunked()
    with pytest.raises(NoMatchError):
        httpx.Client(transport=recorder.transport(sent)).get("https://api.acme.test/other")
    assert sent.requests == []


def test_off_passes_everything_through(path: Path) -> None:
    with Recorder(path, "off", environ={}) as recorder:
        client = httpx.Client(transport=recorder.transport(Chunked()))
        assert chunks(client) == list(SSE)
    assert not path.exists()


@pytest.mark.parametrize("value", ["true", "1", "TRUE"])
def test_CI_plays_only(path: Path, value: str) -> None:
    environ = {"CI": value}
    with pytest.raises(CassetteError, match="No such file"):
        Recorder(path, "auto", environ=environ)
    with pytest.raises(CassetteError, match="nothing is recorded where CI is set"):
        Recorder(path, "record", environ=environ)
    record(path)
    assert Recorder(path, "auto", environ=environ).mode == "replay"


def test_a_mode_that_does_not_exist_is_named(path: Path) -> None:
    with pytest.raises(ValueError, match="mode must be one of auto, off, record, replay"):
        Recorder(path, "rec", environ={})  # type: ignore[arg-type]


def test_nothing_is_written_where_the_body_of_with_fails(path: Path) -> None:
    def fail() -> None:
        with Recorder(path, "record", environ={}) as recorder:
            httpx.Client(transport=recorder.transport(Chunked())).post(URL, json=BODY)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not path.exists()


# --- which answer


def test_each_request_gets_the_first_unused_answer(path: Path) -> None:
    bodies = [{"json": {"model": "a"}}, {"json": {"model": "b"}}, {"json": {"model": "a"}}]
    record(path, *(Answer((text,)) for text in (b"a1", b"b1", b"a2")), requests=bodies)
    recorder, client = play(path)
    assert len(recorder.unused) == 3
    got = [client.post(URL, json={"model": name}).content for name in "baa"]
    assert got == [b"b1", b"a1", b"a2"]
    assert recorder.unused == ()
    with pytest.raises(NoMatchError, match="it was recorded 2 times and asked for once more"):
        client.post(URL, json={"model": "a"})


def test_threads_get_one_answer_each(path: Path) -> None:
    record(path, *(Answer((b"%d" % n,)) for n in range(50)), requests=[{}] * 50)
    _, client = play(path)
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda: got.append(client.post(URL, json=BODY).content)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(b"%d" % n for n in range(50))


def test_the_order_of_keys_and_spaces_does_not_matter(path: Path) -> None:
    record(path, requests=[{"content": b'{"a": 1, "b": [1, {"c": 2, "d": 3}]}', "json": None}])
    _, client = play(path)
    assert chunks(client, json=None, content=b'{"b":[1,{"d":3,"c":2}],"a":1}') == list(SSE)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"method": "PUT"}, "-POST https://api.acme.test/v1/chat?version=1"),
        ({"url": "https://api.acme.test/v2/chat?version=1"}, "+POST https://api.acme.test/v2/chat?version=1"),
        ({"url": "https://api.acme.test/v1/chat?version=2"}, "+POST https://api.acme.test/v1/chat?version=2"),
        ({"headers": {"anthropic-version": "2"}}, "+anthropic-version: 2"),
        ({"json": {"model": "n"}}, '- "model": "m"'),
        ({"json": {"model": "m", "stop": ["x"]}}, '+  "x"'),
        ({"json": None, "content": b"text", "headers": {"content-type": "application/json"}}, "+text"),
        ({"json": None, "content": b"\xff", "headers": {"content-type": "application/json"}}, "+1 bytes"),
    ],
)
def test_what_differs_is_shown(path: Path, change: dict[str, Any], shown: str) -> None:
    record(path)
    _, client = play(path)
    with pytest.raises(NoMatchError) as caught:
        client.request(**{"method": "POST", "url": URL, "json": BODY, **change})
    message = str(caught.value)
    assert "one.json: no recorded answer for" in message
    assert "(1 recorded, 0 used); the nearest unused one differs:\n--- recorded\n+++ sent\n" in message
    assert shown in message.split("\n")


def test_what_differs_from_a_used_one_is_shown_where_all_are_used(path: Path) -> None:
    record(path)
    _, client = play(path)
    chunks(client)
    with pytest.raises(NoMatchError, match="it was recorded once and asked for once more"):
        client.post(URL, json=BODY)
    with pytest.raises(NoMatchError) as caught:
        client.post(URL, json={"model": "n"})
    message = str(caught.value)
    assert "(1 recorded, 1 used); the nearest one, though used, differs:\n--- recorded\n+++ sent\n" in message
    assert '+ "model": "n"' in message.split("\n")


def test_headers_that_are_not_compared_do_not_matter(path: Path) -> None:
    record(path)
    _, client = play(path)
    assert chunks(client, headers={"user-agent": "other", "x-request": "2"}) == list(SSE)


def test_headers_to_compare_can_be_chosen(path: Path) -> None:
    record(path, requests=[{"headers": {"anthropic-version": "1"}}])
    _, client = play(path, match_headers=())
    assert chunks(client, headers={"anthropic-version": "2"}) == list(SSE)


def test_a_difference_is_bounded(path: Path) -> None:
    record(path, requests=[{"json": {"texts": ["a" * 5000] * 600}}])
    _, client = play(path)
    began = time.monotonic()
    with pytest.raises(NoMatchError) as caught:
        client.post(URL, json={"texts": ["b" * 5000] * 600})
    assert len(str(caught.value)) < 30_000
    assert time.monotonic() - began < 5


def test_recording_asks_for_an_answer_that_can_be_read(path: Path) -> None:
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=accept-encoding;host, Signature=y"}
    sent = record(path, Answer(), Answer(), requests=[{}, {"headers": signed}])
    assert [request.headers["accept-encoding"] == "identity" for request in sent.requests] == [True, False]


def test_a_body_that_is_too_large_is_read_but_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zen_native.recording.recorder.MAX_BODY", 10)
    recorder = Recorder(path, "record", environ={})
    client = httpx.Client(transport=recorder.transport(Chunked(Answer((b"x" * 6, b"y" * 6, b"z" * 6)))))
    assert client.post(URL, json=BODY).content == b"x" * 6 + b"y" * 6 + b"z" * 6
    with pytest.raises(CassetteError, match="more than 10 bytes"):
        recorder.close()
    assert not path.exists()


def test_the_number_of_interactions_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zen_native.recording.recorder.MAX_INTERACTIONS", 1)
    with pytest.raises(CassetteError, match="at most 1 interactions"):
        record(path, Answer(), Answer(), requests=[{}, {}])
