"""`zen-native run --tool` against a loopback server: what runs, who approved it, what is shown, and every exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kit import responses
from tests.kit.chat import DONE, call, chunk, sse, tail
from tests.kit.server import HOLD, Server, sse_reply

from zen_native.cli import main

KEY = "sk-sentinel-0123456789"
HOSTILE = "a\x1b]0;owned\x07b\u202ed\u00ade\U000e0041"
TOOLS = '''
"""Tools."""

import threading

import beside


def weather(city: str) -> dict[str, object]:
    """The weather in a city."""
    print(f"looking up {city}")
    return {"city": city, "degrees": beside.DEGREES}


async def asynchronous(city: str) -> str:
    """The same later."""
    return f"mild in {city}"


def broken(city: str) -> str:
    """Fails."""
    raise LookupError(f"no such city: {city}")


def endless(city: str) -> str:
    """Takes for ever."""
    print("begun", flush=True)
    threading.Event().wait()
    return ""


def positional(city, /):
    """Cannot be called by name."""


def unknown_type(city: threading.Event) -> str:
    """Has no schema."""


small = lambda city: city
DEGREES = 20
'''


def usage(count: int) -> dict[str, Any]:
    return tail(usage={"prompt_tokens": count, "completion_tokens": 1, "total_tokens": count + 1})


def calls(*arguments: str, name: str = "weather") -> bytes:
    """A step of calls."""
    frames = [chunk(call(text, name=name, call_id=f"c{place}", index=place)) for place, text in enumerate(arguments)]
    return sse(
        chunk({"reasoning_content": "I look."}), *frames, chunk({"content": "Wait."}), chunk({}, "tool_calls"),
        usage(10), DONE,
    )  # fmt: skip


PORTO, FARO = '{"city": "Porto"}', '{"city": "Faro"}'
REFUSED = "Error: the call was refused: the user does not want it"
MILD = sse_reply(sse(chunk({"content": "Mild."}), chunk({}, "stop"), usage(20), DONE))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "ZEN_NATIVE", "ZEN_NATIVE_MODELS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "my_tools.py").write_text(TOOLS, "utf-8")
    (tmp_path / "beside.py").write_text("DEGREES = 20\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    with Server(sse_reply(calls(PORTO)), MILD) as running:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running
    for name in set(sys.modules) - known:
        if name in ("my_tools", "beside", "own") or name.startswith("zen_native_tool_"):
            del sys.modules[name]


def status_of(*arguments: str) -> int:
    """The exit code, whether it is returned or raised."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else -1


def run(*arguments: str, tool: str = "my_tools:weather") -> int:
    return status_of("run", "-m", "openai-chat/m", "Is it warm?", "--tool", tool, *arguments)


