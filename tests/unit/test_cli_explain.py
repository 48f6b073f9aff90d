"""`zen-native explain` and `models`: what they show, what they never show, and every exit code."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from zen_native.catalogue import FLAG, FORM, package_table
from zen_native.cli import main

KEY = "sk-sentinel-0123456789"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY", "ZEN_NATIVE", FLAG):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


def status_of(*arguments: str) -> int:
    """The exit code, whether it is returned or raised."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else -1


# explain


def test_explain_shows_route_and_reason_but_never_the_key(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-m", "openai/gpt-5", "hi", "--runtime", "python"]) == 0
    out = capsys.readouterr().out
    for said in (
        "model        gpt-5 at openai\n",
        "protocol     openai-responses, framed as sse\n",
        "sends to     POST https://api.openai.com/v1/responses\n",
        "key          there is one, sent as bearer\n",
        "environment  OPENAI_API_KEY: set\n             OPENAI_BASE_URL: not set\n",
        "runtime      python, by client-chose-python: runtime='python'\n",
        "transport    httpx, by runtime-is-python: ",
        '"text": "hi"',
    ):
        assert said in out
    assert key not in out


def test_explain_as_json(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-m", "openai/gpt-5", "hi", "--system", "brief", "--runtime", "python", "--json"]) == 0
    out = capsys.readouterr().out
    told = json.loads(out)
    assert (told["provider"], told["protocol"], told["has_key"]) == ("openai", "openai-responses", True)
    assert told["environment"]["OPENAI_API_KEY"] is True
    assert told["runtime"] == {"name": "python", "reason": "client-chose-python", "detail": "runtime='python'"}
    assert told["body"]["input"][0]["role"] == "developer"
    assert key not in out


def test_explain_without_a_key_says_what_to_set_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-m", "openai/gpt-5"]) == 1
    assert "key          missing: set OPENAI_API_KEY, or give an api_key\n" in capsys.readouterr().out
    assert main(["explain", "-m", "openai/gpt-5", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["key_hint"] == "set OPENAI_API_KEY, or give an api_key"


def test_explain_knows_limits_and_prices_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-m", "kimi-k2.5"]) == 1  # there is no key
    assert "table        context 262,144, output 65,536; $0.6 in, $3 out per million (" in capsys.readouterr().out


def test_explain_of_a_server_that_wants_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-m", "ollama/llama"]) == 0
    assert "key          none is needed\n" in capsys.readouterr().out


def test_explain_of_a_signed_request(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    assert main(["explain", "-m", "bedrock/anthropic.claude-x"]) == 0
    out = capsys.readouterr().out
    assert "signed with AWS credentials" in out
    assert "framed as eventstream" in out


@pytest.mark.parametrize("as_json", [False, True])
def test_explain_of_no_route_is_a_typed_error(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-m", "opnai/gpt-5", *(["--json"] if as_json else [])]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "did you mean openai/gpt-5" in told.err
    assert ('"class": "NoRouteError"' in told.err) is as_json


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain",), "-m/--model"),
        (("explain", "-m", "openai/m", "--runtime", "x"), "unknown runtime 'x'"),
        (("explain", "-m", "openai/m", ""), "the prompt is empty"),
        (("models", "kimi", "--refresh", "x"), "not allowed with"),
        (("models", "--refresh", "x.json"), f"set {FLAG} to the file that the table should go to"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(*arguments) == 2
    assert said in capsys.readouterr().err


# models


def test_models_is_the_whole_table_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  ")[0] == "model"
    count = len(package_table().models)
    assert len(lines) == count + 3
    assert lines[-1].startswith(f"{count} models; models.dev (MIT)")
    assert "anthropic, azure" in lines[-1]


def test_models_whose_names_have_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "GO/", "kimi-k2.6"]) == 0
    row = capsys.readouterr().out.splitlines()[2]
    assert row.split() == ["kimi-k2.6", "opencode-go", "openai-chat", "262,144", "$0.95", "$4", "$0.16"]


def test_models_as_json_have_exact_prices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "kimi-k2.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (model,) = told["models"]
    assert (model["model"], model["context"]) == ("opencode/kimi-k2.5", 262144)
    assert model["prices"]["input"] == "0.6"
    assert model["prices"]["cache_write_1h"] is None
    assert told["as_of"] == package_table().as_of


def test_no_such_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "nothing-like-it"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("no model of the table is called 'nothing-like-it'; by provider/model also: anthropic, ")
    assert main(["models", "nothing-like-it", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["models"] == []


def test_a_table_that_cannot_be_read_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.json"
    path.write_text("{}", "utf-8")
    monkeypatch.setenv(FLAG, str(path))
    assert status_of("models") == 2
    assert "not a table of models" in capsys.readouterr().err
    monkeypatch.setenv(FLAG, str(tmp_path / "none.json"))
    assert status_of("models") == 2
    assert "none.json: No such file or directory" in capsys.readouterr().err


def table(path: Path, name: str = "mine-1") -> Path:
    """A table of one model."""
    models = {name: {"protocol": "openai-chat", "limits": {"context": 10}}}
    document: dict[str, Any] = {
        "form": FORM, "as_of": "2026-01-02", "source": "a test", "providers": {"opencode": {"models": models}},
    }  # fmt: skip
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_refresh_replaces_the_table_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = table(tmp_path / "models.json", "old-1")
    monkeypatch.setenv(FLAG, str(target))
    assert main(["models", "--refresh", str(table(tmp_path / "source.json"))]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"1 model of a test in {target}",
        "added    opencode/mine-1",
        "removed  opencode/old-1",
        "changed  none",
    ]
    assert main(["models"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["mine-1", "opencode", "openai-chat", "10", *"---"]


def test_refresh_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(FLAG, str(table(tmp_path / "models.json", "old-1")))
    assert main(["models", "--json", "--refresh", str(table(tmp_path / "source.json"))]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["removed"], told["changed"]) == (["opencode/mine-1"], ["opencode/old-1"], [])


def test_refresh_from_nowhere_fails_and_keeps_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = table(tmp_path / "models.json", "old-1")
    monkeypatch.setenv(FLAG, str(target))
    assert main(["models", "--refresh", str(tmp_path / "none.json")]) == 1
    assert "cannot refresh from " in capsys.readouterr().err
    assert "old-1" in target.read_text("utf-8")


def test_names_of_a_table_cannot_steer_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FLAG, str(table(tmp_path / "models.json", "a\x1b]0;owned\x07")))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "owned" in out
    assert not {character for character in out if not character.isprintable()} - {"\n"}
