"""`Poller`: what is read of many sockets in one call, and what of it whoever it belongs to hears."""

from __future__ import annotations

import gc
import os
import select
import socket
import struct
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.kit.polled import HEAD, Scene

from zen_native import _core
from zen_native.runtimes import native

if native.CAUSE is not None or sys.platform != "linux":
    pytest.skip(f"the poller is NOT TESTED: {native.CAUSE or sys.platform}", allow_module_level=True)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def refuse(error: BaseException) -> Callable[[], object]:
    def refusing() -> None:
        raise error

    return refusing


def test_everything_that_came_goes_where_it_belongs(scene: Scene) -> None:
    wired = [scene.peer() for _ in range(70)]  # more than are asked for at a time
    others = [scene.peer(wired=False) for _ in range(3)]
    for number, peer in enumerate(wired):
        peer.far.send(HEAD + b"%d" % number)
    for number, peer in enumerate(others):
        peer.far.send(b"%d" % number)
    scene.poller.ready()
    assert [peer.body() for peer in wired] == [b"%d" % number for number in range(70)]
    assert [peer.heard for peer in others] == [[b"%d" % number] for number in range(3)]
    assert all(peer.heard == [] for peer in wired)


def test_nothing_to_read_is_nothing_to_hear(scene: Scene) -> None:
    peer = scene.peer(wired=False)
    scene.poller.ready()
    assert peer.heard == []


def test_what_comes_meanwhile_is_read_too(scene: Scene) -> None:
    first, second = scene.peer(wired=False), scene.peer(wired=False)
    first.then = lambda: second.far.send(b"an answer")
    first.far.send(b"a question")
    scene.poller.ready()
    assert (first.heard, second.heard) == ([b"a question"], [b"an answer"])


def test_one_of_them_is_read_before_the_loop_is_told(scene: Scene) -> None:
    one, other = scene.peer(), scene.peer()
    for peer in (one, other):
        peer.far.send(HEAD + b"abc")
    scene.poller.look(one.socket.fileno())
    assert (one.body(), other.body()) == (b"abc", b"")
    scene.poller.look(one.socket.fileno())
    scene.poller.look(scene.poller.fileno())
    assert one.heard == []
    one.far.close()
    scene.poller.look(one.socket.fileno())
    assert one.heard == [None]


def test_the_rest_of_the_loop_has_its_turn(scene: Scene) -> None:
    peer = scene.peer(wired=False)
    peer.then = lambda: peer.far.send(b"again")
    peer.far.send(b"again")
    scene.poller.ready()  # comes back
    assert set(peer.heard) == {b"again"}


def test_who_waits_behind_busy_ones_has_a_turn(scene: Scene) -> None:
    crowd = [scene.peer(wired=False) for _ in range(40)]
    for peer in crowd:
        peer.then = lambda: time.sleep(0.002)  # longer than `LONG`
        peer.far.send(b"x" * (1 << 17))  # more than a read: it has something again at once
    for _ in crowd:
        scene.poller.ready()
    assert [len(peer.heard) for peer in crowd] == [1] * 40


@pytest.mark.parametrize("wired", [True, False])
def test_more_than_there_is_room_for_comes_in_pieces(wired: bool) -> None:
    scene = Scene(size=1000)
    peer = scene.peer(wired=wired)
    if peer.wire is not None:
        peer.far.send(HEAD)
    peer.far.send(b"x" * 2500)
    scene.poller.ready()
    if peer.wire is not None:
        assert peer.body() == b"x" * 2500
    else:
        assert [len(piece) for piece in peer.heard] == [1000, 1000, 500]
    scene.close()


@pytest.mark.parametrize("wired", [True, False])
def test_the_end_is_told(scene: Scene, wired: bool) -> None:
    peer = scene.peer(wired=wired)
    peer.far.close()
    scene.poller.ready()
    scene.poller.ready()
    assert peer.heard == [None]


@pytest.mark.parametrize("wired", [True, False])
def test_what_prevents_reading_is_told(wired: bool) -> None:
    scene = Scene()
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    peer = scene.peer(wired=wired)
    peer.remove()
    peer.socket.close()
    peer.socket = near
    scene.poller.add(near.fileno(), peer, peer.sink)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()  # by a reset
    scene.poller.ready()
    assert [(type(error), error.errno, error.strerror) for error in peer.heard] == [
        (ConnectionResetError, 104, os.strerror(104))
    ]
    scene.close()


