"""One client in a process of its own: takes a command a line, answers in one line of JSON. Its arguments are the name
of the client, the URL of the server, and the port where that takes control requests.

    paced STREAMS RATE MEASURED SETTLING GRACE [lag]    many streams at a time; times in milliseconds
    sequence MODE EVENTS COUNT                          one request after the other
    idle STREAMS                                        memory of streams that wait
    first                                               one stream, the first of this process

Owns the commands and the event loop. Imports little by itself: what the first stream of a process takes would be hidden
in it. `client` starts it; `replay/src/raw.rs` takes the first two as well.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .meter import cpu_us, resident_kib
from .sides import BY_NAME, Side

if TYPE_CHECKING:
    import asyncio

MODULES = {"zen-native": "zen_native._core"}


def runner(side: Side) -> asyncio.Runner:
    """The side's event loop. It is imported when it is wanted: that is a part of a start, too."""
    import asyncio

    if side.loop != "uvloop":
        return asyncio.Runner()
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def missing(side: Side) -> list[str]:
    """Packages that are not there. They are looked for and not imported: importing is part of a start."""
    return [package for package in side.packages if find_spec(MODULES.get(package, package)) is None]


def commands(side: Side, base: str, port: int) -> Callable[[list[str]], dict[str, Any]]:
    """What does a command."""
    open_side: Any = side.open()
    if side.loop == "threads":
        from . import threaded as blocking

        how: Any = blocking
        loop = None
    else:
        loop = runner(side)
        from . import asynchronous

        how = asynchronous

    def run(call: Any) -> dict[str, Any]:
        found: dict[str, Any] = loop.run(call) if loop is not None else call
        return found

    def do(words: list[str]) -> dict[str, Any]:
        match words:
            case ["paced", *plan]:
                from .scenario import Paced

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
    name, base, port = sys.argv[1:]
    side = BY_NAME[name]
    if absent := missing(side):
        print(json.dumps({"absent": f"{', '.join(absent)} not installed"}), flush=True)
        return 0
    print(json.dumps({}), flush=True)
    do = commands(side, base, int(port))
    for line in sys.stdin:
        try:
            found = do(line.split())
        except Exception as reason:  # noqa: BLE001 - whatever a client raises is what came of its turn
            found = {"failed": f"{type(reason).__name__}: {reason}"}
        print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
