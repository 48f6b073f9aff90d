"""Which runtime is taken and why: the flag, a missing extension, sub-interpreters; fork, spawn, what is imported."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.kit.messages import STOP, end, sse, start, text_block

import zen_native
from zen_native import Decoder, decode, native_status
from zen_native.runtimes import NativeStatus, native

_ROOT = Path(__file__).resolve().parents[2]
BODY = sse(start(), *text_block(0, "Hel", "lo"), end(), STOP)
needs_native = pytest.mark.skipif(
    importlib.util.find_spec("zen_native._core") is None,
    reason="the native runtime is not built: zen_native._core is missing",
)

BLOCK = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "zen_native._core":
            raise ImportError("blocked for a test")

sys.meta_path.insert(0, Blocker())
"""


def script(source: str, **environment: str) -> Any:
    """What the source prints as JSON, run in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "ZEN_NATIVE"}
    kept["PYTHONPATH"] = os.pathsep.join([str(_ROOT / "python"), str(_ROOT)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        capture_output=True,
        check=False,
        text=True,
        env={**kept, **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# The flag


@pytest.fixture
def flag(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the flag, or removes it."""

    def setting(value: str | None) -> None:
        if value is None:
            monkeypatch.delenv("ZEN_NATIVE", raising=False)
        else:
            monkeypatch.setenv("ZEN_NATIVE", value)

    return setting


@needs_native
@pytest.mark.parametrize(
    ("value", "runtime", "reason"),
    [
        (None, "native", "the extension loads"),
        ("", "native", "the extension loads"),
        ("1", "native", "ZEN_NATIVE=1"),
        ("0", "python", "ZEN_NATIVE=0 turns the native runtime off"),
    ],
)
def test_flag(flag: Any, value: str | None, runtime: Any, reason: str) -> None:
    flag(value)
    assert native_status() == NativeStatus(runtime, True, reason, native.VERSION)
    assert native.VERSION is not None
    assert Decoder("anthropic-messages").runtime == runtime
    assert decode(BODY, "anthropic-messages")[-1].type == "finish"


@pytest.mark.parametrize("value", ["2", "true", "no", " 1"])
def test_flag_with_another_value(flag: Any, value: str) -> None:
    flag(value)
    for call in (native_status, lambda: Decoder("anthropic-messages"), lambda: decode(b"", "anthropic-messages")):
        with pytest.raises(ValueError, match=r"^ZEN_NATIVE must be 0, 1 or unset, not"):
            call()


@needs_native
def test_runtime_by_name_beats_the_flag(flag: Any) -> None:
    flag("0")
    assert Decoder("anthropic-messages", runtime="native").runtime == "native"
    flag("1")
    assert Decoder("anthropic-messages", runtime="python").runtime == "python"


# Without the extension

MISSING = "the extension does not load: blocked for a test"
REPORT = """
import json, zen_native
from dataclasses import asdict
events = zen_native.decode(BODY, "anthropic-messages")
out = {"status": asdict(zen_native.native_status()), "text": zen_native.fold(events).text}
try:
    zen_native.Decoder("anthropic-messages", runtime="native")
except ImportError as error:
    out["native"] = [str(error), error.name]
print(json.dumps(out))
"""


@pytest.mark.parametrize("value", ["", "0"])
def test_missing_extension_means_python(value: str) -> None:
    reason = "ZEN_NATIVE=0 turns the native runtime off" if value else MISSING
    assert script(f"{BLOCK}\nBODY = {BODY!r}\n{REPORT}", ZEN_NATIVE=value) == {
        "status": {"runtime": "python", "available": False, "reason": reason, "version": None},
        "text": "Hello",
        "native": [f"the native runtime was asked for, but {MISSING}", "zen_native._core"],
    }


def test_missing_extension_with_the_flag_is_an_error() -> None:
    said = script(
        f"""{BLOCK}
import json
from zen_native import Decoder, decode, native_status
out = []
for call in (native_status, lambda: Decoder("openai-chat"), lambda: decode(b"", "openai-chat")):
    try:
        call()
    except ImportError as error:
        out.append(str(error))
out.append(Decoder("openai-chat", runtime="python").runtime)
print(json.dumps(out))
""",
        ZEN_NATIVE="1",
    )
    assert said == [f"the native runtime was asked for, but {MISSING}"] * 3 + ["python"]


@needs_native
def test_sub_interpreter_falls_back_to_python_and_says_why() -> None:
    inner = f"""
import json, sys
sys.path[:0] = {[str(_ROOT / "python"), str(_ROOT)]!r}
BODY = {BODY!r}
{REPORT}"""
    said = script(f"""
import sys, zen_native
zen_native.native_status()
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
made = interpreters.create()
failed = interpreters.run_string(made, {inner!r})
if failed is not None:
    raise SystemExit(str(failed))
sys.stdout.flush()
""")
    assert said["text"] == "Hello"
    assert said["status"]["runtime"] == "python"
    assert not said["status"]["available"]
    assert said["status"]["reason"].startswith("the extension does not load: ")
    assert "interpreter" in said["status"]["reason"]
    assert said["native"][0] == f"the native runtime was asked for, but {said['status']['reason']}"


# Processes


def _texts(body: bytes, runtime: Any) -> list[Any]:
    return decode(body, "anthropic-messages", runtime=runtime)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_other_processes(runtime: Any, method: str) -> None:
    """Decodes before, in, and after other processes; the events come back pickled."""
    here = _texts(BODY, runtime)
    if method == "fork":
        assert script(FORK.replace("RUNTIME", runtime)) == ["finish"] * 3
        return
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        assert list(pool.map(_texts, [BODY] * 3, [runtime] * 3)) == [here] * 3
    assert _texts(BODY, runtime) == here


# In a process of its own: whether a fork of this one is safe would depend on what other tests left running.
FORK = f"""
import json, multiprocessing, zen_native
BODY = {BODY!r}
half = zen_native.Decoder("anthropic-messages", runtime="RUNTIME")
half.feed(BODY[:100])
def work(place):
    whole = zen_native.decode(BODY, "anthropic-messages", runtime="RUNTIME")
    rest = half.feed(BODY[100:])
    assert whole[-1] == rest[-1], (whole, rest)
    return rest[-1].type
with multiprocessing.get_context("fork").Pool(3, maxtasksperchild=1) as pool:
    out = pool.map(work, range(3), chunksize=1)
half.feed(BODY[100:])
print(json.dumps(out))
"""


# Imports


@pytest.mark.parametrize("runtime_name", ["none", "python", pytest.param("native", marks=needs_native)])
def test_heavy_modules_are_not_imported(runtime_name: str) -> None:
    use = (
        f"zen_native.decode({BODY!r}, 'anthropic-messages', runtime={runtime_name!r})" if runtime_name != "none" else ""
    )
    heavy = ["asyncio", "httpx", "pydantic", "rich", "ssl", "multiprocessing", "concurrent.futures"]
    loaded = script(
        f"import json, sys, zen_native\n{use}\nprint(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    assert loaded == []


def test_import_alone_loads_no_submodule() -> None:
    loaded = script(
        "import json, sys, zen_native; print(json.dumps([n for n in sys.modules if n.startswith('zen_native')]))"
    )
    assert loaded == ["zen_native"]


def test_no_thread_is_started(runtime: Any) -> None:
    import threading

    before = threading.active_count()
    assert zen_native.fold(_texts(BODY, runtime)).text == "Hello"
    assert threading.active_count() == before
