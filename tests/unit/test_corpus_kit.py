"""The reader of the corpus: where it looks, what it guesses, and that it never passes for nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kit import corpus

BODIES: list[tuple[bytes, bool, str]] = [
    (b"data: {}\n\n", True, "sse"),
    (b": comment\n\n", True, "sse"),
    (b"\0\0\0\x10", True, "eventstream"),
    (b' [{"a": 1}]', True, "json-array"),
    (b'{"a": 1}', True, "document"),
    (b'{\n  "a": 1\n}', False, "document"),
    (b'{"a": 1}\n{"a": 2}\n', True, "json-lines"),
    (b"<html>", False, "document"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ZEN_CORPUS", str(tmp_path))
    corpus.load.cache_clear()
    yield tmp_path
    corpus.load.cache_clear()


def write(place: Path, name: str, body: dict[str, Any], *, streaming: bool = True) -> None:
    folder = place / "streams"
    folder.mkdir(exist_ok=True)
    response = {"status": 200, "headers": None, **body}
    record = {"id": name, "protocol": "openai-chat", "provider": "p", "streaming": streaming, "response": response}
    (folder / f"{name}.json").write_text(json.dumps(record))


def test_reads_text_and_binary_bodies_in_order(place: Path) -> None:
    write(place, "b", {"body_text": "data: \u00e9\r\n\r\n"})
    write(place, "a", {"body_b64": base64.b64encode(b"\0\xff").decode()})
    assert [(e.id, e.body, e.framing) for e in corpus.load("streams")] == [
        ("a", b"\0\xff", "eventstream"),
        ("b", "data: \u00e9\r\n\r\n".encode(), "sse"),
    ]
    assert [param.id for param in corpus.params("streams")] == ["a", "b"]


@pytest.mark.parametrize(("body", "streaming", "expected"), BODIES)
def test_framing_is_guessed_from_the_bytes(place: Path, body: bytes, streaming: bool, expected: str) -> None:
    write(place, "x", {"body_b64": base64.b64encode(body).decode()}, streaming=streaming)
    assert corpus.load("streams")[0].framing == expected


def test_an_empty_corpus_is_an_error_not_a_pass(place: Path) -> None:
    assert corpus.root() == place
    with pytest.raises(FileNotFoundError, match="has no errors"):
        corpus.params("errors")


def test_a_wrong_place_is_an_error_not_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEN_CORPUS", "/nowhere")
    with pytest.raises(FileNotFoundError, match="/nowhere"):
        corpus.root()


def test_no_corpus_is_a_visible_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZEN_CORPUS", raising=False)
    monkeypatch.setattr(corpus, "FALLBACK", tmp_path / "none")
    (param,) = corpus.params("streams")
    assert param.marks[0].name == "skip"
    assert "no corpus" in param.marks[0].kwargs["reason"]
