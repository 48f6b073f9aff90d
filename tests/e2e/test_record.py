"""`zen-native record` and `replay`: what is kept, what is played, and every exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.kit.chat import chunk, sse
from tests.kit.server import CUT, Reply, Server, sse_reply

from zen_native.cli import main

KEY = "sk-sentinel-0123456789abcdef"
ANSWER = [
    sse(chunk({"content": "Hel"})),
    sse(chunk({"content": "lo"})),
    sse(chunk({}, "stop"), {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}),
    sse("[DONE]"),
]
REFUSAL = Reply([b'{"error":{"message":"slow down","type":"rate_limit_error"}}'], 429, {"retry-after": "900"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "ZEN_NATIVE", "ZEN_NATIVE_MODELS", "CI"):
        monkeypatch.delenv(name, raising=False)
    with Server(sse_reply(*ANSWER)) as running:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return tmp_path / "cassette.json"


def status_of(*arguments: str) -> int:
    """The exit code, whether it is returned or raised."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else -1


def record(cassette: Path) -> int:
    """Record one answer."""
    return status_of("record", "-o", str(cassette), "-m", "openai-chat/m", "hi")


def test_what_is_recorded_is_shown_and_played(
    server: Server, cassette: Path, runtime: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(cassette) == 0
    told = capsys.readouterr()
    assert told.out == "Hello\n"
    assert told.err.endswith(f"recorded in {cassette}\n")
    (kept,) = json.loads(cassette.read_text("utf-8"))["interactions"]
    assert len(kept["response"]["chunks"]) >= 2
    assert "sentinel" not in cassette.read_text("utf-8")
    seen = len(server.requests)
    assert main(["replay", str(cassette), "--runtime", runtime]) == 0
    told = capsys.readouterr()
    assert told.out == "Hello\n"
    assert told.err.startswith(f"POST {server.url}/chat/completions\n")
    assert "usage    9 in, 2 out" in told.err
    assert len(server.requests) == seen


def test_replay_as_json_lines(server: Server, cassette: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(cassette) == 0
    capsys.readouterr()
    assert main(["replay", str(cassette), "--json", "--timings"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1])["type"] == "finish"
    assert told.err == ""


def test_a_refusal_is_recorded_and_played(server: Server, cassette: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.plays(REFUSAL)
    assert record(cassette) == 1
    told = capsys.readouterr()
    assert told.err.startswith("RateLimitError: slow down\n")
    assert told.err.endswith(f"recorded in {cassette}\n")
    assert main(["replay", str(cassette)]) == 1
    assert "RateLimitError: slow down\n" in capsys.readouterr().err


def test_a_cut_answer_is_played_as_one(server: Server, cassette: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.plays(sse_reply(ANSWER[0], CUT))
    assert record(cassette) == 1
    capsys.readouterr()
    assert main(["replay", str(cassette), "--json"]) == 1
    told = capsys.readouterr()
    assert '"text": "Hel"' in told.out
    assert json.loads(told.err)["error"]["class"] == "IncompleteStreamError"


def test_a_secret_that_would_be_written_is_not(
    server: Server, cassette: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTHER_SECRET", "hunter-2-hunter-2")
    server.plays(sse_reply(sse(chunk({"content": "it is hunter-2-hunter-2"})), *ANSWER[2:]))
    assert record(cassette) == 1
    assert "nothing was recorded: " in capsys.readouterr().err
    assert not cassette.exists()


def test_nothing_is_recorded_where_nothing_was_sent(
    server: Server, cassette: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert record(cassette) == 1
    assert "recorded" not in capsys.readouterr().err
    assert not cassette.exists()


def test_recording_where_ci_forbids_it_is_wrong_use(
    server: Server, cassette: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    assert record(cassette) == 2
    assert "nothing is recorded where CI is set" in capsys.readouterr().err
    assert server.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay", "none.json"), "none.json: "),
        (("replay", "CASSETTE", "--runtime", "x"), "unknown runtime 'x'"),
        (("replay", "CASSETTE", "--protocol", "morse"), "unknown protocol 'morse'"),
        (("record", "-m", "openai/m", "hi"), "-o/--output"),
    ],
)
def test_wrong_use(
    arguments: tuple[str, ...], said: str, server: Server, cassette: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(cassette) == 0
    capsys.readouterr()
    assert status_of(*(str(cassette) if each == "CASSETTE" else each for each in arguments)) == 2
    assert said in capsys.readouterr().err


def test_an_address_that_tells_no_protocol_needs_one(
    server: Server, cassette: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(cassette) == 0
    cassette.write_text(cassette.read_text("utf-8").replace("/chat/completions", "/elsewhere"), "utf-8")
    assert status_of("replay", str(cassette)) == 2
    assert "give --protocol" in capsys.readouterr().err
    assert main(["replay", str(cassette), "--protocol", "openai-chat"]) == 0


def test_the_charge_of_a_gateway_is_played_too(
    server: Server, cassette: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.plays(sse_reply(*ANSWER, sse({"choices": [], "cost": "0.25"})))
    assert record(cassette) == 0
    text = cassette.read_text("utf-8").replace(server.url, "https://opencode.ai/zen/v1")
    assert "0.25" in text
    cassette.write_text(text, "utf-8")
    capsys.readouterr()
    assert main(["replay", str(cassette)]) == 0
    assert "cost $0.25\n" in capsys.readouterr().err
