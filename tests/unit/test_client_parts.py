"""The small parts under the clients: limits, compressed bodies, what is kept of an answer, coroutines without loops."""

from __future__ import annotations

import gzip
import os
import sys
import threading
import zlib
from math import inf
from typing import Any

import pytest
from tests.kit.process import linux, peak_memory

import zen_native as zen
from zen_native import events as ev
from zen_native._io import drive
from zen_native._kept import Kept
from zen_native.response import fold
from zen_native.transport.choice import CLOSED, Transports
from zen_native.transport.http import SyncHttp
from zen_native.transport.inflate import inflater
from zen_native.transport.limits import Watch
from zen_native.transport.proxies import Proxies

# Transports


def test_a_transport_that_is_made_while_another_thread_closes_is_not_given_out() -> None:
    def make() -> SyncHttp:
        other = threading.Thread(target=lambda: drive(transports.close()))
        other.start()
        other.join()
        return SyncHttp()

    transports = Transports({"httpx": make})
    for _ in range(2):
        with pytest.raises(RuntimeError, match=CLOSED):
            transports.of("httpx")


# Limits


@pytest.mark.parametrize(
    "fields",
    [
        {"connect": 0},
        {"idle": -1},
        {"total": float("inf")},
        {"first_event": "soon"},
        {"trailing": None},
        {"idle": True},
        {"idle": 10**400},
    ],
    ids=str,
)
def test_limits_that_make_no_sense_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="positive number of seconds"):
        zen.Timeouts(**fields)


@pytest.mark.parametrize(
    ("said", "effort", "expected"),
    [("auto", None, 600), ("auto", "low", 600), ("auto", "high", 1800), (5, "high", 5), (None, "high", None)],
)
def test_the_first_event_may_take_long_where_much_is_to_be_thought(
    said: Any, effort: str | None, expected: float | None
) -> None:
    assert zen.Timeouts(first_event=said).until_first_event(effort) == expected


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_watch_tells_what_is_left_of_which_limit() -> None:
    time = Time()
    watch = Watch(zen.Timeouts(), total_until=130.0, clock=time)
    watch.within("first-event", 10)
    time.now += 4
    assert (watch.left(), watch.expired().phase) == (6, "first-event")
    time.now += 7
    assert watch.left() == 0
    watch.each("idle", 15)
    assert (watch.left(), watch.expired().phase) == (15, "idle")
    time.now += 5
    assert (watch.left(), watch.expired().phase) == (14, "total")


def test_a_watch_may_begin_when_something_is_sent() -> None:
    clock = Time()
    watch = Watch(zen.Timeouts(), clock=clock)
    watch.within_sending("first-event", 20)
    clock.now += 30
    assert watch.left() is None
    for _ in range(2):  # a connection that was kept may have been let go of
        watch.sent()
        assert watch.left() == 20
        clock.now += 5
        assert watch.left() == 15
    assert watch.expired().phase == "first-event"
    changes = watch.changes
    watch.within_sending("first-event", None)
    watch.sent()
    assert watch.left() is None
    assert watch.changes == changes + 1


def test_a_watch_knows_until_when_all_waits_are_alike() -> None:
    watch = Watch(zen.Timeouts(), total_until=130.0, clock=Time())
    watch.within("first-event", None)
    watch.each("idle", 15)
    assert watch.even_until() == 115
    watch.each("idle", None)
    assert watch.even_until() == -inf
    lasting = Watch(zen.Timeouts(), clock=Time())
    lasting.each("idle", 15)
    assert lasting.even_until() == inf
    lasting.within("first-event", 10)
    assert lasting.even_until() == -inf
    lasting.each("idle", None)
    lasting.briefly(2)
    assert lasting.even_until() == -inf


def test_no_wait_is_longer_than_systems_can_count() -> None:
    watch = Watch(zen.Timeouts(connect=1e300, idle=1e300), total_until=1e301, clock=Time())
    watch.within("first-event", 1e300)
    assert watch.connect == watch.left() == watch.longest() == 1e6
    watch.each("idle", 1e300)
    assert (watch.left(), watch.expired().phase) == (1e6, "idle")


def test_a_watch_without_limits_waits_for_ever() -> None:
    watch = Watch(zen.Timeouts(), clock=Time())
    watch.within("first-event", None)
    assert watch.left() is None
    assert watch.longest() is None


def test_the_longest_wait_is_for_who_takes_one_number() -> None:
    watch = Watch(zen.Timeouts(idle=50), clock=Time())
    watch.within("first-event", 20)
    assert watch.longest() == 50


# Compressed bodies


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_compressed_bodies_come_in_pieces_whatever_the_cut(encoding: str, pack: Any) -> None:
    text = bytes(range(256)) * 2000
    packed = pack(text)
    for size in (1, 7, len(packed)):
        reader = inflater(encoding)
        assert reader is not None
        pieces = [piece for at in range(0, len(packed), size) for piece in reader.feed(packed[at : at + size])]
        assert b"".join(pieces) == text
        assert max(map(len, pieces)) <= 64 << 10


def test_a_full_last_piece_is_not_forgotten() -> None:
    reader = inflater("gzip")
    assert reader is not None
    packed = gzip.compress(b"x" * (128 << 10))
    assert sum(map(len, reader.feed(packed))) == 128 << 10


