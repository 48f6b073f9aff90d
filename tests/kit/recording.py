"""Servers and transports of the tests' own that answer in given chunks, to be recorded."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.kit.eventstream import encode

from zen_native.recording import Cassette, Interaction, RecordedRequest, RecordedResponse, Recorder
from zen_native.recording.cassette import body_of, whole

__all__ = ["EVENTSTREAM", "MODELS", "SSE", "URL", "Answer", "Chunked", "cassette", "interaction", "record"]

MODELS = {
    "openai-chat": "openai-chat/gpt-5-mini",
    "openai-responses": "openai/gpt-5-mini",
    "anthropic-messages": "anthropic/claude-sonnet-4-5",
    "google-generate-content": "google/gemini-2.5-flash",
    "bedrock-converse": "bedrock/anthropic.claude-sonnet-4-5",
    "bedrock-invoke-anthropic": "bedrock-invoke/anthropic.claude-haiku-4-5",
}
"""A model that is asked in each format."""
URL = "https://api.acme.test/v1/chat?version=1"
SSE = (b'data: {"a": "\xc3', b'\xa9t\xc3\xa9"}\r\n\r', b"\n", b": ping\n\ndata: [DONE]\n\n")
"""Cut inside of a character and of a line end."""
_FRAME = encode(b'{"p":"abc"}', event="contentBlockDelta")
EVENTSTREAM = (_FRAME[:3], _FRAME[3:20], _FRAME[20:])


@dataclass
class Answer:
    """What a `Chunked` transport answers."""

    chunks: Sequence[bytes] = SSE
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    error: Exception | None = None
    pause: Callable[[], None] | None = None


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._answer.chunks:
            if self._answer.pause is not None:
                self._answer.pause()
            yield chunk
        if self._answer.error is not None:
            raise self._answer.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


class Chunked(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers requests in order, each in its chunks, and keeps what was sent."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers or (Answer(),))
        self._lock = threading.Lock()
        self.requests: list[httpx.Request] = []
        self.bodies: list[_Body] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            answer = self._answers.pop(0)
            body = _Body(answer)
            self.requests.append(request)
            self.bodies.append(body)
        return httpx.Response(answer.status, headers=answer.headers, stream=body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def record(path: Path, *answers: Answer, requests: Sequence[dict[str, Any]] = ({},), **options: Any) -> Chunked:
    """Record those requests (arguments of `httpx.Client.request`) and give the transport back."""
    sent = Chunked(*answers)
    with Recorder(path, "record", environ={}, **options) as recorder:
        client = httpx.Client(transport=recorder.transport(sent))
        for request in requests:
            client.request(**{"method": "POST", "url": URL, "json": {"model": "m"}, **request})
    return sent


def interaction(body: bytes = b"ok", *, url: str = URL, sent: bytes = b'{"model": "m"}', **more: Any) -> Interaction:
    """An interaction made by hand."""
    request = RecordedRequest(method="POST", url=url, headers={"content-type": "application/json"}, body=body_of(sent))
    return Interaction(request, RecordedResponse(**{"status": 200, "body": body, "chunks": whole(body), **more}))


def cassette(*interactions: Interaction) -> Cassette:
    """A cassette of those."""
    return Cassette(interactions=interactions)
