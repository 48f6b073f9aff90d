"""Processes that others start: workers of multiprocessing, of gunicorn and of Ray ask with clients of their own, and a
client made before a fork serves every one behind it."""

from __future__ import annotations

import http.client
import multiprocessing
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.kit.asking import WHOLE
from tests.kit.errors import CLASSES
from tests.kit.independent import need
from tests.kit.lives import FORGIVING, TRANSPORTS, Ended, Life, live
from tests.kit.server import Reply, Server, sse_reply

METHODS = [method for method in multiprocessing.get_all_start_methods() if method != "fork"]
REFUSED = "Client has connections and cannot be copied or pickled; every process makes one of its own"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("method", METHODS)
def test_workers_of_multiprocessing(method: str, transport: str, server: Server) -> None:
    said = live("workers", server, transport, method)
    assert said == ["0 Hello True", "1 Hello True", "2 Hello True", REFUSED, "Hello"]
    by_connection = [request.connection for request in server.requests]
    assert (by_connection[0], by_connection[-1], len(set(by_connection))) == (0, 0, 4)


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn is for systems that fork")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_workers_of_gunicorn(transport: str, server: Server) -> None:
    """No answer of a worker ends before the other worker has begun one, so that both are at work."""
    together = threading.Barrier(2, timeout=30)
    server.plays(sse_reply(*WHOLE), sse_reply(WHOLE[0], together.wait, *WHOLE[1:]))
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(2) as callers:
        number = listener.fileno()
        with Life("prefork", server, transport, str(number), files=[number], mode=FORGIVING) as life:
            port = listener.getsockname()[1]
            rounds = [dict(callers.map(_asked, [port] * 2)) for _ in range(2)]
            life.process.send_signal(signal.SIGTERM)
            ended = life.ended()
    assert (ended.code, ended.err) == (0, ""), ended
    assert rounds[0] == rounds[1] == dict.fromkeys(rounds[0], "Hello")
    assert len(rounds[0]) == 2
    first, *others = (request.connection for request in server.requests)
    assert (first, sorted(others)) == (0, [1, 1, 2, 2])


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="ray NOT TESTED: there is none for this Python")
@pytest.mark.timeout(180)  # it starts half a dozen processes
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_actors_of_ray(transport: str, server: Server) -> None:
    ended = _under_ray("actors", server, transport)
    assert ended.out == ["['Hello', 'Hello', 'Hello', 'Hello'] 2", "True", "Hello"]
    first, *others, last = (request.connection for request in server.requests)
    assert (first, sorted(others), last) == (0, [1, 1, 2, 2], 0)  # the actors are at work at the same time


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="ray NOT TESTED: there is none for this Python")
@pytest.mark.timeout(180)
def test_every_error_class_survives_ray(server: Server) -> None:
    """Both as what Ray raises, a class of its own that is one of ours too, and as the cause that it keeps."""
    refusal = b'{"error": {"message": "slow down", "type": "rate_limit_error"}}'
    server.plays(Reply([refusal], status=429, headers={"retry-after": "7"}))
    ended = _under_ray("thrown", server, "native")
    assert ended.out[:-1] == [f"{cls.__name__} True True [] [] [] []" for cls in CLASSES]
    assert ended.out[-1] == "slow down 429 7.0 mine m"


def _under_ray(script: str, server: Server, transport: str) -> Ended:
    """How a life in a session of Ray ended, without a word of complaint."""
    need("ray")
    quiet = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    with (
        # Not in a folder of pytest's: the path of a socket has a length that the system limits.
        tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder,
        Life(script, server, transport, folder, mode=(), **quiet) as life,
    ):
        ended = life.ended(150)
    assert (ended.code, ended.err) == (0, ""), ended
    return ended


def _asked(port: int) -> tuple[str, str]:
    """Which worker answers, and what."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    text, process = connection.getresponse().read().decode().split()
    connection.close()
    return process, text
