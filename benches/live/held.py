"""How many streams a client holds: the most at under one core with a p99 delay of less than 50 ms.

Owns the search. It goes up and down a ladder whose rungs are 12 % apart, from where the CPU time of an event says.
"""

from __future__ import annotations

from collections.abc import Sequence

from .client import Client, say
from .jobs import RATE, Sizes
from .results import LATE, Held, Results
from .server import Server
from .sides import Side

LADDER = tuple(sorted({round(10 ** (at / 20)) for at in range(69)}))
CORE = 0.98
"""Of a core: a client that has used this much of it has used it up."""
DELAY = 50_000
"""Microseconds."""
TRIES = 2
"""How often a rung may fail: a machine has other things to do now and then."""


def search(present: Sequence[Client], sizes: Sizes, server: Server, results: Results) -> None:
    """Of each client that is there."""
    for client in present:
        say(f"streams held by {client.side.name}")
        found = climb(client, sizes, server, estimate(results, client.side))
        if found.streams:
            results.held[client.side.name] = found


def estimate(results: Results, side: Side) -> int:
    """Where a core is used up, by the CPU time of an event; a guess where that is not known."""
    spent = results.value("cpu many", side.name)
    return int(1e6 / RATE / spent) if spent else LADDER[0]


def climb(client: Client, sizes: Sizes, server: Server, start: int) -> Held:
    """The highest rung that holds next to one that does not: in growing steps until both are known, then in between."""
    rungs = [rung for rung in LADDER if rung <= sizes.most]
    low, high, step, bound = -1, len(rungs), 1, "as many as were tried"
    at = max((at for at, rung in enumerate(rungs) if rung <= start), default=0)
    while high - low > 1:
        if (reason := refusal(client, rungs[at], sizes, server)) is None:
            low = at
        else:
            high, bound = at, reason
        if low >= 0 and high < len(rungs):
            at = (low + high) // 2
        else:
            at = min(low + step, len(rungs) - 1) if low >= 0 else max(high - step, 0)
        step *= 2
    return Held(rungs[low] if low >= 0 else 0, bound)


def refusal(client: Client, streams: int, sizes: Sizes, server: Server) -> str | None:
    """None where the client holds so many; else why not: nothing to add, or the server's limit."""
    reason = ""
    for _ in range(TRIES):
        answer = client.turn(sizes.paced(streams))
        if "failed" in answer:
            continue
        busy = answer["cpu_us"] / answer["wall_us"]
        if answer["complete"] and busy < CORE and answer["p99_us"] < DELAY:
            return None
        reason = "the server's limit" if busy < CORE and server.stats()["late_p99_us"] > LATE else ""
    return reason
