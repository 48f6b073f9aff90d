"""The native transport does little at a time on the caller's event loop: what is read, decoded and sealed in one turn
is bounded, and what may take long is done elsewhere. Bytes are counted here, for times are the machine's."""

from __future__ import annotations

import asyncio
import ssl
import threading
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.kit.asking import NATIVE, TEXT, WHOLE, config, is_sync, new_client, run
from tests.kit.authority import Authority
from tests.kit.chat import chunk, sse
from tests.kit.reads import Reads
from tests.kit.server import HOLD, Reply, Server, sse_reply

import zen_native as zen
from zen_native.transport import tls
from zen_native.transport.inflate import Inflater
from zen_native.transport.native.connection import Connection
from zen_native.transport.native.secure import TlsLayer

KINDS = [kind for kind in NATIVE if not is_sync(kind)]
RECORD = 16 << 10
MOST = {"native-asyncio": (64 << 10) + RECORD, "native-uvloop": (512 << 10) + RECORD}
"""In one turn, of one connection, with what TLS had of a record before: 5,000 short events take less than 5 ms."""
PIECE = 1 << 20
GZIPPED = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Server]:
    with Server(sse_reply(*WHOLE), tls=authority.server() if request.param else None) as running:
        yield running


class Turns:
    """Counts the turns of a loop, and what is done in each."""

    def __init__(self) -> None:
        self.now = 0
        self.done: Counter[int] = Counter()

    def note(self, size: int) -> None:
        """So much."""
        self.done[self.now] += size

    async def count(self) -> None:
        """As long as the loop goes on."""
        while True:
            self.now += 1
            await asyncio.sleep(0)


def answer(kind: str, server: Server, authority: Authority, turns: Turns, question: str = "hi") -> str:
    """A whole answer, while the turns of the loop are counted."""

    async def main() -> str:
        async with new_client(kind, config(server), tls=zen.Tls(ca_file=authority.file)) as client:
            counting = asyncio.create_task(turns.count())
            text: str = (await client.generate("mine/m", question)).text
            counting.cancel()
            return text

    found: str = run(kind, main)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_in_a_turn(
    kind: str, server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast it comes."""
    reads, turns, many = Reads(monkeypatch), Turns(), b"".join([sse(chunk({"content": "Hello, hello! "}))] * 2000)
    monkeypatch.setattr(reads, "note", turns.note)
    server.plays(sse_reply(*[many] * 40, *WHOLE))
    assert len(answer(kind, server, authority, turns)) == 40 * 2000 * 14 + 5
    assert sum(turns.done.values()) > 40 * len(many)
    assert max(turns.done.values()) <= MOST[kind]


@pytest.mark.parametrize("chunks", [1, 100])
@pytest.mark.parametrize("kind", [*KINDS, "asyncio"])
def test_what_is_decompressed_in_a_turn(
    kind: str, chunks: int, server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read may hold a thousand times its length."""
    turns, feed = Turns(), Inflater.feed

    def noted(inflater: Inflater, data: bytes) -> Iterator[bytes]:
        for piece in feed(inflater, data):
            turns.note(len(piece))
            yield piece

    monkeypatch.setattr(Inflater, "feed", noted)
    parts = [*[sse(chunk({"content": "Hello, hello! "})) * (20_000 // chunks)] * chunks, b"".join(WHOLE)]
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in parts]
    body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in packed) + b"0\r\n\r\n"
    server.plays(Reply([GZIPPED + body], raw=True, kept=True))  # in one piece, and so in few reads
    assert len(answer(kind, server, authority, turns)) == 20_000 * 14 + 5
    assert sum(turns.done.values()) == len(b"".join(parts))
    assert max(turns.done.values()) <= 2 * (64 << 10)  # the last of one read and the first of the next


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sealed_in_a_turn(
    kind: str, server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, seal = Turns(), TlsLayer.sealed

    def sealed(layer: TlsLayer, data: bytes) -> bytes:
        turns.note(len(data))
        return seal(layer, data)

    monkeypatch.setattr(TlsLayer, "sealed", sealed)
    long = "x" * (8 * PIECE)
    assert answer(kind, server, authority, turns, long) == "Hello"
    assert len(server.requests[0].body) > len(long)
    if server.url.startswith("https:"):
        assert sum(turns.done.values()) > len(long)
        assert max(turns.done.values()) <= PIECE + 1000  # and a head


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_how_many_connections_are_closed_in_a_turn(
    kind: str, elsewhere: bool, server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each, a task goes on to its end there."""
    turns, lost = Turns(), Connection.connection_lost

    def noted(connection: Connection, exc: Exception | None) -> None:
        turns.note(1)
        lost(connection, exc)

    monkeypatch.setattr(Connection, "connection_lost", noted)
    server.plays(*[sse_reply(TEXT[0], HOLD)] * 30)

    async def main() -> None:
        client = new_client(kind, config(server), tls=zen.Tls(ca_file=authority.file))
        streams = [client.stream("mine/m", "hi") for _ in range(30)]
        for stream in streams:
            while not isinstance(await anext(stream), zen.TextDelta):
                pass
        asked = [asyncio.ensure_future(anext(stream)) for stream in streams]
        counting = asyncio.create_task(turns.count())
        await asyncio.sleep(0)
        await (asyncio.to_thread(asyncio.run, client.aclose()) if elsewhere else client.aclose())
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(end) for end in ended} == {zen.ReadError}
        counting.cancel()

    run(kind, main)
    assert sum(turns.done.values()) == 30
    assert max(turns.done.values()) <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_authorities_are_read_in_a_thread(
    kind: str, server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the system, once for all requests of a client."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    threads: list[bool] = []
    made = tls._made

    def making(config: zen.Tls) -> ssl.SSLContext:
        threads.append(threading.current_thread() is threading.main_thread())
        return made(config)

    monkeypatch.setattr(tls, "_made", making)
    monkeypatch.setattr(tls, "_CONTEXTS", {})

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            answers = await asyncio.gather(*(client.generate("mine/m", "hi") for _ in range(5)))
            assert [answer.text for answer in answers] == ["Hello"] * 5

    run(kind, main)
    secure = server.url.startswith("https:")
    assert not any(threads)
    assert len(threads) == (1 if secure else 0)
