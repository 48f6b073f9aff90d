"""Workers of a process that has used its client: each makes one of its own, for a client is not sent to them."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from common import ARGUMENTS, ASK, options

import zen_native as zen


def work(number: int) -> tuple[str, int]:
    """What a worker is told, and who it is."""
    with zen.Client(**options()) as client:
        return f"{number} {client.generate(*ASK).text}", os.getpid()


def take(client: zen.Client) -> None:
    """Never called."""


def main(method: str) -> None:
    """Two workers, started by that method."""
    with zen.Client(**options()) as client:
        client.generate(*ASK)
        with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
            for text, process in pool.map(work, range(3)):
                print(text, process != os.getpid())
            try:
                pool.submit(take, client).result()
            except TypeError as error:
                print(error)
        print(client.generate(*ASK).text)


if __name__ == "__main__":
    main(*ARGUMENTS)
