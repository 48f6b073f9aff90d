"""Requests that are signed while the clock here is wrong: refused, corrected once, explained where that is no use."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from datetime import datetime
from email.utils import formatdate
from typing import Any

import pytest
from tests.kit import converse
from tests.kit.asking import KINDS, ask
from tests.kit.server import Reply, Server

import zen_native as zen

pytest.importorskip("botocore", reason="botocore is in the extra bedrock")
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

SECRET = "sentinel-secret-0123456789"
BODY = converse.stream(converse.START, *converse.text_block(0, "Hello"), converse.stop(), converse.metadata())


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def config(server: Server, **settings: Any) -> zen.Config:
    aws = zen.AwsCredentials(access_key_id="AKIDEXAMPLE", secret_access_key=zen.Secret(SECRET))
    signed: dict[str, Any] = {"aws": aws, "options": {"region": "us-east-1"}, "base_url": server.url, **settings}
    return zen.Config(providers={"bedrock": zen.ProviderSettings(**signed)}, environ={})


def refused(ahead: float, *, code: str = "InvalidSignatureException", **headers: str) -> Reply:
    """A server whose clock is so many seconds ahead refuses a signature."""
    body = json.dumps({"message": "Signature expired: it is now earlier"}).encode()
    said = {"x-amzn-errortype": code, "date": formatdate(time.time() + ahead, usegmt=True), **headers}
    return Reply([body], 403, {"content-type": "application/json", **said})


def whole() -> Reply:
    return Reply([BODY], headers={"content-type": "application/vnd.amazon.eventstream"})


def signed_ahead(server: Server) -> list[float]:
    """By how many seconds each request's signature was ahead of the clock here, in tens of minutes."""
    dates = [datetime.strptime(one.headers["x-amz-date"], "%Y%m%dT%H%M%S%z") for one in server.requests]
    return [round((date.timestamp() - time.time()) / 600) * 600.0 for date in dates]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_it_is_signed_again_with_the_servers_time(
    kind: str, ahead: float, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.plays(refused(ahead), whole())
    with caplog.at_level(logging.WARNING, "zen_native.client"):
        heard = ask(kind, config(server), call={"request": "bedrock/m"})
    assert (heard.error, heard.text) == (None, "Hello")
    assert signed_ahead(server) == [0, ahead]
    (record,) = caplog.records
    assert record.message.startswith("the clock here is ")
    assert f" minutes {'behind' if ahead > 0 else 'ahead of'} that of {server.url}" in record.message
    assert SECRET not in caplog.text


def test_what_was_learned_is_kept_for_the_client(server: Server) -> None:
    server.plays(refused(3600), whole(), whole(), refused(0), whole())
    with zen.Client(config(server)) as client:
        for _ in range(3):
            assert client.generate("bedrock/m", "hi").text == "Hello"
    assert signed_ahead(server) == [0, 3600, 3600, 3600, 0]  # until the clock was set right


def test_a_second_refusal_is_an_error_with_both_times(server: Server) -> None:
    server.plays(refused(3600), refused(7200))
    heard = ask("sync", config(server), call={"request": "bedrock/m"})
    assert isinstance(heard.error, zen.AuthenticationError)
    assert len(server.requests) == 2
    message, _, said = heard.error.message.partition("; the clock here says ")
    assert message == "Signature expired: it is now earlier"
    here, there = (datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z") for text in said.split(", that of AWS "))
    assert abs((there - here).total_seconds() - 7200) < 300
    assert not heard.error.retryable


@pytest.mark.parametrize(
    ("ahead", "said"),
    [(0, {}), (3600, {"code": "AccessDeniedException"}), (3600, {"date": "yesterday"}), (3600, {"date": ""})],
)
def test_another_refusal_is_not_asked_again(ahead: float, said: dict[str, str], server: Server) -> None:
    server.plays(refused(ahead, **said), whole())
    heard = ask("sync", config(server), call={"request": "bedrock/m"})
    assert isinstance(heard.error, (zen.AuthenticationError, zen.PermissionDeniedError))
    assert "clock" not in heard.error.message
    assert len(server.requests) == 1


def test_a_key_has_no_clock(server: Server) -> None:
    server.plays(refused(3600), whole())
    heard = ask("sync", config(server, aws=None, api_key="bedrock-key-0123456789"), call={"request": "bedrock/m"})
    assert isinstance(heard.error, zen.AuthenticationError)
    assert len(server.requests) == 1
