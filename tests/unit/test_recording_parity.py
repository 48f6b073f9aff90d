"""Parity over cassettes: what is played through a real HTTP client decodes to the same events in both runtimes.

The bytes go over a socket once, are recorded with the chunks in which they were read, and are played to both.
"""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.kit import corpus
from tests.kit.decoding import Decoded, decode, pieces
from tests.kit.server import Server, sse_reply

from zen_native._cli.exchange import Exchange, parse_exchange, sniff_framing
from zen_native._demo import recordings
from zen_native.recording import Cassette, Recorder, load_cassette, save_cassette

SHIPPED = sorted(Path(str(recordings.__file__)).parent.glob("*.json"))


def exchange_of(path: Path) -> Exchange:
    exchange = parse_exchange(path.read_bytes())
    assert exchange is not None
    return exchange


def decoded(exchange: Exchange, body: list[bytes], runtime: str) -> Decoded:
    protocol = exchange.protocol or ""
    framing = sniff_framing(exchange.body, protocol)
    return decode(body, protocol, runtime, framing=framing, provider=exchange.provider)


def played(path: Path, url: str) -> list[bytes]:
    recorder = Recorder(path, "replay", environ={})
    client = httpx.Client(transport=recorder.transport())
    with client.stream("POST", url, json={"stream": True}) as response:
        return list(response.iter_raw())


@pytest.mark.parametrize("source", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_recorded_answer_decodes_alike_in_both_runtimes(source: Path, tmp_path: Path, runtime: str) -> None:
    exchange = exchange_of(source)
    path = tmp_path / "one.json"
    with Server(sse_reply(*pieces(exchange.body, 97))) as server, Recorder(path, "record", environ={}) as recorder:
        client = httpx.Client(transport=recorder.transport())
        with client, client.stream("POST", server.url, json={"stream": True}) as response:
            read = list(response.iter_raw())
    assert b"".join(read) == exchange.body
    again = played(path, server.url)
    assert again == read
    whole = decoded(exchange, [exchange.body], "python")
    assert whole.error is None
    assert decoded(exchange, again, runtime).key() == whole.key()


def test_there_are_recordings_of_every_protocol() -> None:
    protocols = {exchange_of(path).protocol for path in SHIPPED}
    assert len(protocols) == 6


@pytest.mark.skipif(corpus.root() is None, reason="no corpus")
def test_every_exchange_survives_a_cassette_of_all(tmp_path: Path) -> None:
    root = corpus.root()
    assert root is not None
    files = [path for kind in ("streams", "errors", "zen") for path in sorted((root / kind).glob("*.json"))]
    all_of_them = [load_cassette(path).interactions[0] for path in files]
    path = tmp_path / "all.json"
    save_cassette(Cassette(interactions=tuple(all_of_them)), path)
    assert load_cassette(path).interactions == tuple(all_of_them)
    assert len(json.loads(path.read_text("utf-8"))["interactions"]) == len(files) > 500
