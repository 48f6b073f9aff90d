"""What is left of a call that failed: nothing. Its error goes up through frames that hold all that was sent, and must
not be held by them, or a prompt with images stays in memory until the cyclic collector comes by."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from tests.kit.asking import NATIVE, TEXT, config, is_sync, new_client, run
from tests.kit.byhand import ByHand, read_request, reset

import zen_native as zen
from zen_native._attempt import Attempt

EXACT = zen.Timeouts(first_event=0.05, idle=0.05)
BUSY = b"HTTP/1.1 429 X\r\ncontent-length: 2\r\nretry-after: 0\r\n\r\n{}"


def serve(answer: bytes, then: Callable[[Any], object]) -> Callable[[Any], None]:
    def serving(connection: Any) -> None:
        read_request(connection)
        connection.sendall(answer)
        then(connection)

    return serving


def wait(connection: Any) -> None:
    connection.recv(1)


@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.parametrize(
    ("play", "expected"),
    [
        (serve(b"", wait), zen.StreamTimeoutError),
        (serve(b"", reset), zen.ReadError),
        (serve(BUSY, wait), zen.RateLimitError),
        (serve(b"HTTP/1.1 200 OK\r\n\r\n" + TEXT[0], wait), zen.StreamTimeoutError),
        (serve(b"HTTP/1.1 200 OK\r\n\r\n" + TEXT[0], reset), zen.ReadError),
    ],
    ids=["silence", "reset", "refusal", "silence within", "reset within"],
)
def test_nothing_is_left_to_the_collector(kind: str, play: Any, expected: type[zen.LLMError]) -> None:
    options: dict[str, Any] = {"retry": zen.RetryPolicy(attempts=2, base=0.001), "timeouts": EXACT}

    def left() -> int:
        return sum(isinstance(each, Attempt) for each in gc.get_objects())

    async def main() -> int:
        async with new_client(kind, config(server), **options) as client:
            with pytest.raises(expected):
                await client.generate("mine/m", "hi")
            for _ in range(3):  # in which the loop closes the connection
                await asyncio.sleep(0)
            return left()

    def main_sync() -> int:
        with new_client(kind, config(server), **options) as client:
            with pytest.raises(expected):
                client.generate("mine/m", "hi")
            return left()

    gc.collect()
    gc.disable()
    try:
        with ByHand(play) as server:
            before = left()
            assert (main_sync() if is_sync(kind) else run(kind, main)) == before
    finally:
        gc.enable()
