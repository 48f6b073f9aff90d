"""`zen-native run --tool` on a terminal: what is asked of the user, what is shown, and Ctrl-C."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kit import responses
from tests.kit.run_tools import FARO, HOSTILE, MILD, PORTO, REFUSED, calls, serving, told_to_the_model
from tests.kit.server import HOLD, Server, sse_reply

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals of this kind")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    with serving(monkeypatch, tmp_path) as running:
        yield running


def on_terminal(*arguments: str, model: str = "openai-chat/m", term: str = "dumb", **fields: Any) -> Any:
    from tests.kit.terminal import OnTerminal

    command = ("-m", "zen_native", "run", "-m", model, "Is it warm?", *arguments)
    env = {**os.environ, "TERM": term, "COLUMNS": "400"}
    return OnTerminal(command, env=env, cwd=Path.cwd(), **fields)


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


def test_control_characters_are_spelled_out_in_the_question(server: Server) -> None:
    server.plays(sse_reply(calls(json.dumps({"city": HOSTILE}))), MILD)
    with on_terminal("--tool", "my_tools:weather") as terminal:
        asked = terminal.until("[y/N] ")
        terminal.type("no\n")
        assert terminal.ended() == 0
    assert asked.endswith('weather {"city": "a\\u001b]0;owned\\u0007b\\u202ed\\xade\\U000e0041"} [y/N] ')
    assert not {character for character in terminal.seen if not character.isprintable()} - {"\n"}


def test_calls_and_results_are_dimmed(server: Server) -> None:
    pytest.importorskip("rich", reason="rich is in the extra cli")
    with on_terminal("--tool", "my_tools:weather", "--yes", term="xterm-256color") as terminal:
        assert terminal.ended() == 0
    for shown in (' {"city": "Porto"}', 'weather {"city": "Porto", "degrees": 20}', "I look."):
        assert f"\x1b[2;3m{shown}\x1b[0m" in terminal.seen


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


def test_the_end_of_input_refuses(server: Server) -> None:
    with on_terminal("--tool", "my_tools:weather") as terminal:
        terminal.until("[y/N] ")
        terminal.type("\x04")
        assert terminal.ended() == 0
    assert told_to_the_model(server) == [REFUSED]


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


def test_ctrl_c_while_a_question_is_open_hangs_up(server: Server) -> None:
    item = responses.call("fc_1", "call_1", "weather", PORTO)
    frames = (responses.CREATED, responses.added(0, item), responses.done(0, item))
    server.plays(sse_reply(responses.sse(*frames), HOLD))
    with on_terminal("--tool", "my_tools:weather", model="openai/m") as terminal:
        terminal.until("[y/N] ")
        terminal.type("\x03")
        assert terminal.ended() == 130
    assert server.hung_up.wait(5)
