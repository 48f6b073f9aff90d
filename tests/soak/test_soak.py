"""A small soak of each kind, and that the soak sees what it is there to see. `make soak` is the large one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.kit.process import linux
from tests.soak.run import Plan, Report, problems, run

pytestmark = linux

SMALL = {
    "asyncio": Plan(kind="asyncio", streams=600, at_once=100, leave=400, leave_at_once=50, pace=0.02, leave_pace=0.01),
    "sync": Plan(kind="sync", streams=200, at_once=20, leave=100, leave_at_once=10, pace=0.02, leave_pace=0.01),
}


@pytest.mark.parametrize("kind", SMALL)
def test_nothing_is_left_behind(kind: str, runtime: str) -> None:
    plan = replace(SMALL[kind], runtime=runtime)
    report = run(plan)
    assert problems(plan, report) == []
    assert report.ended == plan.streams
    assert report.left == plan.leave
    assert set(report.moved) == {"native" if runtime == "native" else "httpx"}


@pytest.mark.parametrize(("kind", "tls"), [("asyncio", True), ("sync", True), ("uvloop", False), ("uvloop", True)])
def test_nothing_of_the_native_transport_is_left_behind(kind: str, tls: bool) -> None:
    """Over TLS, and on another kind of loop."""
    pytest.importorskip("zen_native._core", reason="the native transport is not built")
    plan = replace(SMALL.get(kind, SMALL["asyncio"]), kind=kind, tls=tls, transport="native", streams=200)
    assert problems(plan, run(plan)) == []


GOOD = Report(
    ended=100,
    left=10,
    most_open=5,
    memory={"start": 1 << 20, "tenth": 9 << 20, "end": 10 << 20, "left": 10 << 20},
    files={"start": 10, "end": 10},
    idle=5,
    cut=3,
)
PLAN = Plan(streams=100, at_once=5, leave=10)


def test_a_good_run_has_no_problem() -> None:
    assert problems(PLAN, GOOD) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ended": 99}, "only 99 and 10 streams in 3600 s"),
        ({"left": 9}, "only 100 and 9 streams in 3600 s"),
        ({"errors": {"ReadError": 1}}, "errors: {'ReadError': 1}"),
        ({"most_open": 4}, "only 4 streams were open at once"),
        ({"cut": 0}, "no stream was left before its end"),
        ({"memory": {**GOOD.memory, "end": 18 << 20}}, "memory grew from tenth to end"),
        ({"memory": {**GOOD.memory, "left": 19 << 20}}, "memory grew from end to left"),
        ({"answering": 1}, "1 streams that nobody reads"),
        ({"idle": 101}, "101 idle connections"),
        ({"connections": 1}, "1 connections of a closed client"),
        ({"files": {"start": 10, "end": 11}}, "open files: {'start': 10, 'end': 11}"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_problem_is_seen(change: dict[str, Any], problem: str) -> None:
    (found,) = problems(PLAN, replace(GOOD, **change))
    assert found.startswith(problem)


def test_too_few_files_are_a_clear_end() -> None:
    command = f"ulimit -n 100; exec {sys.executable} {Path(__file__).with_name('run.py')}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "2064 open files are needed, and this process may have 100 at most (ulimit -Hn)\n"
