"""Spans of model calls: what they say, whose children they are, and what happens where telemetry itself fails."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, StatusCode
from tests.kit.asking import KINDS, ask, run
from tests.kit.telemetry import ANSWER, CONFIG, Answer, Seen, Wire, below, calls, said, told

import zen_native as zen
from zen_native.integrations._otel_attributes import request_attributes, route_attributes
from zen_native.integrations._otel_content import Said
from zen_native.integrations.otel import Telemetry
from zen_native.providers import PROVIDERS
from zen_native.route import Prices
from zen_native.routing import resolve

BOTH = pytest.mark.parametrize("kind", KINDS)
PLACE = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "mine",
    "gen_ai.request.model": "m",
    "gen_ai.request.stream": True,
    "server.address": "mine.example",
    "server.port": 8443,
}
GATE = {
    "native": {"zen.runtime": "native", "zen.reason": "native", "zen.transport": "httpx"},
    "python": {"zen.runtime": "python", "zen.reason": "client-chose-python", "zen.transport": "httpx"},
}
ENDED = {
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.response.id": "cmpl-1",
    "gen_ai.response.model": "m-1",
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.usage.cache_read.input_tokens": 4,
    "gen_ai.usage.reasoning.output_tokens": 2,
}
QUICK = zen.RetryPolicy(base=0, longest=0)
ONCE = zen.RetryPolicy(attempts=1)


@pytest.fixture
def seen() -> Seen:
    return Seen()


def asked(kind: str, seen: Seen, *answers: Any, **options: Any) -> Any:
    """What a client that is watched hears of these answers."""
    given: dict[str, Any] = {"retry": ONCE, "telemetry": seen.telemetry(), **options}
    return ask(kind, CONFIG, transport=Wire(*answers), **given)


# What a span says


@BOTH
def test_a_call_is_one_span_with_every_attribute(kind: str, runtime: str, seen: Seen) -> None:
    generation = {
        "max_tokens": 50, "temperature": 0, "top_p": 0.5, "frequency_penalty": 0.25, "presence_penalty": 1,
        "seed": 7, "stop": ["END", "STOP"],
    }  # fmt: skip
    call = {"generation": generation, "session_id": "s-1", "response_format": "json"}
    row = Prices(input=Decimal(1), output=Decimal(2))
    prices = zen.PriceTable(as_of="2026-11-01", source="tests", models={"mine/m": row})
    heard = asked(kind, seen, ANSWER, runtime=runtime, prices=prices, call=call)
    assert (heard.text, heard.error) == ("Hello", None)
    span = seen.span()
    attributes = told(span)
    assert attributes.pop("zen.transport_reason")
    assert attributes == {
        **PLACE,
        **GATE[runtime],
        **ENDED,
        "gen_ai.conversation.id": "s-1",
        "gen_ai.output.type": "json",
        "gen_ai.request.frequency_penalty": 0.25,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.presence_penalty": 1.0,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END", "STOP"),
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 0.5,
        "zen.usage.cost": 0.000019,
        "zen.usage.cost_source": "table",
    }
    assert (span.name, span.kind, span.status.status_code) == ("chat m", SpanKind.CLIENT, StatusCode.UNSET)
    assert (span.events, span.parent) == ((), None)
    scope = span.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.schema_url) == ("zen_native", "https://opentelemetry.io/schemas/1.41.1")


@BOTH
def test_the_time_to_the_first_chunk_is_within_the_span(kind: str, seen: Seen) -> None:
    asked(kind, seen, ANSWER)
    span = seen.span()
    first = (span.attributes or {})["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first, float)
    assert 0 < first < 60
    metric = seen.points("operation.time_to_first_chunk")[0]
    assert metric.sum == first


def test_requests_are_in_the_words_of_the_conventions() -> None:
    request = zen.LLMRequest(
        model="openai/gpt-5", messages="hi", generation=zen.GenerationOptions(top_k=3, max_tokens=0), output_type=int
    )
    route = resolve("openai/gpt-5", CONFIG)
    assert request_attributes(request, route) == {
        "gen_ai.output.type": "json",
        "gen_ai.request.max_tokens": 0,
        "gen_ai.request.top_k": 3.0,
        "openai.api.type": "responses",
    }
    text = zen.LLMRequest(model="openai-chat/m", messages="hi", response_format="text")
    assert request_attributes(text, resolve("openai-chat/m", CONFIG)) == {
        "gen_ai.output.type": "text",
        "openai.api.type": "chat_completions",
    }


@pytest.mark.parametrize(
    ("reason", "named"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("tool_calls", "tool_call")],
)
def test_finish_reasons_are_in_the_words_of_the_conventions(reason: str, named: str, seen: Seen) -> None:
    asked("sync", seen, said("x", reason=reason))
    assert told(seen.span())["gen_ai.response.finish_reasons"] == (named,)


def test_providers_have_the_names_of_the_conventions() -> None:
    named = {
        "anthropic": "anthropic", "azure": "azure.ai.openai", "azure-chat": "azure.ai.openai", "bedrock": "aws.bedrock",
        "bedrock-invoke": "aws.bedrock", "cerebras": "cerebras", "compatible": "compatible", "deepseek": "deepseek",
        "fireworks": "fireworks", "google": "gcp.gemini", "groq": "groq", "llamacpp": "llamacpp",
        "mistral": "mistral_ai", "ollama": "ollama", "openai": "openai", "openai-chat": "openai",
        "opencode": "opencode", "opencode-go": "opencode-go", "openrouter": "openrouter", "together": "together",
        "vertex": "gcp.vertex_ai", "vllm": "vllm", "xai": "x_ai", "xai-chat": "x_ai",
    }  # fmt: skip
    assert named.keys() == PROVIDERS.keys()
    for provider, name in named.items():
        settings = zen.ProviderSettings(base_url="https://mine.example")
        model = "anthropic.claude-sonnet-4-5" if provider == "bedrock-invoke" else "m"
        config = zen.Config(providers={provider: settings}, environ={"AWS_REGION": "eu-central-1"})
        route = resolve(f"{provider}/{model}", config)
        attributes = route_attributes(route, "")
        assert (attributes["gen_ai.provider.name"], attributes["server.port"]) == (name, 443), provider
        is_google = route.protocol == "google-generate-content"
        assert attributes["gen_ai.operation.name"] == ("generate_content" if is_google else "chat")


def test_a_sampler_is_asked_with_what_it_may_choose_by() -> None:
    class Asked(Sampler):
        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            given.update(kwargs.get("attributes") or args[4])
            return SamplingResult(Decision.RECORD_AND_SAMPLE)

        def get_description(self) -> str:
            return "asked"

    given: dict[str, Any] = {}
    asked("sync", Seen(sampler=Asked()), ANSWER)
    assert given == PLACE


def test_spans_that_nobody_wants_cost_no_content_but_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    for name in ("request", "answer"):
        monkeypatch.setattr(Said, name, lambda *_, name=name: made.append(name) or {})
    seen = Seen(sampler=ALWAYS_OFF)
    assert asked("sync", seen, ANSWER, telemetry=seen.telemetry(content=True)).text == "Hello"
    assert seen.spans() == []
    assert made == []
    assert [point.count for point in seen.points("operation.duration")] == [1]
    asked("sync", Seen(), ANSWER, telemetry=Seen().telemetry(content=True))
    assert made == ["request", "answer"]


# Sent again, and to others


@BOTH
def test_a_retry_is_an_event(kind: str, seen: Seen) -> None:
    down = Answer([b"{}"], status=503)
    assert asked(kind, seen, down, down, ANSWER, retry=QUICK).text == "Hello"
    span = seen.span()
    assert [(event.name, (event.attributes or {})["error.type"]) for event in span.events] == [
        ("zen.retry", "ServerError"),
        ("zen.retry", "ServerError"),
    ]
    assert all(float(str((event.attributes or {})["zen.delay"])) >= 0 for event in span.events)
    assert told(span)["zen.retries"] == 2
    assert span.status.status_code is StatusCode.UNSET


@BOTH
def test_who_answers_in_place_of_another_is_who_is_named(kind: str, seen: Seen) -> None:
    refused = Answer([b"{}"], status=401)
    heard = asked(kind, seen, refused, ANSWER, call={"fallbacks": ["other/n"]})
    assert heard.text == "Hello"
    span = seen.span()
    assert span.name == "chat n"
    attributes = told(span)
    assert (attributes["gen_ai.provider.name"], attributes["gen_ai.request.model"]) == ("other", "n")
    assert attributes["zen.fallbacks"] == 1
    (event,) = span.events
    assert (event.name, dict(event.attributes or {})) == (
        "zen.fallback",
        {"error.type": "AuthenticationError", "zen.model": "mine/m", "zen.instead": "other/n"},
    )
    (point,) = seen.points("operation.duration")
    assert (point.attributes["gen_ai.provider.name"], point.attributes["gen_ai.request.model"]) == ("other", "n")


# Parents


@BOTH
def test_the_parent_is_what_is_current_where_the_stream_is_made(kind: str, seen: Seen) -> None:
    tracer = seen.tracers.get_tracer("tests")
    wire = Wire(ANSWER)
    during: list[Any] = []

    def made(client: Any) -> Any:
        with tracer.start_as_current_span("outer"):
            return client.stream("mine/m", "hi")

    async def main() -> None:
        async with zen.AsyncClient(CONFIG, transport=wire, telemetry=seen.telemetry()) as client:
            during.extend([trace.get_current_span() async for _ in made(client)])

    if kind == "sync":
        with zen.Client(CONFIG, transport=wire, telemetry=seen.telemetry()) as client:
            during.extend(trace.get_current_span() for _ in made(client))
    else:
        run(kind, main)
    outer, span = seen.spans()
    assert below(outer, span)
    assert outer.context is not None
    assert span.context is not None
    assert span.context.trace_id == outer.context.trace_id
    # What is sent is sent within the span, and the events are used outside of it.
    assert [sent.get_span_context().span_id for sent in wire.spans] == [span.context.span_id]
    assert during
    assert {current.get_span_context().span_id for current in during} == {0}


def test_the_callers_context_is_as_it_was(seen: Seen) -> None:
    before = context.get_current()
    asked("sync", seen, ANSWER)
    asked("sync", seen, Answer([b"{}"], status=400))
    assert context.get_current() is before


# Where telemetry fails


class Broken:
    """Raises whatever is asked of it, or of what it gives."""

    def __init__(self, *fine: str) -> None:
        self._fine = fine

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*_: Any, **__: Any) -> Any:
            if name in self._fine:
                return True if name == "is_recording" else Broken(*self._fine)
            raise RuntimeError("sentinel of the exporter")

        return call


MAKING = ("get_tracer", "get_meter", "create_histogram")
BROKEN = [
    (),
    ("start_span",),
    ("start_span", "is_recording"),
    ("start_span", "is_recording", "set_attributes", "update_name"),
    ("start_span", "is_recording", "set_attributes", "update_name", "set_status", "record"),
]


@BOTH
@pytest.mark.parametrize("fine", BROKEN, ids=len)
def test_a_call_goes_on_where_telemetry_fails(
    kind: str, fine: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider: Any = Broken(*MAKING, *fine)
    telemetry = Telemetry(tracer_provider=provider, meter_provider=provider, content=True)

    def add(a: int) -> int:
        """Add."""
        return a + 1

    wire = Wire(Answer([b"{}"], status=503), ANSWER)
    whole = ask(kind, CONFIG, transport=wire, telemetry=telemetry, retry=QUICK, call={"tools": [add]})
    assert (whole.text, whole.error) == ("Hello", None)
    failed = ask(kind, CONFIG, transport=Wire(Answer([b"{}"], status=400)), telemetry=telemetry, retry=ONCE)
    assert type(failed.error) is zen.InvalidRequestError
    records = [record for record in caplog.records if record.name == "zen_native.integrations.otel"]
    assert records
    assert "sentinel" not in caplog.text


def test_a_tool_runs_where_telemetry_fails(caplog: pytest.LogCaptureFixture) -> None:
    provider: Any = Broken(*MAKING)
    telemetry = Telemetry(tracer_provider=provider, meter_provider=provider)
    ran: list[int] = []

    def add(a: int) -> None:
        """Add."""
        ran.append(a)

    heard = ask(
        "sync",
        CONFIG,
        transport=Wire(calls("add", '{"a": 1}'), ANSWER),
        telemetry=telemetry,
        call={"tools": [add]},
    )
    assert (heard.text, heard.error, ran) == ("Hello", None, [1])
    assert "telemetry failed in _tool_started: RuntimeError" in caplog.text
