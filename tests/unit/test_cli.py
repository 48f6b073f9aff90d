"""The command line: every form of input and output, and every exit code."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from tests.kit import corpus
from tests.kit.eventstream import encode
from tests.kit.messages import STOP, answer, end, sse, start, text_block

from zen_native._cli.exchange import sniff_framing
from zen_native.cli import main
from zen_native.runtimes.pure.names import DEFAULT_FRAMING

BODY = sse(
    start(usage={"input_tokens": 1200, "output_tokens": 1}),
    *text_block(0, "Hi", " there"),
    end(usage={"output_tokens": 5}),
    STOP,
)
TOLD = b'data: {"type":"error","error":{"type":"overloaded_error","message":"too busy"},"request_id":"req_7"}\n\n'
MESSAGES = ("--protocol", "anthropic-messages")


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.sse"
    path.write_bytes(BODY)
    return path


def exchange(tmp_path: Path, **response: Any) -> Path:
    """An exchange file whose request holds a key."""
    record = {
        "id": "one",
        "provider": "anthropic",
        "protocol": "anthropic-messages",
        "request": {"url": "https://example.test/v1/messages", "headers": {"x-api-key": "sk-sentinel-000000"}},
        "response": {"status": 200, "headers": {"content-type": "text/event-stream"}, **response},
    }
    path = tmp_path / "exchange.json"
    path.write_text(json.dumps(record), "utf-8")
    return path


def status_of(*arguments: str) -> int:
    """The exit code, whether it is returned or raised."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else -1


# Forms of output


def test_events_are_lines_and_usage_comes_last(body: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(body), *MESSAGES]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["step-start", "index=0"]
    assert lines[2].split() == ["text-delta", 'id="text-0"', 'text="Hi"']
    assert lines[-2:] == ["finish   stop (end_turn)", "usage    1,200 in, 5 out"]


def test_events_as_json_lines(body: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(body), *MESSAGES, "--json", "--events"]) == 0
    events = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == [
        "step-start", "text-start", "text-delta", "text-delta", "text-end", "step-finish", "finish",
    ]  # fmt: skip
    assert events[-1]["usage"]["input_tokens"] == 1200


def test_summary_is_the_answer_and_its_totals(body: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(body), *MESSAGES, "--summary"]) == 0
    assert capsys.readouterr().out == "  text      Hi there\n\nfinish   stop (end_turn)\nusage    1,200 in, 5 out\n"


def test_summary_as_one_json_document(body: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(body), *MESSAGES, "--json", "--summary"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parts"] == [{"type": "text", "text": "Hi there"}]
    assert told["reason"] == {"normalized": "stop", "raw": "end_turn"}


# Forms of input


def test_exchange_file_names_protocol_and_provider(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = exchange(tmp_path, body_text=BODY.decode())
    assert main(["decode", str(path), "--summary"]) == 0
    out = capsys.readouterr()
    assert out.out.startswith("  text      Hi there\n")
    assert "sentinel" not in out.out + out.err


def test_exchange_file_with_a_binary_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [
        encode(b'{"role":"assistant"}', event="messageStart"),
        encode(b'{"contentBlockIndex":0,"delta":{"text":"Hi"}}', event="contentBlockDelta"),
        encode(b'{"contentBlockIndex":0}', event="contentBlockStop"),
        encode(b'{"stopReason":"end_turn"}', event="messageStop"),
        encode(b'{"usage":{"inputTokens":3,"outputTokens":1,"totalTokens":4}}', event="metadata"),
    ]
    path = exchange(tmp_path, body_b64=base64.b64encode(b"".join(frames)).decode())
    assert main(["decode", str(path), "--protocol", "bedrock-converse", "--summary"]) == 0
    assert capsys.readouterr().out == "  text      Hi\n\nfinish   stop (end_turn)\nusage    3 in, 1 out\n"


def test_exchange_from_a_gateway_waits_for_the_charge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = exchange(tmp_path, body_text=BODY.decode() + 'event: ping\ndata: {"type":"ping","cost":"0.0012"}\n\n')
    path.write_text(path.read_text("utf-8").replace('"anthropic"', '"opencode-zen"'), "utf-8")
    assert main(["decode", str(path), "--summary"]) == 0
    assert "usage    1,200 in, 5 out, cost $0.0012\n" in capsys.readouterr().out


def test_document_is_told_from_a_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "body.json"
    path.write_text(json.dumps(answer({"type": "text", "text": "Whole"})), "utf-8")
    assert main(["decode", str(path), *MESSAGES, "--summary"]) == 0
    assert capsys.readouterr().out.startswith("  text      Whole\n")


def test_framing_that_is_named_is_obeyed(body: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(body), *MESSAGES, "--framing", "eventstream"]) == 1
    assert "not an event stream" in capsys.readouterr().err


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(BODY))))
    assert main(["decode", "-", *MESSAGES, "--summary"]) == 0
    assert capsys.readouterr().out.startswith("  text      Hi there\n")


