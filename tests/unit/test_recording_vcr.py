"""Cassettes of vcrpy: what vcrpy writes is played, and what is written for it vcrpy plays."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr
import yaml
from tests.kit.recording import EVENTSTREAM, SSE, URL, Answer, interaction, record
from tests.kit.recording import cassette as of
from tests.kit.server import Server, sse_reply

from zen_native.recording import CassetteError, NoMatchError, Recorder, load_cassette, save_vcr

BODY = {"model": "m"}


def write(path: Path, *interactions: dict[str, Any]) -> Path:
    data = {"version": 1, "interactions": list(interactions)}
    path.write_text(json.dumps(data) if path.suffix == ".json" else yaml.safe_dump(data))
    return path


def made(request: dict[str, Any] | None = None, **response: Any) -> dict[str, Any]:
    sent = {"method": "POST", "uri": URL, "body": json.dumps(BODY), "headers": {"Content-Type": ["application/json"]}}
    answer = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "hello"}}
    return {"request": {**sent, **(request or {})}, "response": {**answer, **response}}


def play(path: Path, **request: Any) -> httpx.Response:
    recorder = Recorder(path, "replay", environ={})
    client = httpx.Client(transport=recorder.transport())
    return client.request(**{"method": "POST", "url": URL, "json": BODY, **request})


@pytest.mark.parametrize("name", ["one.yaml", "one.yml", "one.json"])
def test_both_forms_are_read(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, made(headers={"Content-Type": ["text/plain"]}))
    response = play(path)
    assert (response.status_code, response.text, response.headers["content-type"]) == (200, "hello", "text/plain")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"body": {"string": b"\xff\x00"}}, b"\xff\x00"),
        ({"body": {"base64_string": "/wA="}}, b"\xff\x00"),
        ({"body": "plain"}, b"plain"),
        ({"body": None}, b""),
        ({"body": {}, "content": "old"}, b""),
        ({"parsed_body": {"é": 1}, "headers": {"content-encoding": ["gzip"]}}, '{"é": 1}'.encode()),
        ({"status": None, "status_code": 200, "body": {"string": "old"}}, b"old"),
        ({"body": {"string": gzip.compress(b"zip")}, "headers": {"content-encoding": ["gzip"]}}, b"zip"),
    ],
)
def test_every_kind_of_body_is_read(tmp_path: Path, response: dict[str, Any], expected: bytes) -> None:
    assert play(write(tmp_path / "one.yaml", made(**response))).content == expected


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        ({"body": b'{"model": "m"}'}, {}),
        ({"body": '{ "model" : "m" }'}, {}),
        ({"body": None, "parsed_body": {"model": "m"}}, {}),
        ({"body": None}, {"json": {"model": "any"}}),
        ({"body": None, "method": "GET", "headers": {}}, {"method": "GET", "json": None}),
        ({"headers": {}}, {"headers": {"anthropic-version": "1"}}),
        ({"uri": URL + "&key=AIza-secret-secret"}, {"params": {"version": "1", "key": "other-key-value"}}),
    ],
)
def test_requests_match_by_what_the_recording_has(tmp_path: Path, request_: dict[str, Any], sent: Any) -> None:
    assert play(write(tmp_path / "one.yaml", made(request_)), **sent).text == "hello"


def test_what_the_recording_has_must_match(tmp_path: Path) -> None:
    path = write(tmp_path / "one.yaml", made({"headers": {"anthropic-version": ["1"]}}))
    with pytest.raises(NoMatchError, match="-anthropic-version: 1"):
        play(path, headers={"anthropic-version": "2"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1", "not YAML in line"),
        ("version: 2\ninteractions: []", "not a cassette of vcrpy"),
        ("version: 1\ninteractions: {}", "not a cassette of vcrpy"),
        ("- 1", "the document: must be an object"),
        ("version: 1\ninteractions: [1]", "interactions[0]: must be an object"),
        ("version: 1\ninteractions: [{request: {uri: x}, response: {}}]", "uri: must be an address"),
        ("version: 1\ninteractions: [{request: {uri: 'http://x/'}, response: {}}]", "status: must have a code"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
        (
            "version: 1\ninteractions: [{request: {uri: 'http://x/', body: [1]}, response: {}}]",
            "must be a text or bytes",
        ),
    ],
)
def test_a_broken_cassette_says_where(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(content)
    with pytest.raises(CassetteError) as caught:
        load_cassette(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("chunks", [SSE, EVENTSTREAM])
def test_vcrpy_plays_what_is_written_for_it(tmp_path: Path, chunks: tuple[bytes, ...]) -> None:
    own, theirs = tmp_path / "own.json", tmp_path / "theirs.yaml"
    record(own, Answer(chunks, status=201))
    save_vcr(load_cassette(own), theirs)
    player = vcr.VCR(record_mode="none", match_on=["method", "uri", "body"])
    with player.use_cassette(str(theirs)):
        response = httpx.post(URL, json=BODY)
    assert (response.status_code, response.content) == (201, b"".join(chunks))
    assert play(theirs).content == b"".join(chunks)


def test_json_for_vcrpy_holds_texts_alone(tmp_path: Path) -> None:
    save_vcr(of(interaction(b"text")), tmp_path / "one.json")
    player = vcr.VCR(record_mode="none", serializer="json")
    with player.use_cassette(str(tmp_path / "one.json")):
        assert httpx.post(URL, json=BODY).text == "text"
    with pytest.raises(CassetteError, match=r"two\.json: JSON cassettes of vcrpy hold no binary bodies"):
        save_vcr(of(interaction(b"\xff")), tmp_path / "two.json")
    assert not (tmp_path / "two.json").exists()


def test_what_vcrpy_recorded_is_played(tmp_path: Path) -> None:
    """vcrpy 9 records httpx over its pool, so the answer comes from a socket."""
    path = tmp_path / "theirs.yaml"
    with Server(sse_reply(*SSE)) as server, vcr.VCR().use_cassette(str(path)):
        assert httpx.post(server.url, json=BODY).content == b"".join(SSE)
    assert play(path, url=server.url).content == b"".join(SSE)


def test_without_yaml_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "one.yaml", made())
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(CassetteError, match="cassettes in YAML need PyYAML"):
        load_cassette(path)
