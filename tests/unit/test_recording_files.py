"""Cassettes as files: every form that is read, what a broken one says, and that writing is whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import corpus
from tests.kit.recording import EVENTSTREAM, SSE, cassette, interaction

from zen_native.recording import Cassette, CassetteError, Chunk, load_cassette, save_cassette
from zen_native.recording.cassette import Body, parse, to_data

SENTINEL = "text-of-the-body-9"


def data(**response: Any) -> dict[str, Any]:
    answer = {
        "status": 200,
        "headers": {},
        "body_text": "ab",
        "chunks": [[1, 0], [1, 0]],
        "end": "complete",
        **response,
    }
    request = {"method": "POST", "url": "https://a.test/", "headers": {}}
    return {"form": "zen-native-cassette/1", "interactions": [{"request": request, "response": answer}]}


def without(value: dict[str, Any], *path: str | int) -> Any:
    copy = json.loads(json.dumps(value))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return copy


# --- our own form


def test_a_text_body_can_be_read_by_lines_and_chunks_stand_on_one(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    body = b"".join(SSE)
    chunks = tuple(Chunk(len(piece), 3) for piece in SSE)
    save_cassette(cassette(interaction(body, chunks=chunks)), path)
    text = path.read_text("utf-8")
    assert f'"chunks": [[{len(SSE[0])},3],[{len(SSE[1])},3],[1,3],[{len(SSE[3])},3]]' in text
    lines = [line.strip() for line in text.split("\n")]
    at = lines.index('"body_text": [')
    assert lines[at + 1 : at + 4] == ['"data: {\\"a\\": \\"été\\"}\\r\\n",', '"\\r\\n",', '": ping\\n",']
    assert "body_b64" not in text
    assert load_cassette(path).interactions[0].response.body == body


def test_a_binary_body_is_base64(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    body = b"".join(EVENTSTREAM)
    save_cassette(cassette(interaction(body)), path)
    assert "body_b64" in path.read_text()
    assert load_cassette(path).interactions[0].response.body == body


def test_a_text_that_looks_like_our_own_marks_stays(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    body = b'"chunks": "@0" \\"chunks\\": "@1"\n'
    save_cassette(cassette(interaction(body, sent=b'{"chunks": "@0"}'), interaction(body)), path)
    read = load_cassette(path)
    assert [each.response.body for each in read.interactions] == [body, body]
    assert read.interactions[0].request.body == Body("json", {"chunks": "@0"})


def test_half_a_surrogate_pair_in_a_request_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    one = cassette(interaction(sent=b'{"text": "\\ud83d"}'))
    save_cassette(one, path)
    assert load_cassette(path).interactions[0].request.body.value == {"text": "\ud83d"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=6), json_values, st.binary(max_size=20))
def test_any_interaction_survives_the_way_to_json_and_back(pieces: list[bytes], sent: Any, raw: bytes) -> None:
    body = b"".join(pieces)
    chunks = tuple(Chunk(len(piece), number) for number, piece in enumerate(pieces))
    one = interaction(body, chunks=chunks, head_ms=7, end="cut")
    bodies = (Body("json", sent), Body("binary", raw), Body("text", "x"), Body(), Body("unknown"))
    all_kinds = cassette(*(replace(one, request=replace(one.request, body=each)) for each in bodies))
    assert parse(json.loads(json.dumps(to_data(all_kinds)))) == all_kinds


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (without(data(), "interactions"), "interactions: must be a list"),
        ({**data(), "form": "zen-native-cassette/2"}, "form must be 'zen-native-cassette/1'"),
        ({**data(), "interactions": [1]}, "interactions[0]: must be an object"),
        (without(data(), "interactions", 0, "request"), "interactions[0].request: must be an object"),
        (without(data(), "interactions", 0, "request", "url"), "interactions[0].request.url: must be a text"),
        (data(status="200"), "interactions[0].response.status: must be a number"),
        (data(status=True), "interactions[0].response.status: must be a number"),
        (data(headers={"a": 1}), "interactions[0].response.headers: values must be texts"),
        (data(body_b64="YQ=="), "interactions[0].response: needs a body_text or a body_b64"),
        (without(data(), "interactions", 0, "response", "body_text"), "needs a body_text or a body_b64"),
        (without(data(body_b64="%"), "interactions", 0, "response", "body_text"), "body_b64: is not base64"),
        (data(body_text=["a", 1]), "body_text: must be a text or a list of texts"),
        (data(body_text="\ud800b"), "body_text: holds half of a surrogate pair"),
        (data(chunks=[[1, 0]]), "their lengths do not add up to the 2 bytes of the body"),
        (data(chunks=[[3, 0]]), "their lengths do not add up"),
        (data(chunks=[[-1, 0], [3, 0]]), "must be a number that is not negative"),
        (data(chunks=[[2]]), "a chunk is a pair of length and milliseconds"),
        (data(chunks=None), "interactions[0].response.chunks: must be a list"),
        (data(end="later"), "end: must be one of complete, cut, failed, closed"),
        ([], "the document: must be an object"),
        ({"x": 1}, "not a cassette"),
    ],
)
def test_a_broken_cassette_says_where(tmp_path: Path, wrong: Any, message: str) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(CassetteError) as caught:
        load_cassette(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON: Expecting value in line 1, column 1"),
        (f'{{"form": "{SENTINEL}" x'.encode(), "not JSON: Expecting ',' delimiter in line 1"),
        (b'{"a": "\xff"}', "not JSON: not UTF-8"),
        (b"[" * 100_000, "not JSON: nested too deeply"),
    ],
)
def test_what_is_no_json_says_so_and_quotes_nothing(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(content)
    with pytest.raises(CassetteError) as caught:
        load_cassette(path)
    assert message in str(caught.value)
    assert SENTINEL not in str(caught.value)
    assert caught.value.__cause__ is None


def test_every_cut_of_a_cassette_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    save_cassette(cassette(interaction(b"hello")), path)
    content = path.read_bytes()
    for length in range(len(content) - 2):
        path.write_bytes(content[:length])
        with pytest.raises(CassetteError):
            load_cassette(path)


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.json"
    save_cassette(cassette(interaction(b"hello")), path)
    monkeypatch.setattr("zen_native.recording.files.MAX_FILE", 100)
    with pytest.raises(CassetteError, match="at most 100 bytes"):
        load_cassette(path)
    before = path.read_bytes()
    with pytest.raises(CassetteError, match="at most 100 bytes"):
        save_cassette(cassette(interaction(b"x" * 200)), path)
    assert path.read_bytes() == before
    monkeypatch.undo()
    monkeypatch.setattr("zen_native.recording.cassette.MAX_INTERACTIONS", 0)
    with pytest.raises(CassetteError, match="at most 0 interactions"):
        load_cassette(path)


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.json"
    path.write_text("before")

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_cassette(cassette(interaction()), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


# --- exchange files


def test_an_exchange_file_is_a_cassette_of_one(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    exchange = {
        "id": "x",
        "protocol": "openai-chat",
        "request": {"method": "POST", "url": "https://a.test/", "headers": None, "body": None},
        "response": {"status": 200, "headers": {"Content-Type": "text/event-stream"}, "body_text": "data: é\r\n\r\n"},
    }
    path.write_text(json.dumps(exchange))
    read = load_cassette(path)
    (one,) = read.interactions
    assert read.foreign
    assert one.request.body == Body("unknown")
    assert (one.response.body, one.response.chunks) == ("data: é\r\n\r\n".encode(), (Chunk(12),))
    assert one.response.headers == {"content-type": "text/event-stream"}


@pytest.mark.skipif(corpus.root() is None, reason="no corpus")
def test_every_exchange_of_the_corpus_is_read() -> None:
    root = corpus.root()
    assert root is not None
    recorded = {exchange.id: exchange for exchange in corpus.load("streams", "errors", "unary", "zen")}
    assert len(recorded) > 900
    for kind in ("streams", "errors", "unary", "zen"):
        for path in sorted((root / kind).glob("*.json")):
            (one,) = load_cassette(path).interactions
            exchange = recorded[json.loads(path.read_text("utf-8"))["id"]]
            assert (one.response.status, one.response.body) == (exchange.status, exchange.body)


def test_a_cassette_knows_no_more_than_it_was_given() -> None:
    assert Cassette() == Cassette(interactions=(), recorded_at=None, foreign=False)
