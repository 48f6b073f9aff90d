"""Telemetry of whole clients, over a socket: nothing of it changes what is done, and no span is left open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.kit.asking import KINDS, TEXT, WHOLE, ask, config, run
from tests.kit.chat import DONE, call, chunk, sse
from tests.kit.server import HOLD, Reply, Server, sse_reply
from tests.kit.telemetry import Seen, below, told

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", KINDS),
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Async generator 'zen_native:ResourceWarning"),
]

CALL = sse(chunk(call('{"a": 1}', name="add", call_id="c", index=0)), chunk({}, "tool_calls"), DONE)


def add(a: int) -> int:
    """Add one."""
    return a + 1


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


def counted(kind: str, server: Server, **options: object) -> set[tuple[str, str]]:
    """Which runtimes and transports a client took for a call."""
    found: set[tuple[str, str]] = set()

    async def main() -> None:
        async with zen.AsyncClient(config(server), **options) as client:
            await client.generate("mine/m", "hi")
            found.update((runtime, transport) for runtime, transport, _ in client.decisions.counts())

    if kind == "sync":
        with zen.Client(config(server), **options) as client:
            client.generate("mine/m", "hi")
            return {(runtime, transport) for runtime, transport, _ in client.decisions.counts()}
    run(kind, main)
    return found


def test_telemetry_is_no_reason_against_the_native_path(kind: str, runtime: str, server: Server) -> None:
    seen = Seen()
    watched = counted(kind, server, runtime=runtime, telemetry=seen.telemetry(content=True))
    assert watched == counted(kind, server, runtime=runtime)
    attributes = told(seen.span())
    assert {(attributes["zen.runtime"], attributes["zen.transport"])} == watched
    assert attributes["zen.runtime"] == runtime
    assert attributes["server.address"] == "127.0.0.1"
    assert attributes["server.port"] == int(server.url.rpartition(":")[2])


def test_what_is_heard_is_the_same(kind: str, runtime: str, server: Server) -> None:
    seen = Seen()
    script = [sse_reply(CALL), Reply([b"{}"], status=503), sse_reply(*WHOLE)]
    options = {"runtime": runtime, "retry": zen.RetryPolicy(base=0, longest=0), "call": {"tools": [add]}}
    server.plays(*script)
    watched = ask(kind, config(server), telemetry=seen.telemetry(content=True), **options)
    server.plays(*script)
    assert watched == ask(kind, config(server), **options)
    whole, *others = seen.spans()
    assert [span.name for span in seen.spans()] == ["invoke_agent", "chat m", "execute_tool add", "chat m"]
    assert all(below(whole, span) for span in others)
    assert told(seen.spans("chat")[1])["zen.retries"] == 1


def test_a_stream_that_is_left_hangs_up_and_ends_its_span(kind: str, runtime: str, server: Server) -> None:
    seen = Seen()
    server.plays(sse_reply(*TEXT, HOLD))

    async def main() -> None:
        async with (
            zen.AsyncClient(config(server), runtime=runtime, telemetry=seen.telemetry()) as client,
            client.stream("mine/m", "hi") as stream,
        ):
            async for _ in stream:
                break

    if kind == "sync":
        with zen.Client(config(server), runtime=runtime, telemetry=seen.telemetry()) as client:
            for _ in client.stream("mine/m", "hi"):
                break
            assert seen.all_ended
    else:
        run(kind, main)
    assert server.hung_up.wait(5)
    assert told(seen.span())["zen.left_early"] is True
