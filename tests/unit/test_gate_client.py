"""Every reason of the gate, through a client that has it. The order and the rest of the logic are in test_gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio
from tests.kit.asking import WHOLE, config
from tests.kit.gating import IMAGE
from tests.kit.server import Server, sse_reply

import zen_native as zen
from zen_native.gate import Reason
from zen_native.runtimes import native

CONFIG = zen.Config(
    providers={"mine": zen.ProviderSettings(base_url="https://a.example", api_key="k", protocol="openai-chat")},
    environ={},
)
NEEDS_EXTENSION = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")

Patch = pytest.MonkeyPatch
Case = tuple[dict[str, Any], dict[str, Any], Callable[[Patch], object]]


def as_it_is(_: Patch) -> None:
    """Nothing is changed."""


def off(patch: Patch) -> None:
    patch.setenv("ZEN_NATIVE", "0")


def gone(patch: Patch) -> None:
    patch.setattr(native, "CAUSE", "the extension does not load: it is gone")


def knows(protocols: set[str], framings: set[str]) -> Callable[[Patch], object]:
    """An extension of an older build."""
    return lambda patch: patch.setattr(native, "_names", lambda: (frozenset(protocols), frozenset(framings)))


def moves_nothing(patch: Patch) -> None:
    patch.delattr("zen_native._core.Wire")


def refuses_images(patch: Patch) -> None:
    patch.setattr("zen_native._core.refused_content", frozenset({"image", "audio"}), raising=False)


def short_bodies(patch: Patch) -> None:
    patch.setattr("zen_native.gate.MAX_BODY_BYTES", 20)


def behind_a_proxy(patch: Patch) -> None:
    patch.setenv("https_proxy", "http://127.0.0.1:9")


# What the client is given, what the call says, and what is changed around them.
RUNTIME_CASES: dict[Reason, Case] = {
    Reason.CALLER_CHOSE_PYTHON: ({}, {"runtime": "python"}, as_it_is),
    Reason.CLIENT_CHOSE_PYTHON: ({"runtime": "python"}, {}, as_it_is),
    Reason.FLAG_OFF: ({}, {}, off),
    Reason.ROLLOUT: ({"runtime": zen.rollout(0)}, {"session_id": "s"}, as_it_is),
    Reason.EXTENSION_MISSING: ({}, {}, gone),
    Reason.PROTOCOL_NOT_NATIVE: ({}, {}, knows({"anthropic-messages"}, {"sse"})),
    Reason.FRAMING_NOT_NATIVE: ({}, {}, knows({"openai-chat"}, {"eventstream"})),
    Reason.CONTENT_NOT_NATIVE: ({}, {"messages": [IMAGE]}, refuses_images),
}
TRANSPORT_CASES: dict[Reason, Case] = {
    Reason.NATIVE: ({}, {}, as_it_is),
    Reason.CLIENT_CHOSE_HTTPX: ({"transport": "httpx"}, {}, as_it_is),
    Reason.TRANSPORT_MISSING: ({}, {}, moves_nothing),
    Reason.OPTION_NOT_NATIVE: ({}, {"http": {"headers": {"Trailer": "x-a"}}}, as_it_is),
    Reason.LIMIT_EXCEEDED: ({}, {}, short_bodies),
    Reason.PROXY: ({}, {}, behind_a_proxy),
}
BROUGHT = {zen.Client: httpx.Client, zen.AsyncClient: httpx.AsyncClient}
both_clients = pytest.mark.parametrize("make", BROUGHT)


@pytest.fixture(autouse=True)
def plain(monkeypatch: Patch) -> None:
    """Nothing of the environment counts."""
    for name in ("ZEN_NATIVE", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def explained(make: type[zen.Client], case: Case, patch: Patch) -> zen.Decision:
    """The decision of a client of that kind, which sends nothing."""
    options, said, change = case
    change(patch)
    return make(CONFIG, **options).explain("mine/m", **{"messages": "hi", **said}).decision


@both_clients
@pytest.mark.parametrize("reason", RUNTIME_CASES, ids=lambda reason: reason.slug)
def test_reason_of_the_runtime(make: type[zen.Client], reason: Reason, monkeypatch: Patch) -> None:
    if reason is not Reason.EXTENSION_MISSING and native.CAUSE is not None:
        pytest.skip(f"native NOT TESTED: {native.CAUSE}")
    decision = explained(make, RUNTIME_CASES[reason], monkeypatch)
    assert (decision.runtime, decision.reason) == ("python", reason)
    assert (decision.transport, decision.transport_reason) == ("httpx", Reason.RUNTIME_IS_PYTHON)


@NEEDS_EXTENSION
@both_clients
@pytest.mark.parametrize("reason", TRANSPORT_CASES, ids=lambda reason: reason.slug)
def test_reason_of_the_transport(make: type[zen.Client], reason: Reason, monkeypatch: Patch) -> None:
    decision = explained(make, TRANSPORT_CASES[reason], monkeypatch)
    assert (decision.runtime, decision.reason) == ("native", Reason.NATIVE)
    expected = "native" if reason is Reason.NATIVE else "httpx"
    assert (decision.transport, decision.transport_reason) == (expected, reason)


@NEEDS_EXTENSION
@both_clients
def test_reason_of_a_transport_that_is_brought(make: type[zen.Client]) -> None:
    decision = make(CONFIG, transport=BROUGHT[make]()).explain("mine/m", "hi").decision
    assert (decision.runtime, decision.transport_reason) == ("native", Reason.CUSTOM_TRANSPORT)


@NEEDS_EXTENSION
@both_clients
def test_reason_of_a_client_with_hooks(make: type[zen.Client]) -> None:
    brought = BROUGHT[make](event_hooks={"request": [print], "response": []})
    client = make(CONFIG, transport=brought)
    decision = client.explain("mine/m", "hi").decision
    assert (decision.runtime, decision.transport_reason) == ("native", Reason.HOOKS)
    assert decision.transport_detail.endswith(": request")
    brought.event_hooks = {}
    assert client.explain("mine/m", "hi").decision.transport_reason is Reason.CUSTOM_TRANSPORT


@pytest.mark.parametrize("runtime", ["auto", "native"])
def test_reason_of_a_request_that_cannot_be_written(runtime: Any) -> None:
    """It is counted and written down; the caller hears what is wrong, also where native was demanded."""
    with zen.Client(CONFIG, runtime=runtime) as client:
        with pytest.raises(zen.UnsupportedError, match=r"cannot carry generation\.top_k"):
            client.generate("mine/m", "hi", generation={"top_k": 3})
        with pytest.raises(zen.InvalidRequestError, match="cannot be written as JSON"):
            client.generate("mine/m", "hi", http={"body": {"x": object()}})
    reason = Reason.LOWERING_FAILED if native.CAUSE is None else Reason.EXTENSION_MISSING
    assert client.decisions.counts() == {("python", "httpx", reason): 2}


@NEEDS_EXTENSION
def test_reason_of_another_event_loop() -> None:
    async def main() -> zen.Decision:
        return zen.AsyncClient(CONFIG).explain("mine/m", "hi").decision

    decision = trio.run(main)
    assert (decision.runtime, decision.transport_reason) == ("native", Reason.NOT_ASYNCIO)


@NEEDS_EXTENSION
def test_what_the_native_transport_does_not_send_is_sent() -> None:
    with Server(sse_reply(*WHOLE)) as server, zen.Client(config(server)) as client:
        assert client.generate("mine/m", "hi", http={"headers": {"Trailer": "x-a"}}).text == "Hello"
        assert client.generate("mine/m", "hi").text == "Hello"
    assert client.decisions.counts() == {
        ("native", "httpx", Reason.OPTION_NOT_NATIVE): 1,
        ("native", "native", Reason.NATIVE): 1,
    }
    assert [request.headers.get("trailer") for request in server.requests] == ["x-a", None]


@NEEDS_EXTENSION
def test_what_it_does_not_send_may_be_a_header_of_the_provider() -> None:
    with Server(sse_reply(*WHOLE)) as server, zen.Client(config(server, headers={"Trailer": "x-a"})) as client:
        assert client.generate("mine/m", "hi").text == "Hello"
        assert client.explain("mine/m", "hi").decision.transport_reason is Reason.OPTION_NOT_NATIVE
    assert server.requests[0].headers["trailer"] == "x-a"


@NEEDS_EXTENSION
def test_what_was_decided_for_one_provider_is_not_what_counts_for_another() -> None:
    here = {"base_url": "http://127.0.0.1:9", "protocol": "openai-chat"}
    headers: list[dict[str, str]] = [{}, {"Trailer": "x-a"}]
    plain, other = (zen.ProviderSettings(**here, headers=each) for each in headers)
    client = zen.Client(zen.Config(providers={"plain": plain, "other": other}, environ={}))
    found = [client.explain(f"{name}/m", "hi").decision.transport_reason for name in ("plain", "other", "plain")]
    assert found == [Reason.NATIVE, Reason.OPTION_NOT_NATIVE, Reason.NATIVE]


@both_clients
def test_the_flag_counts_from_the_next_request_on(make: type[zen.Client], monkeypatch: Patch) -> None:
    client = make(CONFIG)
    for flag, reason in (("0", Reason.FLAG_OFF), ("", None), ("0", Reason.FLAG_OFF)):
        monkeypatch.setenv("ZEN_NATIVE", flag)
        for _ in range(2):
            found = client.explain("mine/m", "hi").decision.reason
            assert found is reason if reason else found is not Reason.FLAG_OFF
    monkeypatch.setenv("ZEN_NATIVE", "yes")
    with pytest.raises(ValueError, match="ZEN_NATIVE must be"):
        client.explain("mine/m", "hi")


@NEEDS_EXTENSION
def test_what_was_decided_before_is_decided_again(monkeypatch: Patch) -> None:
    """None is remembered that a request could change, and whoever explains counts nothing."""
    client, limit = zen.Client(CONFIG), 200
    monkeypatch.setattr("zen_native.gate.MAX_BODY_BYTES", limit)
    for _ in range(2):
        long = client.explain("mine/m", "a" * limit).decision
        assert (long.runtime, long.transport_reason) == ("native", Reason.LIMIT_EXCEEDED)
        assert client.explain("mine/m", "hi").decision.transport_reason is Reason.NATIVE
        assert client.explain("mine/m", "hi", runtime="python").decision.reason is Reason.CALLER_CHOSE_PYTHON
        for said in (True, False):
            decision = client.explain("mine/m", "hi", runtime=lambda _, said=said: said).decision
            assert decision.reason is (Reason.NATIVE if said else Reason.ROLLOUT)
        taken = client.explain("mine/m", "hi", http={"headers": {"Trailer": "x-a"}}).decision
        assert taken.transport_reason is Reason.OPTION_NOT_NATIVE
    assert client.decisions.total == 0


@NEEDS_EXTENSION
def test_a_decision_that_is_remembered_is_counted_as_any_other() -> None:
    with Server(sse_reply(*WHOLE)) as server, zen.Client(config(server)) as client:
        for number in range(1, 4):
            for runtime in ("native", "python"):
                assert client.generate("mine/m", "hi", runtime=runtime).text == "Hello"
            assert client.decisions.counts() == {
                ("native", "native", Reason.NATIVE): number,
                ("python", "httpx", Reason.CALLER_CHOSE_PYTHON): number,
            }
        assert client.explain("mine/m", "hi", runtime="native").decision.reason is Reason.NATIVE
    assert client.decisions.total == len(server.requests) == 6


@NEEDS_EXTENSION
def test_a_choice_by_the_client_is_asked_of_every_request() -> None:
    answers = [True, False, True]
    client = zen.Client(CONFIG, runtime=lambda _: answers.pop(0))
    reasons = [client.explain("mine/m", "hi").decision.reason for _ in range(3)]
    assert reasons == [Reason.NATIVE, Reason.ROLLOUT, Reason.NATIVE]


def test_every_reason_can_be_had() -> None:
    here = {
        Reason.RUNTIME_IS_PYTHON, Reason.LOWERING_FAILED, Reason.HOOKS, Reason.CUSTOM_TRANSPORT, Reason.NOT_ASYNCIO
    }  # fmt: skip
    assert {*RUNTIME_CASES, *TRANSPORT_CASES} | here == set(Reason)
