"""The documentation against the package: its examples run, its tables are true, its reference is complete."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from tests.kit.docs import DOCS, README, error_rows, examples, provider_rows, reason_slugs, rows

import zen_native as zen
from zen_native import recording
from zen_native.cli import _parser
from zen_native.integrations import otel
from zen_native.integrations._otel_attributes import _OPTIONS

PAGES = [README, *sorted(DOCS.rglob("*.md"))]
EXAMPLES = [(page, number) for page in sorted(DOCS.glob("*.md")) for number, _ in enumerate(examples(page))]


@pytest.mark.parametrize(("page", "number"), EXAMPLES, ids=lambda each: getattr(each, "stem", None))
def test_example_runs(page: Path, number: int, no_network: None, capsys: pytest.CaptureFixture[str]) -> None:
    exec(examples(page)[number], {})
    assert "sentinel" not in capsys.readouterr().out


def test_every_page_on_how_to_do_things_has_an_example() -> None:
    assert {page.stem for page, _ in EXAMPLES} == {
        "connections", "errors", "gate", "providers", "recording", "telemetry", "tools",
    }  # fmt: skip


def test_table_of_providers() -> None:
    assert rows(DOCS / "providers.md", "model name") == provider_rows()


def test_table_of_errors() -> None:
    assert rows(DOCS / "errors.md", "class") == error_rows()


def test_table_of_the_gates_reasons() -> None:
    assert [row[0] for row in rows(DOCS / "gate.md", "reason")] == reason_slugs()


def test_table_of_the_limits_of_connections() -> None:
    told = {row[0].strip("`"): row[1] for row in rows(DOCS / "connections.md", "setting")}
    made = (zen.Timeouts(), zen.ConnectionLimits())
    assert told == {
        f"{type(each).__name__}.{field.name}": str(getattr(each, field.name)) for each in made for field in fields(each)
    }


def test_tables_of_telemetry_have_every_name() -> None:
    files = sorted(Path(otel.__file__).parent.glob("*otel*.py"))
    source = "".join(path.read_text("utf-8") for path in files)
    names = set(re.findall(r'"((?:error|gen_ai|http|openai|server|zen)\.[\w.]+)"', source))
    # Those of an event and of a metric alone.
    names -= {"zen.retry", "zen.delay", "zen.fallback", "zen.model", "zen.instead", "gen_ai.token.type"}
    names |= {f"gen_ai.request.{option}" for option in _OPTIONS}
    attributes = [name for row in rows(DOCS / "telemetry.md", "attribute") for name in re.findall("`(.*?)`", row[0])]
    assert sorted(attributes) == sorted(names)
    metrics = {row[0].strip("`"): row[1] for row in rows(DOCS / "telemetry.md", "metric")}
    made = re.findall(r'histogram\("([\w.]+)", "(.*?)"', source)
    assert metrics == {f"gen_ai.client.{name}": unit for name, unit in made}


def test_table_of_commands_has_every_command_and_option() -> None:
    (commands,) = (action.choices for action in _parser()._actions if isinstance(action.choices, dict))
    told = {row[0].strip("`"): set(re.findall("`(.*?)`", row[2])) for row in rows(DOCS / "command-line.md", "command")}
    long = {
        name: {option for action in command._actions for option in action.option_strings if option.startswith("--")}
        for name, command in commands.items()
    }
    assert told == {name: options - {"--help"} for name, options in long.items()}


def test_reference_has_every_public_name() -> None:
    pages = "".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    told = re.findall(r"^::: zen_native\.(.*)$", pages, re.MULTILINE)
    others = {"recording": recording, "integrations.otel": otel}
    public = [f"{place}.{name}" for place, module in others.items() for name in module.__all__]
    assert sorted(told) == sorted([*zen.__all__, *public])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_page_is_in_the_navigation() -> None:
    told = set(re.findall(r'= "([\w/-]+\.md)"', (DOCS.parent / "zensical.toml").read_text("utf-8")))
    assert told == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
