"""`zen-native doctor`: what is installed, which runtime decodes, which transport moves the bytes, and why.

Owns the report. Changes nothing, and shows no environment variable but the one flag of this package.
"""

from __future__ import annotations

import inspect
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from zen_native.decoder import Decoder
from zen_native.runtimes import FLAG, native_status
from zen_native.runtimes.pure.names import DEFAULT_FRAMING, FRAMINGS

from .screen import Screen, Style, open_screen
from .text import line

__all__ = ["package_version", "run_doctor"]

_LIBRARIES = ("httpx", "pydantic", "rich")
_MODEL = "openai/gpt-5"
"""A request to it stands for all: the answer depends on the model only where proxies are set for some hosts."""


def run_doctor(*, as_json: bool) -> int:
    """Print the report; 1 if the flag demands what is not there."""
    report = _report()
    if as_json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        _print(open_screen(), report)
    return 1 if report["problem"] else 0


def _report() -> dict[str, Any]:
    from zen_native.runtimes import native

    runtime, problem = "none", True
    try:
        status = native_status()
    except (ImportError, ValueError) as error:
        reason = str(error)
    else:
        runtime, reason, problem = status.runtime, status.reason, False
    return {
        "version": package_version("zen-native") or "not installed as a package",
        "runtime": runtime,
        "reason": reason,
        "problem": problem,
        "transport": None if problem else _transport(),
        "extension": native.VERSION or "missing",
        "flag": {FLAG: os.environ.get(FLAG)},
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "libraries": {name: package_version(name) for name in _LIBRARIES},
        "limits": _limits(),
        "protocols": DEFAULT_FRAMING,
        "framings": FRAMINGS,
    }


def _transport() -> dict[str, str]:
    """What a plain client would take, and why; what the user set of providers is not looked at."""
    from zen_native.client import Client
    from zen_native.settings import Config

    with Client(Config(environ={})) as client:
        decision = client.explain(_MODEL, "hi").decision
    return {"name": decision.transport, "reason": decision.transport_detail}


def _limits() -> dict[str, int | None]:
    """The limits of a decoder that was told none."""
    parameters = inspect.signature(Decoder.__init__).parameters
    return {name: each.default for name, each in parameters.items() if name.startswith("max_")}


def package_version(name: str) -> str | None:
    """The version of a package that is installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _print(screen: Screen, report: dict[str, Any]) -> None:
    (flag, value), *_ = report["flag"].items()
    style: Style = "bad" if report["problem"] else "good" if report["runtime"] == "native" else ""
    rows: list[tuple[str, str]] = [
        ("extension", report["extension"]),
        (flag, "not set" if value is None else repr(value)),
        ("python", report["python"]),
        ("platform", report["platform"]),
    ]
    rows += [(name, found or "not installed") for name, found in report["libraries"].items()]
    rows += [(name, "none" if size is None else f"{size:,} bytes") for name, size in report["limits"].items()]
    served = [f"{name} ({framing})" for name, framing in report["protocols"].items()]
    rows += [("" if at else "protocols", text) for at, text in enumerate(served)]
    rows.append(("framings", ", ".join(report["framings"])))
    _row(screen, "zen-native", report["version"])
    _row(screen, "runtime", f"{report['runtime']}: {report['reason']}", style)
    if (moves := report["transport"]) is not None:
        _row(screen, "transport", f"{moves['name']}: {moves['reason']}")
    for label, text in rows:
        _row(screen, label, text)


def _row(screen: Screen, label: str, text: str, style: Style = "") -> None:
    screen.write(f"{label:<20}", "label")
    screen.write(f"{line(text)}\n", style)
