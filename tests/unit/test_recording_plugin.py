"""The pytest plugin: the fixture, where its cassettes stand, and that pytest starts without importing zen_native."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]

TESTS = """
import httpx, pytest

def answer(request):
    return httpx.Response(200, text="hello")

@pytest.mark.parametrize("n", ["a/b", ""])
def test_it(zen_cassette, n):
    client = httpx.Client(transport=zen_cassette.transport(httpx.MockTransport(answer)))
    assert client.post("https://api.acme.test/", json={"n": n}).text == "hello"

def test_no_network(zen_cassette):
    client = httpx.Client(transport=zen_cassette.transport(httpx.MockTransport(answer)))
    client.get("https://api.acme.test/")
    assert FINE
"""


def run(directory: Path, *options: str, fine: bool = True, **environ: str) -> subprocess.CompletedProcess[str]:
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_one.py").write_text(TESTS.replace("FINE", str(fine)))
    paths = {"PYTHONPATH": str(_ROOT / "python"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    known = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_zen_native", "-p", "no:cacheprovider", *options]
    env = {**known, **paths, **environ}
    return subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)


def cassettes(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*.json"))


def test_each_test_has_a_cassette_which_is_played_the_next_time(tmp_path: Path) -> None:
    first = run(tmp_path)
    assert "3 passed" in first.stdout, first.stdout
    expected = ["test_it-a-b.json", "test_it.json", "test_no_network.json"]
    assert cassettes(tmp_path) == [f"cassettes/test_one/{name}" for name in expected]
    before = [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.json"))]
    assert "3 passed" in run(tmp_path, CI="true").stdout
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.json"))] == before


def test_CI_records_nothing(tmp_path: Path) -> None:
    ran = run(tmp_path, CI="true")
    assert "3 errors" in ran.stdout
    assert "No such file" in ran.stdout
    assert cassettes(tmp_path) == []


def test_a_test_that_fails_leaves_no_recording(tmp_path: Path) -> None:
    ran = run(tmp_path, "-k", "no_network", fine=False)
    assert "1 failed" in ran.stdout
    assert cassettes(tmp_path) == []


@pytest.mark.parametrize(("mode", "result"), [("replay", "3 errors"), ("record", "3 passed"), ("off", "3 passed")])
def test_the_mode_is_an_option(tmp_path: Path, mode: str, result: str) -> None:
    assert result in run(tmp_path, f"--zen-record={mode}").stdout
    assert (cassettes(tmp_path) != []) == (mode == "record")


def test_a_mode_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "invalid choice: 'rec'" in run(tmp_path, "--zen-record=rec").stderr


def test_pytest_starts_without_zen_native() -> None:
    code = "import sys, pytest_zen_native; print(sorted({'zen_native', 'httpx'} & set(sys.modules)))"
    environ = {**os.environ, "PYTHONPATH": str(_ROOT / "python")}
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_package_declares_the_plugin() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["entry-points"]["pytest11"] == {"zen-native": "pytest_zen_native"}
    assert "pytest_zen_native" in project["tool"]["maturin"]["python-packages"]
    assert (_ROOT / "python" / "pytest_zen_native" / "__init__.py").is_file()
