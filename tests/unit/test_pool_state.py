"""The account of a pool: which connection is taken, which are kept, which go, and whose turn it is."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest

import zen_native as zen
from zen_native.transport.pool_state import PoolState, Taken


class Connection:
    """A connection as the account sees it."""

    def __init__(self) -> None:
        self.idle = True
        self.expired = False
        self.asked = 0

    def is_idle(self) -> bool:
        return self.idle

    def has_expired(self) -> bool:
        self.asked += 1
        return self.expired


def pool(**limits: Any) -> PoolState[Connection]:
    return PoolState(zen.ConnectionLimits(**limits))


def take(state: PoolState[Connection], origin: str = "a") -> Taken[Connection]:
    taken = state.take(origin, Connection, Event())
    assert taken is not None
    return taken


def filled(state: PoolState[Connection], *origins: str) -> list[Connection]:
    """Connections to these origins, taken at one time, given back in that order."""
    taken = [take(state, origin).connection for origin in origins]
    gone = [state.give(origin, connection) for origin, connection in zip(origins, taken, strict=True)]
    assert gone == [[]] * len(origins)
    return taken


def test_the_one_that_was_used_last_is_taken_first() -> None:
    state = pool()
    first, second = filled(state, "a", "a")
    assert [take(state).connection, take(state).connection] == [second, first]
    assert take(state).connection not in (first, second)


def test_each_origin_has_its_own() -> None:
    state = pool()
    (one,) = filled(state, "a")
    assert take(state, "b").connection is not one
    assert take(state, "a").connection is one


def test_what_cannot_take_another_request_goes() -> None:
    state = pool()
    connection = take(state).connection
    connection.idle = False
    assert state.give("a", connection) == [connection]
    assert take(state).connection is not connection


def test_what_expired_goes_whatever_its_origin() -> None:
    state = pool()
    old, older_origin, good = filled(state, "a", "b", "a")
    old.expired = older_origin.expired = True
    taken = take(state)
    assert (taken.connection, taken.gone) == (good, [old, older_origin])


def test_one_that_the_server_closed_is_not_taken() -> None:
    state = pool()
    good, closed = filled(state, "a", "a")
    closed.expired = True
    taken = take(state)
    assert (taken.connection, taken.gone) == (good, [closed])


def test_the_oldest_goes_when_there_are_too_many() -> None:
    state = pool(max_idle=2)
    one, two, three = (take(state, origin).connection for origin in "aba")
    assert [state.give("a", one), state.give("b", two), state.give("a", three)] == [[], [], [one]]


def test_many_are_kept_although_more_are_in_use() -> None:
    state = pool(max_idle=2)
    used = [take(state).connection for _ in range(10)]
    assert state.give("a", used[0]) == []
    assert take(state).connection is used[0]


def test_a_request_looks_at_few_connections_however_many_there_are() -> None:
    state = pool(max_idle=1000)
    kept = filled(state, *["a"] * 1000)
    before = sum(connection.asked for connection in kept)
    state.give("a", take(state).connection)
    assert sum(connection.asked for connection in kept) - before <= 4


def test_a_closed_pool_keeps_nothing() -> None:
    state = pool()
    used = take(state, "b").connection
    (idle,) = filled(state, "a")
    assert set(state.close()) == {used, idle}
    assert state.give("b", used) == [used]
    with pytest.raises(RuntimeError, match="the client is closed"):
        take(state)


# Where there may be no more


def wait(state: PoolState[Connection], origin: str = "a") -> Event:
    """Somebody who has to wait."""
    waiter = Event()
    assert state.take(origin, Connection, waiter) is None
    return waiter


def test_who_waits_is_called_in_turn() -> None:
    state = pool(max_connections=1)
    used = take(state).connection
    first, second = wait(state), wait(state)
    state.give("a", used)
    assert (first.is_set(), second.is_set()) == (True, False)
    wait(state)  # a newcomer does not take what is another's
    taken = state.take("a", Connection, first, called=True)
    assert taken is not None
    assert taken.connection is used
    state.give("a", used)
    assert second.is_set()


def test_who_leaves_waits_no_longer() -> None:
    state = pool(max_connections=1)
    used = take(state).connection
    first, second = wait(state), wait(state)
    state.leave(first)
    state.give("a", used)
    assert (first.is_set(), second.is_set()) == (False, True)


def test_who_leaves_when_called_passes_it_on() -> None:
    state = pool(max_connections=1)
    used = take(state).connection
    first, second = wait(state), wait(state)
    state.give("a", used)
    state.leave(first)
    assert second.is_set()


def test_an_idle_one_makes_way_for_another_origin() -> None:
    state = pool(max_connections=2)
    one, _ = filled(state, "a", "a")
    taken = take(state, "b")
    assert taken.gone == [one]
    assert state.take("a", Connection, Event()) is not None
    wait(state)


def test_nobody_waits_for_a_closed_pool() -> None:
    state = pool(max_connections=1)
    take(state)
    waiter = wait(state)
    state.close()
    assert waiter.is_set()
    with pytest.raises(RuntimeError, match="the client is closed"):
        state.take("a", Connection, waiter, called=True)