@linux
def test_what_follows_the_end_is_dropped() -> None:
    reader = inflater("gzip")
    assert reader is not None
    assert b"".join(reader.feed(gzip.compress(b"text") + b"more")) == b"text"
    with peak_memory() as memory:
        for _ in range(1000):
            assert not list(reader.feed(bytes(64 << 10)))
    assert memory.grown < 16 << 20


def test_what_is_not_compressed_is_told() -> None:
    reader = inflater("gzip")
    assert reader is not None
    with pytest.raises(zen.InvalidProviderOutputError, match="not the compressed data"):
        list(reader.feed(b"data: plain\n\n"))


def given(packed: bytes, size: int) -> tuple[bytes, bool]:
    """What a body gives that comes so many bytes at a time, and whether it ends in an error."""
    reader = inflater("gzip")
    assert reader is not None
    text = b""
    try:
        for at in range(0, len(packed), size):
            for piece in reader.feed(packed[at : at + size]):
                text += piece
    except zen.InvalidProviderOutputError:
        return text, True
    return text, False


@pytest.mark.parametrize("size", [1, 2, 50, 1000, 1 << 20])
def test_what_comes_before_damage_is_given_whatever_the_cut(size: int) -> None:
    text = b"".join(b"%d " % number for number in range(40_000))
    packed = gzip.compress(text)
    for at in (12, len(packed) // 3, len(packed) // 2):
        damaged = packed[:at] + bytes(64) + packed[at + 64 :]
        assert given(damaged, size) == given(damaged, 1)
        assert given(damaged, size)[1]
    assert len(given(damaged, size)[0]) > len(text) // 3
    assert given(packed[:-8] + bytes(8), size) == (text, True)


@pytest.mark.parametrize("size", [1, 9, 1 << 20])
def test_a_body_may_have_several_members(size: int) -> None:
    packed = b"".join(map(gzip.compress, (b"a" * (128 << 10), b"", b"b")))
    for rest in (bytes(100), b"\0\0\x1f\0\0"):
        assert given(packed + rest, size) == (b"a" * (128 << 10) + b"b", False)


def test_a_read_has_no_thousand_members() -> None:
    reader = inflater("gzip")
    assert reader is not None
    for number in range(2000):  # as of a proxy that packs every event by itself
        assert list(reader.feed(gzip.compress(b"%d" % number))) == [b"%d" % number]
    with pytest.raises(zen.LimitExceededError):
        list(reader.feed(gzip.compress(b"") * 2000))


@pytest.mark.parametrize("encoding", [None, "", "identity"])
def test_plain_bodies_need_nothing(encoding: str | None) -> None:
    assert inflater(encoding) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_other_compressions_are_refused(encoding: str) -> None:
    with pytest.raises(zen.InvalidProviderOutputError, match="not asked for"):
        inflater(encoding)


# What is kept


def test_what_is_kept_tells_the_same_and_stays_short() -> None:
    said: list[ev.LLMEvent] = [ev.StepStart(0)]
    for block in range(3):
        said.append(ev.TextStart(f"text-{block}", None))
        said += [ev.TextDelta(f"text-{block}", f"{number} ") for number in range(1500)]
        said.append(ev.TextEnd(f"text-{block}", None))
        said.append(ev.ToolInputStart(f"call-{block}", "look", False))
        said += [ev.ToolInputDelta(f"call-{block}", "[")] * 1500
        said += [ev.ReasoningDelta("text-0", "hm ")] * 10
    kept = Kept()
    for event in said:
        kept.add([event])
    assert kept.response() == fold(said)
    assert len(kept.events) < 1200


# Coroutines without a loop


def test_a_coroutine_that_does_not_wait_gives_its_result() -> None:
    async def three() -> int:
        return 3

    assert drive(three()) == 3


# Proxies


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"https_proxy": "http://proxy.example:3128"}, "http://proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, "http://proxy.example:3128"),
        ({"http_proxy": "http://proxy.example:3128"}, None),
        ({"all_proxy": "socks5://proxy.example"}, "socks5://proxy.example"),
        ({"https_proxy": "http://proxy.example", "no_proxy": "api.example"}, None),
        ({"https_proxy": "http://proxy.example", "no_proxy": "*"}, None),
    ],
    ids=str,
)
def test_the_proxy_of_the_environment(
    variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxies = Proxies()
    for _ in range(2):
        assert proxies.proxy_for("https://api.example:8443/v1") == expected


@pytest.mark.parametrize("name", ["::1", "[::1]", "localhost, ::1"])
def test_an_address_needs_no_brackets_to_be_let_past(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    monkeypatch.setenv("no_proxy", name)
    assert Proxies().proxy_for("http://[::1]:8000/v1") is None
    assert Proxies().proxy_for("http://[::2]:8000/v1") == "http://proxy.example"


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="the system's settings count there, too")
@pytest.mark.parametrize("variables", [{}, {"no_proxy": "localhost"}, {"NO_PROXY": "*"}], ids=str)
def test_nobody_is_asked_for_proxies_where_none_can_be_named(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What knows them takes longer to import than a request takes."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "urllib.request", None)
    assert Proxies().proxy_for("https://api.example/v1") is None
