"""One error of every class through an actor of Ray, handed back and raised there; last, one that a client raised.

Prints for each class which fields got lost on each way, and fails where `except` with that class catches nothing.
"""

from __future__ import annotations

import cloudpickle
import ray
from cluster import cluster
from common import ARGUMENTS, ASK, TRANSPORT, URL
from tests.kit.errors import CLASSES, error_key, full

import zen_native as zen


@ray.remote
class Thrower:
    """What another process does with an error."""

    def back(self, error: zen.LLMError) -> zen.LLMError:
        """Handed back as a value."""
        return error

    def throw(self, error: zen.LLMError) -> None:
        """Raised."""
        raise error

    def ask(self, url: str, transport: str) -> None:
        """Raised by a client, out of the answer of a server."""
        here = zen.ProviderSettings(base_url=url, api_key="sk-sentinel-0123456789", protocol="openai-chat")
        config = zen.Config(providers={"mine": here}, environ={})
        with zen.Client(config, transport=transport, retry=zen.RetryPolicy(attempts=1)) as client:
            client.generate(*ASK)


def lost(error: zen.LLMError, other: zen.LLMError) -> list[str]:
    """The names of the fields that differ."""
    return [name for name in error.FIELDS if getattr(error, name) != getattr(other, name, "it has none")]


def main() -> None:
    """All in one session: it starts slowly."""
    with cluster(ARGUMENTS[0]):
        thrower = Thrower.remote()
        for cls in CLASSES:
            error = full(cls)
            back = ray.get(thrower.back.remote(error))
            try:
                ray.get(thrower.throw.remote(error))
            except cls as raised:
                cause = raised.cause
                copied = cloudpickle.loads(cloudpickle.dumps(raised))
                ways = [lost(error, other) for other in (back, raised, cause, copied)]
                same = error_key(back) == error_key(cause) == error_key(error)
                print(cls.__name__, same, isinstance(raised, ray.exceptions.RayTaskError), *ways)
        try:
            ray.get(thrower.ask.remote(URL, TRANSPORT))
        except zen.RateLimitError as slow:
            print(slow.message, slow.status, slow.retry_after, slow.provider, slow.model)


if __name__ == "__main__":
    main()
