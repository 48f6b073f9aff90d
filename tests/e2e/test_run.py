"""`zen-native run` against a loopback server: every form of output, every exit code, and Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys

import pytest
from tests.kit.chat import chunk, sse
from tests.kit.interrupts import heeding_interrupts
from tests.kit.server import CUT, HOLD, Reply, Server, sse_reply

from zen_native.cli import main

KEY = "sk-sentinel-0123456789"
HOSTILE = "a\x1b]0;owned\x07b\x9b31mc\u202ed\rE\x00"
USAGE = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
ANSWER = [
    sse(chunk({"reasoning_content": "Light scatters."})),
    sse(chunk({"content": "Be"})),
    sse(chunk({"content": "cause."})),
    sse(chunk({}, "stop")),
    sse({"choices": [], "usage": USAGE}),
    sse("[DONE]"),
]
TEXT = ["run", "-m", "openai-chat/gpt-5-mini", "Why is the sky blue?"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "ZEN_NATIVE", "ZEN_NATIVE_MODELS"):
        monkeypatch.delenv(name, raising=False)
    with Server(sse_reply(*ANSWER)) as running:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


def status_of(*arguments: str) -> int:
    """The exit code, whether it is returned or raised."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else -1


# Forms of output


def test_a_pipe_gets_the_text_alone(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TEXT) == 0
    told = capsys.readouterr()
    assert told.out == "Because.\n"
    assert told.err.startswith("\nfinish   stop\nusage    1,000 in, 200 out\n")


def test_a_terminal_gets_all_of_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert main(TEXT) == 0
    assert isinstance(sys.stdout, Terminal)
    told = sys.stdout.getvalue()
    assert told.startswith(
        "  reasoning Light scatters.\n  text      Because.\n\nfinish   stop\nusage    1,000 in, 200 out\n"
    )


def test_thinking_is_dimmed_where_there_are_colours(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich", reason="rich is in the extra cli")
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(TEXT) == 0
    assert isinstance(sys.stdout, Terminal)
    assert "\x1b[2;3mLight" in sys.stdout.getvalue()


def test_json_lines_are_the_events(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TEXT, "--json"]) == 0
    told = capsys.readouterr()
    events = [json.loads(text) for text in told.out.splitlines()]
    assert [event["type"] for event in events][:3] == ["step-start", "reasoning-start", "reasoning-delta"]
    assert events[-1]["type"] == "finish"
    assert told.err == ""


def test_what_is_sent(server: Server) -> None:
    assert main([*TEXT, "--system", "be brief"]) == 0
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    body = json.loads(request.body)
    assert [message["content"] for message in body["messages"]] == ["be brief", "Why is the sky blue?"]


