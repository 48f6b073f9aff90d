"""`zen-native run --tool` against a loopback server: what runs, who approved it, what is shown, and every exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kit.chat import DONE, call, chunk, sse
from tests.kit.run_tools import FARO, HOSTILE, MILD, PORTO, calls, run, serving, status_of, told_to_the_model
from tests.kit.server import Server, sse_reply


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    with serving(monkeypatch, tmp_path) as running:
        yield running


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
