"""Fixtures for tests of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.kit.docs import answered

from zen_native.providers import PROVIDERS


class Exchange:
    """A whole answer."""

    status = 200
    decodes = False
    headers: Mapping[str, str] = {"content-type": "text/event-stream"}

    def __init__(self, body: bytes) -> None:
        self._pieces = [body, b""]

    async def read(self) -> bytes:
        return self._pieces.pop(0)

    async def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every server says Hello, there is a key for every provider, and files go elsewhere."""

    async def send(_self: object, request: Any, _watch: object, _decoder: object = None) -> Exchange:
        return Exchange(answered(request.url, request.body))

    def handle(_self: object, request: httpx.Request) -> httpx.Response:
        pieces: Iterator[bytes] = iter([answered(str(request.url), request.read())])
        return httpx.Response(200, headers=dict(Exchange.headers), content=pieces)

    for transport in (
        "http.SyncHttp",
        "async_http.AsyncHttp",
        "native.blocking.BlockingTransport",
        "native.aio.AioTransport",
    ):
        monkeypatch.setattr(f"zen_native.transport.{transport}.send", send)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    for name in ("CI", "ZEN_NATIVE", "ZEN_NATIVE_MODELS"):
        monkeypatch.delenv(name, raising=False)
    for provider in PROVIDERS.values():
        for variable in provider.environment:
            monkeypatch.delenv(variable, raising=False)
        if provider.keys:
            monkeypatch.setenv(provider.keys[0].name, "sk-sentinel-0123456789")
    monkeypatch.chdir(tmp_path)
