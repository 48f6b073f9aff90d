"""A service of gunicorn whose module has a client, which has been used before the workers are forked.

Listens on the socket of the given number. Answers with what the client was told, and with who was asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from common import ARGUMENTS, ASK, options
from gunicorn.app.base import BaseApplication

import zen_native as zen

CLIENT = zen.Client(**options())


class Service(BaseApplication):
    """Two processes, each with one request at a time."""

    def load_config(self) -> None:
        """As on a command line."""
        (socket,) = ARGUMENTS
        settings = {"bind": f"fd://{socket}", "workers": 2, "preload_app": True, "loglevel": "error"}
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        """Called before the fork."""
        CLIENT.generate(*ASK)
        return answer


def answer(_environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Called in a worker."""
    text = CLIENT.generate(*ASK).text
    start("200 OK", [("content-type", "text/plain")])
    return [f"{text} {os.getpid()}".encode()]


if __name__ == "__main__":
    Service().run()
