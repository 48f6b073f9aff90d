"""Two actors of Ray, each with a client of its own; that of the process that starts them is not sent to them."""

from __future__ import annotations

import os

import ray
from cluster import cluster
from common import ARGUMENTS, ASK, TRANSPORT, URL, options

import zen_native as zen


@ray.remote
class Actor:
    """Has its client as long as it lives. Made elsewhere, where only its arguments are known."""

    def __init__(self, url: str, transport: str) -> None:
        here = zen.ProviderSettings(base_url=url, api_key="sk-sentinel-0123456789", protocol="openai-chat")
        self._client = zen.Client(zen.Config(providers={"mine": here}, environ={}), transport=transport)

    def ask(self, *what: str) -> tuple[str, int]:
        """What it is told, and who it is."""
        return self._client.generate(*what).text, os.getpid()


def main() -> None:
    """Each actor is asked twice."""
    patient = zen.ConnectionLimits(idle_seconds=600)  # Ray takes its time
    with zen.Client(**options(connections=patient)) as client:
        client.generate(*ASK)
        with cluster(ARGUMENTS[0]):
            actors = [Actor.remote(URL, TRANSPORT) for _ in range(2)]
            answers = ray.get([actor.ask.remote(*ASK) for actor in actors * 2])
            print([text for text, _ in answers], len({process for _, process in answers} - {os.getpid()}))
            try:
                ray.put(client)
            except TypeError as error:
                print("cannot be copied or pickled" in str(error))
        print(client.generate(*ASK).text)


if __name__ == "__main__":
    main()
