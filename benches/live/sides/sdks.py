"""The providers' own clients and litellm, each by its documented way to stream, retries and limits as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from . import Ask, Seen

MODEL = "gpt-4o-mini"
MESSAGES: Any = [{"role": "user", "content": "x"}]


@asynccontextmanager
async def openai_httpx2(base: str) -> AsyncGenerator[Ask, None]:
    """openai on what it comes with."""
    import openai

    async with openai.AsyncOpenAI(api_key="bench", base_url=f"{base}/v1") as client:
        yield openai_ask(client)


@asynccontextmanager
async def openai_aiohttp(base: str) -> AsyncGenerator[Ask, None]:
    """openai on aiohttp, which its documentation names for many requests at a time."""
    import openai

    http = openai.DefaultAioHttpClient()
    async with openai.AsyncOpenAI(api_key="bench", base_url=f"{base}/v1", http_client=http) as client:
        yield openai_ask(client)


def openai_ask(client: Any) -> Ask:
    """`chat.completions.create(stream=True)`."""

    async def ask(seen: Seen) -> None:
        stream = await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        async for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    seen(choice.delta.content)

    return ask


@asynccontextmanager
async def anthropic_sdk(base: str) -> AsyncGenerator[Ask, None]:
    """`messages.create(stream=True)`, the faster of anthropic's two ways; its wire is the Messages API's."""
    import anthropic

    async with anthropic.AsyncAnthropic(api_key="bench", base_url=base) as client:

        async def ask(seen: Seen) -> None:
            stream = await client.messages.create(
                model="claude-sonnet-5", max_tokens=1_000, messages=MESSAGES, stream=True
            )
            async for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    seen(event.delta.text)

        yield ask


@asynccontextmanager
async def litellm_sdk(base: str) -> AsyncGenerator[Ask, None]:
    """`acompletion(stream=True)`."""
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False

    async def ask(seen: Seen) -> None:
        stream = await litellm.acompletion(
            model=f"openai/{MODEL}",
            messages=MESSAGES,
            api_base=f"{base}/v1",
            api_key="bench",
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            for choice in chunk.choices:
                if choice.delta.content:
                    seen(choice.delta.content)

    yield ask