def test_who_is_removed_hears_nothing_more(scene: Scene) -> None:
    first, second, third = (scene.peer(wired=False) for _ in range(3))
    for peer in (first, second, third):
        peer.far.send(b"x")
        peer.then = lambda mine=peer: [other.remove() for other in (first, second, third) if other is not mine]  # type: ignore[misc]  # a lambda's default has no annotation
    scene.poller.ready()
    scene.poller.ready()
    assert sorted(len(peer.heard) for peer in (first, second, third)) == [0, 0, 1]


def test_a_number_may_be_another_sockets_by_now(scene: Scene) -> None:
    first, second = scene.peer(wired=False), scene.peer(wired=False)
    number = first.socket.fileno()
    first.socket.close()  # by its transport, which says so later
    os.dup2(second.socket.fileno(), number)
    second.remove()
    scene.poller.add(number, second, second.sink)
    scene.poller.remove(number, first)
    second.far.send(b"for the second")
    scene.poller.ready()
    assert (first.heard, second.heard) == ([], [b"for the second"])
    scene.poller.remove(number, second)
    os.close(number)


def test_a_closed_socket_is_refused(scene: Scene) -> None:
    with pytest.raises(ValueError, match="the socket is closed"):
        scene.poller.add(-1, peer := scene.peer(), peer.sink)


def test_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        _core.Poller(bytearray())


def test_what_cannot_be_watched_is_refused(scene: Scene, tmp_path: Any) -> None:
    with (tmp_path / "file").open("w") as file:
        peer = scene.peer()
        with pytest.raises(PermissionError):
            scene.poller.add(file.fileno(), peer, peer.sink)
        scene.poller.remove(file.fileno(), peer)


class Outcome(BaseException):
    """As test runners raise them out of signal handlers."""


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), Outcome()], ids=repr)
@pytest.mark.parametrize("wired", [True, False])
def test_what_a_read_raises_is_told(scene: Scene, wired: bool, error: BaseException) -> None:
    peer, other = scene.peer(wired=wired), scene.peer(wired=False)
    peer.then = refuse(error)
    if wired:
        peer.waits()
    peer.far.send(HEAD + b"x")
    other.far.send(b"y")
    scene.poller.ready()
    assert peer.heard[-1] is error
    assert other.heard == [b"y"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_what_ends_the_loop_comes_through(scene: Scene, error: BaseException) -> None:
    peer, other = scene.peer(wired=False), scene.peer(wired=False)
    peer.then = refuse(error)
    peer.far.send(b"x")
    with pytest.raises(type(error)) as raised:
        scene.poller.ready()
    assert raised.value is error
    other.far.send(b"y")
    scene.poller.ready()
    assert other.heard == [b"y"]


def test_a_loop_within_the_loop_reads_too(scene: Scene) -> None:
    outer, inner = scene.peer(), scene.peer()
    outer.far.send(HEAD + b"outer")
    outer.then = scene.poller.ready
    outer.waits()
    inner.far.send(HEAD + b"inner")
    scene.poller.ready()
    assert (outer.body(), inner.body()) == (b"outer", b"inner")


def test_who_is_read_may_close_it(scene: Scene) -> None:
    first, second = scene.peer(wired=False), scene.peer(wired=False)
    first.then = second.then = scene.poller.close
    first.far.send(b"x")
    second.far.send(b"x")
    scene.poller.ready()
    assert len(first.heard) + len(second.heard) == 1
    assert scene.poller.fileno() == -1
    with pytest.raises(ValueError, match="the poller is closed"):
        scene.poller.add(first.socket.fileno(), first, first.sink)


def test_the_system_watches_it_as_it_watches_a_socket(scene: Scene) -> None:
    peer = scene.peer(wired=False)
    assert select.select([scene.poller.fileno()], [], [], 0)[0] == []
    peer.far.send(b"x")
    assert select.select([scene.poller.fileno()], [], [], 5)[0] == [scene.poller.fileno()]
    scene.poller.ready()
    assert select.select([scene.poller.fileno()], [], [], 0)[0] == []


def test_the_collector_finds_what_it_holds() -> None:
    scene = Scene()
    peer = scene.peer(wired=False)
    near, far, seen = peer.socket, peer.far, weakref.ref(peer)
    del peer, scene
    gc.collect()
    assert seen() is None
    near.close()
    far.close()
