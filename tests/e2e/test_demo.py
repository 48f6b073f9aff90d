"""The demo as a user runs it: in a process of its own, through real sockets."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from zen_native.runtimes.pure.names import DEFAULT_FRAMING

NATIVE = pytest.mark.skipif(
    importlib.util.find_spec("zen_native._core") is None, reason="the native runtime is not built"
)
SENTINEL = "sentinel-9f31c7-do-not-print"
# A proxy that is not there: the demo must not ask one.
HOSTILE = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9", "PYTHONWARNINGS": "error"}
KEYS = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "GEMINI_API_KEY"), SENTINEL)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`zen-native demo` with these arguments."""
    clean = {name: value for name, value in os.environ.items() if name != "ZEN_NATIVE"}
    done = subprocess.run(
        [sys.executable, "-m", "zen_native", "demo", *arguments],
        env={**clean, **HOSTILE, **KEYS, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert SENTINEL not in done.stdout + done.stderr
    return done


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@NATIVE
def test_both_runtimes_agree_on_every_recording() -> None:
    done = run("--json")
    report = document(done)
    told = {each["id"]: (each["parity"], each["difference"], each["errors"]) for each in report["recordings"]}
    assert told == {id: (True, None, {}) for id in told}
    assert report["ok"] is True
    assert (done.returncode, done.stderr) == (0, "")
    for each in report["recordings"]:
        assert each["microseconds_per_event"]["native"] > 0
        assert each["ratio"] > 0


def test_every_protocol_is_played_and_ends_well() -> None:
    report = document(run("--json", ZEN_NATIVE="0"))
    recordings = report["recordings"]
    assert {each["protocol"] for each in recordings} == set(DEFAULT_FRAMING)
    assert {each["framing"] for each in recordings} == {"sse", "eventstream", "json-array"}
    for each in recordings:
        assert each["finish"]["normalized"] in ("stop", "tool-calls")
        assert each["text"]
        assert each["usage"]["output_tokens"] > 0
        assert each["warnings"] == []


def test_the_gateways_charge_comes_after_the_end_of_the_answer() -> None:
    recordings = document(run("--json", ZEN_NATIVE="0"))["recordings"]
    (zen,) = (each for each in recordings if each["provider"] == "opencode-zen")
    assert (zen["usage"]["cost"], zen["usage"]["list_cost"]) == ("0.00033068", "0.00041335")


def test_without_the_native_runtime_it_says_why_and_fails() -> None:
    done = run(ZEN_NATIVE="0")
    assert done.returncode == 1
    assert "ZEN_NATIVE=0 turns the native runtime off" in done.stdout
    assert done.stderr == ""


@NATIVE
def test_piped_it_is_plain_text_with_one_row_for_each_recording() -> None:
    done = run()
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    table = done.stdout.split("\nprotocol ")[1]
    rows = [line.split() for line in table.splitlines() if line.startswith(tuple(DEFAULT_FRAMING))]
    assert len(rows) == 8
    assert {row[-1] for row in rows} == {"equal"}
    assert done.stdout.endswith("native and python give the same events.\n")
    assert 'marine_forecast {"harbour": "Bergen"' in done.stdout
