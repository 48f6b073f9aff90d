"""The pytest plugin of zen-native: the fixture `zen_cassette`, a recorder with one cassette for each test.

    def test_weather(zen_cassette):
        client = httpx.Client(transport=zen_cassette.transport())

Owns the option `--zen-record` and where cassettes stand: `cassettes/<module>/<test>.json` beside the test. It is a
package of its own because pytest imports plugins when it starts: zen_native is imported by the first test that asks
for the fixture, so that nothing is slower, and coverage sees all of it. A test that fails leaves no recording behind.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from zen_native.recording import Mode, Recorder

__all__ = ["zen_cassette"]

_FAILED = pytest.StashKey[bool]()
_UNSAFE = re.compile(r"[^\w.-]+")
_MAX_NAME = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("zen-native").addoption(
        "--zen-record",
        choices=("auto", "record", "replay", "off"),
        default="auto",
        help="auto: play cassettes that exist, record the others (default); CI=true plays only",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note that a test failed, for the fixture's end."""
    report = yield
    if call.when == "call" and not report.passed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture
def zen_cassette(request: pytest.FixtureRequest) -> Generator[Recorder]:
    """A recorder on the cassette of this test."""
    from zen_native.recording import Recorder

    mode: Mode = request.config.getoption("--zen-record") or "auto"
    recorder = Recorder(_path(request.path, request.node.name), mode)
    yield recorder
    if request.node.stash.get(_FAILED, False):
        recorder.discard()
    recorder.close()


def _path(test_file: Path, name: str) -> Path:
    safe = _UNSAFE.sub("-", name).strip("-.")[:_MAX_NAME]
    return test_file.parent / "cassettes" / test_file.stem / f"{safe}.json"
