"""The support gate: every reason, their order, who counts before whom. How a client gets one is in test_gate_client."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest
from tests.kit.gating import ALL, CASSETTE, IMAGE, ask, decided, route

from zen_native.errors import UnsupportedError
from zen_native.gate import Capabilities, Reason, current_capabilities, decide
from zen_native.request import HttpOverlay, LLMRequest
from zen_native.runtimes import native
from zen_native.transport.native import head


def never(_: LLMRequest) -> bool:
    return False


def always(_: LLMRequest) -> bool:
    return True


# What stands against native, with the reason that must be given, and a word of its detail.
RUNTIME_CASES: list[tuple[Reason, Capabilities, dict[str, Any], str]] = [
    (Reason.CALLER_CHOSE_PYTHON, ALL, {"runtime": "python"}, "runtime='python'"),
    (Reason.CLIENT_CHOSE_PYTHON, ALL, {"client_runtime": "python"}, "runtime='python'"),
    (Reason.FLAG_OFF, replace(ALL, flag="0"), {}, "ZEN_NATIVE=0"),
    (Reason.ROLLOUT, ALL, {"client_runtime": never}, "left this request out"),
    (Reason.EXTENSION_MISSING, replace(ALL, missing="no module named _core"), {}, "no module named _core"),
    (Reason.PROTOCOL_NOT_NATIVE, replace(ALL, protocols=frozenset({"google"})), {}, "openai-chat"),
    (Reason.FRAMING_NOT_NATIVE, replace(ALL, framings=frozenset({"document"})), {}, "sse"),
    (Reason.CONTENT_NOT_NATIVE, replace(ALL, refused_content=frozenset({"text"})), {}, "of the kind text is"),
    (Reason.LOWERING_FAILED, ALL, {"failure": "no top_k"}, "no top_k"),
]
# The last word of a case is what the request says in headers.
TRANSPORT_CASES: list[tuple[Reason, Capabilities, str, dict[str, str]]] = [
    (Reason.CLIENT_CHOSE_HTTPX, replace(ALL, transport="httpx"), "transport='httpx'", {}),
    (Reason.HOOKS, replace(ALL, hooks=("request",)), "caller's client: request", {}),
    (Reason.CUSTOM_TRANSPORT, replace(ALL, custom_transport=CASSETTE), CASSETTE, {}),
    (Reason.TRANSPORT_MISSING, replace(ALL, native_transport=False), "no native transport", {}),
    (Reason.OPTION_NOT_NATIVE, ALL, "sets itself: transfer-encoding", {"Transfer-Encoding": "chunked", "x-a": "b"}),
    (Reason.LIMIT_EXCEEDED, replace(ALL, max_body_bytes=9), "a body of 10 bytes is over the 9", {}),
    (Reason.PROXY, replace(ALL, proxied="https://api.example.com"), "https://api.example.com is reached through a", {}),
    (Reason.NOT_ASYNCIO, replace(ALL, event_loop="trio"), "trio runs this task", {}),
]


@pytest.mark.parametrize(("reason", "capabilities", "more", "detail"), RUNTIME_CASES)
def test_runtime_reason(reason: Reason, capabilities: Capabilities, more: dict[str, Any], detail: str) -> None:
    decision = decided(capabilities, **more)
    assert (decision.runtime, decision.transport, decision.reason) == ("python", "httpx", reason)
    assert decision.transport_reason is Reason.RUNTIME_IS_PYTHON
    assert detail in decision.detail


@pytest.mark.parametrize(("reason", "capabilities", "detail", "headers"), TRANSPORT_CASES)
def test_transport_reason_leaves_the_runtime_native(
    reason: Reason, capabilities: Capabilities, detail: str, headers: dict[str, str]
) -> None:
    decision = decided(capabilities, ask(http={"headers": headers}), body_bytes=10)
    assert (decision.runtime, decision.transport) == ("native", "httpx")
    assert (decision.reason, decision.transport_reason) == (Reason.NATIVE, reason)
    assert detail in decision.transport_detail


def test_native_where_nothing_stands_against_it() -> None:
    decision = decided()
    assert (decision.runtime, decision.transport) == ("native", "native")
    assert (decision.reason, decision.transport_reason) == (Reason.NATIVE, Reason.NATIVE)


def test_every_reason_has_a_case() -> None:
    cased = {case[0] for case in RUNTIME_CASES} | {case[0] for case in TRANSPORT_CASES}
    assert cased | {Reason.NATIVE, Reason.RUNTIME_IS_PYTHON} == set(Reason)


def test_first_reason_in_the_order_is_given() -> None:
    """Everything stands against native at once; taking away the first shows the next, in the order of the enum."""
    worst = Capabilities(
        flag="0",
        missing="gone",
        refused_content=frozenset({"text", "image"}),
        native_transport=True,
        custom_transport=CASSETTE,
    )
    more: dict[str, Any] = {"runtime": "python", "client_runtime": "python", "failure": "no top_k"}
    repairs: list[dict[str, Any]] = [
        {"runtime": None},
        {"client_runtime": never},
        {"flag": ""},
        {"client_runtime": "auto"},
        {"missing": None},
        {"protocols": ALL.protocols},
        {"framings": ALL.framings},
        {"refused_content": frozenset({"image"})},
        {"failure": None},
    ]
    seen = [decided(worst, **more).reason]
    for repair in repairs:
        if repair.keys() & more.keys():
            more |= repair
        else:
            worst = replace(worst, **repair)
        seen.append(decided(worst, **more).reason)
    assert seen == [*(case[0] for case in RUNTIME_CASES), Reason.NATIVE]
    assert seen[:-1] == sorted(seen[:-1])


def test_first_transport_reason_in_the_order_is_given() -> None:
    known = Capabilities(
        protocols=ALL.protocols,
        framings=ALL.framings,
        max_body_bytes=9,
        transport="httpx",
        custom_transport=CASSETTE,
        hooks=("request",),
        proxied="https://api.example.com",
        event_loop="trio",
    )
    repairs: list[dict[str, Any]] = [
        {"transport": "auto"},
        {"hooks": ()},
        {"custom_transport": None},
        {"native_transport": True},
        {"headers": {}},
        {"max_body_bytes": 10},
        {"proxied": None},
        {"event_loop": None},
    ]
    headers = {"upgrade": "h2c"}
    seen = [decided(known, runtime="python", body_bytes=10).transport_reason]
    for repair in ({"headers": headers}, *repairs):
        headers = repair.pop("headers", headers)
        known = replace(known, **repair)
        seen.append(decided(known, ask(http={"headers": headers}), body_bytes=10).transport_reason)
    assert seen == [Reason.RUNTIME_IS_PYTHON, *(case[0] for case in TRANSPORT_CASES), Reason.NATIVE]
    assert seen[:-1] == sorted(seen[:-1])


@pytest.mark.parametrize(("reason", "capabilities", "detail", "headers"), TRANSPORT_CASES[1:])
def test_demand_of_the_transport_that_cannot_be_met_is_an_error(
    reason: Reason, capabilities: Capabilities, detail: str, headers: dict[str, str]
) -> None:
    with pytest.raises(UnsupportedError, match="the native transport was asked for, but") as caught:
        decided(replace(capabilities, transport="native"), ask(http={"headers": headers}), body_bytes=10)
    assert detail in caught.value.message


def test_demand_of_the_transport_is_a_demand_of_the_runtime() -> None:
    demanding = replace(ALL, transport="native")
    assert decided(demanding).transport == "native"
    with pytest.raises(UnsupportedError, match="needs the native runtime, which is not taken: runtime='python'"):
        decided(demanding, runtime="python")
    with pytest.raises(ImportError, match="which is not taken: it is gone"):
        decided(replace(demanding, missing="it is gone"))


def test_slugs_are_for_logs() -> None:
    assert Reason.EXTENSION_MISSING.slug == "extension-missing"


# --- who counts before whom


@pytest.mark.parametrize(
    ("flag", "client", "call", "runtime"),
    [
        ("", "auto", None, "native"),
        ("", "python", None, "python"),
        ("", "python", "native", "native"),
        ("", "native", "python", "python"),
        ("", "python", "auto", "native"),
        ("0", "auto", None, "python"),
        ("0", "native", None, "native"),
        ("0", "auto", "native", "native"),
        ("0", always, None, "python"),
        ("1", never, None, "native"),
        ("1", "python", None, "python"),
        ("1", "auto", "python", "python"),
        ("", always, None, "native"),
        ("", always, never, "python"),
        ("", never, "native", "native"),
    ],
)
def test_call_counts_before_client_and_words_before_the_flag(flag: str, client: Any, call: Any, runtime: str) -> None:
    assert decided(replace(ALL, flag=flag), client_runtime=client, runtime=call).runtime == runtime


@pytest.mark.parametrize("more", [{"runtime": "native"}, {"client_runtime": "native"}, {}])
def test_demand_without_the_extension_is_an_error(more: dict[str, Any]) -> None:
    known = replace(ALL, missing="it does not load", flag="" if more else "1")
    with pytest.raises(ImportError, match="the native runtime was asked for, but it does not load") as caught:
        decided(known, **more)
    assert caught.value.name == "zen_native._core"


@pytest.mark.parametrize(("reason", "capabilities", "more", "detail"), RUNTIME_CASES[5:-1])
def test_demand_that_cannot_be_met_is_an_error(
    reason: Reason, capabilities: Capabilities, more: dict[str, Any], detail: str
) -> None:
    with pytest.raises(UnsupportedError, match="the native runtime was asked for, but") as caught:
        decided(capabilities, runtime="native", **more)
    assert detail in caught.value.message
    assert (caught.value.provider, caught.value.model) == ("acme", "m-1")


def test_demand_does_not_hide_why_there_is_nothing_to_send() -> None:
    """The caller hears of that itself."""
    demanded = decided(replace(ALL, transport="native"), runtime="native", failure="no top_k")
    assert (demanded.reason, demanded.detail) == (Reason.LOWERING_FAILED, "no top_k")


def test_demand_of_the_runtime_is_met_over_a_custom_transport() -> None:
    decision = decided(replace(ALL, custom_transport=CASSETTE), runtime="native")
    assert (decision.runtime, decision.transport) == ("native", "httpx")


def test_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown runtime 'rust'"):
        decided(runtime="rust")


def test_function_that_does_not_say_yes_or_no_is_refused() -> None:
    with pytest.raises(TypeError, match="says True or False, not 'native'"):
        decided(client_runtime=lambda _: "native")


def test_function_sees_the_request() -> None:
    assert (
        decided(request=ask(session_id="s"), client_runtime=lambda request: request.session_id == "s").runtime
        == "native"
    )


# --- what a request has


@pytest.mark.parametrize("name", sorted(head._FIXED))
def test_header_that_the_native_transport_lets_nobody_set_goes_over_httpx(name: str) -> None:
    assert decided(request=ask(http={"headers": {name.title(): "x"}})).transport_reason is Reason.OPTION_NOT_NATIVE


def test_long_history_is_not_read() -> None:
    class Untouchable:
        http = HttpOverlay(headers={"x-a": "b"})

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was read")

    untouchable: Any = Untouchable()
    assert decide(untouchable, route(), ALL).transport == "native"


def test_decision_touches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("ZEN_NATIVE", "0")
    assert decided().runtime == "native", "the environment counts by the capabilities alone"


# --- what is possible here


def test_current_capabilities_are_those_of_the_extension() -> None:
    given: dict[str, Any] = {"custom_transport": CASSETTE, "transport": "httpx", "event_loop": "trio"}
    known = current_capabilities(environ={"ZEN_NATIVE": "0"}, proxied="https://a.example", **given)
    assert (known.flag, known.proxied) == ("0", "https://a.example")
    assert {name: getattr(known, name) for name in given} == given
    assert not known.native_transport
    assert current_capabilities(environ={}, native_transport=True).native_transport == native.moves()
    assert known.missing == native.CAUSE
    assert (known.protocols, known.framings) == native.served()
    assert bool(known.protocols) == (native.CAUSE is None)


def test_current_capabilities_read_the_flag_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEN_NATIVE", "0")
    assert current_capabilities().flag == "0"


def test_current_capabilities_name_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "CAUSE", "the extension does not load: gone")
    known = current_capabilities(environ={})
    assert (known.missing, known.protocols) == ("the extension does not load: gone", frozenset())
    assert decided(known).reason is Reason.EXTENSION_MISSING


def test_flag_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="ZEN_NATIVE must be 0, 1 or unset, not 'yes'"):
        current_capabilities(environ={"ZEN_NATIVE": "yes"})


@pytest.mark.parametrize(
    ("request_", "kinds"),
    [
        (ask(), {"text"}),
        (ask(messages=[IMAGE], system="be brief"), {"image", "text"}),
        (
            ask(messages=[{"role": "user", "content": [{"type": "audio", "data": "AA==", "mime_type": "audio/wav"}]}]),
            {"audio"},
        ),
        (
            ask(
                messages=[
                    {"role": "assistant", "content": [{"type": "tool-call", "id": "1", "name": "f", "input": {}}]},
                    {
                        "role": "tool",
                        "content": [
                            {"type": "tool-result", "id": "1", "content": [{"type": "image", "url": "https://e.com/a"}]}
                        ],
                    },
                ]
            ),
            {"tool-call", "tool-result", "image"},
        ),
        (ask(messages=[{"role": "assistant", "content": [{"type": "reasoning", "text": "hm"}]}]), {"reasoning"}),
    ],
)
def test_kind_of_content_is_found_wherever_it_stands(request_: LLMRequest, kinds: set[str]) -> None:
    for kind in ("text", "image", "audio", "document", "reasoning", "tool-call", "tool-result"):
        refusing = replace(ALL, refused_content=frozenset({kind}))
        assert (decided(refusing, request_).reason is Reason.CONTENT_NOT_NATIVE) == (kind in kinds), kind
