"""A key goes to the server it is for and nowhere else: not into logs, reprs, errors or tracebacks."""

from __future__ import annotations

import logging
import pickle
import re
import signal
import threading
import traceback
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import anyio
import pytest
from tests.kit.asking import KEY, TEXT, WAYS, WHOLE, ask, config, is_sync, new_client, run
from tests.kit.chat import sse
from tests.kit.interrupts import heeding_interrupts
from tests.kit.server import HOLD, RESET, Reply, Server, sse_reply

import zen_native as zen

pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

OTHER = "other-sentinel-9876543210"
ONCE = zen.RetryPolicy(attempts=1)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(sse_reply(*WHOLE)) as running:
        yield running


FAILURES = [
    Reply([b'{"error": {"message": "bad"}}'], status=401),
    Reply([f'{{"error": {{"message": "bad key {KEY} and {OTHER}"}}}}'.encode()], status=403),
    sse_reply(sse({"error": {"message": f"{KEY} {OTHER}", "code": KEY}})),
    sse_reply(TEXT[0], sse({"error": {"message": f"{KEY} {OTHER}", "code": KEY}})),
    sse_reply(TEXT[0], f"data: {KEY} {OTHER}\n\n".encode()),
    sse_reply(TEXT[0], HOLD),
    Reply([RESET], raw=True),
    Reply([f"HTTP/1.1 2x0 {KEY}\r\n\r\n".encode()], raw=True),
    Reply([b"<html>", KEY.encode(), b"</html>"]),
]


@pytest.mark.parametrize("reply", FAILURES, ids=range(len(FAILURES)))
@pytest.mark.parametrize("kind", WAYS)
def test_a_key_is_in_no_error_log_or_traceback(
    kind: str, runtime: str, server: Server, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.plays(reply)
    overlay = {"headers": {"x-extra-key": OTHER}, "query": {"token": OTHER}}
    heard = ask(
        kind,
        config(server),
        call={"http": overlay},
        runtime=runtime,
        retry=ONCE,
        timeouts=zen.Timeouts(idle=0.2),
    )
    (request,) = server.requests
    assert (request.headers["authorization"], request.headers["x-extra-key"]) == (f"Bearer {KEY}", OTHER)
    error = heard.error
    assert error is not None
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    # httpcore logs, at its lowest level, a status line that it cannot read: what the server said, not what we did.
    records = [record for record in caplog.records if "illegal status line" not in record.getMessage()]
    assert records
    said = [shown, repr(error), str(error.__dict__), *(repr(record.__dict__) for record in records)]
    for secret in (KEY, OTHER):
        assert [text for text in said if secret in _without_this_test(text)] == []
        assert secret.encode() not in pickle.dumps(error)


@pytest.mark.parametrize("kind", WAYS)
def test_a_key_is_not_in_the_traceback_of_who_is_interrupted(kind: str, server: Server) -> None:
    server.plays(Reply([HOLD], raw=True))

    async def main() -> None:
        async with new_client(kind, config(server)) as client:
            with anyio.fail_after(0.5):
                await client.generate("mine/m", "hi")

    if is_sync(kind):
        server.plays(Reply([partial(signal.pthread_kill, threading.get_ident(), signal.SIGINT), HOLD], raw=True))
        with (
            heeding_interrupts(),
            new_client(kind, config(server)) as client,
            pytest.raises(KeyboardInterrupt) as interrupted,
        ):
            client.generate("mine/m", "hi")
    else:
        with pytest.raises(TimeoutError) as interrupted:  # type: ignore[assignment] - of the other branch's class
            run(kind, main)
    assert len(server.requests) == 1
    shown = "".join(traceback.TracebackException.from_exception(interrupted.value, capture_locals=True).format())
    assert "_attempt.py" in shown
    assert KEY not in _without_this_test(shown)


SLASHED = "sk-Zq9vK2abc/xW7bdef+Tn4ghi!Hm8jkl=Lp3"
PARTS = ("Zq9v", "xW7b", "Tn4g", "Hm8j")
ECHOES = {
    "json": SLASHED.replace("/", "\\/"),
    "json marks": re.sub(r"\W", lambda found: f"\\u{ord(found[0]):04x}", SLASHED),
    "url": quote(SLASHED, safe=""),
    "html": re.sub(r"\W", lambda found: f"&#x{ord(found[0]):X};", SLASHED),
    "upper": SLASHED.upper(),
}


def echoing(said: str) -> dict[str, Reply]:
    """Servers that say something in every place that gets into an error."""
    error = f'{{"error": {{"message": "no {said}, sorry", "type": "{said}"}}}}'.encode()
    there = {"location": f"https://a.example/?key={said}", "x-request-id": said, "www-authenticate": said}
    return {
        "refused": Reply([error], status=401, headers=there),
        "moved": Reply([said.encode()], status=302, headers=there),
        "moved to a host": Reply([b""], status=302, headers={"location": f"https://{said}/"}),
        "at once": sse_reply(b"data: " + error + b"\n\n"),
        "in the stream": sse_reply(TEXT[0], b"data: " + error + b"\n\n"),
        "no json": sse_reply(TEXT[0], f"data: {said}\n\n".encode()),
        "no http": Reply([f"HTTP/1.1 2x0 {said}\r\n\r\n".encode()], raw=True),
        "no length": Reply([f"HTTP/1.1 200 OK\r\ncontent-length: {said}\r\n\r\n".encode()], raw=True),
    }


@pytest.mark.parametrize("place", echoing(""))
@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("kind", ["sync", "native-sync", "native-asyncio"])
def test_nothing_of_a_repeated_key_is_left(
    kind: str, echo: str, place: str, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="zen_native")
    caplog.set_level(logging.DEBUG, logger="asyncio")
    server.plays(echoing(echo)[place])
    error = ask(kind, config(server, api_key=SLASHED), retry=ONCE).error
    assert error is not None
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    said = [_without_this_test(shown), repr(pickle.dumps(error)), *(repr(record.__dict__) for record in caplog.records)]
    said += [f"{each!r} {each.__dict__}" for each in chain]
    assert [part for part in PARTS for text in said if part.lower() in text.lower()] == []


def _without_this_test(text: str) -> str:
    """Without the lines of the test's own frames, whose variables hold the key by design."""
    kept, own = [], False
    for line in text.splitlines():
        if line.startswith("  File "):
            own = "/tests/" in line
        if not own:
            kept.append(line)
    return "\n".join(kept)


@pytest.mark.parametrize("kind", WAYS)
def test_a_key_is_in_no_repr(kind: str, server: Server) -> None:
    settings = config(server)
    client = new_client(kind, settings)
    stream = client.stream("mine/m", "hi", http={"headers": {"x-extra-key": OTHER}, "query": {"token": OTHER}})
    told = client.explain("mine/m", "hi", http={"headers": {"x-extra-key": OTHER}, "query": {"token": OTHER}})
    shown = repr([client, settings, stream, told, told.headers, told.url])
    assert KEY not in shown
    assert OTHER not in shown
    if isinstance(client, zen.Client):
        client.close()
    else:
        run(kind, client.aclose)