@pytest.mark.parametrize("prompt", [["-"], []])
def test_the_prompt_comes_from_a_pipe(prompt: list[str], server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Warum? \u00e4".encode())))
    assert main(["run", "-m", "openai-chat/m", *prompt]) == 0
    assert json.loads(server.requests[0].body)["messages"][-1]["content"] == "Warum? \u00e4"


def test_runtime_is_obeyed(runtime: str, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TEXT, "--runtime", runtime]) == 0
    assert capsys.readouterr().out == "Because.\n"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_form_lets_control_characters_out(
    form: tuple[str, ...], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.plays(sse_reply(sse(chunk({"content": HOSTILE})), sse({"error": {"message": HOSTILE, "code": HOSTILE}})))
    assert main([*TEXT, *form]) == 1
    told = capsys.readouterr()
    assert "owned" in told.out
    for text in (told.out, told.err):
        assert not {character for character in text if not character.isprintable()} - {"\n"}


# Costs


def zen_cost(server: Server, monkeypatch: pytest.MonkeyPatch, *last: bytes) -> None:
    """Let the table's prices count: they are a gateway's, and count at its own address alone."""
    monkeypatch.setenv("OPENCODE_API_KEY", KEY)
    monkeypatch.setattr("zen_native.transport.native.blocking.BlockingTransport.send", _to(server))
    server.plays(sse_reply(*ANSWER[:-1], *last, ANSWER[-1]))


def _to(server: Server):  # type: ignore[no-untyped-def]
    import dataclasses

    from zen_native.transport.native.blocking import BlockingTransport

    send = BlockingTransport.send

    async def sent(self, request, *how):  # type: ignore[no-untyped-def]
        assert request.url == "https://opencode.ai/zen/v1/chat/completions"
        return await send(self, dataclasses.replace(request, url=server.url), *how)

    return sent


def test_cost_by_the_table_where_the_wire_says_none(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zen_cost(server, monkeypatch)
    assert main(["run", "-m", "opencode/kimi-k2.5", "hi"]) == 0
    err = capsys.readouterr().err
    assert "usage    1,000 in, 200 out, cost $0.0012 by the table\n" in err  # 1000 x 0.6 + 200 x 3 per million
    assert "prices   models.dev" in err


def test_cost_of_the_table_is_in_the_json(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zen_cost(server, monkeypatch)
    assert main(["run", "-m", "opencode/kimi-k2.5", "hi", "--json"]) == 0
    *_, step, finish = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    for event in (step, finish):
        assert (event["usage"]["cost"], event["usage"]["cost_source"]) == ("0.0012", "table")


def test_cost_of_the_wire_wins_and_a_difference_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zen_cost(server, monkeypatch, sse({"choices": [], "cost": "0.5"}))
    assert main(["run", "-m", "opencode/kimi-k2.5", "hi"]) == 0
    err = capsys.readouterr().err
    assert "cost $0.5\n" in err
    assert "warning  the provider says that this cost 0.5 USD; by the prices of models.dev" in err


def test_unknown_cost_says_why(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TEXT) == 0
    err = capsys.readouterr().err
    assert "cost $" not in err
    assert "warning  the cost is not known: " in err


# Failures


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (Reply([b'{"error":{"message":"no such key","type":"invalid_request_error"}}'], 401), "AuthenticationError"),
        (Reply([b'{"error":{"message":"bad field"}}'], 400), "InvalidRequestError"),
        (sse_reply(ANSWER[1], CUT), "IncompleteStreamError"),
        (sse_reply(sse({"error": {"message": "it broke", "type": "server_error"}})), "ServerError"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_typed_errors_go_to_standard_error(
    reply: Reply, name: str, as_json: bool, server: Server, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("zen_native.transport.retry.Retrier.after", lambda *_: None)
    server.plays(reply)
    assert main([*TEXT, *(["--json"] if as_json else [])]) == 1
    told = capsys.readouterr()
    if as_json:
        assert json.loads(told.err)["error"]["class"] == name
    else:
        assert told.err.startswith(f"{name}: ")
    assert KEY not in told.out + told.err


def test_what_came_before_a_failure_is_printed(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.plays(sse_reply(ANSWER[1], ANSWER[2], CUT))
    assert main(TEXT) == 1
    assert capsys.readouterr().out == "Because.\n"


def test_a_missing_key_is_an_error_before_anything_is_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert main(TEXT) == 1
    assert capsys.readouterr().err.startswith("AuthenticationError: no key for openai-chat: set OPENAI_API_KEY")
    assert server.requests == []


def test_an_unknown_provider_is_an_error(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-m", "opnai/gpt-5", "hi"]) == 1
    assert "did you mean openai/gpt-5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "hi"), "-m/--model"),
        (("run", "-m", "openai/m", " "), "the prompt is empty"),
        (("run", "-m", "", "hi"), "model"),
        (("run", "-m", "openai/m", "hi", "--runtime", "x"), "unknown runtime 'x'; known: auto, native, python"),
        (("run", "-m", "openai/m", "hi", "there"), "unrecognized arguments"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], said: str, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(*arguments) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert server.requests == []


def test_no_prompt_on_a_terminal_is_wrong_use(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert status_of("run", "-m", "openai/m") == 2
    assert "there is no prompt" in capsys.readouterr().err


def test_a_prompt_that_is_no_text_is_wrong_use(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
    assert status_of("run", "-m", "openai/m", "-") == 2
    assert "not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("ZEN_NATIVE", "maybe", "ZEN_NATIVE must be 0, 1"), ("ZEN_NATIVE_MODELS", "/nowhere/x.json", "/nowhere/x.json")],
)
def test_a_wrong_environment_is_wrong_use(
    name: str,
    value: str,
    said: str,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert status_of(*TEXT) == 2
    assert said in capsys.readouterr().err


def test_native_that_is_demanded_but_missing_is_wrong_use(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("zen_native.runtimes.native.CAUSE", "the extension does not load: for a test")
    assert status_of(*TEXT, "--runtime", "native") == 2
    assert "the extension does not load: for a test" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
def test_ctrl_c_hangs_up_and_leaves_no_traceback(server: Server) -> None:
    server.plays(sse_reply(ANSWER[1], HOLD))
    pipe = subprocess.PIPE
    with heeding_interrupts():
        process = subprocess.Popen([sys.executable, "-m", "zen_native", *TEXT, "--json"], stdout=pipe, stderr=pipe)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        assert server.wait_for(lambda: bool(server.requests))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b"\n"
    assert server.hung_up.wait(1)
