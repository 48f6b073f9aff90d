"""Tools begin while the answer still comes: in every protocol as soon as nothing can be added to their call."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from tests.kit import wire
from tests.kit.asking import WAYS
from tests.kit.dialogue import AFTER, CALLS, PROTOCOLS, Talk
from tests.kit.server import Reply, Server

import zen_native as zen

PENDING = {
    # What is still to come behind each of the two calls. Chat completions say nothing of the end of a call: the first
    # is over when the second begins, the second when there is a finish reason.
    "openai-chat": (4, 2),
    "openai-responses": (5, 1),
    "anthropic-messages": (6, 2),
    "google-generate-content": (2, 1),
    "bedrock-converse": (6, 2),
    "bedrock-invoke-anthropic": (6, 2),
}


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_call_begins_before_what_is_behind_it_came(kind: str, runtime: str, protocol: str) -> None:
    begun = {put["port"]: threading.Event() for _, _, put in CALLS}
    in_time: list[bool] = []

    def tide(port: str) -> str:
        begun[port].set()
        return "high"

    def wait(port: str) -> Callable[[], None]:
        return lambda: in_time.append(begun[port].wait(5))

    pieces = wire.calls(protocol)
    first, second = PENDING[protocol]
    parts = [*pieces[:-first], wait("Brest"), *pieces[-first:-second], wait("Whitby"), *pieces[-second:]]
    headers = {"content-type": wire.CONTENT_TYPES[protocol]}
    with Server(Reply(parts, headers=headers), Reply(wire.after(protocol), headers=headers)) as server:
        response = Talk(protocol, kind, runtime, server.url).learns("tides", tools=[tide])
    assert in_time == [True, True]
    assert response.text.endswith(AFTER)
    assert [part.id for part in response.parts if isinstance(part, zen.ToolResult)] == [id for id, _, _ in CALLS]
