"""The support gate: every reason, their order, who counts before whom, the roll-out, and the record of decisions."""

from __future__ import annotations

import logging
import pickle
import socket
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from zen_native.errors import UnsupportedError
from zen_native.gate import (
    Capabilities,
    Decision,
    Decisions,
    Reason,
    Rollout,
    current_capabilities,
    decide,
    rollout,
    select,
)
from zen_native.request import LLMRequest, Tool
from zen_native.route import Route, Secret
from zen_native.runtimes import native

SENTINEL = "sentinel-key-9914"
CASSETTE = "a recorder"

ALL = Capabilities(
    protocols=frozenset({"openai-chat", "anthropic-messages"}),
    framings=frozenset({"sse", "document"}),
    native_transport=True,
)


def route(**fields: Any) -> Route:
    known = {"provider": "acme", "model": "m-1", "protocol": "openai-chat", "api_key": Secret(SENTINEL)}
    return Route(**{**known, "base_url": "https://api.example.com/v1", "path": "/chat/completions", **fields})


def ask(**fields: Any) -> LLMRequest:
    return LLMRequest(**{"model": "acme/m-1", "messages": "hello", **fields})


def decided(capabilities: Capabilities = ALL, request: LLMRequest | None = None, **more: Any) -> Decision:
    return decide(request or ask(), more.pop("route", route()), capabilities, **more)


def never(_: LLMRequest) -> bool:
    return False


def always(_: LLMRequest) -> bool:
    return True


IMAGE = {"role": "user", "content": [{"type": "image", "url": "https://example.com/a.png"}]}

# What stands against native, with the reason that must be given, and a word of its detail.
RUNTIME_CASES: list[tuple[Reason, Capabilities, dict[str, Any], str]] = [
    (Reason.CALLER_CHOSE_PYTHON, ALL, {"runtime": "python"}, "runtime='python'"),
    (Reason.CLIENT_CHOSE_PYTHON, ALL, {"client_runtime": "python"}, "runtime='python'"),
    (Reason.FLAG_OFF, replace(ALL, flag="0"), {}, "ZEN_NATIVE=0"),
    (Reason.ROLLOUT, ALL, {"client_runtime": never}, "left this request out"),
    (Reason.EXTENSION_MISSING, replace(ALL, missing="no module named _core"), {}, "no module named _core"),
    (Reason.PROTOCOL_NOT_NATIVE, replace(ALL, protocols=frozenset({"google"})), {}, "openai-chat"),
    (Reason.FRAMING_NOT_NATIVE, replace(ALL, framings=frozenset({"document"})), {}, "sse"),
    (Reason.CONTENT_NOT_NATIVE, replace(ALL, refused_content=frozenset({"image"})), {}, "image"),
    (Reason.OPTION_NOT_NATIVE, replace(ALL, refused_options=frozenset({"tool-choice"})), {}, "tool-choice"),
    (Reason.LIMIT_EXCEEDED, replace(ALL, max_body_bytes=9), {"body_bytes": 10}, "10 bytes is over the 9"),
    (Reason.LOWERING_FAILED, ALL, {"failure": "no native form of a tool"}, "no native form of a tool"),
]
TRANSPORT_CASES = [
    (Reason.CLIENT_CHOSE_HTTPX, replace(ALL, transport="httpx"), "transport='httpx'"),
    (Reason.CUSTOM_TRANSPORT, replace(ALL, custom_transport=CASSETTE), CASSETTE),
    (Reason.HOOKS, replace(ALL, hooks=("on_request",)), "on_request"),
    (Reason.TRANSPORT_MISSING, replace(ALL, native_transport=False), "no native transport"),
    (Reason.PROXY, replace(ALL, proxied="https://api.example.com"), "https://api.example.com is reached through a"),
    (Reason.NOT_ASYNCIO, replace(ALL, event_loop="trio"), "trio runs this task"),
]
REQUEST = ask(messages=[IMAGE], tool_choice="none")


@pytest.mark.parametrize(("reason", "capabilities", "more", "detail"), RUNTIME_CASES)
def test_runtime_reason(reason: Reason, capabilities: Capabilities, more: dict[str, Any], detail: str) -> None:
    decision = decided(capabilities, REQUEST, **more)
    assert (decision.runtime, decision.transport, decision.reason) == ("python", "httpx", reason)
    assert decision.transport_reason is Reason.RUNTIME_IS_PYTHON
    assert detail in decision.detail


