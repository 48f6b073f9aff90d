"""Every recorded answer, served over loopback: a client over the native transport hears of it what one over httpx and
in the other runtime does, however the body is framed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import pytest
from tests.kit import corpus
from tests.kit.asking import KEY, NATIVE, is_sync, new_client, run
from tests.kit.outcome import Outcome, difference
from tests.kit.recording import MODELS
from tests.kit.server import Reply, Server

import zen_native as zen
from zen_native import _attempt
from zen_native._io import AsyncIo, SyncIo
from zen_native.transport.native import blocking_connection, rest

pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
TYPES = {".sse": "text/event-stream", ".bin": "application/vnd.amazon.eventstream", ".json": "application/json"}
LATE = 20.0
OF_THE_CONNECTION = {"connection", "content-encoding", "content-length", "keep-alive", "trailer", "transfer-encoding"}
"""Recorded bodies are as they were behind all of that."""


@dataclass(frozen=True)
class Recorded:
    """One answer."""

    id: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@cache
def fixtures(protocol: str) -> list[Recorded]:
    """Those that are part of the repository."""
    files = sorted(path for path in (FIXTURES / protocol).iterdir() if path.suffix in TYPES)
    return [Recorded(path.name, 200, {"content-type": TYPES[path.suffix]}, path.read_bytes()) for path in files]


@cache
def recordings(protocol: str) -> list[Recorded]:
    """Those of the corpus, also the refusals."""
    found = [exchange for exchange in corpus.load("streams", "errors", "zen") if exchange.protocol == protocol]
    return [Recorded(exchange.id, exchange.status, _kept(exchange.headers), exchange.body) for exchange in found]


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name not in OF_THE_CONNECTION}


# Framings


def head(recorded: Recorded, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {recorded.status} X", *(f"{name}: {value}" for name, value in recorded.headers.items())]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


def cut(data: bytes, seed: int) -> list[bytes]:
    """Into some twenty pieces of different sizes; the first ones are small."""
    rng, pieces, at = Random(seed), list[bytes](), 0
    while at < len(data):
        width = rng.randint(1, 40 if len(pieces) < 10 else 40 + len(data) // 8)
        pieces.append(data[at : at + width])
        at += width
    return pieces


def counted(recorded: Recorded) -> Reply:
    sent = head(recorded, f"content-length: {len(recorded.body)}") + recorded.body
    return Reply(cut(sent, 1), raw=True, kept=True)


def chunked(recorded: Recorded) -> Reply:
    """In chunks that end elsewhere than what is written at once."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut(recorded.body, 2))
    return Reply(cut(head(recorded, "transfer-encoding: chunked") + chunks + b"0\r\n\r\n", 3), raw=True, kept=True)


def closed(recorded: Recorded) -> Reply:
    return Reply(cut(head(recorded) + recorded.body, 4), raw=True)


# Asking


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A used-up limit holds back the next call, which this server has nothing against. The end of a body may come as
    late as a busy machine has it: how long a connection is worth a wait is not asked here."""

    async def pause(self: object, seconds: float, watch: object) -> None:
        pass

    for module in (_attempt, blocking_connection, rest):
        monkeypatch.setattr(module, "REST_SECONDS", LATE)
    monkeypatch.setattr(blocking_connection, "_ROUNDS", 1000)
    monkeypatch.setattr(SyncIo, "pause", pause)
    monkeypatch.setattr(AsyncIo, "pause", pause)


@dataclass(frozen=True)
class Heard:
    """What came of all answers, and over how many connections."""

    outcomes: list[Outcome]
    connections: int


def replayed(
    answers: Sequence[Recorded], protocol: str, kind: str, runtime: str, framed: Callable[[Recorded], Reply]
) -> Heard:
    """One client of that kind asks for all of them."""
    model = MODELS[protocol]
    options = {"region": "x"} if "bedrock" in model else {}
    outcomes = [Outcome() for _ in answers]
    with Server() as server:
        settings = zen.ProviderSettings(base_url=server.url, api_key=KEY, options=options)
        config = zen.Config(providers={model.partition("/")[0]: settings}, environ={})
        patient, once = zen.Timeouts(trailing=LATE), zen.RetryPolicy(attempts=1)
        made = new_client(kind, config, runtime=runtime, retry=once, timeouts=patient)

        async def main() -> None:
            async with made as client:
                for recorded, outcome in zip(answers, outcomes, strict=True):
                    server.plays(framed(recorded))
                    try:
                        async for event in client.stream(model, "hi"):
                            outcome.events.append(event)
                    except zen.LLMError as error:
                        outcome.error = error

        if not is_sync(kind):
            run(kind, main)
            return Heard(outcomes, server.connections)
        with made as client:
            for recorded, outcome in zip(answers, outcomes, strict=True):
                server.plays(framed(recorded))
                try:
                    outcome.events.extend(client.stream(model, "hi"))
                except zen.LLMError as error:
                    outcome.error = error
        return Heard(outcomes, server.connections)


SOURCES = {"fixtures": fixtures, "corpus": recordings}


@cache
def expected(source: str, protocol: str) -> Heard:
    """What the other runtime hears over the other transport."""
    return replayed(SOURCES[source](protocol), protocol, "sync", "python", counted)


WAYS = [
    *((kind, "native", framed) for kind in NATIVE if kind != "native-uvloop" for framed in (counted, chunked, closed)),
    *((kind, "native", chunked) for kind in NATIVE if kind == "native-uvloop"),
    ("sync", "native", chunked),
    ("asyncio", "native", counted),
    ("asyncio", "python", chunked),
]


@pytest.mark.parametrize("source", ["fixtures", pytest.param("corpus", marks=corpus.needed)])
@pytest.mark.parametrize("protocol", MODELS)
@pytest.mark.parametrize(
    ("kind", "runtime", "framed"), [pytest.param(*way, id=f"{way[0]}-{way[1]}-{way[2].__name__}") for way in WAYS]
)
def test_all_hear_the_same(
    source: str, protocol: str, kind: str, runtime: str, framed: Callable[[Recorded], Reply]
) -> None:
    answers, wanted = SOURCES[source](protocol), expected(source, protocol)
    assert len(answers) >= 9
    heard = replayed(answers, protocol, kind, runtime, framed)
    for recorded, one, other in zip(answers, wanted.outcomes, heard.outcomes, strict=True):
        assert difference(one, other, same_cut=False) is None, recorded.id
    if framed is closed:
        assert heard.connections == len(answers)
    else:
        # A stream that fails need not be read to its end, and then its connection is closed.
        both = zip(answers, wanted.outcomes, strict=True)
        failed = sum(recorded.status == 200 and outcome.error is not None for recorded, outcome in both)
        assert heard.connections <= 1 + failed
