"""What the scripts share: who is asked, over which transport. Owns no life."""

from __future__ import annotations

import logging
import sys
from typing import Any

import zen_native as zen

URL, TRANSPORT, *ARGUMENTS = sys.argv[1:]
ASK = ("mine/m", "hi")

# In development mode asyncio tells of every callback that took long, as on a busy machine they do.
logging.getLogger("asyncio").setLevel(logging.ERROR)


def options(**more: Any) -> dict[str, Any]:
    """The arguments of a client that asks the server of the test."""
    here = zen.ProviderSettings(base_url=URL, api_key="sk-sentinel-0123456789", protocol="openai-chat")
    return {"config": zen.Config(providers={"mine": here}, environ={}), "transport": TRANSPORT, **more}
