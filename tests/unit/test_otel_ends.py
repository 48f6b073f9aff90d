"""However a stream ends, its span does: once, with the right status, and none is left open."""

from __future__ import annotations

import contextvars
import gc
import threading
from collections.abc import Generator, Iterator
from typing import Any

import anyio
import pytest
from anyio import to_thread
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode
from tests.kit.asking import KEY, KINDS, TEXT, ask, run
from tests.kit.chat import sse
from tests.kit.telemetry import ANSWER, CONFIG, STALL, Answer, Seen, Wire, told

import zen_native as zen
from zen_native._io import drive
from zen_native.runtimes import native

pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'zen_native:ResourceWarning")

BOTH = pytest.mark.parametrize("kind", KINDS)
ASYNC = pytest.mark.parametrize("kind", ["asyncio", "trio"])
ONCE = zen.RetryPolicy(attempts=1)
HALF = Answer([*TEXT, STALL])


@pytest.fixture(autouse=True)
def no_warning(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A span that is ended twice, or a context that is left from outside, is a record in the log."""
    yield
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []
    assert [record for record in caplog.records if record.name.startswith("zen_native.integrations")] == []


@pytest.fixture
def seen() -> Seen:
    return Seen()


def error_of(kind: str, seen: Seen, *answers: Any, **options: Any) -> Any:
    """What a client that is watched raises."""
    given: dict[str, Any] = {"retry": ONCE, "telemetry": seen.telemetry(), **options}
    return ask(kind, CONFIG, transport=Wire(*answers), **given).error


def status(span: ReadableSpan) -> tuple[StatusCode, str | None]:
    return span.status.status_code, span.status.description


# Failures


FAILURES: list[tuple[Any, type[zen.LLMError], dict[str, Any]]] = [
    (
        Answer([b'{"error": {"message": "hi is bad", "code": "bad_thing"}}'], 400, {"x-request-id": "r-1"}),
        zen.InvalidRequestError,
        {"http.response.status_code": 400, "zen.error.code": "bad_thing", "zen.request_id": "r-1"},
    ),
    (Answer([b"{}"], 429), zen.RateLimitError, {"http.response.status_code": 429}),
    (zen.ConnectError("hi: no way"), zen.ConnectError, {}),
    (Answer([TEXT[0], zen.ReadError("hi: gone")]), zen.ReadError, {}),
    (Answer([TEXT[0]]), zen.IncompleteStreamError, {}),
    (Answer([TEXT[0], sse({"error": {"message": "hi is bad"}})]), zen.UnknownProviderError, {}),
    (Answer([b"<html>hi</html>"]), zen.InvalidProviderOutputError, {}),
]


@BOTH
@pytest.mark.parametrize(
    ("answer", "kind_of_error", "more"), FAILURES, ids=lambda each: getattr(each, "__name__", None)
)
def test_a_failure_is_told_by_its_class(
    kind: str, runtime: str, seen: Seen, answer: Any, kind_of_error: type[zen.LLMError], more: dict[str, Any]
) -> None:
    error = error_of(kind, seen, answer, runtime=runtime)
    assert type(error) is kind_of_error
    span = seen.span()
    assert status(span) == (StatusCode.ERROR, None)
    attributes = told(span)
    names = ("error.type", "http.response.status_code", "zen.error.code", "zen.request_id")
    assert {name: attributes[name] for name in names if name in attributes} == {
        "error.type": kind_of_error.__name__,
        **more,
    }
    assert "zen.left_early" not in attributes
    assert span.events == ()
    (point,) = seen.points("operation.duration")
    assert point.attributes["error.type"] == kind_of_error.__name__


@BOTH
def test_a_model_that_nobody_knows_has_a_span_too(kind: str, seen: Seen) -> None:
    error = error_of(kind, seen, ANSWER, call={"request": "nobody/x"})
    assert type(error) is zen.NoRouteError
    span = seen.span()
    assert span.name == "chat nobody/x"
    assert told(span) == {
        "error.type": "NoRouteError",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "unknown",
        "gen_ai.request.model": "nobody/x",
        "gen_ai.request.stream": True,
    }


@BOTH
def test_other_errors_end_the_span_too(kind: str, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "CAUSE", "it is not there")
    with pytest.raises(ImportError):
        error_of(kind, seen, ANSWER, runtime="native")
    assert told(seen.span())["error.type"] == "ImportError"
    assert status(seen.span()) == (StatusCode.ERROR, None)


def test_an_interrupt_ends_the_span(seen: Seen) -> None:
    with pytest.raises(KeyboardInterrupt):
        error_of("sync", seen, Answer([TEXT[0], KeyboardInterrupt()]))
    assert told(seen.span())["error.type"] == "KeyboardInterrupt"


@BOTH
def test_the_message_of_an_error_is_content(kind: str, seen: Seen) -> None:
    refused = Answer([f'{{"error": {{"message": "no {KEY} here"}}}}'.encode()], 400)
    error_of(kind, seen, refused, telemetry=seen.telemetry(content=True))
    assert status(seen.span()) == (StatusCode.ERROR, "no [redacted] here")


# Left early


def left(span: ReadableSpan) -> bool:
    """Whether that is what the span says, and no error."""
    attributes = told(span)
    return bool(attributes.get("zen.left_early")) and "error.type" not in attributes and not span.status.description


WAYS = ["break", "close", "with", "drop"]


@pytest.mark.parametrize("way", [*WAYS, "garbage", "problem"])
def test_a_stream_that_is_left_has_no_error(way: str, seen: Seen) -> None:
    with zen.Client(CONFIG, transport=Wire(Answer(TEXT)), telemetry=seen.telemetry()) as client:
        stream = client.stream("mine/m", "hi")
        if way == "break":
            for _ in stream:
                break
        elif way == "problem":
            with pytest.raises(KeyError):  # noqa: PT012 - the loop is what is left
                for _ in stream:
                    raise KeyError
        elif way == "with":
            with stream:
                next(stream)
        else:
            next(stream)
        if way == "close":
            stream.close()
        if way == "garbage":
            circle: list[object] = [stream]
            circle.append(circle)
            del circle
        del stream
        if way == "garbage":
            gc.collect()
        assert seen.all_ended
    span = seen.span()
    assert left(span)
    assert span.status.status_code is StatusCode.UNSET
    (point,) = seen.points("operation.duration")
    assert "error.type" not in point.attributes


@ASYNC
@pytest.mark.parametrize("way", WAYS)
def test_an_asynchronous_stream_that_is_left_has_no_error(kind: str, way: str, seen: Seen) -> None:
    async def main() -> None:
        async with zen.AsyncClient(CONFIG, transport=Wire(Answer(TEXT)), telemetry=seen.telemetry()) as client:
            await leave(client.stream("mine/m", "hi"))
            await to_thread.run_sync(seen.spans)  # the loop closes what it was not told to

    async def leave(stream: zen.AsyncStream) -> None:
        if way == "break":
            async for _ in stream:
                break
        elif way == "with":
            async with stream:
                await anext(stream)
        else:
            await anext(stream)
            if way == "close":
                await stream.aclose()

    run(kind, main)
    assert left(seen.span())


@BOTH
def test_a_stream_that_is_not_read_has_no_span(kind: str, seen: Seen) -> None:
    async def main() -> None:
        async with zen.AsyncClient(CONFIG, transport=Wire(ANSWER), telemetry=seen.telemetry()) as client:
            async with client.stream("mine/m", "hi"):
                pass
            client.stream("mine/m", "hi")

    if kind == "sync":
        with zen.Client(CONFIG, transport=Wire(ANSWER), telemetry=seen.telemetry()) as client:
            client.stream("mine/m", "hi").close()
            client.stream("mine/m", "hi")
    else:
        run(kind, main)
    assert seen.spans() == []
    assert seen.points("operation.duration") == []


def test_who_is_closed_before_the_first_read_begins_no_span(seen: Seen) -> None:
    """Another thread may close a stream while this one is about to read it."""
    client = zen.Client(CONFIG, transport=Wire(ANSWER), telemetry=seen.telemetry())
    source = client.stream("mine/m", "hi")._source
    drive(source.close())
    assert drive(source.batch()) == []
    assert seen.spans() == []
    assert seen.points("operation.duration") == []


@BOTH
def test_who_stops_at_the_finish_has_not_left_early(kind: str, seen: Seen) -> None:
    async def main() -> None:
        async with zen.AsyncClient(CONFIG, transport=Wire(ANSWER), telemetry=seen.telemetry()) as client:
            stream = client.stream("mine/m", "hi")
            while not isinstance(await anext(stream), zen.Finish):
                pass
            assert seen.all_ended
            await stream.aclose()

    if kind == "sync":
        with zen.Client(CONFIG, transport=Wire(ANSWER), telemetry=seen.telemetry()) as client:
            stream = client.stream("mine/m", "hi")
            while not isinstance(next(stream), zen.Finish):
                pass
            assert seen.all_ended
            stream.close()
    else:
        run(kind, main)
    assert "zen.left_early" not in told(seen.span())


# Cancelled


@ASYNC
@pytest.mark.parametrize("answer", [Answer([STALL]), HALF], ids=["before", "within"])
def test_a_cancelled_call_is_an_error_of_its_own(kind: str, answer: Answer, seen: Seen) -> None:
    async def main() -> None:
        stalled = anyio.Event()
        wire = Wire(answer, on_stall=stalled.set)
        async with zen.AsyncClient(CONFIG, transport=wire, telemetry=seen.telemetry()) as client:
            with anyio.fail_after(5):
                async with anyio.create_task_group() as group:
                    group.start_soon(client.generate, "mine/m", "hi")
                    await stalled.wait()
                    group.cancel_scope.cancel()
            assert seen.all_ended

    run(kind, main)
    span = seen.span()
    assert told(span)["error.type"] == ("CancelledError" if kind == "asyncio" else "Cancelled")
    assert status(span) == (StatusCode.ERROR, None)


@ASYNC
def test_closing_while_another_task_reads_is_leaving(kind: str, seen: Seen) -> None:
    """Whatever the reader then raises."""

    async def read(stream: zen.AsyncStream) -> None:
        with pytest.raises(RuntimeError, match="closed before its end"):
            await stream.until_done()

    async def main() -> None:
        stalled = anyio.Event()
        wire = Wire(HALF, on_stall=stalled.set)
        async with zen.AsyncClient(CONFIG, transport=wire, telemetry=seen.telemetry()) as client:
            stream = client.stream("mine/m", "hi")
            with anyio.fail_after(5):
                async with anyio.create_task_group() as group:
                    group.start_soon(read, stream)
                    await stalled.wait()
                    await stream.aclose()

    run(kind, main)
    assert left(seen.span())


# Finalizers


class Suspended:
    """Suspends whoever awaits it, and needs no event loop."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def test_a_coroutine_that_the_collector_ends_leaves_no_span(seen: Seen) -> None:
    """It ends in a context that is not the one where it began."""
    client = zen.AsyncClient(CONFIG, transport=Wire(Answer([TEXT[0], Suspended()])), telemetry=seen.telemetry())
    reading = client.generate("mine/m", "hi")
    contextvars.copy_context().run(reading.send, None)
    assert not seen.all_ended
    reading.close()
    assert left(seen.span())


class Locking(SpanProcessor):
    """A processor with a lock, as all have that collect spans."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        with self.lock:
            pass


def test_a_finalizer_in_the_middle_of_opentelemetry_waits_for_no_lock(seen: Seen) -> None:
    """The collector may run while this thread holds a lock that ending a span waits for."""
    processor = Locking()
    seen.tracers.add_span_processor(processor)
    with zen.Client(CONFIG, transport=Wire(Answer(TEXT)), telemetry=seen.telemetry()) as client:
        held = [client.stream("mine/m", "hi")]
        next(held[0])
        within = {"__name__": "opentelemetry.sdk.trace.export", "held": held, "processor": processor}
        exec("with processor.lock:\n    held.clear()\n", within)
        assert left(seen.span())
