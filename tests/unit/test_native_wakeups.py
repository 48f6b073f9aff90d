"""When a poller wakes its loop: for what comes, or, where that would be thousands of times a second, by a clock."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
import time
from collections.abc import Iterator

import pytest
from tests.kit.asking import NATIVE, is_sync, run
from tests.kit.polled import HEAD, Scene
from tests.kit.process import open_files

from zen_native.runtimes import native
from zen_native.transport.native.connection import Connection
from zen_native.transport.native.origin import Origin
from zen_native.transport.native.polling import end_polling, poller_of

if native.CAUSE is not None or sys.platform != "linux":
    pytest.skip(f"the poller is NOT TESTED: {native.CAUSE or sys.platform}", allow_module_level=True)

ORIGIN = Origin(secure=False, host="127.0.0.1", port=1)
PEERS = 8
MANY = 6
"""So many reads a tick are worth it."""
WINDOW = 64
"""So many wake-ups are counted before anything changes."""
SOON = 0.1
"""Seconds, many ticks."""
TICK = 0.0007
REST = 0.05
"""Seconds in which a loop that ticked for nothing does not."""


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    for _ in range(PEERS):
        made.peer(wired=False)
    yield made
    made.close()


def woken(scene: Scene, within: float = SOON) -> bool:
    return bool(select.select([scene.poller.fileno()], [], [], within)[0])


def work(scene: Scene, wakeups: int, reads: int) -> None:
    """Wake-ups of a loop, at each of which so many connections have something."""
    for _ in range(wakeups):
        for peer in scene.peers[:reads]:
            peer.far.send(b"x")
        scene.poller.ready()


def ticking(scene: Scene) -> Scene:
    """A loop that is so busy."""
    for _ in range(1_000):
        work(scene, 4 * WINDOW, reads=MANY)
        if woken(scene):  # nobody has anything to read
            return scene
    raise AssertionError("it is not woken by a clock")


def heard(scene: Scene) -> list[int]:
    return [len(peer.heard) for peer in scene.peers]


def test_a_busy_loop_is_woken_by_a_clock(scene: Scene) -> None:
    ticking(scene)
    before = heard(scene)
    for _ in range(3):
        assert woken(scene, within=5)
        scene.poller.ready()
    assert heard(scene) == before


def test_and_by_nothing_else(scene: Scene) -> None:
    ticking(scene)
    silent = 0
    for _ in range(100):
        scene.poller.ready()
        for peer in scene.peers:
            peer.far.send(b"x")
        silent += not woken(scene, within=0)
    assert silent


def test_it_reads_what_has_come_by_then(scene: Scene) -> None:
    ticking(scene)
    before = heard(scene)
    for peer in scene.peers:
        peer.far.send(b"x")
    assert woken(scene, within=5)
    scene.poller.ready()
    assert heard(scene) == [count + 1 for count in before]


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_a_loop_that_has_little_to_read_is_not(scene: Scene, reads: int) -> None:
    ticking(scene)
    work(scene, 4 * WINDOW, reads)
    assert not woken(scene)
    scene.peers[0].far.send(b"x")
    assert woken(scene, within=0)


def test_nor_is_it_again_at_once(scene: Scene) -> None:
    while True:
        ticking(scene)
        began = time.monotonic()
        work(scene, 4 * WINDOW, reads=0)
        work(scene, 4 * WINDOW, reads=MANY)
        if time.monotonic() - began < REST:  # or this machine was busy with something else
            break
    assert not woken(scene)
    ticking(scene)


def test_what_was_too_much_for_a_wakeup_is_read_in_the_next(scene: Scene) -> None:
    ticking(scene)
    before = heard(scene)
    for peer in scene.peers:
        peer.then = lambda: time.sleep(0.002)  # longer than one may take
        peer.far.send(b"x")
    for _ in scene.peers:
        assert woken(scene, within=5)
        scene.poller.ready()
    assert heard(scene) == [count + 1 for count in before]


def test_it_ends_whole() -> None:
    before = open_files()
    scene = Scene()
    for _ in range(PEERS):
        scene.peer(wired=False)
    ticking(scene).close()
    assert scene.poller.fileno() == -1
    assert open_files() == before


def test_a_loop_with_as_much_to_read_in_more_time_is_not(scene: Scene) -> None:
    for _ in range(4 * WINDOW):
        work(scene, 1, reads=4)
        time.sleep(TICK)
        assert select.select([scene.poller.fileno()], [], [], 0)[0] == []


def test_one_connection_alone_is_read_when_something_comes(scene: Scene) -> None:
    for _ in range(8 * WINDOW):
        work(scene, 1, reads=1)
        assert select.select([scene.poller.fileno()], [], [], 0)[0] == []
    assert not woken(scene)


def test_who_asks_when_he_is_answered_does_not_wait_for_a_clock_for_long(scene: Scene) -> None:
    """So many of them that each tick has enough to read."""
    asking = scene.peers
    rounds, waits = 200 * WINDOW, 0
    for _ in range(rounds):
        for peer in asking:
            peer.far.send(b"x")
        waits += not woken(scene, within=0)
        while sum(heard(scene)) < len(asking):
            assert woken(scene, within=5)
            scene.poller.ready()
        for peer in asking:
            peer.heard.clear()
    assert waits < rounds / 10


class Crowd:
    """Connections of this loop, and what was sent to each of them."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        poller = poller_of(self.loop, buffer := bytearray(1 << 16))
        assert poller is not None
        self.poller = poller
        self.connections = [Connection(ORIGIN, buffer, lambda _: None) for _ in range(4)]
        self.others: list[socket.socket] = []
        self.sent = b""
        self.taken = [b""] * 4

    async def open(self) -> Crowd:
        for connection in self.connections:
            near, far = socket.socketpair()
            self.others.append(far)
            await self.loop.create_connection(lambda made=connection: made, sock=near)  # type: ignore[misc]  # a lambda's default has no annotation
            connection.read_by(self.poller)
            connection.wire.begin("POST", None)
            far.send(HEAD)
        return self

    def send(self, text: bytes) -> None:
        self.sent += text
        for far in self.others:
            far.send(text)

    def take(self) -> None:
        for at, connection in enumerate(self.connections):
            self.taken[at] += connection.wire.take_body()

    async def all_taken(self) -> None:
        while self.taken != [self.sent] * 4:
            await asyncio.sleep(0)
            self.take()

    async def busy(self) -> None:
        """Sends as time goes, and not as it is read."""
        now = began = time.monotonic()
        for number in range(800):
            self.send(b"%d " % number)
            while now < began + number * TICK / 8:
                await asyncio.sleep(0)
                now = time.monotonic()
            self.take()
        await self.all_taken()

    def close(self) -> None:
        for connection, far in zip(self.connections, self.others, strict=True):
            connection.abort()
            far.close()
        end_polling(self.loop, self.poller)


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if not is_sync(kind)])
def test_nothing_is_lost_when_a_loop_becomes_busy_and_quiet(kind: str) -> None:
    async def main() -> None:
        crowd = await Crowd().open()
        for _ in range(3):
            ticks = False
            while not ticks:
                await crowd.busy()
                ticks = bool(select.select([crowd.poller.fileno()], [], [], SOON)[0])
            await asyncio.sleep(SOON)
            crowd.send(b"at last ")
            await crowd.all_taken()
        crowd.close()

    async def in_time() -> None:
        await asyncio.wait_for(main(), 30)

    run(kind, in_time)
