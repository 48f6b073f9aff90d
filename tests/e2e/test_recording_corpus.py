"""Every recorded stream through the whole client: taped once, then played to both runtimes, which give the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.kit import corpus
from tests.kit.decoding import pieces
from tests.kit.errors import error_key
from tests.kit.recording import MODELS

import zen_native as zen
from zen_native.events import to_dict
from zen_native.recording import Recorder
from zen_native.transport.base import Exchange, HttpRequest
from zen_native.transport.limits import Watch

pytestmark = pytest.mark.skipif(corpus.root() is None, reason="no corpus: neither ZEN_CORPUS nor shared/corpus")

_FRAMINGS = {"bedrock-converse": "eventstream", "bedrock-invoke-anthropic": "eventstream"}


@dataclass
class Given:
    """A transport, and its only exchange, that gives a recorded answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, request: HttpRequest, watch: Watch) -> Exchange:
        self._pieces = iter(pieces(self.body, 997))
        return self

    async def read(self) -> bytes:
        return next(self._pieces, b"")

    async def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


def outcome(transport: Any, protocol: str, runtime: Any) -> tuple[Any, ...]:
    model = MODELS[protocol]
    options = {"region": "x"} if "bedrock" in model else {}
    settings = zen.ProviderSettings(api_key="sk-sentinel-0123456789", options=options)
    config = zen.Config(providers={model.partition("/")[0]: settings}, environ={})
    events: list[Any] = []
    with zen.Client(config, transport=transport, runtime=runtime, retry=zen.RetryPolicy(attempts=1)) as client:
        try:
            events.extend(to_dict(event) for event in client.stream(model, "hi"))
        except zen.LLMError as error:
            return (events, error_key(error))
    return (events, None)


@pytest.mark.parametrize("protocol", MODELS)
def test_both_runtimes_give_the_same_for_every_recorded_answer(protocol: str, runtime: str, tmp_path: Path) -> None:
    tried = 0
    for exchange in corpus.load("streams", "errors", "zen"):
        framing = _FRAMINGS.get(protocol, "sse")
        if exchange.protocol != protocol or (exchange.status == 200 and exchange.framing != framing):
            continue
        path = tmp_path / f"{exchange.id}.json"
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        with Recorder(path, "record", environ={}) as recorder:
            transport = recorder.around(Given(exchange.status, exchange.body, headers), is_async=False)
            recorded = outcome(transport, protocol, "python")
        recorder = Recorder(path, "replay", environ={})
        unused = recorder.around(Given(599, b""), is_async=False)
        assert outcome(unused, protocol, runtime) == recorded, exchange.id
        tried += 1
    assert tried >= 9
