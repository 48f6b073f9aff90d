"""The live bench: its clients by hand find every event however it is cut, its search ends where it should, and all of
it runs. No figure is held against a bound here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

BENCHES = Path(__file__).parents[2] / "benches"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the replay server waits with epoll")


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHES)


def answer(count: int) -> tuple[bytes, list[str]]:
    """An answer as the replay server sends it, and its times."""
    from live import wire

    head, before, delta, after = wire.parts("openai-chat")
    times = [f"{at:018d}" for at in range(7, 7 + count)]
    deltas = [delta.replace(b"0" * 18, each.encode()) for each in times]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(data), data) for data in [before, *deltas, after, b""])
    return head + chunks, times


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.parametrize("size", [*range(1, 80), 331, 1_000, 100_000])
def test_scan_gives_every_time_once(size: int) -> None:
    from live.sides.scan import Scan

    body, times = answer(9)
    seen: list[str] = []
    scan = Scan(lambda text: seen.append(text.decode()))
    for piece in pieces(body, size):
        scan.feed(piece)
    assert seen == times


@pytest.mark.parametrize("size", [*range(1, 80), 331, 1_000, 100_000])
def test_chunks_taken_apart_by_hand_give_every_text_once(size: int) -> None:
    from live.sides.chunks import Decoding

    body, times = answer(9)
    seen: list[str] = []
    decoding = Decoding(seen.append)
    for piece in pieces(body, size):
        decoding.feed(piece)
    assert seen == times


def held(holds: Callable[[int], bool], start: int, *, late: int = 0, most: int = 2_512) -> Any:
    """What the search finds for a client that holds so many streams, and a server that is so late."""
    from live.held import climb
    from live.jobs import Sizes

    def turn(command: str) -> dict[str, Any]:
        fine = holds(int(command.split()[1]))
        return {"cpu_us": 0.5e6, "wall_us": 1e6, "p99_us": 1_000 if fine else 60_000, "complete": True}

    server = SimpleNamespace(stats=lambda: {"late_p99_us": late})
    return climb(SimpleNamespace(turn=turn), Sizes(1, most=most), server, start)


@pytest.mark.parametrize("start", [1, 90, 100, 120, 250])
def test_search_ends_at_the_last_rung_that_holds(start: int) -> None:
    from live.results import Held

    assert held(lambda streams: streams <= 120, start) == Held(112)


def test_search_says_what_else_has_ended_it() -> None:
    from live.results import Held

    assert held(lambda streams: True, 2_000) == Held(2_512, "as many as were tried")
    assert held(lambda streams: streams <= 100, 400, late=50_000) == Held(100, "the server's limit")
    assert held(lambda streams: False, 1) == Held(0)


@pytest.mark.timeout(600)
def test_quick_run_measures_every_client_that_is_installed(tmp_path: Path) -> None:
    from live.jobs import QUICK, jobs
    from live.sides import SIDES
    from live.worker import missing

    data, picture = tmp_path / "live.json", tmp_path / "live.svg"
    command = [sys.executable, str(BENCHES / "run_live.py"), "--quick", "--json", str(data), "--svg", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    absent = {side.name for side in SIDES if missing(side)}
    assert done.returncode == any(side.ours and side.name in absent for side in SIDES), done.stderr
    found = json.loads(data.read_text())
    assert (set(found["absent"]), found["failed"], found["overloaded"]) == (absent, {}, [])
    assert all(f"- **absent: {name}**" in done.stdout for name in absent)
    for side in (side for side in SIDES if side.name not in absent):
        assert f"\n| {side.name} |" in done.stdout
        for job in jobs(QUICK):
            if job.suits(side):
                assert all(found["figures"][figure].get(side.name) for figure in job.figures), (side.name, job)
    assert ET.parse(picture).getroot().tag.endswith("svg")
