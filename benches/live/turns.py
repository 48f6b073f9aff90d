"""Interleaved turns: each client in its own process, one after the other, A B A B, so that drift hits all alike.

Owns the order. What a turn is stands in `jobs`, what came of it in `results`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .client import Client, clients, say
from .held import search
from .jobs import Job, Sizes, cores, jobs
from .results import Results
from .server import Server
from .sides import Side

CORES = 2
"""A client that would need more of them for a job is not asked: it would be busy for minutes."""


def take_turns(sides: Sequence[Side], sizes: Sizes, server: Server) -> Results:
    """All jobs of all clients, round by round."""
    results, every = Results(), jobs(sizes)
    for secure in (False, True):
        together = [job for job in every if job.secure is secure and not job.fresh]
        able = [side for side in sides if any(job.suits(side) for job in together)]
        with clients(able, server, secure=secure) as started:
            present = [client for client in started if met(client, results)]
            for number in range(sizes.rounds):
                say(f"round {number + 1} of {sizes.rounds}{' over TLS' if secure else ''}")
                for job in together:
                    for client in present:
                        take_turn(job, client, server, results)
            if not secure:
                search(present, sizes, server, results)
    for number in range(sizes.rounds):
        say(f"round {number + 1} of {sizes.rounds}, new processes")
        for job in every:
            if job.fresh:
                _fresh(job, sides, server, results)
    return results


def met(client: Client, results: Results) -> bool:
    """Notes the client's versions; False if it cannot run."""
    name = client.side.name
    if client.absent:
        results.absent[name] = client.absent
        return False
    results.versions[name] = client.versions
    return True


def take_turn(job: Job, client: Client, server: Server, results: Results) -> None:
    """One turn, if it is one for that client."""
    name = client.side.name
    if not job.suits(client.side):
        return
    if cores(job, results.value("cpu many", name)) > CORES:
        results.overloaded |= {(figure, name) for figure in job.figures}
        return
    answer = client.turn(job.command)
    results.note(job, name, answer)
    if job.command.startswith("paced") and "failed" not in answer:
        results.server.append(server.stats())


def _fresh(job: Job, sides: Sequence[Side], server: Server, results: Results) -> None:
    for side in sides:
        if job.suits(side) and side.name not in results.absent:
            with clients([side], server, secure=job.secure) as (client,):
                if met(client, results):
                    take_turn(job, client, server, results)