def told_to_the_model(server: Server) -> list[str]:
    """The results that the second step was asked with."""
    messages = json.loads(server.requests[1].body)["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


# What runs


@pytest.mark.parametrize("tool", ["my_tools:weather", "my_tools.py:weather", "./my_tools.py:weather"])
def test_a_function_is_described_and_run(
    tool: str, runtime: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--yes", "--runtime", runtime, tool=tool) == 0
    (described,) = json.loads(server.requests[0].body)["tools"]
    assert described["function"]["name"] == "weather"
    assert described["function"]["description"] == "The weather in a city."
    assert list(described["function"]["parameters"]["properties"]) == ["city"]
    assert [json.loads(text) for text in told_to_the_model(server)] == [{"city": "Porto", "degrees": 20}]
    assert capsys.readouterr().out == "Wait.\nMild.\n"


def test_several_functions_of_one_file_and_parallel_calls(server: Server) -> None:
    both = sse(
        chunk(call(PORTO, name="asynchronous", call_id="a", index=0)),
        chunk(call(FARO, name="weather", call_id="b", index=1)),
        chunk({}, "tool_calls"),
        DONE,
    )
    server.plays(sse_reply(both), MILD)
    assert run("--yes", "--tool", "my_tools.py:asynchronous", tool="my_tools.py:weather") == 0
    first, second = told_to_the_model(server)
    assert first == "mild in Porto"
    assert json.loads(second)["city"] == "Faro"


def test_an_absolute_path_outside_of_the_directory(
    server: Server, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path_factory.mktemp("other") / "own.py"
    own.write_text("def weather(city: str) -> str:\n    'Weather.'\n    return 'warm'\n", "utf-8")
    assert run("--yes", tool=f"{own}:weather") == 0
    assert told_to_the_model(server) == ["warm"]


def test_errors_and_wrong_arguments_go_back_to_the_model(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = json.dumps({"city": HOSTILE})
    server.plays(sse_reply(calls(hostile, '{"town": 1}', name="broken")), MILD)
    assert run("--yes", tool="my_tools:broken") == 0
    first, second = told_to_the_model(server)
    assert first.startswith("Error: LookupError: no such city: a\\x1b]0;owned")
    assert second.startswith("Error: the arguments are not valid: ")
    told = capsys.readouterr()
    assert "failed    broken " in told.err
    assert "LookupError: no such city: a\\\\x1b]0;owned" in told.err
    assert not {character for character in told.out + told.err if ord(character) < 32} - {"\n"}


def test_usage_is_of_all_steps(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--yes") == 0
    assert "\nfinish   stop\nsteps    2\nusage    30 in, 2 out" in capsys.readouterr().err


def test_json_is_the_events_of_all_steps_and_nothing_that_a_tool_prints(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--yes", "--json") == 0
    told = capsys.readouterr()
    events = [json.loads(text) for text in told.out.splitlines()]
    assert [event["index"] for event in events if event["type"] == "step-start"] == [0, 1]
    assert [event["result"]["degrees"] for event in events if event["type"] == "tool-result"] == [20]
    assert (events[-1]["steps"], events[-1]["usage"]["total_tokens"]) == (2, 32)
    assert told.err == "looking up Porto\n"


def test_a_tool_that_fails_is_told_of_once(server: Server) -> None:
    server.plays(sse_reply(calls(PORTO, name="broken")), MILD)
    command = [sys.executable, "-m", "zen_native", "run", "-m", "openai-chat/m", "hi"]
    done = subprocess.run(
        [*command, "--tool", "my_tools:broken", "--yes"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.count("no such city: Porto") == 1


def test_the_limit_of_steps(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.plays(sse_reply(calls(PORTO)))
    assert run("--yes", "--max-steps", "2") == 1
    assert len(server.requests) == 2
    err = capsys.readouterr().err
    assert "ToolLoopError: the limit of 2 steps was reached before the model was done\n" in err
    assert "  usage       20 in, 2 out\n" in err


def test_what_tools_did_is_recorded_too(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    cassette = tmp_path / "cassette.json"
    asked = ("record", "-o", str(cassette), "-m", "openai-chat/m", "hi", "--tool", "my_tools:weather", "--yes")
    assert status_of(*asked) == 0
    assert len(json.loads(cassette.read_text("utf-8"))["interactions"]) == 2


# What is shown


def test_a_pipe_gets_the_text_and_standard_error_the_calls(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--yes") == 0
    told = capsys.readouterr()
    assert told.out == "Wait.\nMild.\n"
    assert '  tool      weather {"city": "Porto"}\n' in told.err
    assert '  result    weather {"city": "Porto", "degrees": 20}\n' in told.err


def test_long_arguments_and_results_are_shortened(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    pieces = [json.dumps({"city": "x" * 5000})[place : place + 90] for place in range(0, 5013, 90)]
    frames = [chunk(call(piece, index=0)) for piece in pieces]
    frames[0] = chunk(call(pieces[0], name="weather", call_id="c", index=0))
    server.plays(sse_reply(sse(*frames, chunk({}, "tool_calls"), DONE)), MILD)
    assert run("--yes") == 0
    assert json.loads(told_to_the_model(server)[0])["city"] == "x" * 5000
    (tool, result) = [text for text in capsys.readouterr().err.splitlines() if "weather" in text]
    for shown in (tool, result):
        assert shown.endswith("xxx ...")
        assert 200 < len(shown) < 230


# What is wrong use


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("my_tools", "say module:function"),
        (":weather", "say module:function"),
        ("my_tools:", "say module:function"),
        ("nowhere:f", "there is no module 'nowhere'"),
        ("my_tools.nowhere:f", "there is no module 'my_tools.nowhere'"),
        ("nowhere.py:f", "No such file"),
        ("my_tools:nothing", "there is no 'nothing' in my_tools"),
        ("my_tools.py:nothing", "there is no 'nothing' in "),
        ("my_tools:DEGREES", "'DEGREES' is of type int, not a function"),
        ("json:JSONEncoder", "'JSONEncoder' is a class, not a function"),
        ("my_tools:positional", "'city' cannot be given by name"),
        ("my_tools:unknown_type", "cannot be described to a model"),
        ("my_tools:small", "'<lambda>' is no name for a tool"),
        ("fails:f", "importing it failed: NameError"),
        ("fails.py:f", "importing it failed: NameError"),
        ("leaves:f", "importing it failed: SystemExit"),
        ("lacks:f", "importing it failed: ModuleNotFoundError: No module named 'nowhere_at_all'"),
    ],
)
def test_a_bad_specification(
    tool: str, said: str, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fails.py").write_text("undefined_name\n", "utf-8")
    (tmp_path / "leaves.py").write_text("raise SystemExit(0)\n", "utf-8")
    (tmp_path / "lacks.py").write_text("import nowhere_at_all\n", "utf-8")
    assert run("--yes", tool=tool) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"zen-native: --tool {tool}: ")
    assert said in told.err
    assert told.err.count("\n") == 1
    assert (told.out, server.requests) == ("", [])


def test_two_functions_of_one_name(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text("def weather(city: str) -> str:\n    'Weather.'\n", "utf-8")
    assert run("--yes", "--tool", "own:weather") == 2
    assert "--tool own:weather: my_tools:weather has the same name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--max-steps", "0", "--tool", "my_tools:weather"), "must be a whole number from 1, not '0'"),
        (("--max-steps", "many", "--tool", "my_tools:weather"), "must be a whole number from 1, not 'many'"),
        (("--yes",), "--yes and --max-steps are for --tool"),
        (("--max-steps", "2"), "--yes and --max-steps are for --tool"),
    ],
)
def test_options_that_cannot_be(
    arguments: tuple[str, ...], said: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of("run", "-m", "openai-chat/m", "hi", *arguments) == 2
    assert said in capsys.readouterr().err
    assert server.requests == []


@pytest.mark.parametrize("prompt", [["hi"], ["-"]])
def test_without_a_terminal_and_without_yes_nothing_is_sent(prompt: list[str], server: Server) -> None:
    command = [sys.executable, "-m", "zen_native", "run", "-m", "openai-chat/m", *prompt, "--tool", "my_tools:weather"]
    done = subprocess.run(command, input="hi", capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "there is no terminal to ask on; --yes approves all" in done.stderr
    assert (done.stdout, server.requests) == ("", [])


# On a terminal

on_posix = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals of this kind")


def on_terminal(*arguments: str, model: str = "openai-chat/m", term: str = "dumb", **fields: Any) -> Any:
    from tests.kit.terminal import OnTerminal

    command = ("-m", "zen_native", "run", "-m", model, "Is it warm?", *arguments)
    env = {**os.environ, "TERM": term, "COLUMNS": "400"}
    return OnTerminal(command, env=env, cwd=Path.cwd(), **fields)


@on_posix
def test_each_call_is_asked_about(server: Server) -> None:
    server.plays(sse_reply(calls(PORTO, FARO)), MILD)
    with on_terminal("--tool", "my_tools:weather") as terminal:
        before = terminal.until('  run       weather {"city": "Porto"} [y/N] ')
        assert '  tool      weather {"city": "Porto"}\n' in before
        terminal.type("y\ny\n")  # the second line is no answer: its question is not there yet
        terminal.until('  run       weather {"city": "Faro"} [y/N] ')
        terminal.type("\n")
        assert terminal.ended() == 0
    porto, faro = told_to_the_model(server)
    assert json.loads(porto)["degrees"] == 20
    assert faro == REFUSED
    assert "looking up Porto" in terminal.seen
    assert "looking up Faro" not in terminal.seen
    assert terminal.seen.endswith(
        '  failed    weather "the call was refused: the user does not want it"\n'
        "  text      Mild.\n\nfinish   stop\nsteps    2\nusage    30 in, 2 out\n"
        f"warning  the cost is not known: {server.url} is not openai-chat's own address, so its prices are not known\n"
    )


@on_posix
def test_control_characters_are_spelled_out_in_the_question(server: Server) -> None:
    server.plays(sse_reply(calls(json.dumps({"city": HOSTILE}))), MILD)
    with on_terminal("--tool", "my_tools:weather") as terminal:
        asked = terminal.until("[y/N] ")
        terminal.type("no\n")
        assert terminal.ended() == 0
    assert asked.endswith('weather {"city": "a\\u001b]0;owned\\u0007b\\u202ed\\xade\\U000e0041"} [y/N] ')
    assert not {character for character in terminal.seen if not character.isprintable()} - {"\n"}


@on_posix
def test_calls_and_results_are_dimmed(server: Server) -> None:
    pytest.importorskip("rich", reason="rich is in the extra cli")
    with on_terminal("--tool", "my_tools:weather", "--yes", term="xterm-256color") as terminal:
        assert terminal.ended() == 0
    for shown in (' {"city": "Porto"}', 'weather {"city": "Porto", "degrees": 20}', "I look."):
        assert f"\x1b[2;3m{shown}\x1b[0m" in terminal.seen


@on_posix
def test_the_question_comes_where_standard_output_is_a_pipe(server: Server) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe, on_terminal("--tool", "my_tools:weather", "--json", stdout=write) as terminal:
        os.close(write)
        terminal.until("[y/N] ")
        terminal.type("YES\n")
        assert terminal.ended() == 0
        events = [json.loads(text) for text in pipe.read().splitlines()]
    assert [event["result"]["degrees"] for event in events if event["type"] == "tool-result"] == [20]
    assert events[-1]["type"] == "finish"


@on_posix
def test_the_end_of_input_refuses(server: Server) -> None:
    with on_terminal("--tool", "my_tools:weather") as terminal:
        terminal.until("[y/N] ")
        terminal.type("\x04")
        assert terminal.ended() == 0
    assert told_to_the_model(server) == [REFUSED]


@on_posix
@pytest.mark.parametrize(("tool", "at"), [("weather", "[y/N] "), ("endless", "begun")])
def test_ctrl_c_ends_it_at_once(tool: str, at: str, server: Server) -> None:
    server.plays(sse_reply(calls(PORTO, name=tool)), MILD)
    with on_terminal("--tool", f"my_tools:{tool}", *(["--yes"] if tool == "endless" else [])) as terminal:
        terminal.until(at)
        terminal.type("\x03")
        assert terminal.ended() == 130
    assert len(server.requests) == 1
    assert "Traceback" not in terminal.seen
    assert "Fatal" not in terminal.seen


@on_posix
def test_ctrl_c_while_a_question_is_open_hangs_up(server: Server) -> None:
    item = responses.call("fc_1", "call_1", "weather", PORTO)
    frames = (responses.CREATED, responses.added(0, item), responses.done(0, item))
    server.plays(sse_reply(responses.sse(*frames), HOLD))
    with on_terminal("--tool", "my_tools:weather", model="openai/m") as terminal:
        terminal.until("[y/N] ")
        terminal.type("\x03")
        assert terminal.ended() == 130
    assert server.hung_up.wait(5)
