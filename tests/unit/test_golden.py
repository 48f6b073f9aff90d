"""Every fixture decodes to its golden: one event a line, reviewed by eye, and the failure last where there is one.

`ZEN_GOLDEN=write` writes the goldens anew from the Python runtime; the diff is what to review.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.kit.converse_fixtures import FOLDER, SCENARIOS
from tests.kit.decoding import decode, pieces

from zen_native._redact import redact

TESTS = Path(__file__).resolve().parents[1]
FIXTURES = sorted(path for path in (TESTS / "fixtures").glob("*/*.*") if path.suffix in (".sse", ".bin", ".json"))
RECORDINGS = TESTS.parent / "python/zen_native/_demo/recordings"
FRAMINGS = {".sse": "sse", ".bin": "eventstream"}


def lines(path: Path, runtime: str, size: int = 0) -> list[str]:
    """What a fixture gives: its events, and its failure."""
    body = path.read_bytes()
    whole = "json-array" if body.startswith(b"[") else "document"
    framing = FRAMINGS.get(path.suffix, whole)
    decoded = decode(pieces(body, size) if size else body, path.parent.name, runtime, framing=framing)
    if decoded.error is None:
        return decoded.lines()
    error = {"error": type(decoded.error).__name__, "message": decoded.error.message}
    return [*decoded.lines(), json.dumps(error)]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_golden(runtime: str, path: Path) -> None:
    golden = TESTS / "golden" / path.parent.name / f"{path.stem}.jsonl"
    if os.environ.get("ZEN_GOLDEN") == "write" and runtime == "python":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text("".join(line + "\n" for line in lines(path, runtime)), "utf-8")
    expected = golden.read_text("utf-8").splitlines()
    assert lines(path, runtime) == expected
    assert lines(path, runtime, 1) == expected


def test_every_golden_has_its_fixture() -> None:
    known = {(path.parent.name, path.stem) for path in FIXTURES}
    assert len(known) == len(FIXTURES), "two fixtures share a name"
    assert {(path.parent.name, path.stem) for path in (TESTS / "golden").glob("*/*.jsonl")} == known


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_binary_fixture_is_what_its_source_says(name: str) -> None:
    assert (FOLDER / f"{name}.bin").read_bytes() == SCENARIOS[name]


def test_I7_no_fixture_holds_a_secret() -> None:
    """Fixtures and recordings, and what comes of them: of binary ones the text shows in the golden."""
    places = [*TESTS.glob("fixtures/**/*"), *TESTS.glob("golden/**/*"), *RECORDINGS.glob("*.json")]
    texts = [path for path in places if path.is_file()]
    assert len(texts) > 2 * len(FIXTURES)
    found = [path.name for path in texts if redact(text := path.read_text("utf-8", "replace")) != text]
    assert found == []
