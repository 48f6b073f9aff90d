"""Streams every recording over HTTP through each runtime at the same time, and compares what came.

Owns the client side: one client a runtime, for whom the server of the demo is the configured base URL of every
provider. Prints one of them as it arrives. Owns no timing: what a network read costs says nothing about a decoder.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from zen_native._cli.exchange import Exchange
from zen_native._cli.flow import AnswerView
from zen_native._cli.screen import Screen
from zen_native.errors import LLMError
from zen_native.runtimes import RuntimeName

from .case import Case, Stream
from .report import print_end, print_head
from .server import serve

if TYPE_CHECKING:
    from zen_native.client import AsyncClient
    from zen_native.request import LLMRequest
    from zen_native.route import ProtocolName

__all__ = ["play_all"]

_TIMEOUT = 10.0
_REGION = "eu-central-1"


async def play_all(
    recordings: Sequence[Exchange], runtimes: Sequence[RuntimeName], pace: float, screen: Screen | None
) -> list[Case]:
    """Play the recordings one after another."""
    named = {recording.id: recording for recording in recordings}
    played: list[Case] = []
    async with serve(named, pace) as base:
        for recording in recordings:
            each = Case(recording, [Stream(runtime) for runtime in runtimes])
            if screen is not None:
                print_head(screen, each)
            await _play(f"{base}/{recording.id}", each, None if screen is None else AnswerView(screen))
            if screen is not None:
                print_end(screen, each)
            played.append(each)
    return played


async def _play(base_url: str, case: Case, view: AnswerView | None) -> None:
    """All runtimes at once; the first one is shown."""
    views = [view] + [None] * (len(case.streams) - 1)
    pairs = zip(case.streams, views, strict=True)
    await asyncio.gather(*(_read(base_url, case.recording, stream, shown) for stream, shown in pairs))
    if view is not None:
        view.end()


async def _read(base_url: str, recording: Exchange, stream: Stream, view: AnswerView | None) -> None:
    request = request_of(recording)
    try:
        async with new_client(base_url, recording, stream.runtime) as client, client.stream(request) as answer:
            async for events in answer.batches():
                stream.events += events
                if view is not None:
                    view.show(events)
    except LLMError as error:
        stream.error = error


def request_of(recording: Exchange) -> LLMRequest:
    """What the recording is the answer to."""
    from zen_native.request import LLMRequest

    return LLMRequest.model_validate(recording.ask)


@asynccontextmanager
async def new_client(base_url: str, recording: Exchange, runtime: RuntimeName) -> AsyncGenerator[AsyncClient]:
    """A client that asks `base_url` for the model of the recording. Nothing of the environment leads it elsewhere."""
    import httpx

    import zen_native as zen

    provider = request_of(recording).model.partition("/")[0]
    settings = zen.ProviderSettings(
        api_key="no-key-is-needed",
        base_url=base_url,
        protocol=cast("ProtocolName", recording.protocol),
        options={"region": _REGION} if provider.startswith("bedrock") else {},
    )
    async with (
        httpx.AsyncClient(trust_env=False) as transport,  # a proxy has no business between two ends of one machine
        zen.AsyncClient(
            zen.Config(providers={provider: settings}, environ={}),
            transport=transport,
            runtime=runtime,
            timeouts=zen.Timeouts(first_event=_TIMEOUT, idle=_TIMEOUT),
            retry=zen.RetryPolicy(attempts=1),
        ) as client,
    ):
        yield client