@pytest.mark.parametrize(("reason", "capabilities", "detail"), TRANSPORT_CASES)
def test_transport_reason_leaves_the_runtime_native(reason: Reason, capabilities: Capabilities, detail: str) -> None:
    decision = decided(capabilities)
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
        refused_content=frozenset({"image"}),
        refused_options=frozenset({"tool-choice"}),
        max_body_bytes=9,
        native_transport=True,
        custom_transport=CASSETTE,
        hooks=("on_request",),
    )
    more: dict[str, Any] = {"runtime": "python", "client_runtime": "python", "body_bytes": 10, "failure": "failed"}
    repairs: list[dict[str, Any]] = [
        {"runtime": None},
        {"client_runtime": never},
        {"flag": ""},
        {"client_runtime": "auto"},
        {"missing": None},
        {"protocols": ALL.protocols},
        {"framings": ALL.framings},
        {"refused_content": frozenset()},
        {"refused_options": frozenset()},
        {"max_body_bytes": None},
        {"failure": None},
    ]
    seen = [decided(worst, REQUEST, **more).reason]
    for repair in repairs:
        if repair.keys() & more.keys():
            more |= repair
        else:
            worst = replace(worst, **repair)
        seen.append(decided(worst, REQUEST, **more).reason)
    assert seen == [*(case[0] for case in RUNTIME_CASES), Reason.NATIVE]
    assert seen[:-1] == sorted(seen[:-1])


def test_first_transport_reason_in_the_order_is_given() -> None:
    known = Capabilities(
        protocols=ALL.protocols,
        framings=ALL.framings,
        transport="httpx",
        custom_transport=CASSETTE,
        hooks=("on_request",),
        proxied="https://api.example.com",
        event_loop="trio",
    )
    repairs: list[dict[str, Any]] = [
        {"transport": "auto"},
        {"custom_transport": None},
        {"hooks": ()},
        {"native_transport": True},
        {"proxied": None},
        {"event_loop": None},
    ]
    seen = [decided(known, runtime="python").transport_reason, decided(known).transport_reason]
    for repair in repairs:
        known = replace(known, **repair)
        seen.append(decided(known).transport_reason)
    assert seen == [Reason.RUNTIME_IS_PYTHON, *(case[0] for case in TRANSPORT_CASES), Reason.NATIVE]
    assert seen[:-1] == sorted(seen[:-1])


@pytest.mark.parametrize(("reason", "capabilities", "detail"), TRANSPORT_CASES[1:])
def test_demand_of_the_transport_that_cannot_be_met_is_an_error(
    reason: Reason, capabilities: Capabilities, detail: str
) -> None:
    with pytest.raises(UnsupportedError, match="the native transport was asked for, but") as caught:
        decided(replace(capabilities, transport="native"))
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


@pytest.mark.parametrize(("reason", "capabilities", "more", "detail"), RUNTIME_CASES[5:])
def test_demand_that_cannot_be_met_is_an_error(
    reason: Reason, capabilities: Capabilities, more: dict[str, Any], detail: str
) -> None:
    with pytest.raises(UnsupportedError, match="the native runtime was asked for, but") as caught:
        decided(capabilities, REQUEST, runtime="native", **more)
    assert detail in caught.value.message
    assert (caught.value.provider, caught.value.model) == ("acme", "m-1")


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


@pytest.mark.parametrize(
    ("fields", "option"),
    [
        ({"tools": [Tool(name="f")]}, "tools"),
        ({"tools": [Tool(name="f", freeform=True)]}, "freeform-tools"),
        ({"tools": [Tool(name="f", native={"type": "web_search"})]}, "provider-tools"),
        ({"tool_choice": "required"}, "tool-choice"),
        ({"reasoning": "high"}, "reasoning"),
        ({"response_format": "json"}, "response-format"),
        ({"output_type": int}, "output-type"),
        ({"provider_options": {"acme": {"a": 1}}}, "provider-options"),
        ({"http": {"headers": {"a": "b"}}}, "http-headers"),
        ({"http": {"query": {"a": "b"}}}, "http-query"),
        ({"http": {"body": {"a": "b"}}}, "http-body"),
    ],
)
def test_option_is_found(fields: dict[str, Any], option: str) -> None:
    refusing = replace(ALL, refused_options=frozenset({option}))
    assert decided(refusing, ask(**fields)).reason is Reason.OPTION_NOT_NATIVE
    assert decided(refusing, ask()).reason is Reason.NATIVE


def test_long_history_is_not_read_where_nothing_is_refused() -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was read")

    untouchable: Any = Untouchable()
    assert decide(untouchable, route(), ALL).runtime == "native"


def test_answer_in_one_piece_is_a_document() -> None:
    streams_only = replace(ALL, framings=frozenset({"sse"}))
    assert decided(streams_only, stream=True).runtime == "native"
    assert decided(streams_only, stream=False).detail == "the framing document is not native"


def test_body_of_just_the_limit_is_carried() -> None:
    assert decided(replace(ALL, max_body_bytes=10), body_bytes=10).runtime == "native"


