"""The demo finds what it is there to find: differences, failures, and a native runtime that is missing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from importlib import import_module
from typing import Any

import httpx
import pytest

from zen_native._cli.exchange import Exchange
from zen_native._demo import run_demo
from zen_native._demo.case import Case, Stream
from zen_native._demo.play import new_client, request_of
from zen_native._demo.recordings import load_recordings
from zen_native._demo.server import serve
from zen_native.decoder import Decoder
from zen_native.errors import ServerError
from zen_native.events import TextDelta, ToolCall
from zen_native.gate import Capabilities
from zen_native.runtimes import NativeStatus, RuntimeDecoder, new_decoder
from zen_native.runtimes.pure.names import DEFAULT_FRAMING, FRAMINGS
from zen_native.runtimes.pure.options import Options

RECORDINGS = load_recordings()
SHORT = RECORDINGS[2]


@pytest.fixture(autouse=True)
def both_are_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """One short recording, and a native side that is the Python one, so that the extension is not needed."""
    monkeypatch.setattr("zen_native._demo.native_status", lambda: NativeStatus("native", True, "for a test"))
    monkeypatch.setattr("zen_native._demo.load_recordings", lambda: [SHORT])
    can = Capabilities(protocols=frozenset(DEFAULT_FRAMING), framings=frozenset(FRAMINGS))
    monkeypatch.setattr("zen_native.gate.current_capabilities", lambda **_: can)
    monkeypatch.setattr(
        "zen_native._demo.case.Decoder", lambda *names, **rest: Decoder(*names, **{**rest, "runtime": "python"})
    )
    monkeypatch.setattr("zen_native._prepare.new_decoder", lambda _, *rest: new_decoder("python", *rest))
    monkeypatch.setattr(import_module("zen_native._demo.measure"), "_TURN", 0.001)  # the function has the same name


def play(recording: Exchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """The exit code and the JSON of a demo of one recording."""
    monkeypatch.setattr("zen_native._demo.load_recordings", lambda: [recording])
    code = run_demo(as_json=True)
    return code, json.loads(capsys.readouterr().out)["recordings"][0]


def test_equal_streams_pass(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = play(SHORT, monkeypatch, capsys)
    assert (code, told["parity"], told["difference"], told["errors"]) == (0, True, None, {})
    assert told["tool_calls"] == ["get_weather", "get_weather", "find_flights"]


def test_a_difference_is_found_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def decoder(runtime: str, protocol: str, framing: str, options: Options) -> RuntimeDecoder:
        return new_decoder("python", protocol, framing, dataclasses.replace(options, provider=runtime))

    monkeypatch.setattr("zen_native._prepare.new_decoder", decoder)
    thinking = RECORDINGS[0]  # its signature is tagged with the provider
    code, told = play(thinking, monkeypatch, capsys)
    assert (code, told["parity"]) == (1, False)
    assert "reasoning-end" in told["difference"]
    assert run_demo(as_json=False) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_a_stream_that_is_cut_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cut = dataclasses.replace(SHORT, body=SHORT.body[:600])
    code, told = play(cut, monkeypatch, capsys)
    assert (code, told["parity"]) == (1, True)
    assert set(told["errors"]) == {"native", "python"}
    assert "IncompleteStreamError" in told["errors"]["python"]
    assert run_demo(as_json=False) == 1
    out = capsys.readouterr().out
    assert "  error     native: IncompleteStreamError" in out
    assert "1 of 1 streams failed or differ: chat-parallel-tools." in out


def test_types_count_in_the_comparison() -> None:
    one, other = ([ToolCall("a", "b", {"n": number})] for number in (1, 1.0))
    case = Case(SHORT, [Stream("native", [*one]), Stream("python", [*other])])
    assert one == other
    assert case.parity is False


def test_errors_and_missing_events_count_in_the_comparison() -> None:
    shared = TextDelta("text-0", "a")
    failed = Case(SHORT, [Stream("native", [shared], ServerError("x")), Stream("python", [shared])])
    short = Case(SHORT, [Stream("native", [shared]), Stream("python", [])])
    assert (failed.parity, short.parity) == (False, False)
    assert short.difference().endswith("python nothing")


def test_server_cuts_every_answer_elsewhere_and_knows_its_paths() -> None:
    async def fetch() -> tuple[list[list[bytes]], int]:
        async with serve({SHORT.id: SHORT}, 0.0005) as base, httpx.AsyncClient(trust_env=False) as client:
            assert base.startswith("http://127.0.0.1:")
            answers: list[list[bytes]] = []
            for _ in range(2):
                async with client.stream("POST", f"{base}/{SHORT.id}/v1/x", json={"a": 1}) as response:
                    assert response.headers["transfer-encoding"] == "chunked"
                    answers.append([chunk async for chunk in response.aiter_raw()])
            return answers, (await client.get(f"{base}/other")).status_code

    (first, second), missing = asyncio.run(fetch())
    assert b"".join(first) == b"".join(second) == SHORT.body
    assert len(first) > 10
    assert first != second
    assert missing == 404


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.id)
def test_the_client_asks_what_was_recorded(recording: Exchange) -> None:
    async def explained() -> tuple[str, str]:
        async with new_client("http://127.0.0.1:9/demo", recording, "python") as client:
            told = client.explain(request_of(recording))
            return told.url, told.route.framing

    url, framing = asyncio.run(explained())
    recorded = recording.url.replace("/zen/v1/", "/").replace("openai.com/v1/", "openai.com/")  # the base URL's part
    assert url.removeprefix("http://127.0.0.1:9/demo") == "/" + recorded.split("/", 3)[3]
    assert framing == Case(recording, []).framing


def test_a_client_of_the_demo_asks_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.test")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sentinel-000000")

    async def explained() -> Any:
        async with new_client("http://127.0.0.1:9/demo", SHORT, "python") as client:
            return client.explain(request_of(SHORT))

    told = asyncio.run(explained())
    assert told.url.startswith("http://127.0.0.1:9/demo/")
    assert "sentinel" not in (told.route.api_key.reveal() if told.route.api_key else "")


def test_recordings_hold_no_header_that_could_be_a_key() -> None:
    for recording in RECORDINGS:
        assert not {name.lower() for name in recording.headers} & {"authorization", "set-cookie", "cookie"}