def test_standard_input_is_decoded_as_it_comes() -> None:
    with started("decode", "-", *MESSAGES, "--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        cut = BODY.index(b"there")
        process.stdin.write(BODY[:cut])
        process.stdin.flush()
        first = [json.loads(process.stdout.readline())["type"] for _ in range(3)]
        process.stdin.write(BODY[cut:])
        process.stdin.close()
        assert first == ["step-start", "text-start", "text-delta"]
        assert json.loads(process.stdout.readlines()[-1])["type"] == "finish"
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("head", "framing"),
    [
        (b"\0\0\0\x7b", "eventstream"),
        (b" \r\n[", "json-array"),
        (b"\xef\xbb\xbf{", "document"),
        (b"event: x", "sse"),
        (b": comment", "sse"),
        (b"", "sse"),
    ],
)
def test_framing_by_the_first_bytes(head: bytes, framing: str) -> None:
    assert sniff_framing(head, "openai-chat") == framing


# Failures


def test_error_in_the_stream_comes_after_what_was_decoded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "body.sse"
    path.write_bytes(sse(start(), *text_block(0, "Before")) + TOLD)
    assert main(["decode", str(path), *MESSAGES, "--summary"]) == 1
    told = capsys.readouterr()
    assert told.out == "  text      Before\n"
    assert told.err.splitlines() == [
        "OverloadedError: too busy",
        "  code        overloaded_error",
        "  retryable   yes",
        "  request id  req_7",
        "  provider    anthropic",
    ]


