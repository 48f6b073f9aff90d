"""The peers: each provider's own SDK, reading the same bytes in process, without a network.

Owns how each is driven: its documented way to swap the transport, its fastest documented settings, iterated to the end
with the text of every event touched. A peer that is not installed is reported as absent. Opening the stream (building
and sending the request) is not measured: `open_*` does it, the returned call only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Read = Callable[[], int]
Open = Callable[[], Read]
Chunks = list[bytes]


class Pieces:
    """A response body that arrives in pieces, for httpx2's streams and for botocore's raw stream."""

    def __init__(self, chunks: Chunks) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """What botocore calls on urllib3's response."""
        return iter(self.chunks)

    def close(self) -> None:
        """Nothing to close."""


def mock_client(chunks: Chunks) -> Any:
    """An httpx2 client whose every request is answered with `chunks`."""
    import httpx2

    headers = {"content-type": "text/event-stream"}

    def respond(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, content=Pieces(chunks))

    return httpx2.Client(transport=httpx2.MockTransport(respond))


# -- openai --------------------------------------------------------------------------------------------------------


def openai_chat(chunks: Chunks) -> Open:
    """`chat.completions.create(stream=True)`."""
    import openai

    client = openai.OpenAI(api_key="bench", http_client=mock_client(chunks))

    def open_stream() -> Read:
        stream = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "x"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return lambda: sum(len(choice.delta.content or "") for event in stream for choice in event.choices)

    return open_stream


def openai_responses(chunks: Chunks) -> Open:
    """`responses.create(stream=True)`."""
    import openai

    client = openai.OpenAI(api_key="bench", http_client=mock_client(chunks))

    def open_stream() -> Read:
        stream = client.responses.create(model="gpt-4o-mini", input="x", stream=True)
        return lambda: sum(len(event.delta) for event in stream if event.type == "response.output_text.delta")

    return open_stream


# -- anthropic -----------------------------------------------------------------------------------------------------


def anthropic_client(chunks: Chunks) -> Any:
    """A client of the Messages API."""
    import anthropic

    return anthropic.Anthropic(api_key="bench", http_client=mock_client(chunks))


ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 4096,
    "messages": [{"role": "user", "content": "x"}],
}


def messages_text(stream: Any) -> int:
    """Characters in the text deltas of a Messages stream."""
    return sum(
        len(event.delta.text)
        for event in stream
        if event.type == "content_block_delta" and event.delta.type == "text_delta"
    )


def anthropic_raw(chunks: Chunks) -> Open:
    """`messages.create(stream=True)`: typed events, nothing gathered."""
    client = anthropic_client(chunks)

    def open_stream() -> Read:
        stream = client.messages.create(**ASK, stream=True)
        return lambda: messages_text(stream)

    return open_stream


def anthropic_stream(chunks: Chunks) -> Open:
    """`messages.stream()`: events and the message so far."""
    client = anthropic_client(chunks)

    def open_stream() -> Read:
        stream = client.messages.stream(**ASK).__enter__()
        return lambda: messages_text(stream)

    return open_stream


# -- google-genai --------------------------------------------------------------------------------------------------


def google_genai(chunks: Chunks) -> Open:
    """`models.generate_content_stream`, automatic function calling off."""
    from google import genai
    from google.genai import types

    options = types.HttpOptions(httpx_client=mock_client(chunks))
    client = genai.Client(api_key="bench", http_options=options)
    calling = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(automatic_function_calling=calling)

    def open_stream() -> Read:
        stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="x", config=config)
        return lambda: sum(len(google_text(event)) for event in stream)

    return open_stream


def google_text(event: Any) -> str:
    """The text of the first part, read from the fields: the `.text` property walks all parts again."""
    text: str | None = event.candidates[0].content.parts[0].text
    return text or ""


# -- botocore ------------------------------------------------------------------------------------------------------


def bedrock_client(chunks: Chunks) -> Any:
    """A `bedrock-runtime` client whose requests are answered at the documented `before-send` hook."""
    import botocore.session  # type: ignore[import-untyped]  # no stubs are published
    from botocore import UNSIGNED
    from botocore.awsrequest import AWSResponse  # type: ignore[import-untyped]  # as above
    from botocore.config import Config  # type: ignore[import-untyped]  # as above

    client = botocore.session.get_session().create_client(
        "bedrock-runtime", region_name="us-east-1", config=Config(signature_version=UNSIGNED)
    )
    headers = {"content-type": "application/vnd.amazon.eventstream"}

    def respond(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 200, headers, Pieces(chunks))

    client.meta.events.register("before-send", respond)
    return client


def botocore_converse(chunks: Chunks) -> Open:
    """`converse_stream`."""
    client = bedrock_client(chunks)

    def open_stream() -> Read:
        message = {"role": "user", "content": [{"text": "x"}]}
        stream = client.converse_stream(modelId="m", messages=[message])["stream"]
        return lambda: sum(
            len(event["contentBlockDelta"]["delta"]["text"]) for event in stream if "contentBlockDelta" in event
        )

    return open_stream


def botocore_invoke(chunks: Chunks) -> Open:
    """`invoke_model_with_response_stream`, its payloads parsed with the fastest parser at hand."""
    import orjson

    client = bedrock_client(chunks)

    def read(stream: Any) -> int:
        characters = 0
        for event in stream:
            inner = orjson.loads(event["chunk"]["bytes"])
            if inner["type"] == "content_block_delta":
                characters += len(inner["delta"]["text"])
        return characters

    def open_stream() -> Read:
        stream = client.invoke_model_with_response_stream(modelId="m", body=b"{}")["body"]
        return lambda: read(stream)

    return open_stream


# -- registry ------------------------------------------------------------------------------------------------------

PEERS: dict[str, dict[str, Callable[[Chunks], Open]]] = {
    "openai-chat": {"openai": openai_chat},
    "openai-responses": {"openai": openai_responses},
    "anthropic-messages": {"anthropic": anthropic_raw, "anthropic .stream()": anthropic_stream},
    "google-generate-content": {"google-genai": google_genai},
    "bedrock-converse": {"botocore": botocore_converse},
    "bedrock-invoke-anthropic": {"botocore": botocore_invoke},
}
