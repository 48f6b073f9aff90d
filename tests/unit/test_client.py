"""What a client takes and how a call is spelled: requests, transports of the caller's, the gate, `explain`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import reduce
from types import MappingProxyType
from typing import Any

import httpx
import httpx2
import pytest
from pydantic import ValidationError
from tests.kit.asking import KEY, WHOLE

import zen_native as zen
from zen_native._call import CallOptions, RequestFields
from zen_native.gate import Reason

BODY = b"".join(WHOLE)
CONFIG = zen.Config(
    providers={
        "mine": zen.ProviderSettings(base_url="https://mine.example", api_key=KEY),
        "opencode": zen.ProviderSettings(api_key=KEY),
    },
    environ={},
)
Handler = Callable[[Any], Any]
DEEP: Any = reduce(lambda inner, _: [inner], range(100_000), None)
CIRCULAR: list[Any] = []
CIRCULAR.append(CIRCULAR)
LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda module: module.__name__)


class Recorder:
    """Answers every request of a library alike, and keeps them."""

    def __init__(self, library: Any, status: int = 200, **fields: Any) -> None:
        self.requests: list[Any] = []
        self._library = library
        self._make = lambda: library.Response(status, **{"content": BODY, **fields})

    def __call__(self, request: Any) -> Any:
        self.requests.append(request)
        return self._make()

    def transport(self) -> Any:
        """It as a transport of the library."""
        return self._library.MockTransport(self)


# What is asked


def test_a_model_and_a_text_are_a_request() -> None:
    seen = Recorder(httpx)
    with zen.Client(CONFIG, transport=seen.transport()) as client:
        assert client.generate("mine/m", "hi", system="be brief", generation={"temperature": 0}).text == "Hello"
    body = json.loads(seen.requests[0].content)
    assert body["temperature"] == 0
    assert body["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]


def test_fields_lie_over_a_whole_request() -> None:
    seen = Recorder(httpx)
    request = zen.LLMRequest(model="mine/m", messages=["hi"], generation={"seed": 1})
    with zen.Client(CONFIG, transport=seen.transport()) as client:
        client.generate(request, model="mine/n")
        client.generate(request, "ho")
    bodies = [json.loads(sent.content) for sent in seen.requests]
    assert [(body["model"], body["seed"], body["messages"][0]["content"]) for body in bodies] == [
        ("n", 1, "hi"),
        ("m", 1, "ho"),
    ]


@pytest.mark.parametrize("client", [zen.Client(CONFIG), zen.AsyncClient(CONFIG)], ids=["sync", "async"])
def test_a_typo_is_told_at_the_call(client: Any) -> None:
    with pytest.raises(ValidationError, match="did you mean 'messages'"):
        client.stream("mine/m", mesages="hi")
    with pytest.raises(TypeError, match="fallbacks is a list"):
        client.stream("mine/m", "hi", fallbacks="mine/n")


def test_nothing_is_sent_before_the_first_event_is_asked_for() -> None:
    seen = Recorder(httpx)
    with zen.Client(CONFIG, transport=seen.transport()) as client:
        stream = client.stream("mine/m", "hi")
        assert seen.requests == []
        assert next(stream).type == "step-start"


def test_what_cannot_be_carried_is_an_error_before_anything_is_sent() -> None:
    seen = Recorder(httpx)
    with zen.Client(CONFIG, transport=seen.transport()) as client:
        stream = client.stream("mine/m", "hi", generation={"top_k": 3})
        with pytest.raises(zen.UnsupportedError, match=r"generation\.top_k"):
            next(stream)
    assert seen.requests == []


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ({"body": {"x": float("nan")}}, "cannot be written as JSON"),
        ({"body": {"x": object()}}, "cannot be written as JSON"),
        ({"body": {"x": DEEP}}, "cannot be written as JSON"),
        ({"body": {"x": CIRCULAR}}, "cannot be written as JSON"),
        ({"headers": {"x-a": "1\r\nx-b: 2"}}, "the value of 'x-a' is not printable ASCII"),
        ({"headers": {"x-a": "\u00e9"}}, "the value of 'x-a' is not printable ASCII"),
        ({"headers": {"x a": "1"}}, "'x a' is not the name of a header"),
    ],
    ids=["nan", "an object", "deep", "circular", "two lines", "not ASCII", "no name"],
)
def test_overlays_that_cannot_be_sent_are_errors(overlay: dict[str, Any], said: str) -> None:
    seen = Recorder(httpx)
    with zen.Client(CONFIG, transport=seen.transport()) as client, pytest.raises(zen.InvalidRequestError, match=said):
        client.generate("mine/m", "hi", http=overlay)
    assert seen.requests == []


def test_what_is_sent_is_fit_for_utf8_whatever_the_texts_are() -> None:
    seen = Recorder(httpx)
    with zen.Client(CONFIG, transport=seen.transport()) as client:
        client.generate("mine/m", "a\ud800b \ud83d\ude00", http={"body": {"x": MappingProxyType({"k": ("\udfff",)})}})
    sent = json.loads(seen.requests[0].content.decode("utf-8"))
    assert sent["messages"] == [{"role": "user", "content": "a\ufffdb \N{GRINNING FACE}"}]
    assert sent["x"] == {"k": ["\ufffd"]}


def test_what_is_left_out_is_a_warning_of_the_finish() -> None:
    with zen.Client(CONFIG, transport=Recorder(httpx).transport()) as client:
        response = client.generate("mine/m", "hi", generation={"top_k": 3}, strict=False)
    assert response.warnings == ("left out generation.top_k: not taken here",)


def test_a_model_without_a_route_is_an_error() -> None:
    with zen.Client(CONFIG) as client, pytest.raises(zen.NoRouteError):
        client.generate("nobody/m", "hi")


def test_a_missing_key_is_an_error_before_anything_is_sent() -> None:
    seen = Recorder(httpx)
    client = zen.Client(zen.Config(environ={}), transport=seen.transport())
    with client, pytest.raises(zen.AuthenticationError, match="OPENAI_API_KEY"):
        client.generate("openai/gpt-5.1", "hi")
    assert seen.requests == []


# What the caller brings


@LIBRARIES
def test_a_transport_of_the_callers(library: Any) -> None:
    seen = Recorder(library)
    with zen.Client(CONFIG, transport=seen.transport()) as client:
        assert client.generate("mine/m", "hi").text == "Hello"
    assert seen.requests[0].headers["authorization"] == f"Bearer {KEY}"


@LIBRARIES
def test_a_client_of_the_callers_stays_open(library: Any) -> None:
    seen = Recorder(library)
    with library.Client(transport=seen.transport(), headers={"x-mine": "1"}, timeout=1) as own:
        with zen.Client(CONFIG, transport=own) as client:
            assert client.generate("mine/m", "hi").text == "Hello"
        assert not own.is_closed
    (request,) = seen.requests
    assert request.headers["x-mine"] == "1"
    assert request.headers["accept-encoding"] == "identity"
    assert request.extensions["timeout"]["read"] == pytest.approx(600, abs=5)


@LIBRARIES
def test_redirects_are_not_followed_by_a_client_that_would(library: Any) -> None:
    seen = Recorder(library, 307, content=b"", headers={"location": "https://mine.example/other"})
    own = library.Client(transport=seen.transport(), follow_redirects=True)
    with own, zen.Client(CONFIG, transport=own) as client, pytest.raises(zen.LLMError, match="redirect"):
        client.generate("mine/m", "hi")
    assert len(seen.requests) == 1


@LIBRARIES
@pytest.mark.parametrize("as_client", [True, False])
def test_asynchronous_ones_of_the_callers(library: Any, as_client: bool) -> None:
    seen = Recorder(library)

    async def main() -> str:
        given = library.AsyncClient(transport=seen.transport()) if as_client else seen.transport()
        async with zen.AsyncClient(CONFIG, transport=given) as client:
            text = (await client.generate("mine/m", "hi")).text
        if as_client:
            assert not given.is_closed
            await given.aclose()
        return text

    assert asyncio.run(main()) == "Hello"


def test_the_other_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="Client takes synchronous"):
        zen.Client(CONFIG, transport=httpx.AsyncHTTPTransport())
    with httpx.Client() as own, pytest.raises(TypeError, match="AsyncClient takes asynchronous"):
        zen.AsyncClient(CONFIG, transport=own)
    with pytest.raises(ValueError, match=r"unknown transport 'https://proxy\.example'; known: auto, native, httpx"):
        zen.Client(CONFIG, transport="https://proxy.example")
    with pytest.raises(TypeError, match="not a client or transport: int"):
        zen.Client(CONFIG, transport=8080)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"config": {"providers": {}}}, "config must be a zen_native.Config, not dict"),
        ({"timeouts": 30}, "timeouts must be a zen_native.Timeouts, not int"),
        ({"retry": 3}, "retry must be a zen_native.RetryPolicy, not int"),
        ({"retry": zen.RetryPolicy}, "retry must be a zen_native.RetryPolicy, not type"),
        ({"connections": 0}, "connections must be a zen_native.ConnectionLimits, not int"),
        ({"prices": "prices.json"}, "prices must be a zen_native.PriceTable, not str"),
        ({"runtime": 1}, "runtime must be a word or a function, not int"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_is_no_configuration_is_told_when_the_client_is_made(options: dict[str, Any], expected: str) -> None:
    for make in (zen.Client, zen.AsyncClient):
        with pytest.raises(TypeError, match=f"^{re.escape(expected)}$"):
            make(**options)


def test_an_unknown_runtime_is_told_when_the_client_is_made() -> None:
    rust: Any = "rust"
    for make in (zen.Client, zen.AsyncClient):
        with pytest.raises(ValueError, match="unknown runtime 'rust'; known: auto, native, python, or a func"):
            make(CONFIG, runtime=rust)


@pytest.mark.parametrize("options", [{"tls": zen.Tls()}, {"connections": zen.ConnectionLimits()}], ids=str)
def test_who_brings_a_transport_configures_it(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="for connections of our own"):
        zen.Client(CONFIG, transport=Recorder(httpx).transport(), **options)


@LIBRARIES
@pytest.mark.parametrize(
    ("name", "expected", "phase", "retryable"),
    [
        ("ConnectTimeout", zen.StreamTimeoutError, "connect", True),
        ("PoolTimeout", zen.PoolTimeoutError, "connect", True),
        ("ReadTimeout", zen.StreamTimeoutError, "first-event", False),
        ("WriteTimeout", zen.StreamTimeoutError, "first-event", False),
        ("ConnectError", zen.ConnectError, None, True),
        ("ProxyError", zen.ConnectError, None, True),
        ("ReadError", zen.ReadError, None, False),
        ("RemoteProtocolError", zen.ReadError, None, False),
        ("UnsupportedProtocol", zen.TransportError, None, False),
    ],
)
def test_failures_of_the_library(library: Any, name: str, expected: type, phase: str | None, retryable: bool) -> None:
    def fail(request: Any) -> Any:
        raise getattr(library, name)("went wrong")

    client = zen.Client(CONFIG, transport=library.MockTransport(fail), retry=zen.RetryPolicy(attempts=1))
    with client, pytest.raises(zen.TransportError) as caught:
        client.generate("mine/m", "hi")
    error = caught.value
    assert type(error) is expected
    assert (getattr(error, "phase", None), error.retryable, error.provider) == (phase, retryable, "mine")
    assert error.__context__ is None


@pytest.mark.parametrize("name", ["ConnectError", "ReadError", "RemoteProtocolError", "UnsupportedProtocol"])
def test_a_failure_that_gives_no_reason_says_so(name: str) -> None:
    """As of anyio, where a connection is lost that asyncio has heard nothing of."""

    def fail(request: Any) -> Any:
        raise getattr(httpx, name)("")

    client = zen.Client(CONFIG, transport=httpx.MockTransport(fail), retry=zen.RetryPolicy(attempts=1))
    with client, pytest.raises(zen.TransportError, match=f"^{name}, and no reason is given$"):
        client.generate("mine/m", "hi")


def test_a_mistake_in_a_transport_is_not_dressed_up() -> None:
    def fail(request: Any) -> Any:
        raise KeyError("typo")

    with zen.Client(CONFIG, transport=httpx.MockTransport(fail)) as client, pytest.raises(KeyError, match="typo"):
        client.generate("mine/m", "hi")


class Replay:
    """A transport of our own interface."""

    status = 200

    def __init__(self) -> None:
        self.headers = {"content-type": "text/event-stream"}
        self.left = [BODY, b""]
        self.closed = 0

    async def send(self, request: Any, watch: Any) -> Replay:
        return self

    async def read(self) -> bytes:
        return self.left.pop(0)

    async def close(self) -> None:
        self.closed += 1

    def abandon(self) -> None:
        raise AssertionError("it was closed")


def test_a_transport_of_our_own_interface_serves_both_clients() -> None:
    async def main() -> str:
        async with zen.AsyncClient(CONFIG, transport=Replay()) as client:
            return (await client.generate("mine/m", "hi")).text

    with zen.Client(CONFIG, transport=Replay()) as client:
        assert client.generate("mine/m", "hi").text == "Hello"
    assert asyncio.run(main()) == "Hello"


def test_a_transport_that_has_to_wait_does_not_fit_the_synchronous_client() -> None:
    class Waiting(Replay):
        async def read(self) -> bytes:
            await asyncio.sleep(0)
            return b""

    with zen.Client(CONFIG, transport=Waiting()) as client, pytest.raises(RuntimeError, match="event loop"):
        client.generate("mine/m", "hi")


# The gate


@pytest.mark.parametrize("words", [{"runtime": "python"}, {}], ids=["call", "client"])
def test_who_decodes_is_decided_for_every_request(words: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZEN_NATIVE", raising=False)
    with zen.Client(CONFIG, transport=Recorder(httpx).transport(), runtime="auto" if words else "python") as client:
        client.generate("mine/m", "hi", **words)
    reason = Reason.CALLER_CHOSE_PYTHON if words else Reason.CLIENT_CHOSE_PYTHON
    assert client.decisions.counts() == {("python", "httpx", reason): 1}


def test_the_flag_of_the_process_is_read_at_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with zen.Client(CONFIG, transport=Recorder(httpx).transport()) as client:
        monkeypatch.setenv("ZEN_NATIVE", "0")
        assert client.explain("mine/m", "hi").decision.reason is Reason.FLAG_OFF
        monkeypatch.setenv("ZEN_NATIVE", "maybe")
        with pytest.raises(ValueError, match="ZEN_NATIVE"):
            client.generate("mine/m", "hi")


def test_a_demand_that_cannot_be_met_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zen_native.runtimes.native.CAUSE", "the extension does not load: test")
    seen = Recorder(httpx)
    with zen.Client(CONFIG, transport=seen.transport()) as client, pytest.raises(ImportError, match="does not load"):
        client.generate("mine/m", "hi", runtime="native")
    assert seen.requests == []


def test_explain_shows_all_but_the_key_and_sends_nothing() -> None:
    seen = Recorder(httpx)
    with zen.Client(CONFIG, transport=seen.transport()) as client:
        told = client.explain("opencode/claude-sonnet-4-5", "hi", session_id="s-1", runtime="python")
        assert client.decisions.total == 0
    assert seen.requests == []
    assert (told.route.provider, told.route.protocol) == ("opencode", "anthropic-messages")
    assert told.url == "https://opencode.ai/zen/v1/messages"
    assert told.decision.reason is Reason.CALLER_CHOSE_PYTHON
    assert told.body["messages"][0]["role"] == "user"
    assert "s-1" in told.headers.values()
    assert told.has_key
    assert KEY not in repr(told) + repr(dict(told.headers)) + repr(told.body)


def test_explain_takes_fields_over_those_of_a_request() -> None:
    request = zen.LLMRequest(model="mine/m", messages="hi", system="be brief")
    with zen.Client(CONFIG) as client:
        told = client.explain(request, "bye", system="be long")
        assert [message["content"] for message in told.body["messages"]] == ["be long", "bye"]
        assert [message["content"] for message in client.explain(request).body["messages"]] == ["be brief", "hi"]


def test_a_call_takes_every_field_of_a_request() -> None:
    assert {*RequestFields.__annotations__, "messages"} == {*zen.LLMRequest.model_fields}
    assert CallOptions.__optional_keys__ - RequestFields.__optional_keys__ == {
        "fallbacks", "repair", "runtime", "tool_loop",
    }  # fmt: skip


def test_explain_says_where_the_key_is_missing() -> None:
    with zen.Client(zen.Config(environ={})) as client:
        told = client.explain("openai/gpt-5.1")
    assert not told.has_key
    assert "OPENAI_API_KEY" in told.route.key_hint
