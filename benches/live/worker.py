"""One client in a process of its own: takes a command a line, answers in one line of JSON.

    paced STREAMS RATE MEASURED SETTLING GRACE [lag]    many streams at a time; times in milliseconds
    sequence MODE EVENTS COUNT                          one request after the other
    idle STREAMS                                        memory of streams that wait
    first                                               one stream, the first of this process

Owns the commands and the event loop. `turns` starts it; `replay/src/raw.rs` takes the first two as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from . import asynchronous, threaded
from .meter import cpu_us, resident_kib
from .scenario import Paced
from .sides import BY_NAME, Side

MODULES = {"zen-native": "zen_native._core"}


def runner(side: Side) -> asyncio.Runner:
    """The side's event loop."""
    if side.loop != "uvloop":
        return asyncio.Runner()
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def missing(side: Side) -> list[str]:
    """Packages that are not there. They are looked for and not imported: importing is part of a start."""
    return [package for package in side.packages if find_spec(MODULES.get(package, package)) is None]


def versions(side: Side) -> list[str]:
    """What it is made of."""
    return [f"{package} {metadata.version(package)}" for package in side.packages]


def commands(side: Side, base: str, port: int) -> Callable[[list[str]], dict[str, Any]]:
    """What does a command."""
    open_side: Any = side.open()
    how: Any = threaded if side.loop == "threads" else asynchronous
    loop = None if side.loop == "threads" else runner(side)

    def run(call: Any) -> dict[str, Any]:
        found: dict[str, Any] = loop.run(call) if loop is not None else call
        return found

    def do(words: list[str]) -> dict[str, Any]:
        match words:
            case ["paced", *plan]:
                return run(how.paced(open_side, base, port, Paced.of(plan)))
            case ["sequence", mode, events, count]:
                return run(how.sequence(open_side, base, mode, int(events), int(count)))
            case ["idle", streams]:
                return run(how.idle(open_side, base, port, int(streams)))
            case ["first"]:
                run(how.once(open_side, base))
                return {"cpu_us": cpu_us(), "kib": resident_kib()}
        raise ValueError(f"no such command: {words}")

    return do


def main() -> int:
    """Answers commands until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=BY_NAME)
    parser.add_argument("base", help="the server's URL")
    parser.add_argument("port", type=int, help="where the server takes control requests")
    options = parser.parse_args()
    side = BY_NAME[options.side]
    if absent := missing(side):
        print(json.dumps({"absent": f"{', '.join(absent)} not installed"}), flush=True)
        return 0
    print(json.dumps({"versions": versions(side)}), flush=True)
    do = commands(side, options.base, options.port)
    for line in sys.stdin:
        try:
            found = do(line.split())
        except Exception as reason:  # noqa: BLE001 - whatever a client raises is what came of its turn
            found = {"failed": f"{type(reason).__name__}: {reason}"}
        print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
