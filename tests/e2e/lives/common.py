"""What the scripts share: who is asked, over which transport, on which event loop. Owns no life."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from collections.abc import Coroutine
from typing import Any

import zen_native as zen

URL, TRANSPORT, *ARGUMENTS = sys.argv[1:]
UVLOOP: Any = None
if TRANSPORT == "uvloop":
    UVLOOP, TRANSPORT = importlib.import_module("uvloop"), "native"
ASK = ("mine/m", "hi")

# In development mode asyncio tells of every callback that took long, as on a busy machine they do.
logging.getLogger("asyncio").setLevel(logging.ERROR)


def options(**more: Any) -> dict[str, Any]:
    """The arguments of a client that asks the server of the test."""
    here = zen.ProviderSettings(base_url=URL, api_key="sk-sentinel-0123456789", protocol="openai-chat")
    return {"config": zen.Config(providers={"mine": here}, environ={}), "transport": TRANSPORT, **more}


def new_loop() -> asyncio.AbstractEventLoop:
    """An event loop of the kind that is asked for."""
    loop: asyncio.AbstractEventLoop = asyncio.new_event_loop() if UVLOOP is None else UVLOOP.new_event_loop()
    return loop


def run(main: Coroutine[Any, Any, Any]) -> None:
    """What `asyncio.run` does, on such a loop."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main)