def test_decision_touches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("ZEN_NATIVE", "0")
    assert decided().runtime == "native", "the environment counts by the capabilities alone"


# --- what is possible here


def test_current_capabilities_are_those_of_the_extension() -> None:
    given: dict[str, Any] = {"custom_transport": CASSETTE, "hooks": ("h",), "transport": "httpx", "event_loop": "trio"}
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


# --- the roll-out


def sessions(percent: float, salt: str = "", count: int = 20_000) -> set[int]:
    chosen = rollout(percent, salt)
    request = ask()
    return {n for n in range(count) if chosen(request.model_copy(update={"session_id": f"session-{n}"}))}


def test_rollout_takes_about_its_percentage() -> None:
    assert 0.08 < len(sessions(10)) / 20_000 < 0.12


def test_rollout_that_grows_only_adds_sessions() -> None:
    small, large = sessions(5, count=4000), sessions(50, count=4000)
    assert small < large


def test_rollout_is_stable_between_processes() -> None:
    """Fixed draws: a change of the hash would move every session."""
    assert sorted(sessions(10, count=60)) == [5, 7, 13, 35, 36, 40, 42, 58]
    assert sorted(sessions(10, salt="b", count=60)) == [43, 50]


def test_rollout_takes_none_or_all_at_its_ends() -> None:
    assert sessions(0, count=500) == set()
    assert len(sessions(100, count=500)) == 500


def test_rollout_takes_fractions_of_a_percent() -> None:
    assert 0 < len(sessions(0.5)) < 200


def test_rollout_leaves_out_what_has_no_session_until_the_end() -> None:
    assert not rollout(99.9)(ask())
    assert rollout(100)(ask())


@pytest.mark.parametrize("percent", [-1, 100.1, float("nan")])
def test_rollout_of_no_percentage_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="percent must be between 0 and 100"):
        rollout(percent)


def test_rollout_can_be_pickled_and_shows_itself_in_the_reason() -> None:
    chosen = pickle.loads(pickle.dumps(rollout(0)))
    assert chosen == Rollout(0)
    assert decided(client_runtime=chosen).detail == "Rollout(percent=0) left this request out"


# --- the record


def test_select_counts_and_logs_one_record(caplog: pytest.LogCaptureFixture) -> None:
    decisions = Decisions()
    with caplog.at_level(logging.INFO, logger="zen_native.gate"):
        select(ask(), route(), replace(ALL, flag="0"), decisions)
    (record,) = caplog.records
    assert record.getMessage() == "runtime selected: python, transport httpx"
    shown = {name: value for name, value in record.__dict__.items() if name.startswith("zen_")}
    assert shown == {
        "zen_runtime": "python",
        "zen_transport": "httpx",
        "zen_reason": "flag-off",
        "zen_detail": "ZEN_NATIVE=0",
        "zen_transport_reason": "runtime-is-python",
        "zen_transport_detail": "the Python runtime reads from Python",
        "zen_provider": "acme",
        "zen_model": "m-1",
        "zen_protocol": "openai-chat",
    }
    assert decisions.counts() == {("python", "httpx", Reason.FLAG_OFF): 1}


def test_record_can_be_pickled_and_has_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="zen_native.gate"):
        select(ask(), route(headers={"x-key": SENTINEL}), ALL, Decisions())
    (record,) = caplog.records
    assert SENTINEL.encode() not in pickle.dumps(record.__dict__)


def test_counts_are_by_runtime_transport_and_the_reason_that_matters() -> None:
    decisions = Decisions()
    for known in (ALL, ALL, replace(ALL, custom_transport=CASSETTE), replace(ALL, missing="gone")):
        select(ask(), route(), known, decisions)
    assert decisions.counts() == {
        ("native", "native", Reason.NATIVE): 2,
        ("native", "httpx", Reason.CUSTOM_TRANSPORT): 1,
        ("python", "httpx", Reason.EXTENSION_MISSING): 1,
    }
    assert decisions.total == 4
    assert repr(decisions) == (
        "<Decisions native/native native: 2, native/httpx custom-transport: 1, python/httpx extension-missing: 1>"
    )


def test_counts_are_a_copy() -> None:
    decisions = Decisions()
    decisions.counts()["native", "native", Reason.NATIVE] = 5
    assert decisions.total == 0
    assert repr(decisions) == "<Decisions none>"


def test_counts_are_right_from_several_threads() -> None:
    decisions, decision = Decisions(), decided()

    def add() -> None:
        for _ in range(2000):
            decisions.add(decision)

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decisions.total == 8000


def test_refused_demand_is_neither_counted_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    decisions = Decisions()
    with caplog.at_level(logging.INFO), pytest.raises(ImportError):
        select(ask(), route(), replace(ALL, missing="gone"), decisions, runtime="native")
    assert (decisions.total, caplog.records) == (0, [])