def test_error_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "body.sse"
    path.write_bytes(TOLD)
    assert main(["decode", str(path), *MESSAGES, "--json"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    error = json.loads(told.err)["error"]
    assert (error["class"], error["message"], error["retryable"]) == ("OverloadedError", "too busy", True)


def test_cut_stream_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "body.sse"
    path.write_bytes(BODY[:-60])
    assert main(["decode", str(path), *MESSAGES]) == 1
    assert capsys.readouterr().err.startswith("IncompleteStreamError: ")


def test_exchange_with_an_error_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"error": {"message": "slow down, sk-sentinel-00000000", "type": "rate_limit_error"}}
    path = exchange(tmp_path, status=429, headers={"retry-after": "12"}, body_text=json.dumps(said))
    assert main(["decode", str(path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("RateLimitError: slow down, [redacted]\n")
    assert "  retry after 12 s\n" in told
    assert "sentinel" not in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "COMMAND"),
        (("paint",), "invalid choice"),
        (("decode", "BODY"), "give --protocol (one of anthropic-messages, "),
        (("decode", "BODY", "--protocol", "morse"), "unknown protocol 'morse'; known: anthropic-messages, "),
        (("decode", "BODY", *MESSAGES, "--framing", "x"), "unknown framing 'x'; known: document, "),
        (("decode", "BODY", *MESSAGES, "--runtime", "x"), "unknown runtime 'x'; known: auto, native, python"),
        (("decode", "BODY", *MESSAGES, "--events", "--summary"), "not allowed with"),
        (("decode", "missing.sse", *MESSAGES), "cannot read missing.sse: No such file or directory"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], said: str, body: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(*(str(body) if each == "BODY" else each for each in arguments)) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


def test_exchange_of_an_unknown_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = exchange(tmp_path, body_text="")
    path.write_text(path.read_text("utf-8").replace("anthropic-messages", "other"), "utf-8")
    assert status_of("decode", str(path)) == 2
    assert "the protocol 'other', which is not one of" in capsys.readouterr().err


def test_exchange_whose_body_is_not_base64(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("decode", str(exchange(tmp_path, body_b64="%%%"))) == 2
    assert "not base64" in capsys.readouterr().err


def test_native_runtime_that_is_demanded_but_missing(
    body: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("zen_native.runtimes.native.CAUSE", "the extension does not load: for a test")
    assert status_of("decode", str(body), *MESSAGES, "--runtime", "native") == 2
    assert "the extension does not load: for a test" in capsys.readouterr().err


def test_ctrl_c(body: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("zen_native._cli.decode.run_decode", interrupted)
    assert main(["decode", str(body), *MESSAGES]) == 130


@pytest.mark.skipif(os.name == "nt", reason="a closed pipe is no SIGPIPE there")
def test_reader_of_the_pipe_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "body.sse"
    path.write_bytes(sse(start(), *text_block(0, *["word "] * 20_000), end(), STOP))
    with started("decode", str(path), *MESSAGES, "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 141


def started(*arguments: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "zen_native", *arguments]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)


# Hostile text

HOSTILE = "a\x1b]0;owned\x07b\x9b31mc\u202ed\rE\x00"


@pytest.mark.parametrize("form", [("--summary",), ("--events",), ("--json",)])
def test_no_form_lets_control_characters_out(
    form: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "body.sse"
    wrong = {"type": "error", "error": {"type": HOSTILE, "message": HOSTILE}, "request_id": HOSTILE}
    path.write_bytes(sse(start(), *text_block(0, HOSTILE), wrong))
    assert main(["decode", str(path), *MESSAGES, *form]) == 1
    told = capsys.readouterr()
    assert "owned" in told.out
    assert "owned" in told.err
    for text in (told.out, told.err):
        assert not {character for character in text if not character.isprintable()} - {"\n"}


# Doctor, and what importing costs


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("--version") == 0
    assert capsys.readouterr().out == f"zen-native {metadata.version('zen-native')}\n"


def test_doctor_names_the_runtime_and_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ZEN_NATIVE", "0")
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "runtime             python: ZEN_NATIVE=0 turns the native runtime off\n" in told
    assert "max_event_bytes     16,777,216 bytes\n" in told


def test_doctor_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("ZEN_NATIVE", raising=False)
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runtime"] in ("native", "python")
    assert told["limits"]["max_response_bytes"] is None
    assert set(told["protocols"]) == set(DEFAULT_FRAMING)


@pytest.mark.parametrize(
    ("flag", "proxy", "expected"),
    [
        ("0", "", "httpx: the Python runtime reads from Python"),
        ("", "http://127.0.0.1:9", "httpx: "),
        ("", "", "native: nothing stands against it"),
    ],
)
def test_doctor_names_the_transport_and_why(
    flag: str, proxy: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not flag:
        pytest.importorskip("zen_native._core", reason="the native runtime is not built: zen_native._core is missing")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ZEN_NATIVE", flag)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert main(["doctor"]) == 0
    assert f"transport           {expected}" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["transport"]
    assert f"{told['name']}: {told['reason']}".startswith(expected)
    assert ("proxy" in told["reason"]) is bool(proxy)


def test_doctor_fails_where_the_flag_cannot_be_obeyed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZEN_NATIVE", "maybe")
    assert main(["doctor"]) == 1
    assert "none: ZEN_NATIVE must be 0, 1 or unset, not 'maybe'" in capsys.readouterr().out


def test_the_package_does_not_import_the_command_line() -> None:
    code = (
        "import sys, zen_native; zen_native.Decoder('anthropic-messages', runtime='python');"
        "print([name for name in sys.modules if name.split('.')[1:2] in (['cli'], ['_cli'], ['_demo'])])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# The corpus


@pytest.mark.parametrize("recorded", corpus.params("zen", "errors"))
def test_corpus_file(recorded: corpus.Exchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An exchange file as it is: its answer, or the error it holds."""
    path = tmp_path / "exchange.json"
    path.write_text(json.dumps(recorded.record), "utf-8")
    fails = recorded.status >= 400 or "error" in recorded.record.get("expect", {})
    assert status_of("decode", str(path), "--json") == int(fails)
    told = capsys.readouterr()
    if fails:
        assert json.loads(told.err)["error"]["class"].endswith("Error")
    else:
        assert json.loads(told.out.splitlines()[-1])["type"] == "finish"
