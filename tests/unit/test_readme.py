"""The README against the package: its examples and its table."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from tests.kit.docs import answered

from zen_native import errors
from zen_native.errors import LLMError
from zen_native.providers import PROVIDERS
from zen_native.routing import resolve
from zen_native.runtimes.pure.names import DEFAULT_FRAMING, FRAMINGS
from zen_native.settings import Config

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
_HANDLED = README.partition("## What it handles")[2].partition("\n## ")[0]
ROWS = [row.split("|") for row in _HANDLED.splitlines() if row.startswith("| `")]


def test_first_example_streams(no_network: None, capsys: pytest.CaptureFixture[str]) -> None:
    exec(EXAMPLES[0], {})
    assert capsys.readouterr().out.startswith("Hello\n ")


def test_second_example_continues_a_conversation(no_network: None, capsys: pytest.CaptureFixture[str]) -> None:
    exec(EXAMPLES[1], {})
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Hello Usage(input_tokens=9, output_tokens=1")
    assert second == "Hello"


def test_third_example_reads_a_stream(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    body = answered("https://example.test/v1/messages", b"")
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)))
    monkeypatch.setattr(httpx, "stream", client.stream)
    exec(EXAMPLES[2], {"url": "https://example.test/v1/messages", "headers": {}, "request": {}})
    assert capsys.readouterr().out.startswith("Hello () FinishReason(normalized='stop', raw='end_turn')")


def test_the_table_of_providers_has_all_and_their_models_have_routes_with_the_named_variables() -> None:
    table = re.findall(r"^\| (?!provider|---).*\| (.*) \| (.*) \|$", README.partition("## The gate")[0], re.MULTILINE)
    served: set[str] = set()
    for variables, models in table:
        names = re.findall("`(.*?)`", variables)
        environ = {name: "https://res.example" if name.endswith("ENDPOINT") else "sk-0123456789" for name in names}
        for model in re.findall("`(.*?)`", models):
            route = resolve(model, Config(environ={"AWS_REGION": "eu-central-1", **environ}))
            assert (route.api_key is not None) == bool(names), model
            served.add(route.provider)
    assert served >= PROVIDERS.keys() - {"azure-chat", "bedrock-invoke", "compatible", "openai-chat", "xai-chat"}


def test_table_of_errors_has_every_class_once() -> None:
    table = README.partition("## Errors")[2].partition("\n## ")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = [name for cell in cells for name in re.findall("`(.*?)`", cell)]
    known = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, LLMError)]
    assert sorted(named) == sorted(set(known) - {"LLMError"})


def test_table_names_every_protocol_and_its_default_framing() -> None:
    told = {re.findall("`(.*?)`", row[1])[0]: re.findall("`(.*?)`", row[2]) for row in ROWS}
    assert {protocol: framings[0] for protocol, framings in told.items()} == DEFAULT_FRAMING
    assert {framing for framings in told.values() for framing in framings} == set(FRAMINGS)
