"""Our own clients, with the settings that a user gets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import zen_native as zen

from . import Ask, AskBlocking, Seen

MODEL = "compatible/gpt-4o-mini"


def config(base: str) -> zen.Config:
    """The replay server as a server of the user's."""
    return zen.Config(providers={"compatible": zen.ProviderSettings(base_url=f"{base}/v1", protocol="openai-chat")})


def opener(transport: Any) -> Callable[[str], AbstractAsyncContextManager[Ask]]:
    """A side over that transport."""

    @asynccontextmanager
    async def open_side(base: str) -> AsyncGenerator[Ask, None]:
        async with zen.AsyncClient(config(base), transport=transport) as client:

            async def ask(seen: Seen) -> None:
                async for event in client.stream(MODEL, "x"):
                    if type(event) is zen.TextDelta:
                        seen(event.text)

            yield ask

    return open_side


native = opener("native")
over_httpx = opener("httpx")


@contextmanager
def native_sync(base: str) -> Generator[AskBlocking, None, None]:
    """The synchronous client, from as many threads as there are streams."""
    with zen.Client(config(base), transport="native") as client:

        def ask(seen: Seen) -> None:
            for event in client.stream(MODEL, "x"):
                if type(event) is zen.TextDelta:
                    seen(event.text)

        yield ask
